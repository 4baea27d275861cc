"""BEA's international transactions, replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal

import polars as pl
from fetch.publishers.publisher import Answer, Asked, Case, KeyPlace, Publisher, Row, years
from fetch.publishers.world import World

AREAS = {
    "WLD": "AllCountries",
    "KOR": "SouthKorea",
    "JPN": "Japan",
    "CHN": "China",
    "CAN": "Canada",
    "MEX": "Mexico",
    "DEU": "Germany",
    "GBR": "UnitedKingdom",
}
INDICATORS = {
    "ExpGds": "Exports of goods",
    "ImpGds": "Imports of goods",
    "ExpServ": "Exports of services",
    "ImpServ": "Imports of services",
}
FREQUENCIES = ("A", "QSA", "QNSA")
_PATH = "/api/data"


class BeaIta(Publisher):
    source_id = "bea_ita"
    paths = (_PATH,)
    key_place = KeyPlace("query", "UserID", is_required=True)

    def key_of(self, asked: Asked) -> str | None:
        return next((value for name, value in asked.parameters if name.lower() == "userid"), None)

    def identity(self, asked: Asked) -> str:
        kept = tuple(pair for pair in asked.parameters if pair[0].lower() != "userid")
        return f"{asked.method} {asked.path} {kept}"

    def rows(self, asked: Asked, world: World) -> list[Row]:
        return list(_rows(asked, world))

    def render(self, asked: Asked, rows: list[Row], world: World, *, is_changed: bool) -> Answer:
        data = [json.loads(row[0]) for row in rows]
        if not data:
            error = {
                "APIErrorCode": "101",
                "APIErrorDescription": "No data exists for the parameters requested.",
            }
            return self._envelope(asked, {"Error": error})
        if is_changed:
            data = [
                {"Value" if name == "DataValue" else name: value for name, value in one.items()}
                for one in data
            ]
        results = {
            "Statistic": "International Transactions Data",
            "UTCProductionTime": f"2026-01-01T00:{asked.turn // 60 % 60:02d}:{asked.turn % 60:02d}",
            "Dimensions": [
                {"Name": "TimePeriod", "DataType": "string", "IsValue": "0"},
                {"Name": "DataValue", "DataType": "numeric", "IsValue": "1"},
            ],
            "Data": data,
            "Notes": [{"NoteRef": "1", "NoteText": "Credits"}],
        }
        return self._envelope(asked, results)

    def overload(self, asked: Asked) -> Answer:
        text = "The number of requests exceeds the limit. Retry later."
        return self._envelope(
            asked, {"Error": {"APIErrorCode": "429", "APIErrorDescription": text}}
        )

    def unknown(self, asked: Asked) -> Answer:
        text = "The dataset requested parameter value is invalid: Indicator"
        return self._envelope(asked, {"Error": {"APIErrorCode": "40", "APIErrorDescription": text}})

    def bad_key(self, asked: Asked) -> Answer:
        error = {
            "APIErrorCode": "3",
            "APIErrorDescription": "The BEA API UserID provided in the request does not exist.",
        }
        return self._envelope(asked, {"Error": error})

    def cases(self) -> tuple[Case, ...]:
        return (
            Case(years(2013, 2017, frequency="A")),
            Case(years(2015, 2016)),
            Case(years(2012, 2016, partners=("KOR", "JPN"), frequency="A")),
            Case(years(2016, 2017, partners=("WLD", "DEU", "MEX"), flows=("export",))),
        )

    def truth(self, case: Case, world: World) -> dict[str, pl.DataFrame]:
        selection = case.selection
        flow = {"Exp": "export", "Imp": "import"}
        found = [
            (indicator, area, frequency, period, Decimal(printed.replace(",", "")))
            for indicator in INDICATORS
            if flow[indicator[:3]] in selection.flows
            for partner, area in AREAS.items()
            if not selection.partners or partner in selection.partners
            for frequency in (("A",) if selection.frequency == "A" else ("QSA", "QNSA"))
            for period in _periods(
                frequency,
                [str(year) for year in range(selection.first.year, selection.last.year + 1)],
                world,
            )
            if (printed := millions(world, indicator, area, frequency, period)) is not None
        ]
        schema = {
            "indicator": pl.String(),
            "area_or_country": pl.String(),
            "frequency": pl.String(),
            "time_period": pl.String(),
            "value": pl.Decimal(20, 6),
        }
        return {"bea_ita__transactions": pl.DataFrame(found, schema=schema, orient="row")}

    @staticmethod
    def _envelope(asked: Asked, results: Mapping[str, object]) -> Answer:
        """The reply repeats all parameters, the key among them."""
        echoed = [
            {"ParameterName": name.upper(), "ParameterValue": value}
            for name, value in asked.parameters
        ]
        reply = {"BEAAPI": {"Request": {"RequestParam": echoed}, "Results": results}}
        return Answer("application/json", json.dumps(reply).encode())


def millions(world: World, indicator: str, area: str, frequency: str, period: str) -> str | None:
    """USD millions with one or no decimals and commas; none where there is nothing."""
    amount = world.amount("bea_ita", indicator, area, frequency, period)
    if amount is None:
        return None
    return f"{amount // 100_000:,}" if frequency == "A" else f"{amount / 1000:,.1f}"


def _periods(frequency: str, years: list[str], world: World) -> Iterator[str]:
    for year in years:
        if frequency == "A":
            if world.is_out(f"{year}-12"):
                yield year
        else:
            for quarter in range(1, 5):
                if world.is_out(f"{year}-{quarter * 3:02d}"):
                    yield f"{year}Q{quarter}"


def _rows(asked: Asked, world: World) -> Iterator[Row]:
    given = {name.lower(): value for name, value in asked.parameters}

    def listed(name: str, everything: tuple[str, ...]) -> list[str]:
        text = given.get(name.lower(), "All")
        if text.lower() == "all":
            return list(everything)
        return [value for value in text.split(",") if value in everything]

    known = range(int(world.first[:4]), int(world.last[:4]) + 1)
    for indicator in listed("Indicator", tuple(INDICATORS)):
        for area in listed("AreaOrCountry", tuple(AREAS.values())):
            for frequency in listed("Frequency", FREQUENCIES):
                years = listed("Year", tuple(map(str, known)))
                for period in _periods(frequency, years, world):
                    printed = millions(world, indicator, area, frequency, period)
                    if printed is None:
                        continue
                    yield (
                        json.dumps(
                            {
                                "Indicator": indicator,
                                "AreaOrCountry": area,
                                "Frequency": frequency,
                                "Year": period[:4],
                                "TimeSeriesId": f"{indicator}{area}",
                                "TimeSeriesDescription": f"{INDICATORS[indicator]}; {area}",
                                "TimePeriod": period,
                                "CL_UNIT": "USD",
                                "UNIT_MULT": "6",
                                "DataValue": printed,
                                "NoteRef": "1",
                            }
                        ),
                    )
