"""USITC DataWeb, version 2 of its API: reports of US trade by flow, partner and product.

Belongs here: the body of a report's request, what a reply can be, and its tables as rows.
Does not belong here: what a measure means for the marts (the seed of measures and the
aligned model), sending requests (`dagster_project/fetching/`).

A reply does not repeat which flow was asked for, so each flow is a layout of its own.
Addresses and fields are those of the documentation and of other clients; no reply of the
service itself has been read, and the parser is strict for that reason.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import ceil
from pathlib import Path
from typing import Literal, TypeVar

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
from dagster_project.sources.raw import FileParser, OwnTotal, SourceTable
from dagster_project.sources.reading import (
    Parsed,
    checked_numbers,
    closest,
    read_json,
    reject_where,
    rejects_frame,
    shows,
)
from dagster_project.sources.snapshot import Covers, SnapshotError, SnapshotFile

_Part = TypeVar("_Part")

SOURCE_ID = "usitc_dataweb"
TABLE = "usitc_dataweb__trade"
MEASURE_SEED = "dataweb_measures.csv"
PARTNER_SEED = "dataweb_partners.csv"
CENSUS_SEED = "census_partners.csv"
COUNTRY_SEED = "country_list.csv"

# The publisher's word for a flow, by layout.
TRADE_TYPES: Mapping[str, str] = {
    "dataweb_v2_imports_for_consumption": "Import",
    "dataweb_v2_general_imports": "GenImp",
    "dataweb_v2_domestic_exports": "Export",
    "dataweb_v2_foreign_exports": "ForeignExp",
    "dataweb_v2_total_exports": "TotExp",
}

SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "trade_type": pl.String(),
    "dataweb_measure": pl.String(),
    "timeline": pl.String(),
    "country_aggregation": pl.String(),
    "partner_name": pl.String(),
    "partner_code": pl.String(),
    "commodity_level": pl.String(),
    "chapter": pl.String(),
    "commodity_code": pl.String(),
    "commodity_name": pl.String(),
    "year": pl.Int32(),
    "month": pl.Int32(),
    "last_month": pl.Int32(),
    "value_usd": pl.Decimal(20, 0),
}

WORLD = "WLD"
ALL_COMMODITIES = "total"

_ADDRESS = "https://datawebws.usitc.gov/dataweb/api/v2/report2/runReport"
_FIRST_YEAR = 1989
_FIRST_NAICS_YEAR = 1997
# What the publisher promises in one report, and what we let one reply be.
_PUBLISHERS_ROWS = 300_000
_OUR_ROWS = 250_000
# Other clients have had reports cut at this many rows without a word.
_CUT_AT = (20_000, _PUBLISHERS_ROWS)
_SPLIT, _TOGETHER = "Break Out Countries", "Aggregate Countries"
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, start=1)}
_COUNTRY, _DESCRIPTION, _YEAR = "Country", "Description", "Year"
_CODES = {"HTS Number": "HTS", "NAIC Number": "NAIC", "NAICS Number": "NAIC"}
_A_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_OBTAINED_AT = "https://dataweb.usitc.gov/ (sign in, tab API; a token lasts about 180 days)"
_CALENDAR = (
    "About the middle of the month, after the Census release for the month two before; the"
    " three prior years are restated each June."
)
_TOTAL = r"(?i)^(grand |sub-?)?total\b"
_NOTHING = re.compile(r"(?i)\bno (data|records|rows|results)\b")
_TOO_MUCH = re.compile(r"(?i)\b(20,?000|300,?000)\b|too many (rows|records)|row limit")
_NUMBER = r"^-?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)$"


@dataclass(frozen=True)
class _Level:
    """A product system as DataWeb asks for it, and about how many rows a year it has.

    `one` counts the rows of a partner that trades everything, `all` those of all partners:
    measured on a year's Census files, rounded up. `prefixes` are code lengths that a list
    of commodities may have.
    """

    classification: str
    granularity: str
    one: int
    all: int

    @property
    def name(self) -> str:
        return f"{self.classification}{self.granularity}"


_LEVELS: Mapping[str, _Level] = {
    ALL_COMMODITIES: _Level("HTS", "2", 1, 240),
    "hs2": _Level("HTS", "2", 98, 15_000),
    "hs4": _Level("HTS", "4", 1_230, 80_000),
    "hs6": _Level("HTS", "6", 5_400, 200_000),
    "hs10": _Level("HTS", "10", 19_000, 300_000),
    "naics3": _Level("NAIC", "3", 32, 7_000),
    "naics4": _Level("NAIC", "4", 110, 16_000),
    "naics6": _Level("NAIC", "6", 400, 45_000),
}
_CHAPTERS = tuple(f"{number:02d}" for number in range(1, 100) if number != 77)
_FLOWS = {"export": ("Export", "ForeignExp", "TotExp"), "import": ("Import", "GenImp")}


@dataclass(frozen=True)
class Measure:
    """One table of a report: its code in the request, and a word of its title."""

    trade_type: str
    code: str
    title_word: str


@dataclass(frozen=True)
class _Country:
    """A country as DataWeb lists it: Schedule C code, name, ISO codes in the name."""

    census_code: str
    name: str
    iso2: str
    iso3: str

    def listed(self) -> dict[str, str]:
        return {"name": f"{self.name} - {self.iso2} - {self.iso3}", "value": self.census_code}

    @staticmethod
    def of(listed: Mapping[str, str]) -> _Country:
        name, iso2, iso3 = listed["name"].rsplit(" - ", 2)
        return _Country(listed["value"], name, iso2, iso3)


@dataclass(frozen=True)
class _Report:
    """One report to be asked for; its body is all that a request knows of it.

    `countries` empty means every country, `is_world` all of them as one. `commodities`
    empty means every commodity of the level.
    """

    trade_type: str
    measures: tuple[str, ...]
    level: str
    timeline: Literal["Annual", "Monthly"]
    years: tuple[int, ...]
    countries: tuple[_Country, ...] = ()
    is_world: bool = False
    commodities: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The commodities by which it can be parted; chapters where all are asked for."""
        has_chapters = self.level.startswith("hs")
        return self.commodities or (_CHAPTERS if has_chapters else ())

    @property
    def rows(self) -> int:
        """About how many rows of up to twelve figures its tables have together."""
        level = _LEVELS[self.level]
        partners = 1 if self.is_world else len(self.countries)
        a_year = min(level.one * partners, level.all) if partners else level.all
        if self.commodities:
            known = {2: 98, 4: 1_230, 6: 5_400}.get(len(self.commodities[0]), level.one)
            a_year = ceil(a_year * min(1.0, len(self.commodities) / min(known, level.one)))
        years = len(self.years) if self.timeline == "Monthly" else ceil(len(self.years) / 12)
        return a_year * years * len(self.measures)

    def body(self) -> bytes:
        level = _LEVELS[self.level]
        is_total = self.level == ALL_COMMODITIES
        body = {
            "savedQueryType": "",
            "isOwner": True,
            "runMonthly": False,
            "unitConversion": "0",
            "manualConversions": [],
            "reportOptions": {
                "tradeType": self.trade_type,
                "classificationSystem": level.classification,
            },
            "searchOptions": {
                "MiscGroup": {
                    "districts": {
                        "aggregation": "Aggregate District",
                        "districtGroups": {"userGroups": []},
                        "districts": [],
                        "districtsExpanded": [{"name": "All Districts", "value": "all"}],
                        "districtsSelectType": "all",
                    },
                    "importPrograms": {
                        "aggregation": None,
                        "importPrograms": [],
                        "programsSelectType": "all",
                    },
                    "extImportPrograms": {
                        "aggregation": "Aggregate CSC",
                        "extImportPrograms": [],
                        "extImportProgramsExpanded": [],
                        "programsSelectType": "all",
                    },
                    "provisionCodes": {
                        "aggregation": "Aggregate RPCODE",
                        "provisionCodesSelectType": "all",
                        "rateProvisionCodes": [],
                        "rateProvisionCodesExpanded": [],
                    },
                },
                "commodities": {
                    "aggregation": "Aggregate Commodities" if is_total else "Break Out Commodities",
                    "codeDisplayFormat": "YES",
                    "commodities": list(self.commodities),
                    "commoditiesExpanded": [
                        {"name": code, "value": code} for code in self.commodities
                    ],
                    "commoditiesManual": ",".join(self.commodities),
                    "commodityGroups": {"systemGroups": [], "userGroups": []},
                    "commoditySelectType": "list" if self.commodities else "all",
                    "granularity": level.granularity,
                    "groupGranularity": None,
                    "searchGranularity": None,
                },
                "componentSettings": {
                    "dataToReport": list(self.measures),
                    "scale": "1",
                    "timeframeSelectType": "fullYears",
                    "years": [str(year) for year in self.years],
                    "startDate": None,
                    "endDate": None,
                    "startMonth": None,
                    "endMonth": None,
                    "yearsTimeline": self.timeline,
                },
                "countries": {
                    "aggregation": _TOGETHER if self.is_world else _SPLIT,
                    "countries": [country.census_code for country in self.countries],
                    "countriesExpanded": [country.listed() for country in self.countries]
                    or [{"name": "All Countries", "value": "all"}],
                    "countriesSelectType": "list" if self.countries else "all",
                    "countryGroups": {"systemGroups": [], "userGroups": []},
                },
            },
            "sortingAndDataFormat": {
                "DataSort": {"columnOrder": [], "fullColumnOrder": [], "sortOrder": []},
                "reportCustomizations": {
                    "exportCombineTables": False,
                    "showAllSubtotal": False,
                    "subtotalRecords": "",
                    "totalRecords": str(_PUBLISHERS_ROWS),
                    "exportRawData": False,
                },
            },
        }
        return json.dumps(body, separators=(",", ":")).encode()

    @staticmethod
    def of(body: bytes) -> _Report:
        """The report that a body asks for."""
        asked = json.loads(body)
        search, options = asked["searchOptions"], asked["reportOptions"]
        commodities, countries = search["commodities"], search["countries"]
        component = search["componentSettings"]
        name = f"{options['classificationSystem']}{commodities['granularity']}"
        is_total = commodities["aggregation"] == "Aggregate Commodities"
        return _Report(
            trade_type=options["tradeType"],
            measures=tuple(component["dataToReport"]),
            level=ALL_COMMODITIES
            if is_total
            else next(
                level
                for level, one in _LEVELS.items()
                if one.name == name and level != ALL_COMMODITIES
            ),
            timeline=component["yearsTimeline"],
            years=tuple(int(year) for year in component["years"]),
            countries=tuple(_Country.of(one) for one in countries["countriesExpanded"])
            if countries["countries"]
            else (),
            is_world=countries["aggregation"] == _TOGETHER,
            commodities=tuple(commodities["commodities"]),
        )

    def chunk(self) -> Chunk:
        layout = next(name for name, kind in TRADE_TYPES.items() if kind == self.trade_type)
        return Chunk(
            name=f"{self._name()}.json",
            table=TABLE,
            layout=layout,
            request=Request(
                address=_ADDRESS,
                method="POST",
                body=self.body(),
                accept=("application/json",),
            ),
            covers=self._covers(),
            expected_rows=self.rows,
        )

    def halves(self) -> tuple[_Report, ...]:
        """Two reports that together ask for the same; none where nothing can be parted.

        Annual years are columns: parting them does not make fewer rows.
        """
        if self.timeline == "Monthly" and len(self.years) > 1:
            return tuple(replace(self, years=part) for part in _halves(self.years))
        if len(self.countries) > 1:
            return tuple(replace(self, countries=part) for part in _halves(self.countries))
        if len(self.codes) > 1:
            return tuple(replace(self, commodities=part) for part in _halves(self.codes))
        return ()

    def _name(self) -> str:
        parts = [self.trade_type, self.level, self.timeline.lower()]
        if self.is_world:
            parts.append(WORLD)
        elif self.countries:
            parts.append(_listed([country.iso3 for country in self.countries], "partners"))
        else:
            parts.append("every-partner")
        if self.commodities:
            parts.append(_listed(self.commodities, "products"))
        first, last = self.years[0], self.years[-1]
        parts.append(str(first) if first == last else f"{first}-{last}")
        return "_".join(parts)

    def _covers(self) -> Covers | None:
        level = _LEVELS[self.level]
        equal = {
            "trade_type": (self.trade_type,),
            "timeline": (self.timeline,),
            "country_aggregation": (_TOGETHER if self.is_world else _SPLIT,),
            "commodity_level": (ALL_COMMODITIES if self.level == ALL_COMMODITIES else level.name,),
        }
        if self.countries:
            equal["partner_code"] = tuple(country.iso3 for country in self.countries)
        if self.commodities:
            lengths = {len(code) for code in self.commodities}
            if lengths == {int(level.granularity)}:
                equal["commodity_code"] = self.commodities
            elif lengths == {2} and level.classification == "HTS":
                equal["chapter"] = self.commodities
            else:
                return None
        return Covers(equal, f"{self.years[0]}-01", f"{self.years[-1]}-12")


def _in_runs(whole: Sequence[_Part], each: int) -> list[tuple[_Part, ...]]:
    """The whole in its order, cut into runs of `each`."""
    return [tuple(whole[start : start + each]) for start in range(0, len(whole), each)]


def _halves(whole: Sequence[_Part]) -> list[tuple[_Part, ...]]:
    return _in_runs(whole, ceil(len(whole) / 2))


def _listed(codes: Sequence[str], noun: str) -> str:
    """Codes as part of a file name; many are shortened, and told apart by their hash."""
    if len(codes) <= 4:
        return "-".join(codes)
    digest = hashlib.sha256(" ".join(codes).encode()).hexdigest()[:8]
    return f"{codes[0]}-to-{codes[-1]}-{len(codes)}-{noun}-{digest}"


_FIGURE_SCHEMA = {
    column: kind
    for column, kind in SCHEMA.items()
    if column not in ("trade_type", "dataweb_measure")
}


def read_measures(seeds: Path) -> tuple[Measure, ...]:
    """What each flow's report is asked to show, in the order of its tables."""
    return tuple(
        Measure(row["trade_type"], row["dataweb_measure"], row["title_word"])
        for row in _seed_rows(seeds, MEASURE_SEED)
    )


def read_partners(seeds: Path) -> dict[str, str]:
    """Partner code by what a report may print: a name in lower case, or a Schedule C code."""
    names = {
        row["dataweb_name"].casefold(): row["partner_code"]
        for row in _seed_rows(seeds, PARTNER_SEED)
    }
    codes = {
        row["census_code"]: row["partner_code"]
        for row in _seed_rows(seeds, CENSUS_SEED)
        if row["is_aggregate"] == "false"
    }
    return names | codes


def _read_countries(seeds: Path) -> dict[str, _Country]:
    iso2 = {row["iso3"]: row["iso2"] for row in _seed_rows(seeds, COUNTRY_SEED)}
    return {
        row["iso3"]: _Country(
            row["census_code"], row["partner_name"], iso2[row["iso3"]], row["iso3"]
        )
        for row in _seed_rows(seeds, CENSUS_SEED)
        if row["iso3"]
    }


def _seed_rows(seeds: Path, name: str) -> list[dict[str, str]]:
    try:
        text = (seeds / name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SnapshotError(f"seed {name}: absent from {seeds}. Restore it.") from error
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    if not rows:
        raise SnapshotError(f"seed {name}: has no rows. Restore it.")
    return rows


def parse_report(
    content: bytes,
    file: SnapshotFile,
    measures: Sequence[Measure],
    partners: Mapping[str, str],
) -> Parsed:
    """One report as rows, one a figure; every code stays text.

    A report has a table a measure. A table that bears a title is known by it, one that
    bears none by its place, which is the order asked for. Without a column of countries a
    table is that of all of them, without one of codes that of all commodities. Rows are
    numbered through the tables. Total rows are left out: they repeat what stands above.

    A blank cell gives no row. While a year's months are still to come the publisher prints
    0 for them: months after the last one in which anything is traded are absent, not zero.
    The year's own figure is then a part of it, through nobody says which month: rejected.

    Raises:
        SnapshotError: not a report, one that tells of an error, tables that cannot be told
            apart, a column that is not foreseen, or no rows.
    """
    name = file.snapshot_file
    asked = [one for one in measures if one.trade_type == TRADE_TYPES[file.layout]]
    tables = _tables(read_json(content, name), name)
    titled = _measures_of(tables, asked, name)
    frames, rejects = [], []
    rows_before = 0
    for measure, table in zip(titled, tables, strict=True):
        where = f"{name}, table {measure.code}"
        cells, bad_rows, count = _table_cells(table, where, rows_before)
        rows_before += count
        rejects.append(bad_rows)
        if cells.is_empty():
            continue
        frame, bad_cells = _figures(cells, file.known_from, partners)
        frames.append(frame.with_columns(pl.lit(measure.code).alias("dataweb_measure")))
        rejects.append(bad_cells)
    if rows_before == 0:
        raise SnapshotError(f"{name}: no rows. Check the request; an empty reply is not stored.")
    columns = list(SCHEMA)
    if not frames:
        return Parsed(pl.DataFrame(schema=SCHEMA), pl.concat(rejects))
    figures = _without_months_to_come(pl.concat(frames), file.known_from)
    return Parsed(
        figures.with_columns(pl.lit(TRADE_TYPES[file.layout]).alias("trade_type")).select(columns),
        pl.concat(rejects),
    )


def _tables(reply: object, name: str) -> list[Mapping[str, object]]:
    dto = reply.get("dto") if isinstance(reply, dict) else None
    if not isinstance(dto, dict):
        raise SnapshotError(
            f"{name}: no report (field dto) but {_excerpt(reply)!r}. Correct the request, or wait"
            " while the publisher loads data, and fetch again."
        )
    if dto.get("errors"):
        raise SnapshotError(
            f"{name}: the publisher answered with an error: {_excerpt(dto['errors'])!r}. Correct"
            " the request and fetch again."
        )
    tables = dto.get("tables")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SnapshotError(f"{name}: field dto.tables is missing. Fetch it again.")
    if not tables:
        raise SnapshotError(f"{name}: no tables. Check the request; an empty reply is not stored.")
    return tables


def _measures_of(
    tables: Sequence[Mapping[str, object]], asked: Sequence[Measure], name: str
) -> list[Measure]:
    """Which measure each table shows."""
    found = []
    for place, table in enumerate(tables):
        info = table.get("tableInfo")
        title = (info.get("dataToReportDesc") if isinstance(info, dict) else None) or table.get(
            "tab_name"
        )
        if title:
            fitting = [one for one in asked if one.title_word in str(title).casefold()]
        else:
            fitting = [asked[place]] if len(tables) == len(asked) else []
        if len(fitting) != 1:
            raise SnapshotError(
                f"{name}: table {place + 1} of {len(tables)}, entitled {str(title or '')!r}, is not"
                f" one of {', '.join(one.code for one in asked)}. Ask for these alone, or give its"
                f" title a word in {MEASURE_SEED}."
            )
        found.append(fitting[0])
    if len(set(found)) != len(found):
        raise SnapshotError(
            f"{name}: two tables show {', '.join(one.code for one in found)}. Fetch it again."
        )
    return found


def _labels(groups: object) -> Iterator[str]:
    for group in groups if isinstance(groups, list) else []:
        if isinstance(group, dict) and "columns" in group:
            yield from _labels(group["columns"])
        elif isinstance(group, dict):
            yield str(group.get("label", "")).strip()


def _table_cells(
    table: Mapping[str, object], where: str, rows_before: int
) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """A table's rows as text under its labels, its rejects, and how many rows it has."""
    labels = list(_labels(table.get("column_groups")))
    known = {_COUNTRY, _DESCRIPTION, _YEAR, *_CODES, *_MONTHS}
    unknown = [label for label in labels if label not in known and not _A_YEAR.fullmatch(label)]
    if unknown or len(set(labels)) != len(labels):
        raise SnapshotError(
            f"{where}: the columns are {', '.join(labels)}; "
            + (f"{', '.join(unknown)} is not read" if unknown else "one stands there twice")
            + ". Leave it out of the request, or give it a meaning in the layout."
        )
    groups = table.get("row_groups")
    rows = [
        row
        for group in (groups if isinstance(groups, list) else [])
        for row in (group.get("rowsNew") or [] if isinstance(group, dict) else [])
    ]
    if rows and not any(label in _MONTH_NUMBERS or _A_YEAR.fullmatch(label) for label in labels):
        raise SnapshotError(f"{where}: no column of months or years. Check the request.")
    if rows and any(label in _MONTH_NUMBERS for label in labels) and _YEAR not in labels:
        raise SnapshotError(f"{where}: months without a column {_YEAR}. Check the request.")
    records: list[list[str | int | None]] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    for number, row in enumerate(rows, start=rows_before + 1):
        entries = row.get("rowEntries") if isinstance(row, dict) else None
        values = [
            entry.get("value") if isinstance(entry, dict) else entry
            for entry in (entries if isinstance(entries, list) else [])
        ]
        if len(values) != len(labels):
            reason = f"{len(values)} cells where the header has {len(labels)}"
            rejects.append((number, None, _excerpt(values), reason))
        elif bad := [value for value in values if not isinstance(value, str | int | None)]:
            rejects.append((number, None, _excerpt(bad[0]), "neither text nor a whole number"))
        else:
            texts = [None if value is None else str(value).strip() for value in values]
            records.append([number, *texts])
    schema = {"row_number": pl.Int64(), **{label: pl.String() for label in labels}}
    return pl.DataFrame(records, schema=schema, orient="row"), rejects_frame(rejects), len(rows)


def _figures(
    cells: pl.DataFrame, known_from: date, partners: Mapping[str, str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One table's cells as figures, and its rejects."""
    code_label = next((label for label in _CODES if label in cells.columns), None)
    keys = [label for label in (_COUNTRY, code_label, _YEAR) if label in cells.columns]
    if keys:
        is_total = pl.any_horizontal(pl.col(key).str.contains(_TOTAL) for key in keys)
        cells = cells.filter(~is_total.fill_null(False))
    cells, rejects = _checked_keys(cells, code_label, known_from, partners)
    values = [label for label in cells.columns if _is_value(label)]
    # A year's own figure is whole once December is out, about the fifth of February.
    partial = [
        label
        for label in values
        if _A_YEAR.fullmatch(label) and known_from < date(int(label) + 1, 2, 1)
    ]
    reason = (
        f"the year was not out on {known_from}: the column holds a part of it, through nobody"
        " says which month; ask for months"
    )
    first_row = cells["row_number"].min() if cells.height else None
    if isinstance(first_row, int):
        rejects.append(rejects_frame([(first_row, label, None, reason) for label in partial]))
    whole = [label for label in values if label not in partial]
    if not whole:
        return pl.DataFrame(schema=_FIGURE_SCHEMA), pl.concat(rejects)
    long = (
        cells.unpivot(
            on=whole,
            index=[label for label in cells.columns if label not in values],
            variable_name="column_name",
            value_name="text",
        )
        .filter(pl.col("text").fill_null("") != "")
        .sort("row_number", maintain_order=True)
    )
    is_number = pl.col("text").str.contains(_NUMBER)
    rejects.append(
        long.filter(~is_number).select(
            "row_number",
            "column_name",
            pl.col("text").alias("value"),
            pl.lit("not a whole number, with or without commas between thousands").alias("reason"),
        )
    )
    long, negative = checked_numbers(
        long.filter(is_number).with_columns(pl.col("text").str.replace_all(",", "")),
        text="text",
        value="value_usd",
        precision=20,
        scale=0,
    )
    rejects.append(negative)
    return _named(long, code_label), pl.concat(rejects)


def _checked_keys(
    cells: pl.DataFrame, code_label: str | None, known_from: date, partners: Mapping[str, str]
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """The rows whose partner, code and year are known, with the partner's code."""
    rejects: list[pl.DataFrame] = []

    def keep(is_bad: pl.Expr, column: str, reason: str) -> None:
        nonlocal cells
        cells, bad = reject_where(cells, is_bad, column, reason)
        rejects.append(bad)

    if _COUNTRY in cells.columns:
        # The publisher's own list writes "Canada - CA - CAN".
        name = pl.col(_COUNTRY).str.replace(r" - [A-Z]{2} - [A-Z]{3}$", "").str.to_lowercase()
        cells = cells.with_columns(
            name.replace_strict(dict(partners), default=None, return_dtype=pl.String).alias(
                "partner_code"
            )
        )
        keep(
            pl.col("partner_code").is_null(),
            _COUNTRY,
            f"unknown country: if it is a new name, add it to {PARTNER_SEED}",
        )
    else:
        cells = cells.with_columns(pl.lit(WORLD).alias("partner_code"))
    if code_label is not None:
        system = _CODES[code_label]
        lengths = {int(one.granularity) for one in _LEVELS.values() if one.classification == system}
        code = pl.col(code_label)
        keep(
            ~(code.str.contains("^[0-9]+$") & code.str.len_chars().is_in(sorted(lengths))),
            code_label,
            f"not a code of {', '.join(str(length) for length in sorted(lengths))} digits;"
            " leading zeros must be kept",
        )
    if _YEAR in cells.columns:
        keep(~pl.col(_YEAR).str.contains(r"^(19|20)[0-9]{2}$"), _YEAR, "not a year")
        keep(
            pl.col(_YEAR).cast(pl.Int32) > known_from.year,
            _YEAR,
            f"a release known from {known_from} cannot hold this year",
        )
    return cells, rejects


def _named(long: pl.DataFrame, code_label: str | None) -> pl.DataFrame:
    """Figures under the names of the raw table."""

    def optional(column: str) -> pl.Expr:
        return pl.col(column) if column in long.columns else pl.lit(None, dtype=pl.String)

    month = pl.col("column_name").replace_strict(
        _MONTH_NUMBERS, default=None, return_dtype=pl.Int32
    )
    is_month = pl.col("column_name").is_in(list(_MONTHS))
    system = _CODES[code_label] if code_label else None
    code = pl.col(code_label) if code_label else pl.lit(ALL_COMMODITIES)
    level = pl.format("{}{}", pl.lit(system), code.str.len_chars()) if system else code
    return long.select(
        "row_number",
        "column_name",
        pl.when(is_month).then(pl.lit("Monthly")).otherwise(pl.lit("Annual")).alias("timeline"),
        pl.when(pl.col("partner_code") == WORLD)
        .then(pl.lit(_TOGETHER))
        .otherwise(pl.lit(_SPLIT))
        .alias("country_aggregation"),
        optional(_COUNTRY).alias("partner_name"),
        "partner_code",
        level.alias("commodity_level"),
        (code.str.slice(0, 2) if system == "HTS" else pl.lit(None, dtype=pl.String)).alias(
            "chapter"
        ),
        code.alias("commodity_code"),
        optional(_DESCRIPTION).alias("commodity_name"),
        pl.when(is_month)
        .then(optional(_YEAR))
        .otherwise(pl.col("column_name"))
        .cast(pl.Int32)
        .alias("year"),
        month.alias("month"),
        month.fill_null(12).alias("last_month"),
        "value_usd",
    )


def _without_months_to_come(figures: pl.DataFrame, known_from: date) -> pl.DataFrame:
    """Without the zeros of a year whose December need not be out yet."""
    # Statistics have been late by three weeks: December is surely out in March.
    open_year = known_from.year if known_from.month >= 3 else known_from.year - 1
    is_open = pl.col("month").is_not_null() & (pl.col("year") >= open_year)
    last_traded = (
        figures.filter(is_open & (pl.col("value_usd") > 0))
        .group_by("year")
        .agg(pl.col("month").max().alias("last_traded"))
    )
    return (
        figures.join(last_traded, on="year", how="left", maintain_order="left")
        .filter(~is_open | (pl.col("month") <= pl.col("last_traded").fill_null(0)))
        .drop("last_traded")
    )


def _is_value(label: str) -> bool:
    return label in _MONTH_NUMBERS or _A_YEAR.fullmatch(label) is not None


def _excerpt(value: object) -> str:
    return " ".join(str(value).split())[:200]


class DataWeb:
    """The connector of USITC DataWeb."""

    about = About(
        source_id=SOURCE_ID,
        title="USITC DataWeb",
        gives="US trade on every basis the Census figures have: domestic exports, re-exports and"
        " their total, general imports and imports for consumption, at customs value and CIF,"
        " with calculated duty.",
        coverage="The United States with every country, by month and year, from 1989 (NAICS from"
        " 1997).",
        levels=tuple(_LEVELS),
        hosts=("datawebws.usitc.gov",),
        # The publisher names no rate; clients that asked twice a second were turned away.
        limits=Limits(per_second=0.2, per_day=None, per_day_with_key=None, timeout_seconds=600),
        key=KeyUse(
            place="bearer",
            name="Authorization",
            is_required=True,
            obtained_at=_OBTAINED_AT,
        ),
        terms=Terms("US Government work in the public domain", is_redistributable=True),
        calendar=_CALENDAR,
        is_seen=False,
        by_year_from=_FIRST_YEAR,
        notes=(
            "A report is of whole years.",
            "The same figures as those of the US Census Bureau, through another door.",
        ),
    )

    def survey(self, selection: Selection, seeds: Path) -> tuple[Chunk, ...]:
        """DataWeb has no list of what is out."""
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
        """One report a flow, parted only where it would have too many rows.

        Raises:
            SelectionError: another reporter than the United States, an unknown partner, a
                level or a code DataWeb does not have, or years before its first.
        """
        level = _checked_level(selection)
        countries, is_world = _asked_partners(selection.partners, _read_countries(seeds))
        whole = _Report(
            trade_type="",
            measures=(),
            level=selection.level,
            timeline="Annual" if selection.frequency == "A" else "Monthly",
            years=tuple(range(selection.first.year, selection.last.year + 1)),
            commodities=selection.products,
        )
        reports = []
        fewest = 0
        for flow in selection.flows:
            for trade_type in _FLOWS[flow]:
                measures = tuple(
                    one.code for one in read_measures(seeds) if one.trade_type == trade_type
                )
                one_flow = replace(whole, trade_type=trade_type, measures=measures)
                asked = [replace(one_flow, is_world=True)] if is_world else []
                if countries is not None:
                    asked.append(replace(one_flow, countries=countries))
                for report in asked:
                    parts = _within_limit(report)
                    reports.extend(parts)
                    # Years alone part in whole ones; chapters fill a reply nearly to its limit.
                    fewest += ceil(report.rows / _OUR_ROWS) if report.codes else len(parts)
        is_whole = (selection.first.month, selection.last.month) == (1, 12)
        notes = () if is_whole else ("DataWeb gives whole years: more months come than asked.",)
        if level.classification == "NAIC" and selection.first.year < _FIRST_NAICS_YEAR:
            notes = (*notes, f"NAICS begins in {_FIRST_NAICS_YEAR}.")
        return Plan(
            source_id=SOURCE_ID,
            selection=selection,
            chunks=tuple(report.chunk() for report in reports),
            expected_requests=len(reports),
            fewest=fewest,
            notes=notes,
        )

    def examine(self, chunk: Chunk, reply: Reply) -> Examined:
        """A report, nothing, or why there is none; one that was cut becomes two smaller ones.

        Raises:
            TryAgain: the publisher loads data, or has not finished the report.
            Refused: the token, the request or the layout is wrong.
        """
        what = f"{SOURCE_ID}, {chunk.name}"
        said = _excerpt(reply.content[:2_000].decode("utf-8", "replace"))
        if "load mode" in said.casefold():
            raise TryAgain(
                f"{what}: {said!r}. DataWeb is unavailable while it loads data: try again later.",
                after_seconds=60,
            )
        if reply.status in (401, 403):
            raise Refused(
                f"{what}: status {reply.status}, {said!r}. The token is wrong or has expired: get a"
                f" new one at {_OBTAINED_AT}."
            )
        answer = _answer(reply, what, said)
        dto = answer.get("dto")
        problem = (dto.get("errors") if isinstance(dto, dict) else None) or next(
            (answer[field] for field in ("errors", "error", "message") if answer.get(field)), None
        )
        if problem and _NOTHING.search(str(problem)):
            return Examined(content=b"")
        if problem and _TOO_MUCH.search(str(problem)):
            return self._parted(chunk, what, _excerpt(problem))
        if problem or reply.status != 200:
            raise Refused(
                f"{what}: status {reply.status}, {_excerpt(problem or said)!r}. Correct the"
                " request: another level, partner or year."
            )
        if "dto" in answer and (dto is None or (isinstance(dto, dict) and dto.get("needMoreTime"))):
            raise TryAgain(
                f"{what}: the report is not finished. Ask for the same again.", after_seconds=15
            )
        if not isinstance(dto, dict) or not isinstance(dto.get("tables"), list):
            raise Refused(f"{what}: no report but {said!r}. The layout has changed.")
        sizes = [_height(table) for table in dto["tables"]]
        if max(sizes, default=0) in _CUT_AT:
            return self._parted(chunk, what, f"{max(sizes)} rows, as many as a report has at most")
        return Examined(content=reply.content if sum(sizes) else b"")

    def _parted(self, chunk: Chunk, what: str, why: str) -> Examined:
        report = _Report.of(chunk.request.body or b"")
        halves = report.halves()
        if not halves:
            raise Refused(
                f"{what}: {why}, and the report cannot be parted. Ask for fewer products."
            )
        return Examined(content=b"", more=tuple(one.chunk() for one in halves), is_whole=False)


def _answer(reply: Reply, what: str, said: str) -> Mapping[str, object]:
    try:
        answer = json.loads(reply.content)
    except ValueError as error:
        if reply.content.lstrip()[:1] in (b"", b"{"):
            raise TryAgain(f"{what}: the reply is cut short. Ask for the same again.") from error
        problem = f"{what}: status {reply.status}, {said!r} instead of a report. Check the token"
        if said.startswith("<"):
            raise TryAgain(f"{problem}, or try later: pages come while DataWeb rests.") from error
        raise Refused(f"{problem} and the request.") from error
    if not isinstance(answer, dict):
        raise Refused(f"{what}: {said!r} instead of a report. The layout has changed.")
    return answer


def _height(table: object) -> int:
    groups = table.get("row_groups") if isinstance(table, dict) else None
    return sum(
        len(group.get("rowsNew") or [])
        for group in (groups if isinstance(groups, list) else [])
        if isinstance(group, dict)
    )


def _checked_level(selection: Selection) -> _Level:
    level = _LEVELS.get(selection.level)
    if level is None:
        raise SelectionError(
            f"{SOURCE_ID} has no level {selection.level!r}: {closest(selection.level, _LEVELS)}."
        )
    if set(selection.reporters) - {"USA"}:
        raise SelectionError(
            f"{SOURCE_ID} reports the trade of the United States alone, not of"
            f" {', '.join(selection.reporters)}."
        )
    if unknown := set(selection.flows) - set(_FLOWS):
        raise SelectionError(f"{SOURCE_ID} has no flow {', '.join(sorted(unknown))}.")
    first = _FIRST_NAICS_YEAR if level.classification == "NAIC" else _FIRST_YEAR
    if selection.last.year < first or selection.first.year < _FIRST_YEAR:
        raise SelectionError(f"{SOURCE_ID} begins in {first} at this level: ask for later years.")
    if selection.products and selection.level == ALL_COMMODITIES:
        raise SelectionError(f"{SOURCE_ID}: the level total has no products; ask for hs2 or finer.")
    for code in selection.products:
        if not (code.isdecimal() and 2 <= len(code) <= int(level.granularity)):
            raise SelectionError(
                f"{SOURCE_ID}: {code!r} is no code of at most {level.granularity} digits, nor the"
                " first two or more of one."
            )
    return level


def _asked_partners(
    partners: Sequence[str], countries: Mapping[str, _Country]
) -> tuple[tuple[_Country, ...] | None, bool]:
    """The countries to be asked for, none of them as an empty tuple for all; and the world."""
    named = [partner for partner in partners if partner != WORLD]
    for partner in named:
        if partner not in countries:
            raise SelectionError(
                f"{SOURCE_ID} has no partner {partner!r}: {closest(partner, countries)}."
            )
    is_world = WORLD in partners
    if is_world and not named:
        return None, True
    return tuple(countries[partner] for partner in dict.fromkeys(named)), is_world


def _within_limit(report: _Report) -> list[_Report]:
    """The report, or parts of it that stay below the limit of one reply.

    Years and chapters make a table that is covered by equal rectangles, as few as will do.
    """
    if report.rows <= _OUR_ROWS:
        return [report]
    at_once = 1 if report.timeline == "Monthly" else 12
    blocks = ceil(len(report.years) / at_once)
    ways = []
    for each in range(1, blocks + 1):
        rows = report.rows // blocks * each
        fitting = len(report.codes) * _OUR_ROWS // rows
        if fitting == 0 and (report.codes or rows > _OUR_ROWS) and each > 1:
            break
        chapters = _in_runs(report.codes, max(1, fitting))
        ways.append(
            [
                replace(report, years=years, commodities=codes)
                for years in _in_runs(report.years, each * at_once)
                for codes in (chapters if len(chapters) > 1 else [report.commodities])
            ]
        )
    return min(ways, key=len)


_LAST_MONTH = pl.format("{}-{}", pl.col("year"), pl.col("last_month").cast(pl.String).str.zfill(2))


def _sign(trade_type: str) -> Callable[[bytes, str], bool]:
    """A report; which flow it is of, only its name can say, where it begins as ours do."""
    is_report = shows('"dto"', '"tables"', starts="{")

    def is_shown(content: bytes, name: str) -> bool:
        said = name.partition("_")[0]
        is_other = said in TRADE_TYPES.values() and said != trade_type
        return is_report(content, name) and not is_other

    return is_shown


def _report_parser(seeds: Path) -> FileParser:
    measures, partners = read_measures(seeds), read_partners(seeds)
    return lambda content, file: parse_report(content, file, measures, partners)


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id=SOURCE_ID,
        table=TABLE,
        description="US trade as DataWeb reports it, one row a figure: domestic exports, foreign"
        " exports and their total, imports for consumption and general imports.",
        layouts=frozenset(TRADE_TYPES),
        signs={layout: _sign(kind) for layout, kind in TRADE_TYPES.items()},
        parser=_report_parser,
        seeds=(MEASURE_SEED, PARTNER_SEED, CENSUS_SEED),
        columns=SCHEMA,
        primary_key=(
            "trade_type",
            "dataweb_measure",
            "timeline",
            "partner_code",
            "commodity_level",
            "commodity_code",
            "year",
            "month",
        ),
        values=("value_usd",),
        total=OwnTotal(
            level="commodity_level",
            value=ALL_COMMODITIES,
            amount="value_usd",
            by=("trade_type", "dataweb_measure", "timeline", "partner_code", "year", "month"),
        ),
        period=_LAST_MONTH,
        calendar=_CALENDAR,
    ),
)
CONNECTOR = DataWeb()
