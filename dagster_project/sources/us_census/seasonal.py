"""Reads the seasonally adjusted country file of the US Census Bureau."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from dagster_project.sources.formats import read_csv_cells, shows
from dagster_project.sources.parsing import (
    Parsed,
    checked_numbers,
    reject_faulty,
    rejects_frame,
    with_zeros,
    without_noise,
    without_point,
)
from dagster_project.sources.snapshot import SnapshotFile
from dagster_project.sources.us_census.country_file import MONTHS, YEAR_CHECK, drop_unpublished
from dagster_project.sources.us_census.files import unknown_partner

SEASONAL_TABLE = "us_census__country_seasonal"
SEASONAL_LAYOUT = "census_country_seasonal"
SEASONAL_SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "year": pl.Int32(),
    "month": pl.Int32(),
    "last_month": pl.Int32(),
    "cty_code": pl.String(),
    "cty_name": pl.String(),
    "flow": pl.String(),
    "value_usd": pl.Decimal(20, 3),
}

_KEYS = ("year", "cty_code", "cty_desc")
_FIGURES = pl.DataFrame(
    [
        (letter + month, flow, number)
        for letter, flow in (("E", "export"), ("I", "import"))
        for number, month in enumerate(MONTHS, start=1)
    ],
    schema={"column_name": pl.String(), "flow": pl.String(), "month": pl.Int32()},
    orient="row",
)
SEASONAL_COLUMNS = (*_KEYS, *_FIGURES["column_name"])
_QUARTERS = {f"Q{n}": MONTHS[3 * n - 3 : 3 * n] for n in range(1, 5)}
# Balances and quarters, which follow from the months and may be absent.
_DERIVED = {
    **{f"B{month}": (f"E{month}", f"I{month}") for month in MONTHS},
    **{
        f"{letter}{quarter}": tuple(letter + month for month in months)
        for letter in "BEI"
        for quarter, months in _QUARTERS.items()
    },
}
# In US dollars; the publisher computes in binary numbers.
_TOLERANCE = 1

is_seasonal_file = shows("year", "cty_code", "cty_desc", "EJAN", "IJAN")


def parse_seasonal_file(content: bytes, file: SnapshotFile, codes: Mapping[str, str]) -> Parsed:
    """Return the months of exports and imports as rows. Every code stays text.

    Values are US dollars rounded to three decimals: the publisher computes them and prints binary
    numbers. A blank cell gives no row, nor does a month to come. Balances and quarters are no rows,
    since they follow from the months; those that contradict them are rejected.

    Raises:
        SnapshotError: see `read_csv_cells`.
    """
    cells, rejects = read_csv_cells(content, file.snapshot_file, SEASONAL_COLUMNS, list(_DERIVED))
    cells = cells.rename({"cty_code": "CTY_CODE"}).with_columns(
        without_noise(pl.exclude("row_number", "year", "CTY_CODE", "cty_desc")),
        without_point("year"),
        with_zeros("CTY_CODE", 4, codes),
    )
    cells, faulty = reject_faulty(cells, (YEAR_CHECK, unknown_partner(codes)))
    long = (
        cells.unpivot(
            on=_FIGURES["column_name"].to_list(),
            index=["row_number", "year", "CTY_CODE", "cty_desc"],
            variable_name="column_name",
            value_name="text",
        )
        .filter(pl.col("text") != "")
        .join(_FIGURES, on="column_name", how="left", maintain_order="left")
        .with_columns(year=pl.col("year").cast(pl.Int32))
    )
    long, bad_number = checked_numbers(long, text="text", value="value", precision=20, scale=6)
    frame = (
        drop_unpublished(long, file, "value")
        .sort("row_number", maintain_order=True)
        .select(
            *("row_number", "column_name", "year", "month", "last_month"),
            pl.col("CTY_CODE").alias("cty_code"),
            pl.col("cty_desc").alias("cty_name"),
            "flow",
            pl.col("value").round(3).cast(pl.Decimal(20, 3)).alias("value_usd"),
        )
    )
    wrong = _contradictions(cells)
    return Parsed(frame, pl.concat([rejects, *(bad for _, bad in faulty), bad_number, wrong]))


def _contradictions(cells: pl.DataFrame) -> pl.DataFrame:
    """Rejects for the balances and quarters that do not follow from the months of their row."""
    numbers = cells.select(pl.all().cast(pl.Float64, strict=False))
    found = [rejects_frame()]
    for column in (column for column in _DERIVED if column in cells.columns):
        first, *others = (pl.col(part) for part in _DERIVED[column])
        is_balance = column[1:] in MONTHS
        expected = first - others[0] if is_balance else sum(others, first)
        distance = numbers.select((pl.col(column) - expected).abs()).to_series()
        rule = "exports less imports" if is_balance else "the sum of its months"
        found.append(
            cells.filter(distance > _TOLERANCE).select(
                "row_number",
                column_name=pl.lit(column),
                value=pl.col(column),
                reason=pl.lit(f"not {rule}: no figure is taken from this cell"),
            )
        )
    return pl.concat(found)
