"""Reads the country file of the US Census Bureau."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import polars as pl

from dagster_project.sources.formats import read_csv_cells, shows
from dagster_project.sources.parsing import (
    Check,
    Parsed,
    checked_numbers,
    reject_faulty,
    with_zeros,
    without_noise,
    without_point,
)
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.us_census.files import GROUP, unknown_partner
from dagster_project.sources.workbooks import readable

COUNTRY_FILE_TABLE = "us_census__country_file"
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

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
# In the publisher's order. The column of the year has no month.
_VALUE_COLUMNS = pl.DataFrame(
    [
        (letter + ending, flow, month)
        for letter, flow in (("I", "import"), ("E", "export"))
        for month, ending in (*enumerate(MONTHS, start=1), (None, "YR"))
    ],
    schema={"column_name": pl.String(), "flow": pl.String(), "month": pl.Int32()},
    orient="row",
)
COUNTRY_FILE_COLUMNS = ("year", "CTY_CODE", "CTYNAME", *_VALUE_COLUMNS["column_name"])
YEAR_CHECK = Check(
    ~pl.col("year").str.contains(r"^(19|20)[0-9]{2}$"),
    "year",
    pl.when(pl.col("year") == "")
    .then(pl.lit("the row has no year, so its figures belong to no period"))
    .otherwise(pl.lit("not a year: write four digits")),
)
# A year and its months are rounded apart, and may be revised apart by a little. Of fewer years a
# file says nothing about its columns.
_TOLERANCE_OF_A_YEAR = 0.05
_FEWEST_YEARS = 10
# Decimal places → the rounding unit.
_UNITS = {places: Decimal(1).scaleb(-places) for places in range(7)}


is_country_file = shows("CTY_CODE", "CTYNAME", "IYR", "EYR")


def read_country_cells(content: bytes, name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return every row as text, and the rejects. A blank cell becomes empty text.

    Raises:
        SnapshotError: the file is neither a complete workbook nor complete CSV, or has other
        columns.
    """
    table = readable(content, name, COUNTRY_FILE_LAYOUT, is_country_file)
    return read_csv_cells(table, name, COUNTRY_FILE_COLUMNS)


def parse_country_file(content: bytes, file: SnapshotFile, codes: Mapping[str, str]) -> Parsed:
    """Return one release of the country file as rows. Every code stays text.

    Month columns become rows. A blank cell gives no row. In the file's last year the publisher
    gives 0 for future months. The last published month is the last one in which any partner trades
    in either flow. Later months are absent, not zero, and the annual column runs through the last
    published month (`last_month`). Values are USD millions as published.

    A group of countries never trades nothing: the publisher gives 0 before a group began and after
    it ended. Such months are absent too, and the annual column runs through the group's last month.

    Raises:
        SnapshotError: see `read_country_cells`. It is also raised if the last year's annual column
        cannot be dated because none of its months has trade, and if most years differ from the
        sums of their months.
    """
    cells, rejects = read_country_cells(content, file.snapshot_file)
    year = pl.col("year")
    cells = cells.with_columns(
        without_noise(pl.col(_VALUE_COLUMNS["column_name"].to_list())),
        without_point("year"),
        with_zeros("CTY_CODE", 4, codes),
    )
    cells, faulty = reject_faulty(cells, (YEAR_CHECK, unknown_partner(codes)))
    long = (
        cells.unpivot(
            on=list(_VALUE_COLUMNS["column_name"]),
            index=["row_number", "year", "CTY_CODE", "CTYNAME"],
            variable_name="column_name",
            value_name="text",
        )
        .filter(pl.col("text") != "")
        .join(_VALUE_COLUMNS, on="column_name", how="left", maintain_order="left")
        .with_columns(year.cast(pl.Int32))
    )
    long, bad_number = checked_numbers(long, text="text", value="value_musd", precision=18, scale=6)
    long = long.with_columns(rounding_musd=_printed_unit(pl.col("text")))
    _refuse_a_file_at_odds_with_itself(long, file)
    frame = (
        _drop_ended_groups(drop_unpublished(long, file, "value_musd"), codes)
        .sort("row_number", maintain_order=True)
        .rename({"CTY_CODE": "cty_code", "CTYNAME": "cty_name"})
        .select(list(COUNTRY_FILE_SCHEMA))
    )
    return Parsed(frame, pl.concat([rejects, *(bad for _, bad in faulty), bad_number]))


def _refuse_a_file_at_odds_with_itself(long: pl.DataFrame, file: SnapshotFile) -> None:
    """Refuse a file of which most years are not what their twelve months add up to.

    One year that differs is the publisher's error, and published as such. Most of them are
    columns in another order or another unit, of which no figure can be used.

    Raises:
        SnapshotError: the number of such years, and the first of them.
    """
    row = ("row_number", "year", "CTYNAME", "flow")
    of_year = pl.col("month").is_null()
    years = (
        long.group_by(row, maintain_order=True)
        .agg(
            pl.col("value_musd").filter(of_year).first().cast(pl.Float64).alias("printed"),
            pl.col("value_musd").filter(~of_year).sum().cast(pl.Float64).alias("added"),
            (~of_year & (pl.col("value_musd") > 0)).sum().alias("months"),
        )
        .filter((pl.col("months") == 12) & pl.col("printed").is_not_null())
    )
    wrong = years.filter((pl.col("printed") / pl.col("added") - 1).abs() > _TOLERANCE_OF_A_YEAR)
    if len(years) >= _FEWEST_YEARS and len(wrong) > len(years) / 2:
        first = wrong.row(0, named=True)
        raise SnapshotError(
            f"{file.snapshot_file}: in {len(wrong)} of {len(years)} years the annual column is not"
            f" the sum of its months; the first is {first['CTYNAME']} {first['year']}, line"
            f" {first['row_number']}: {first['flow']}s of {first['printed']:g}, and months"
            f" of {first['added']:g}. Its columns are out of order or in another unit. Download it"
            " again."
        )


def drop_unpublished(long: pl.DataFrame, file: SnapshotFile, value: str) -> pl.DataFrame:
    """Drop future months, and add `last_month`, the month through which a row runs.

    Raises:
        SnapshotError: a row without a month is of a year in which no month is above zero.
    """
    known_year = file.known_from.year
    last_year = long.filter(pl.col("year") <= known_year)["year"].max()
    is_open = pl.col("year") >= last_year if last_year is not None else pl.lit(False)
    through = (
        long.filter(is_open & (pl.col(value) > 0))
        .group_by("year")
        .agg(pl.col("month").max().alias("through"))
    )
    undated = through.filter(pl.col("through").is_null() & (pl.col("year") <= known_year))
    if not undated.is_empty():
        raise SnapshotError(
            f"{file.snapshot_file}: the year {last_year} has annual figures but no month above"
            " zero, so nothing says through which month they run. Keep at least one partner's"
            " months."
        )
    is_late = pl.col("year") > known_year
    last = pl.when(is_open & ~is_late).then(pl.col("through").fill_null(0))
    last = last.otherwise(pl.col("through").fill_null(12))
    # If no month is published, the annual column covers nothing.
    return (
        long.join(through, on="year", how="left", maintain_order="left")
        .with_columns(through=last)
        .filter(pl.col("month").fill_null(1) <= pl.col("through"))
        .with_columns(last_month=pl.coalesce("month", "through").cast(pl.Int32))
    )


def _drop_ended_groups(long: pl.DataFrame, codes: Mapping[str, str]) -> pl.DataFrame:
    """Drop the zeros of groups before their first month above zero and after their last one."""
    groups = [code for code, level in codes.items() if level == GROUP]
    is_group = pl.col("CTY_CODE").is_in(groups)
    traded = long.filter(is_group & pl.col("month").is_not_null() & (pl.col("value_musd") > 0))
    span = traded.group_by("CTY_CODE", "flow").agg(
        (pl.col("year") * 12 + pl.col("month")).min().alias("first"),
        (pl.col("year") * 12 + pl.col("month")).max().alias("last"),
    )
    place = pl.col("year") * 12 + pl.col("month")
    is_within = place.is_between("first", "last").fill_null(pl.col("value_musd") > 0)
    ended = pl.col("last") - pl.col("year") * 12
    return (
        long.join(span, on=["CTY_CODE", "flow"], how="left", maintain_order="left")
        .filter(~is_group | is_within | (pl.col("value_musd") > 0))
        .with_columns(
            last_month=pl.when(pl.col("month").is_null() & ended.is_between(1, 11))
            .then(pl.min_horizontal("last_month", ended.cast(pl.Int32)))
            .otherwise("last_month")
        )
    )


def _printed_unit(text: pl.Expr) -> pl.Expr:
    """The rounding unit of each cell.

    Each cell drops its trailing zeros, so the unit is determined from the whole file. In a file
    saved with a fixed number of digits, large numbers have fewer decimals than small ones.
    """
    parts = text.str.extract_groups(r"([0-9]*)\.?([0-9]*)$").struct
    whole = parts.field("1").str.strip_chars_start("0").str.len_chars().cast(pl.Int64)
    decimals = parts.field("2").str.len_chars().cast(pl.Int64)
    finest = decimals.max().clip(upper_bound=max(_UNITS))
    places = pl.min_horizontal(finest, (whole + decimals).max() - whole)
    return places.replace_strict(_UNITS, return_dtype=pl.Decimal(18, 6))
