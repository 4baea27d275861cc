"""The country file of the US Census Bureau, as the published workbook or as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import polars as pl

from dagster_project.sources.parsing import (
    Parsed,
    checked_numbers,
    is_workbook,
    read_csv_cells,
    read_workbook_cells,
    reject_where,
    rejects_frame,
    shows,
)
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.us_census.partners import reject_unknown

COUNTRY_FILE_LAYOUT = "census_country_file"

COUNTRY_FILE_SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "year": pl.Int32(),
    "month": pl.Int32(),
    "last_month": pl.Int32(),
    "cty_code": pl.String(),
    "cty_name": pl.String(),
    "flow": pl.String(),
    "value_musd": pl.Decimal(18, 6),
    "rounding_musd": pl.Decimal(18, 6),
}

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FLOWS = {"I": "import", "E": "export"}
# Decimal places → the rounding unit.
_UNITS = {places: Decimal(1).scaleb(-places) for places in range(7)}


def _value_columns() -> dict[str, tuple[str, int | None]]:
    """Value column → flow and month, in the publisher's order; no month for the year."""
    columns: dict[str, tuple[str, int | None]] = {}
    for letter, flow in _FLOWS.items():
        for number, month in enumerate(_MONTHS, start=1):
            columns[letter + month] = (flow, number)
        columns[letter + "YR"] = (flow, None)
    return columns


_VALUE_COLUMNS = _value_columns()
_COUNTRY_FILE_COLUMNS = ("year", "CTY_CODE", "CTYNAME", *_VALUE_COLUMNS)
_VALUE_COLUMN_FRAME = pl.DataFrame(
    [(column, flow, month) for column, (flow, month) in _VALUE_COLUMNS.items()],
    schema={"column_name": pl.String(), "flow": pl.String(), "month": pl.Int32()},
    orient="row",
).with_row_index("column_place")


def is_country_file(content: bytes, name: str) -> bool:
    """Whether a file looks like one; the content of a workbook is checked when it is read."""
    return is_workbook(content) or shows("CTY_CODE", "CTYNAME", "IYR", "EYR")(content, name)


def read_country_cells(content: bytes, name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every row as text, and rejects; a blank cell is empty text.

    Raises:
        SnapshotError: neither a complete workbook nor complete CSV, or other columns.
    """
    if is_workbook(content):
        return read_workbook_cells(content, name, _COUNTRY_FILE_COLUMNS), rejects_frame()
    return read_csv_cells(content, name, _COUNTRY_FILE_COLUMNS)


def parse_country_file(content: bytes, file: SnapshotFile, codes: Mapping[str, str]) -> Parsed:
    """One release of the country file as rows; every code stays text.

    Month columns become rows. A blank cell gives no row. In the file's last year the publisher
    prints 0 for future months: months after the last one in which any partner trades in either flow
    are absent, not zero, and the annual column runs through that month (`last_month`). Values are
    USD millions as published.

    Raises:
        SnapshotError: see `read_country_cells`; or the last year's annual column cannot be dated
        because none of its months has trade.
    """
    name = file.snapshot_file
    cells, rejects = read_country_cells(content, name)
    cells, bad_year = reject_where(
        cells,
        ~pl.col("year").str.contains(r"^(19|20)[0-9]{2}$"),
        "year",
        pl.when(pl.col("year") == "")
        .then(pl.lit("the row has no year, so its figures belong to no period"))
        .otherwise(pl.lit("not a year: write four digits")),
    )
    cells, future = reject_where(
        cells,
        pl.col("year").cast(pl.Int32) > file.known_from.year,
        "year",
        f"a release known from {file.known_from} cannot hold this year",
    )
    cells, bad_code = reject_unknown(cells, "CTY_CODE", codes)
    long = (
        cells.unpivot(
            on=list(_VALUE_COLUMNS),
            index=["row_number", "year", "CTY_CODE", "CTYNAME"],
            variable_name="column_name",
            value_name="text",
        )
        .filter(pl.col("text") != "")
        .join(_VALUE_COLUMN_FRAME, on="column_name", how="left", maintain_order="left")
        .with_columns(pl.col("year").cast(pl.Int32))
    )
    long, bad_number = checked_numbers(long, text="text", value="value_musd", precision=18, scale=6)
    long = long.with_columns(_printed_unit(long["text"]).alias("rounding_musd"))
    long = _drop_unpublished(long, name)
    frame = long.sort("row_number", "column_place").select(
        "row_number",
        "column_name",
        "year",
        "month",
        "last_month",
        pl.col("CTY_CODE").alias("cty_code"),
        pl.col("CTYNAME").alias("cty_name"),
        "flow",
        "value_musd",
        "rounding_musd",
    )
    return Parsed(frame, pl.concat([rejects, bad_year, future, bad_code, bad_number]))


def _drop_unpublished(long: pl.DataFrame, name: str) -> pl.DataFrame:
    """Drop future months; `last_month` says through which month a row runs."""
    if long.is_empty():
        return long.with_columns(pl.lit(None, dtype=pl.Int32).alias("last_month"))
    last_year = long["year"].max()
    in_last_year = long.filter(pl.col("year") == last_year)
    last_month = in_last_year.filter(pl.col("month").is_not_null() & (pl.col("value_musd") > 0))[
        "month"
    ].max()
    has_annual = in_last_year.filter(pl.col("month").is_null() & (pl.col("value_musd") > 0))
    if last_month is None and not has_annual.is_empty():
        raise SnapshotError(
            f"{name}: the year {last_year} has annual figures but no month above zero, so"
            " nothing says through which month they run. Keep at least one partner's months."
        )
    through = (
        pl.when(pl.col("year") == last_year).then(pl.lit(last_month or 0)).otherwise(pl.lit(12))
    )
    return (
        long.filter(pl.col("month").is_null() | (pl.col("month") <= through))
        .filter((pl.col("year") < last_year) | pl.lit(last_month is not None))
        .with_columns(pl.coalesce("month", through).cast(pl.Int32).alias("last_month"))
    )


def _printed_unit(texts: pl.Series) -> pl.Series:
    """The rounding unit of each cell.

    Trailing zeros are dropped cell by cell, so the unit is determined for the file. A file saved
    with a fixed number of digits shows large numbers with fewer decimals than small ones.
    """
    parts = texts.str.extract_groups(r"([0-9]*)\.?([0-9]*)$").struct.unnest()
    whole = parts["1"].str.strip_chars_start("0").str.len_chars().cast(pl.Int64)
    decimals = parts["2"].str.len_chars().cast(pl.Int64)
    places = pl.min_horizontal(
        pl.lit(decimals.clip(upper_bound=max(_UNITS)).max(), pl.Int64),
        pl.lit((whole + decimals).max(), pl.Int64) - pl.col("whole"),
    )
    return (
        pl.DataFrame({"whole": whole})
        .select(places.replace_strict(_UNITS, return_dtype=pl.Decimal(18, 6)))
        .to_series()
    )
