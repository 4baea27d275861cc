"""US Bureau of Economic Analysis: the International Transactions Accounts (dataset ITA).

Belongs here: the requests of the dataset, what a reply can be, its rows, and taking the key
out of a reply. Does not belong here: what an indicator or an area means for the marts (the
seeds and the aligned model), sending requests (`dagster_project/fetching/`).

Fields and errors are those of the publisher's user guide and of other clients; no reply of
the service itself has been read, and the parser is strict for that reason.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import polars as pl

from dagster_project.sources.connector import (
    About,
    Available,
    Chunk,
    Examined,
    KeyUse,
    Limits,
    Plan,
    Refused,
    Reply,
    Request,
    Selection,
    SelectionError,
    Terms,
    TryAgain,
)
from dagster_project.sources.raw import FileParser, SourceTable
from dagster_project.sources.reading import Parsed, closest, read_json, rejects_frame, shows
from dagster_project.sources.snapshot import Covers, SnapshotError, SnapshotFile

SOURCE_ID = "bea_ita"
TABLE = "bea_ita__transactions"
LAYOUT = "bea_ita_v1"
AREA_SEED = "bea_areas.csv"
INDICATOR_SEED = "bea_indicators.csv"
WORLD = "WLD"

SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "indicator": pl.String(),
    "area_or_country": pl.String(),
    "frequency": pl.String(),
    "time_period": pl.String(),
    "year": pl.Int32(),
    "first_month": pl.Int32(),
    "last_month": pl.Int32(),
    "time_series_id": pl.String(),
    "time_series_description": pl.String(),
    "unit": pl.String(),
    "unit_multiplier": pl.Int32(),
    "value": pl.Decimal(20, 6),
    "rounding": pl.Decimal(20, 6),
}

_ADDRESS = "https://apps.bea.gov/api/data"
_OBTAINED_AT = "https://apps.bea.gov/API/signup/"
_CALENDAR = (
    "Quarterly, some eleven weeks after the quarter; each June the accounts are restated for"
    " several years."
)
_FIRST_YEAR = 1960
_ALL, _ALL_COUNTRIES = "All", "AllCountries"
_FIELDS = ("TimePeriod", "DataValue", "UNIT_MULT")
_QUARTERS = ("QSA", "QNSA")
_FREQUENCIES = ("A", *_QUARTERS)
# Millions, as these accounts have it, and the powers of ten that could stand instead.
_MULTIPLIERS = {"0", "3", "6", "9"}
_PERIOD = re.compile(r"((?:19|20)[0-9]{2})(?:Q([1-4]))?")
_VALUE = re.compile(r"-?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]{1,6})?")
_SCRUBBED = b"SCRUBBED"
# A shorter word could stand in the data by chance.
_LEAST_KEY = 6

# What stands where a figure does not, and why it is not held.
_NOT_HELD: Mapping[str, str] = {
    "": "no figure is given",
    "(D)": "kept back by the publisher, lest it show the figures of single firms",
    "(*)": "not zero, but less than half of the last printed unit",
    "n.a.": "not available from the publisher",
    "n.s.": "not shown by the publisher",
    "--": "no transactions, or none that can be",
    "---": "no transactions, or none that can be",
    "…": "not applicable",
    ".....": "not applicable",
}


@dataclass(frozen=True)
class Area:
    """An area of the publisher; a residual closes a sum and may be negative."""

    code: str
    partner_code: str
    is_residual: bool
    is_current: bool


def read_areas(seeds: Path) -> dict[str, Area]:
    """Every area that the project knows, by the publisher's code."""
    return {
        row["area_or_country"]: Area(
            row["area_or_country"],
            row["partner_code"],
            row["is_residual"] == "true",
            row["is_current"] == "true",
        )
        for row in _seed_rows(seeds, AREA_SEED)
    }


def read_indicators(seeds: Path) -> dict[str, str]:
    """The flow of each indicator that is read."""
    return {row["indicator"]: row["flow"] for row in _seed_rows(seeds, INDICATOR_SEED)}


def _seed_rows(seeds: Path, name: str) -> list[dict[str, str]]:
    try:
        text = (seeds / name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SnapshotError(f"seed {name}: absent from {seeds}. Restore it.") from error
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    if not rows:
        raise SnapshotError(f"seed {name}: has no rows. Restore it.")
    return rows


def parse_transactions(
    content: bytes,
    file: SnapshotFile,
    areas: Mapping[str, Area],
    indicators: Collection[str],
) -> Parsed:
    """One reply as rows, one a figure; every code stays text.

    The row number is the place in `Data`, from 1. Indicator, area and frequency that a row
    leaves out are those of the request, which the reply repeats, where it named one alone.
    A mark in the place of a figure is no figure: the row is rejected and the reason says
    which mark it was. The last printed unit is the file's, since zeros at the end of a
    figure need not be printed.

    Raises:
        SnapshotError: the reply is an error message, is cut short, holds no rows, or lacks a
            field in its first row.
    """
    name = file.snapshot_file
    api = _envelope(read_json(content, name))
    if problem := _problem(api):
        raise SnapshotError(
            f"{name}: the publisher answered with an error: {problem!r}. Correct the request, or"
            " wait where a limit was hit, and fetch again."
        )
    rows = _rows(api)
    if not rows:
        raise SnapshotError(f"{name}: no rows. Check the request; an empty reply is not stored.")
    first = rows[0] if isinstance(rows[0], dict) else {}
    if missing := [field for field in _FIELDS if field not in first]:
        raise SnapshotError(
            f"{name}, row 1: field {', '.join(missing)} is missing. The layout has changed: give"
            " the new one a parser."
        )
    asked = _asked(api)
    records: list[dict[str, object]] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    decimals = 0
    for number, row in enumerate(rows, start=1):
        record, problem_of_row = _record(row, asked, areas, indicators, file)
        if problem_of_row is None:
            records.append({"row_number": number, "column_name": "DataValue", **record})
            exponent = Decimal(str(record["value"])).as_tuple().exponent
            decimals = max(decimals, -exponent if isinstance(exponent, int) else 0)
        else:
            rejects.append((number, *problem_of_row))
    unit = Decimal(1).scaleb(-decimals)
    frame = pl.DataFrame([{**record, "rounding": unit} for record in records], schema=SCHEMA)
    return Parsed(frame, rejects_frame(rejects))


def _envelope(reply: object) -> Mapping[str, object]:
    api = reply.get("BEAAPI") if isinstance(reply, dict) else None
    return api if isinstance(api, dict) else {}


def _results(api: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The results; a list of them where the publisher answers in parts."""
    results = api.get("Results")
    parts = results if isinstance(results, list) else [results]
    return [part for part in parts if isinstance(part, dict)]


def _rows(api: Mapping[str, object]) -> list[object]:
    rows: list[object] = []
    for part in _results(api):
        data = part.get("Data")
        # A single row stands there without a list around it.
        rows.extend(data if isinstance(data, list) else [data] if data else [])
    return rows


def _problem(api: Mapping[str, object]) -> str | None:
    """What the publisher says went wrong; an error comes with status 200."""
    found = [error for part in (api, *_results(api)) if (error := part.get("Error"))]
    if not found:
        return None if _results(api) else "no BEAAPI.Results"
    return "; ".join(_words(error) for error in found)[:300]


def _words(error: object) -> str:
    if isinstance(error, dict):
        return " ".join(_words(value) for value in error.values())
    if isinstance(error, list):
        return " ".join(_words(value) for value in error)
    return str(error)


def _asked(api: Mapping[str, object]) -> dict[str, str]:
    """The request as the reply repeats it: single values only."""
    request = api.get("Request")
    listed = request.get("RequestParam") if isinstance(request, dict) else None
    asked = {}
    for parameter in listed if isinstance(listed, list) else []:
        if isinstance(parameter, dict):
            value = str(parameter.get("ParameterValue", ""))
            if value and "," not in value and value.casefold() != _ALL.casefold():
                asked[str(parameter.get("ParameterName", "")).casefold()] = value
    return asked


def _record(
    row: object,
    asked: Mapping[str, str],
    areas: Mapping[str, Area],
    indicators: Collection[str],
    file: SnapshotFile,
) -> tuple[dict[str, object], tuple[str | None, str | None, str] | None]:
    """The row under the project's names, or the first problem: field, value, reason."""
    if not isinstance(row, dict):
        return {}, (None, str(row)[:200], "not an object")

    def text(field: str) -> str:
        value = row.get(field)
        return asked.get(field.casefold(), "") if value is None else str(value).strip()

    # The echo of a request may be in capitals: what is known is matched without regard to it.
    indicator = _spelt(text("Indicator"), indicators)
    area = areas.get(_spelt(text("AreaOrCountry"), areas))
    frequency = text("Frequency").upper()
    period = _PERIOD.fullmatch(text("TimePeriod"))
    printed = text("DataValue")
    if indicator not in indicators:
        reason = f"unknown indicator: if it is one of trade, add it to {INDICATOR_SEED}"
        return {}, ("Indicator", indicator or None, reason)
    if area is None:
        reason = f"unknown area: if it is a new one, add it to {AREA_SEED}"
        return {}, ("AreaOrCountry", text("AreaOrCountry") or None, reason)
    if frequency not in _FREQUENCIES:
        reason = f"unknown frequency: the parser reads {', '.join(_FREQUENCIES)}"
        return {}, ("Frequency", frequency or None, reason)
    if period is None or (period[2] is None) != (frequency == "A"):
        reason = "not a period of this frequency: a year is written 2016, a quarter 2016Q1"
        return {}, ("TimePeriod", text("TimePeriod") or None, reason)
    year, quarter = int(period[1]), period[2]
    last_month = int(quarter) * 3 if quarter else 12
    if (year, last_month) > (file.known_from.year, file.known_from.month):
        reason = f"a release known from {file.known_from} cannot hold this period"
        return {}, ("TimePeriod", period[0], reason)
    if text("CL_UNIT") not in ("", "USD"):
        return {}, ("CL_UNIT", text("CL_UNIT"), "not US dollars")
    if text("UNIT_MULT") not in _MULTIPLIERS:
        return {}, ("UNIT_MULT", text("UNIT_MULT") or None, "not 0, 3, 6 or 9")
    if printed in _NOT_HELD:
        return {}, ("DataValue", printed or None, _NOT_HELD[printed])
    if not _VALUE.fullmatch(printed):
        return {}, ("DataValue", printed, "not a number as the publisher prints it")
    value = Decimal(printed.replace(",", ""))
    if value < 0 and not area.is_residual:
        return {}, ("DataValue", printed, "a trade value cannot be negative")
    if abs(value) >= Decimal(10) ** 14:
        return {}, ("DataValue", printed, "more digits than a trade value can have")
    return {
        "indicator": indicator,
        "area_or_country": area.code,
        "frequency": frequency,
        "time_period": period[0],
        "year": year,
        "first_month": last_month - 2 if quarter else 1,
        "last_month": last_month,
        "time_series_id": text("TimeSeriesId") or None,
        "time_series_description": text("TimeSeriesDescription") or None,
        "unit": "USD",
        "unit_multiplier": int(text("UNIT_MULT")),
        "value": value,
    }, None


def _spelt(value: str, known: Collection[str]) -> str:
    if value in known:
        return value
    return next((one for one in known if one.casefold() == value.casefold()), value)


def without_key(content: bytes) -> bytes:
    """The reply with the key taken out wherever it stands; nothing else is changed.

    The publisher repeats the request, and with it the key, in every reply.
    """
    content = re.sub(rb"(?i)(userid=)[^&\"\\\s]+", rb"\1" + _SCRUBBED, content)
    named = re.compile(
        rb'(?i)("ParameterName"\s*:\s*"USERID"\s*,\s*"ParameterValue"\s*:\s*")([^"]*)(")'
        rb'|("ParameterValue"\s*:\s*")([^"]*)("\s*,\s*"ParameterName"\s*:\s*"USERID")'
    )
    keys = {found[2] or found[5] for found in named.finditer(content)}
    content = named.sub(
        lambda found: (found[1] or found[4]) + _SCRUBBED + (found[3] or found[6]), content
    )
    for key in keys:
        if len(key) >= _LEAST_KEY:
            content = re.sub(re.escape(key), _SCRUBBED, content, flags=re.IGNORECASE)
    return content


class Ita:
    """The connector of BEA's International Transactions Accounts."""

    about = About(
        source_id=SOURCE_ID,
        title="BEA International Transactions Accounts",
        gives="US exports and imports of goods and of services on the balance-of-payments basis.",
        coverage="The United States with some ninety countries and groups of them, by year and"
        " quarter, from 1960 (most countries from 1999).",
        levels=("total",),
        hosts=("apps.bea.gov",),
        # 100 requests, 100 MB and 30 errors a minute; more shut a user out for an hour.
        limits=Limits(
            per_second=1.5,
            per_day=None,
            per_day_with_key=None,
            max_bytes=50 * 1024 * 1024,
            timeout_seconds=120,
        ),
        key=KeyUse(place="query", name="UserID", is_required=True, obtained_at=_OBTAINED_AT),
        terms=Terms("US Government work in the public domain", is_redistributable=True),
        calendar=_CALENDAR,
        is_seen=False,
        notes=(
            "There are no months: frequency M brings quarters, seasonally adjusted and not.",
            "Goods are FOB in both directions; services have one valuation.",
        ),
    )

    def survey(self, selection: Selection, seeds: Path) -> tuple[Chunk, ...]:
        """What is out is not asked for: one request brings all years of an indicator."""
        return ()

    def available(self, replies: Mapping[str, bytes]) -> tuple[Available, ...]:
        return ()

    def plan(
        self,
        selection: Selection,
        seeds: Path,
        *,
        has_key: bool,
        known: tuple[Available, ...] = (),
    ) -> Plan:
        """A request an indicator or a request an area, whichever are fewer.

        The publisher takes a list of indicators for one country, or a list of areas for one
        indicator, but never both; the world counts as a list of areas.

        Raises:
            SelectionError: another reporter than the United States, an unknown partner,
                products, or years before the accounts begin.
        """
        _check(selection)
        areas = _asked_areas(selection.partners, read_areas(seeds))
        indicators = tuple(
            indicator
            for indicator, flow in read_indicators(seeds).items()
            if flow in selection.flows
        )
        single = tuple(area for area in areas if area not in (_ALL, _ALL_COUNTRIES))
        others = tuple(area for area in areas if area in (_ALL, _ALL_COUNTRIES))
        by_area: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
            *((indicators, (area,)) for area in single),
            *(((indicator,), others) for indicator in indicators if others),
        ]
        by_indicator = [((indicator,), areas) for indicator in indicators]
        chunks = tuple(_chunk(selection, *asked) for asked in min(by_indicator, by_area, key=len))
        notes = ()
        if selection.frequency == "M":
            notes = ("BEA publishes quarters, no months: whole quarters come, QSA and QNSA.",)
        return Plan(
            source_id=SOURCE_ID,
            selection=selection,
            chunks=chunks,
            expected_requests=len(chunks),
            fewest=min(len(by_indicator), len(by_area)),
            notes=notes,
        )

    def examine(self, chunk: Chunk, reply: Reply) -> Examined:
        """A reply without the key in it, or why there is none.

        Raises:
            TryAgain: too much was asked within a minute, or the service is not well.
            Refused: the key, the request or the layout is wrong.
        """
        content = without_key(reply.content)
        what = f"{SOURCE_ID}, {chunk.name}"
        said = " ".join(content[:300].decode("utf-8", "replace").split())
        try:
            answer = json.loads(content)
        except ValueError as error:
            if content.lstrip()[:1] in (b"", b"{"):
                raise TryAgain(
                    f"{what}: the reply is cut short. Ask for the same again."
                ) from error
            told = f"{what}: status {reply.status}, {said!r} instead of JSON. Check the key"
            if said.startswith("<"):
                raise TryAgain(f"{told}, or try later: the service is not well.") from error
            raise Refused(f"{told} and the request.") from error
        api = _envelope(answer)
        problem = _problem(api)
        if problem is None and reply.status == 200:
            return Examined(content=content if _rows(api) else b"")
        shown = f"{what}: status {reply.status}, {problem or said!r}"
        if problem and re.search(r"(?i)\bno (data|rows?|records?|results?)\b", problem):
            return Examined(content=b"")
        if problem and re.search(r"(?i)user ?id|api key|registered|not active", problem):
            raise Refused(f"{shown}. The key is wrong or not yet active: see {_OBTAINED_AT}.")
        if problem and re.search(
            r"(?i)too many|throttl|exceed|limit|unavailable|try again", problem
        ):
            raise TryAgain(
                f"{shown}. BEA allows 100 requests a minute and shuts out for an hour who asks"
                " for more.",
                after_seconds=60,
            )
        raise Refused(f"{shown}. Correct the request: another area or year.")


def _check(selection: Selection) -> None:
    if set(selection.reporters) - {"USA"}:
        raise SelectionError(
            f"{SOURCE_ID} reports the trade of the United States alone, not of"
            f" {', '.join(selection.reporters)}."
        )
    if selection.level != "total" or selection.products:
        raise SelectionError(
            f"{SOURCE_ID} has goods and services as wholes: ask for the level total, without"
            " products."
        )
    if unknown := set(selection.flows) - {"export", "import"}:
        raise SelectionError(f"{SOURCE_ID} has no flow {', '.join(sorted(unknown))}.")
    if selection.first.year < _FIRST_YEAR:
        raise SelectionError(f"{SOURCE_ID} begins in {_FIRST_YEAR}: ask for later years.")


def _asked_areas(partners: Sequence[str], areas: Mapping[str, Area]) -> tuple[str, ...]:
    """The publisher's codes of the partners; all areas where none is named."""
    by_partner = {area.partner_code: area.code for area in areas.values() if area.is_current}
    for partner in partners:
        if partner not in by_partner:
            raise SelectionError(
                f"{SOURCE_ID} does not show {partner!r} by itself: {closest(partner, by_partner)}."
            )
    return tuple(dict.fromkeys(by_partner[partner] for partner in partners)) or (_ALL,)


def _chunk(selection: Selection, indicators: Sequence[str], areas: Sequence[str]) -> Chunk:
    first, last = selection.first, selection.last
    years = range(first.year, last.year + 1)
    frequencies = ("A",) if selection.frequency == "A" else _QUARTERS
    named = tuple(areas)
    if len(areas) > 4:
        digest = hashlib.sha256(" ".join(areas).encode()).hexdigest()[:8]
        named = (f"{areas[0]}-to-{areas[-1]}-{len(areas)}-areas-{digest}",)
    shown = (*indicators, *named, *frequencies, f"{first.year}-{last.year}")
    equal = {"indicator": tuple(indicators), "frequency": frequencies}
    if _ALL not in areas:
        equal["area_or_country"] = tuple(areas)
    return Chunk(
        name=f"{'_'.join(shown)}.json",
        table=TABLE,
        layout=LAYOUT,
        request=Request(
            address=_ADDRESS,
            parameters=(
                ("method", "GetData"),
                ("datasetname", "ITA"),
                ("Indicator", ",".join(indicators)),
                ("AreaOrCountry", ",".join(areas)),
                ("Frequency", ",".join(frequencies)),
                ("Year", ",".join(str(year) for year in years)),
                ("ResultFormat", "JSON"),
            ),
            accept=("application/json",),
        ),
        covers=Covers(equal, f"{first.year}-01", f"{last.year}-12"),
        expected_rows=len(indicators)
        * (100 if _ALL in areas else len(areas))
        * len(years)
        * (1 if selection.frequency == "A" else 8),
    )


_LAST_MONTH = pl.format("{}-{}", pl.col("year"), pl.col("last_month").cast(pl.String).str.zfill(2))


def _transactions_parser(seeds: Path) -> FileParser:
    areas, indicators = read_areas(seeds), tuple(read_indicators(seeds))
    return lambda content, file: parse_transactions(content, file, areas, indicators)


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id=SOURCE_ID,
        table=TABLE,
        description="US trade in goods and in services on the balance-of-payments basis, by area,"
        " year and quarter.",
        layouts=frozenset({LAYOUT}),
        signs={LAYOUT: shows('"BEAAPI"', '"Results"', starts="{")},
        parser=_transactions_parser,
        seeds=(AREA_SEED, INDICATOR_SEED),
        columns=SCHEMA,
        primary_key=("indicator", "area_or_country", "frequency", "time_period"),
        values=("value", "unit_multiplier"),
        period=_LAST_MONTH,
        calendar=_CALENDAR,
    ),
)
CONNECTOR = Ita()
