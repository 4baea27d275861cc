"""Parses the rows of a report, one per figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from dagster_project.sources.parsing import (
    Parsed,
    checked_numbers,
    read_json,
    reject_where,
    rejects_frame,
)
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.usitc_dataweb.seeds import PARTNER_SEED, Measure
from dagster_project.sources.usitc_dataweb.service import (
    ALL_COMMODITIES,
    LEVELS,
    SPLIT,
    TOGETHER,
    TRADE_TYPES,
    WORLD,
)
from dagster_project.sources.usitc_dataweb.tables import (
    A_YEAR,
    CODES,
    COUNTRY,
    DESCRIPTION,
    MONTH_NUMBERS,
    MONTHS,
    YEAR,
    measures_of,
    read_tables,
    table_cells,
)

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

_FIGURE_SCHEMA = {
    column: kind
    for column, kind in SCHEMA.items()
    if column not in ("trade_type", "dataweb_measure")
}

_TOTAL = r"(?i)^(grand |sub-?)?total\b"
_NUMBER = r"^-?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)$"


def parse_report(
    content: bytes,
    file: SnapshotFile,
    measures: Sequence[Measure],
    partners: Mapping[str, str],
) -> Parsed:
    """One report as rows, one per figure; every code stays text.

    A report has a table per measure. A table with a title is identified by it, one without by its
    position, which is the order requested. Without a column of countries a table covers all of
    them, without one of codes all commodities. Rows are numbered across the tables. Total rows are
    left out: they repeat the rows above.

    A blank cell gives no row. The publisher prints 0 for future months of a year: months after the
    last one in which anything is traded are absent, not zero. The year's own figure then covers an
    unknown part of the year and is rejected.

    Raises:
        SnapshotError: not a report, an error report, tables that cannot be identified, an unknown
        column, or no rows.
    """
    name = file.snapshot_file
    asked = [one for one in measures if one.trade_type == TRADE_TYPES[file.layout]]
    tables = read_tables(read_json(content, name), name)
    titled = measures_of(tables, asked, name)
    frames, rejects = [], []
    rows_before = 0
    for measure, table in zip(titled, tables, strict=True):
        where = f"{name}, table {measure.code}"
        cells, bad_rows, count = table_cells(table, where, rows_before)
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


def _figures(
    cells: pl.DataFrame, known_from: date, partners: Mapping[str, str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One table's cells as figures, and its rejects."""
    code_label = next((label for label in CODES if label in cells.columns), None)
    keys = [label for label in (COUNTRY, code_label, YEAR) if label in cells.columns]
    if keys:
        is_total = pl.any_horizontal(pl.col(key).str.contains(_TOTAL) for key in keys)
        cells = cells.filter(~is_total.fill_null(False))
    cells, rejects = _checked_keys(cells, code_label, known_from, partners)
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

    if COUNTRY in cells.columns:
        # The publisher's own list writes "Canada - CA - CAN".
        name = pl.col(COUNTRY).str.replace(r" - [A-Z]{2} - [A-Z]{3}$", "").str.to_lowercase()
        cells = cells.with_columns(
            name.replace_strict(dict(partners), default=None, return_dtype=pl.String).alias(
                "partner_code"
            )
        )
        keep(
            pl.col("partner_code").is_null(),
            COUNTRY,
            f"unknown country: if it is a new name, add it to {PARTNER_SEED}",
        )
    else:
        cells = cells.with_columns(pl.lit(WORLD).alias("partner_code"))
    if code_label is not None:
        system = CODES[code_label]
        lengths = {int(one.granularity) for one in LEVELS.values() if one.classification == system}
        code = pl.col(code_label)
        keep(
            ~(code.str.contains("^[0-9]+$") & code.str.len_chars().is_in(sorted(lengths))),
            code_label,
            f"not a code of {', '.join(str(length) for length in sorted(lengths))} digits;"
            " leading zeros must be kept",
        )
    if YEAR in cells.columns:
        keep(~pl.col(YEAR).str.contains(r"^(19|20)[0-9]{2}$"), YEAR, "not a year")
        keep(
            pl.col(YEAR).cast(pl.Int32) > known_from.year,
            YEAR,
            f"a release known from {known_from} cannot hold this year",
        )
    return cells, rejects


def _named(long: pl.DataFrame, code_label: str | None) -> pl.DataFrame:
    """Figures under the names of the raw table."""

    def optional(column: str) -> pl.Expr:
        return pl.col(column) if column in long.columns else pl.lit(None, dtype=pl.String)

    month = pl.col("column_name").replace_strict(MONTH_NUMBERS, default=None, return_dtype=pl.Int32)
    is_month = pl.col("column_name").is_in(list(MONTHS))
    system = CODES[code_label] if code_label else None
    code = pl.col(code_label) if code_label else pl.lit(ALL_COMMODITIES)
    level = pl.format("{}{}", pl.lit(system), code.str.len_chars()) if system else code
    return long.select(
        "row_number",
        "column_name",
        pl.when(is_month).then(pl.lit("Monthly")).otherwise(pl.lit("Annual")).alias("timeline"),
        pl.when(pl.col("partner_code") == WORLD)
        .then(pl.lit(TOGETHER))
        .otherwise(pl.lit(SPLIT))
        .alias("country_aggregation"),
        optional(COUNTRY).alias("partner_name"),
        "partner_code",
        level.alias("commodity_level"),
        (code.str.slice(0, 2) if system == "HTS" else pl.lit(None, dtype=pl.String)).alias(
            "chapter"
        ),
        code.alias("commodity_code"),
        optional(DESCRIPTION).alias("commodity_name"),
        pl.when(is_month)
        .then(optional(YEAR))
        .otherwise(pl.col("column_name"))
        .cast(pl.Int32)
        .alias("year"),
        month.alias("month"),
        month.fill_null(12).alias("last_month"),
        "value_usd",
    )


def _without_months_to_come(figures: pl.DataFrame, known_from: date) -> pl.DataFrame:
    """Drop the zeros of a year whose December may not be published yet."""
    # Statistics have been late by three weeks: December is certainly published in March.
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
    return label in MONTH_NUMBERS or A_YEAR.fullmatch(label) is not None
