"""Reads reports of USITC DataWeb: their tables, and their rows, one per figure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from dagster_project.sources.formats import read_json
from dagster_project.sources.parsing import (
    Check,
    Parsed,
    checked_numbers,
    not_after,
    read_seed,
    reject_faulty,
    rejects_frame,
)
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile

SOURCE = "usitc_dataweb"
TABLE = "usitc_dataweb__trade"
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
MEASURE_SEED = "dataweb_measures.csv"
PARTNER_SEED = "dataweb_partners.csv"
CENSUS_SEED = "census_partners.csv"

# The publisher's word for a flow, by layout.
TRADE_TYPES: Mapping[str, str] = {
    "dataweb_v2_imports_for_consumption": "Import",
    "dataweb_v2_general_imports": "GenImp",
    "dataweb_v2_domestic_exports": "Export",
    "dataweb_v2_foreign_exports": "ForeignExp",
    "dataweb_v2_total_exports": "TotExp",
}
# The lengths of the codes in a report, by classification.
_CODE_LENGTHS = {"HTS": (2, 4, 6, 10), "NAIC": (3, 4, 6), "SITC": (1, 2, 3, 4, 5)}
WORLD = "WLD"
ALL_COMMODITIES = "total"
SPLIT, TOGETHER = "Break Out Countries", "Aggregate Countries"

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, start=1)}
COUNTRY, DESCRIPTION, YEAR = "Country", "Description", "Year"
# The product system of each column of codes.
CODES = {"HTS Number": "HTS", "NAIC Number": "NAIC", "NAICS Number": "NAIC", "SITC Number": "SITC"}
_KNOWN = {COUNTRY, DESCRIPTION, YEAR, *CODES, *_MONTHS}
A_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
TOTAL = r"(?i)^(grand |sub-?)?total\b"
# Exports write whole dollars with a zero fraction.
_NUMBER = r"^-?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.0+)?$"


@dataclass(frozen=True)
class Measure:
    """One table of a report: its code in the request, and a word of its title."""

    trade_type: str
    code: str
    title_word: str


def read_measures(seeds: Path) -> tuple[Measure, ...]:
    """The measures that are requested of each flow, in the order of a report's tables."""
    return tuple(
        Measure(row["trade_type"], row["dataweb_measure"], row["title_word"])
        for row in read_seed(seeds, MEASURE_SEED)
        if row["is_requested"] == "true"
    )


def read_partners(seeds: Path) -> dict[str, str]:
    """Return partner codes by their form in reports: a lower-case name or a Schedule C code."""
    names = {
        row["dataweb_name"].casefold(): row["partner_code"]
        for row in read_seed(seeds, PARTNER_SEED)
    }
    codes = {
        row["census_code"]: row["partner_code"]
        for row in read_seed(seeds, CENSUS_SEED)
        if row["is_aggregate"] == "false"
    }
    return names | codes


def parse_report(
    content: bytes,
    file: SnapshotFile,
    measures: Sequence[Measure],
    partners: Mapping[str, str],
) -> Parsed:
    """Return one report as rows, one per figure. Every code stays text.

    A report has one table per measure. A table is identified by its title or, if it has none, by
    its position: tables have the order of the request. A table without a country column covers all
    countries, and a table without a code column covers all commodities. Rows are numbered across
    the tables. Total rows are left out because they repeat the rows above.

    A blank cell gives no row. The publisher gives 0 for future months of a year, so months after
    the last one in which anything is traded are absent, not zero. The year's own figure then covers
    an unknown part of the year and is rejected.

    Raises:
        SnapshotError: the content is not a report or is an error report, a table cannot be
        identified, a column is unknown, or there are no rows.
    """
    name = file.snapshot_file
    asked = [one for one in measures if one.trade_type == TRADE_TYPES[file.layout]]
    tables = _tables(read_json(content, name), name)
    frames, rejects = [pl.DataFrame(schema=SCHEMA)], []
    rows_before = 0
    for measure, table in zip(_measures_of(tables, asked, name), tables, strict=True):
        cells, bad_rows, count = _cells(table, f"{name}, table {measure.code}", rows_before)
        rows_before += count
        rejects.append(bad_rows)
        if not cells.is_empty():
            frame, bad_cells = _figures(cells, measure, file.known_from, partners)
            frames.append(frame)
            rejects += bad_cells
    if rows_before == 0:
        raise SnapshotError(f"{name}: no rows. Check the request; an empty reply is not stored.")
    figures = without_months_to_come(pl.concat(frames), open_year(file.known_from))
    return Parsed(figures, pl.concat(rejects))


def _tables(reply: object, name: str) -> list[Mapping[str, object]]:
    dto = reply.get("dto") if isinstance(reply, dict) else None
    if not isinstance(dto, dict):
        raise SnapshotError(
            f"{name}: no report (field dto) but {excerpt(reply)!r}. Correct the request, or wait"
            " while the publisher loads data, and fetch again."
        )
    if dto.get("errors"):
        raise SnapshotError(
            f"{name}: the publisher answered with an error: {excerpt(dto['errors'])!r}. Correct"
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
    """The measure of each table."""
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
                f" one of {', '.join(one.code for one in asked)}. Request only these, or give its"
                f" title a word in {MEASURE_SEED}."
            )
        found.append(fitting[0])
    if len(set(found)) != len(found):
        raise SnapshotError(
            f"{name}: two tables show {', '.join(one.code for one in found)}. Fetch it again."
        )
    return found


def _cells(
    table: Mapping[str, object], where: str, rows_before: int
) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """A table's rows as text by label, its rejects, and its number of rows."""
    labels = list(_labels(table.get("column_groups")))
    unknown = [label for label in labels if label not in _KNOWN and not A_YEAR.fullmatch(label)]
    if unknown or len(set(labels)) != len(labels):
        raise SnapshotError(
            f"{where}: the columns are {', '.join(labels)}; "
            + (f"{', '.join(unknown)} is not read" if unknown else "one appears twice")
            + ". Leave it out of the request, or give it a meaning in the layout."
        )
    rows = rows_of(table, where)
    if rows and not any(map(_is_value, labels)):
        raise SnapshotError(f"{where}: no column of months or years. Check the request.")
    if rows and YEAR not in labels and not MONTH_NUMBERS.keys().isdisjoint(labels):
        raise SnapshotError(f"{where}: months without a column {YEAR}. Check the request.")
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
            rejects.append((number, None, excerpt(values), reason))
        elif bad := [value for value in values if not isinstance(value, str | int | None)]:
            rejects.append((number, None, excerpt(bad[0]), "neither text nor a whole number"))
        else:
            texts = [None if value is None else str(value).strip() for value in values]
            records.append([number, *texts])
    schema = {"row_number": pl.Int64(), **{label: pl.String() for label in labels}}
    return pl.DataFrame(records, schema=schema, orient="row"), rejects_frame(rejects), len(rows)


def _labels(groups: object) -> Iterator[str]:
    for group in groups if isinstance(groups, list) else []:
        if isinstance(group, dict) and "columns" in group:
            yield from _labels(group["columns"])
        elif isinstance(group, dict):
            yield str(group.get("label", "")).strip()


def rows_of(table: object, where: str) -> list[object]:
    """The rows of a table of a report.

    Raises:
        SnapshotError: a table without lists of rows: silence does not mean that there are none.
    """
    groups = table.get("row_groups") if isinstance(table, dict) else None
    if not isinstance(groups, list):
        raise SnapshotError(
            f"{where}: {excerpt(table)!r} is not a table with row_groups. The layout has changed."
        )
    rows: list[object] = []
    for group in groups:
        found = group.get("rowsNew") if isinstance(group, dict) else None
        if not isinstance(found, list):
            raise SnapshotError(
                f"{where}: rowsNew is {excerpt(found)!r} instead of a list of rows. The layout has"
                " changed."
            )
        rows += found
    return rows


def excerpt(value: object) -> str:
    return " ".join(str(value).split())[:200]


def _is_value(label: str) -> bool:
    return label in MONTH_NUMBERS or A_YEAR.fullmatch(label) is not None


def _figures(
    cells: pl.DataFrame, measure: Measure, known_from: date, partners: Mapping[str, str]
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """One table's figures, one per row, and its rejects."""
    for label in [name for name in (COUNTRY, *CODES, YEAR) if name in cells.columns]:
        cells = cells.filter(~pl.col(label).str.contains(TOTAL).fill_null(False))
    is_split = COUNTRY in cells.columns
    cells = cells.with_columns(partner_code=partner_of(partners) if is_split else pl.lit(WORLD))
    cells, faulty = reject_faulty(cells, row_checks(cells.columns, known_from))
    rejects = [bad for _, bad in faulty]
    values = [label for label in cells.columns if _is_value(label)]
    # A year's own figure is complete once December is published, about 5 February.
    partial = [
        label
        for label in values
        if A_YEAR.fullmatch(label) and known_from < date(int(label) + 1, 2, 1)
    ]
    reason = (
        f"the year was not complete on {known_from}: the column covers an unknown part of"
        " it; request months"
    )
    if cells.height:
        first_row = cells["row_number"][0]
        rejects.append(rejects_frame([(first_row, label, None, reason) for label in partial]))
    long = (
        cells.unpivot(
            on=[label for label in values if label not in partial],
            index=[label for label in cells.columns if label not in values],
            variable_name="column_name",
            value_name="text",
        )
        # If no column is complete, the text column is empty and has no type.
        .with_columns(pl.col("text").cast(pl.String))
        .filter(pl.col("text").fill_null("") != "")
        .sort("row_number", maintain_order=True)
    )
    long, not_numbers = dollars(long)
    month = pl.col("column_name").replace_strict(MONTH_NUMBERS, default=None, return_dtype=pl.Int32)
    year = YEAR if YEAR in long.columns else pl.lit(None, pl.String)
    long = long.with_columns(
        trade_type=pl.lit(measure.trade_type),
        dataweb_measure=pl.lit(measure.code),
        month=month,
        year=pl.when(month.is_not_null()).then(year).otherwise("column_name").cast(pl.Int32),
    )
    return named(long), [*rejects, *not_numbers]


def partner_of(partners: Mapping[str, str]) -> pl.Expr:
    """The partner code of a row; null if its name is unknown."""
    # The publisher's own list writes "Canada - CA - CAN".
    name = pl.col(COUNTRY).str.replace(r" - [A-Z]{2} - [A-Z]{3}$", "").str.to_lowercase()
    return name.replace_strict(dict(partners), default=None, return_dtype=pl.String)


def dollars(long: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Turn `text` into `value_usd`; and the rejects."""
    is_number = pl.col("text").str.contains(_NUMBER)
    not_whole = long.filter(~is_number).select(
        "row_number",
        "column_name",
        value="text",
        reason=pl.lit("not a whole number, with or without commas between thousands"),
    )
    digits = pl.col("text").str.replace_all(",", "").str.replace(r"\.0+$", "")
    long, negative = checked_numbers(
        long.filter(is_number).with_columns(digits),
        text="text",
        value="value_usd",
        precision=20,
        scale=0,
    )
    return long, [not_whole, negative]


def row_checks(labels: Sequence[str], known_from: date) -> list[Check]:
    """What makes a row unusable: its partner, code or year."""
    checks = [
        Check(
            pl.col("partner_code").is_null(),
            COUNTRY if COUNTRY in labels else "partner_code",
            f"unknown country: if it is a new name, add it to {PARTNER_SEED}",
        )
    ]
    if code_label := _code_label(labels):
        code, lengths = pl.col(code_label), _CODE_LENGTHS[CODES[code_label]]
        checks.append(
            Check(
                ~(code.str.contains("^[0-9]+$") & code.str.len_chars().is_in(lengths)),
                code_label,
                f"not a code of {', '.join(map(str, lengths))} digits; leading zeros must be kept",
            )
        )
    if YEAR in labels:
        is_year = pl.col(YEAR).str.contains(r"^(19|20)[0-9]{2}$")
        checks += [Check(~is_year, YEAR, "not a year"), not_after(YEAR, known_from, "%Y")]
    return checks


def _code_label(labels: Collection[str]) -> str | None:
    return next((label for label in CODES if label in labels), None)


def named(long: pl.DataFrame) -> pl.DataFrame:
    """Give the figures, with their measure, partner, year and month, the raw table's columns."""
    nothing = pl.lit(None, dtype=pl.String)
    is_world = pl.col("partner_code") == WORLD
    code_label = _code_label(long.columns)
    system = CODES[code_label] if code_label else None
    code = pl.col(code_label) if code_label else pl.lit(ALL_COMMODITIES)
    return long.select(
        "row_number",
        "column_name",
        "trade_type",
        "dataweb_measure",
        timeline=pl.when(pl.col("month").is_null())
        .then(pl.lit("Annual"))
        .otherwise(pl.lit("Monthly")),
        country_aggregation=pl.when(is_world).then(pl.lit(TOGETHER)).otherwise(pl.lit(SPLIT)),
        partner_name=COUNTRY if COUNTRY in long.columns else nothing,
        partner_code="partner_code",
        commodity_level=pl.format("{}{}", pl.lit(system), code.str.len_chars()) if system else code,
        chapter=code.str.slice(0, 2) if system == "HTS" else nothing,
        commodity_code=code,
        commodity_name=DESCRIPTION if DESCRIPTION in long.columns else nothing,
        year=pl.col("year").cast(pl.Int32),
        month=pl.col("month").cast(pl.Int32),
        last_month=pl.col("month").cast(pl.Int32).fill_null(12),
        value_usd="value_usd",
    )


def open_year(known_from: date) -> int:
    """The first year whose December may not be published yet."""
    # Statistics have been three weeks late, so December is certainly published by March.
    return known_from.year if known_from.month >= 3 else known_from.year - 1


def without_months_to_come(figures: pl.DataFrame, first_open: int) -> pl.DataFrame:
    """Drop the zeros after the last month with trade, from this year on."""
    is_open = pl.col("month").is_not_null() & (pl.col("year") >= first_open)
    last_traded = pl.col("month").filter(is_open & (pl.col("value_usd") > 0)).max().over("year")
    return figures.filter(~is_open | (pl.col("month") <= last_traded.fill_null(0)))
