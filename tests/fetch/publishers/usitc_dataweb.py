"""USITC DataWeb, replayed: reports of tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby

import polars as pl
from fetch.publishers.publisher import (
    Answer,
    Asked,
    Case,
    KeyPlace,
    Publisher,
    Row,
    Wrong,
    years,
)
from fetch.publishers.world import World

# Schedule C code and name by ISO alpha-3.
COUNTRIES = {
    "CAN": ("1220", "Canada"),
    "MEX": ("2010", "Mexico"),
    "DEU": ("4280", "Germany"),
    "CHN": ("5700", "China"),
    "KOR": ("5800", "South Korea"),
    "JPN": ("5880", "Japan"),
}
GOODS = {
    ("HTS", 2): ("01", "27", "87"),
    ("HTS", 4): ("0101", "2710", "8703"),
    ("HTS", 6): ("010121", "271012", "870323"),
    ("HTS", 10): ("0101210010", "2710121500", "8703230110"),
    ("NAIC", 3): ("311", "336"),
    ("NAIC", 4): ("3111", "3361"),
    ("NAIC", 6): ("311111", "336111"),
}
# What each type of report can show, and how its tables are entitled.
MEASURES = {
    "Import": {
        "CONS_CUSTOMS_VALUE": "Customs Value",
        "CONS_COST_INS_FREIGHT": "CIF Value",
        "CONS_CALC_DUTY": "Calculated Duties",
    },
    "GenImp": {"GEN_CUSTOMS_VALUE": "Customs Value", "GEN_COST_INS_FREIGHT": "CIF Value"},
    "Export": {"FAS_VALUE": "FAS Value"},
    "ForeignExp": {"FAS_VALUE": "FAS Value"},
    "TotExp": {"FAS_VALUE": "FAS Value"},
}
OF_FLOW = {"import": ("Import", "GenImp"), "export": ("Export", "ForeignExp", "TotExp")}
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
SPLIT, TOGETHER = "Break Out Countries", "Aggregate Countries"
_PATH = "/dataweb/api/v2/report2/runReport"


class UsitcDataweb(Publisher):
    source_id = "usitc_dataweb"
    paths = (_PATH,)
    key_place = KeyPlace("bearer", "Authorization", is_required=True)

    def rows(self, asked: Asked, world: World) -> list[Row]:
        if asked.method != "POST":
            raise Wrong(Answer("application/json", b'{"status":405}', 405))
        return list(_rows(_Report(asked.body), world))

    def render(self, asked: Asked, rows: list[Row], world: World, *, is_changed: bool) -> Answer:
        report = _Report(asked.body)
        labels = report.labels()
        if is_changed:
            labels = [f"{label} (USD)" for label in labels]
        tables = []
        by_measure = sorted(rows, key=lambda row: report.measures.index(row[0]))
        for measure, of_table in groupby(by_measure, key=lambda row: row[0]):
            lines = [list(row[1:]) for row in of_table]
            groups = [{"rowsNew": [_line(cells) for cells in lines]}]
            if not report.is_world:
                total = ["Total:"] + [""] * (len(labels) - 1)
                groups.append({"rowsNew": [_line(total)]})
            tables.append(
                {
                    "tableInfo": {"dataToReportDesc": MEASURES[report.trade_type][measure]},
                    "column_groups": [{"columns": [{"label": label} for label in labels]}],
                    "row_groups": groups,
                }
            )
        return _json({"dto": {"tables": tables, "errors": []}})

    def overload(self, asked: Asked) -> Answer:
        return _json({"status": 503, "message": "DataWeb is in data load mode. Try again later."})

    def unknown(self, asked: Asked) -> Answer:
        text = "Invalid dataToReport object selected: XYZ"
        return _json({"dto": {"tables": [], "errors": [text]}})

    def bad_key(self, asked: Asked) -> Answer:
        return Answer("application/json", b'{"status":401,"error":"Unauthorized"}', 401)

    def cases(self) -> tuple[Case, ...]:
        return (
            Case(years(2013, 2017, level="hs10"), is_large=True),
            Case(years(2014, 2017, level="hs6", partners=("KOR", "JPN"), frequency="A")),
            Case(years(2012, 2016, partners=("KOR", "WLD"))),
            Case(years(2013, 2014, level="naics3", flows=("import",))),
            Case(years(2015, 2016, level="hs10", products=("87", "01"), partners=("KOR",))),
        )

    def truth(self, case: Case, world: World) -> dict[str, pl.DataFrame]:
        selection = case.selection
        found = []
        all_years = [str(year) for year in range(selection.first.year, selection.last.year + 1)]
        named = [one for one in selection.partners if one != "WLD"]
        partners = list(named or (() if selection.partners else COUNTRIES))
        partners += ["WLD"] if "WLD" in selection.partners else []
        letters = selection.level.rstrip("0123456789")
        digits = selection.level.removeprefix(letters)
        system = {"hs": "HTS", "naics": "NAIC", "total": ""}[letters]
        goods = GOODS[system, int(digits)] if system else ("total",)
        chosen = [
            code for code in goods if not selection.products or code.startswith(selection.products)
        ]
        for flow in selection.flows:
            for trade_type in OF_FLOW[flow]:
                for measure in MEASURES[trade_type]:
                    for partner in partners:
                        for code in chosen:
                            for year in all_years:
                                for month, dollars in _cells(
                                    world,
                                    trade_type,
                                    measure,
                                    system,
                                    code,
                                    partner,
                                    year,
                                    selection.frequency,
                                ):
                                    found.append(
                                        (
                                            trade_type,
                                            measure,
                                            partner,
                                            code,
                                            int(year),
                                            month,
                                            dollars,
                                        )
                                    )
        schema = {
            "trade_type": pl.String(),
            "dataweb_measure": pl.String(),
            "partner_code": pl.String(),
            "commodity_code": pl.String(),
            "year": pl.Int32(),
            "month": pl.Int32(),
            "value_usd": pl.Decimal(20, 0),
        }
        return {"usitc_dataweb__trade": pl.DataFrame(found, schema=schema, orient="row")}


def dollars(
    world: World, trade_type: str, measure: str, system: str, code: str, partner: str, month: str
) -> int | None:
    """One figure of one month; total exports are domestic and foreign ones together."""
    if not world.is_out(month):
        return None
    if partner == "WLD":
        parts = [dollars(world, trade_type, measure, system, code, one, month) for one in COUNTRIES]
    elif trade_type == "TotExp":
        parts = [
            dollars(world, one, measure, system, code, partner, month)
            for one in ("Export", "ForeignExp")
        ]
    else:
        series = ("usitc_dataweb", trade_type, system, code, partner)
        amount = world.amount(*series, month)
        # Whole years without trade too: a row of a report has twelve months.
        if amount is None or world.amount(*series, month[:4]) is None:
            return None
        by_measure = {"INS_FREIGHT": amount + amount // 30, "CALC_DUTY": amount // 40}
        return by_measure.get("_".join(measure.split("_")[-2:]), amount)
    present = [part for part in parts if part is not None]
    return sum(present) if present else None


def _cells(
    world: World,
    trade_type: str,
    measure: str,
    system: str,
    code: str,
    partner: str,
    year: str,
    frequency: str,
) -> list[tuple[int | None, int]]:
    """Month and dollars of each cell of one year that is printed.

    A row of months stands there as soon as one of them has trade: the others are 0.
    """
    by_month = [
        dollars(world, trade_type, measure, system, code, partner, f"{year}-{month:02d}")
        for month in range(1, 13)
    ]
    if all(one is None for one in by_month):
        return []
    if frequency == "A":
        return [(None, sum(one or 0 for one in by_month))]
    return [(number, one or 0) for number, one in enumerate(by_month, start=1)]


class _Report:
    """What the body of a request asks for."""

    def __init__(self, body: bytes) -> None:
        try:
            asked = json.loads(body)
            options, search = asked["reportOptions"], asked["searchOptions"]
            component = search["componentSettings"]
            goods, countries = search["commodities"], search["countries"]
            self.trade_type: str = options["tradeType"]
            self.system: str = options["classificationSystem"]
            self.measures: list[str] = component["dataToReport"]
            self.years: list[str] = component["years"]
            self.is_monthly = component["yearsTimeline"] == "Monthly"
            self.is_world = countries["aggregation"] == TOGETHER
            codes = countries["countries"] if countries["countriesSelectType"] == "list" else []
            listed = goods["commodities"] if goods["commoditySelectType"] == "list" else []
            self.is_total = goods["aggregation"] == "Aggregate Commodities"
            digits = int(goods["granularity"])
        except (ValueError, KeyError, TypeError) as error:
            text = f"Bad request: {type(error).__name__}"
            raise Wrong(_json({"dto": {"tables": [], "errors": [text]}})) from error
        for measure in self.measures:
            if measure not in MEASURES.get(self.trade_type, {}):
                text = f"Invalid dataToReport object selected: {measure}"
                raise Wrong(_json({"dto": {"tables": [], "errors": [text]}}))
        self.partners = (
            ["WLD"]
            if self.is_world
            else [iso3 for iso3, (code, _) in COUNTRIES.items() if not codes or code in codes]
        )
        known = ("total",) if self.is_total else GOODS.get((self.system, digits), ())
        self.goods = [code for code in known if not listed or code.startswith(tuple(listed))]

    def labels(self) -> list[str]:
        number = {"HTS": "HTS Number", "NAIC": "NAIC Number"}[self.system]
        return [
            *([] if self.is_world else ["Country"]),
            *([] if self.is_total else [number, "Description"]),
            *(["Year", *MONTHS] if self.is_monthly else self.years),
        ]


def _rows(report: _Report, world: World) -> Iterator[Row]:
    system = "" if report.is_total else report.system
    for measure in report.measures:
        for partner in report.partners:
            for code in report.goods:
                named = [] if report.is_world else [COUNTRIES[partner][1]]
                named += [] if report.is_total else [code, f"Goods {code}"]
                of_years = {
                    year: _cells(
                        world,
                        report.trade_type,
                        measure,
                        system,
                        code,
                        partner,
                        year,
                        "M" if report.is_monthly else "A",
                    )
                    for year in report.years
                }
                if report.is_monthly:
                    for year, cells in of_years.items():
                        if cells:
                            printed = [f"{amount:,}" for _, amount in cells]
                            yield (measure, *named, year, *printed)
                elif any(of_years.values()):
                    printed = [f"{cells[0][1]:,}" if cells else "" for cells in of_years.values()]
                    yield (measure, *named, *printed)


def _line(cells: list[str]) -> dict[str, object]:
    return {"rowEntries": [{"value": cell} for cell in cells]}


def _json(value: object) -> Answer:
    return Answer("application/json", json.dumps(value).encode())
