"""Quoted figures: rounded, each with the page that published it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import polars as pl

from dagster_project.sources.claim_vocabulary import VOCABULARY_SEEDS, vocabulary_from_seeds
from dagster_project.sources.formats import read_csv_cells, shows
from dagster_project.sources.parsing import PERIOD_PATTERN, Parsed, reject_where
from dagster_project.sources.raw import FileParser, SourceTable
from dagster_project.sources.snapshot import SnapshotFile

LAYOUT = "published_figures"

SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "publisher": pl.String(),
    "dataset_or_page": pl.String(),
    "published": pl.String(),
    "reporter": pl.String(),
    "partner": pl.String(),
    "trade_kind": pl.String(),
    "measure": pl.String(),
    "export_concept": pl.String(),
    "import_concept": pl.String(),
    "valuation": pl.String(),
    "account_basis": pl.String(),
    "period": pl.String(),
    "value": pl.Decimal(20, 6),
    "unit": pl.String(),
    "rounding": pl.Decimal(20, 6),
    "address": pl.String(),
}

_COLUMNS = tuple(column for column in SCHEMA if column not in ("row_number", "column_name"))
_MAY_BE_EMPTY = ("export_concept", "import_concept", "valuation", "account_basis")
_UNSIGNED = r"^[0-9]{1,14}(\.[0-9]{1,6})?$"
_SIGNED = r"^-?[0-9]{1,14}(\.[0-9]{1,6})?$"


def parse_figures(
    content: bytes, file: SnapshotFile, countries: Collection[str], units: Collection[str]
) -> Parsed:
    """One row per quoted figure; an empty cell becomes null.

    Raises:
        SnapshotError: see `read_csv_cells`.
    """
    cells, rejects = read_csv_cells(content, file.snapshot_file, _COLUMNS)
    found = [rejects]

    def keep(is_bad: pl.Expr, column: str, reason: str) -> None:
        nonlocal cells
        cells, bad = reject_where(cells, is_bad, column, reason)
        found.append(bad)

    for column in _COLUMNS:
        if column not in _MAY_BE_EMPTY:
            keep(pl.col(column) == "", column, "the cell is empty")
    for column in ("reporter", "partner"):
        unknown = ~pl.col(column).is_in(list(countries))
        keep(unknown, column, "unknown country: write the ISO 3166 alpha-3 code")
    keep(
        ~pl.col("published").str.contains(r"^[0-9]{4}(-(0[1-9]|1[0-2])(-[0-9]{2})?)?$"),
        "published",
        "not a date: write YYYY, YYYY-MM or YYYY-MM-DD",
    )
    keep(
        ~pl.col("period").str.contains(PERIOD_PATTERN),
        "period",
        "not a period: write YYYY, YYYY-MM or YYYY-MM/YYYY-MM",
    )
    keep(~pl.col("unit").is_in(list(units)), "unit", "unknown unit: see the seed units.csv")
    keep(
        ~pl.col("value").str.contains(_SIGNED),
        "value",
        "not a number: write digits, at most 6 decimals and no separators",
    )
    keep(
        ~pl.col("rounding").str.contains(_UNSIGNED)
        | (pl.col("rounding").str.strip_chars("0.") == ""),
        "rounding",
        "not a rounding unit above zero, for example 0.1",
    )
    frame = cells.select(
        "row_number",
        pl.lit("value").alias("column_name"),
        *(
            pl.when(pl.col(column) != "").then(pl.col(column)).cast(SCHEMA[column]).alias(column)
            for column in _COLUMNS
        ),
    )
    return Parsed(frame, pl.concat(found))


def _published_parser(seeds: Path) -> FileParser:
    words = vocabulary_from_seeds(seeds)
    return lambda content, file: parse_figures(content, file, words.reporters, words.units)


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id="published",
        table="published__figures",
        description="Rounded figures known only from a publication, each with its page.",
        layouts=frozenset({LAYOUT}),
        layout_detectors={LAYOUT: shows("dataset_or_page", "import_concept", "valuation")},
        headers={LAYOUT: _COLUMNS},
        parser=_published_parser,
        seeds=VOCABULARY_SEEDS,
        columns=SCHEMA,
        primary_key=(
            "publisher",
            "dataset_or_page",
            "published",
            "reporter",
            "partner",
            "trade_kind",
            "measure",
            "export_concept",
            "import_concept",
            "valuation",
            "account_basis",
            "period",
        ),
        calendar="Updated by hand.",
    ),
)
