"""Parses blocks of a delimited file into text cells, column by column."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from dagster_project.sources.blocks import Block
from dagster_project.sources.parsing import rejects_frame
from dagster_project.sources.snapshot import SnapshotError

_BEYOND = "_beyond"


@dataclass(frozen=True)
class Header:
    """The first line of a file.

    `is_coded` means only codes and numbers: no cell spans lines.
    """

    separator: str
    columns: tuple[str, ...]
    is_coded: bool


def split_header(first_line: str, *, is_coded: bool) -> Header:
    separator = "\t" if "\t" in first_line else ","
    columns = next(csv.reader([first_line.rstrip("\r")], delimiter=separator))
    # Some publishers end each line with an extra separator.
    return Header(separator, tuple(columns[:-1] if columns[-1:] == [""] else columns), is_coded)


def read_records(
    block: Block, header: Header, wanted: Sequence[str], name: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every whole record as text under `wanted`, with `row_number`, its first line; and rejects.

    Raises:
        SnapshotError: a quote is left open, the last record is truncated, or it is no table.
    """
    open_lines: dict[int, str] = {}
    body = block.content
    if b'"' in body and header.is_coded:
        body, open_lines = _without_open_quotes(block)
    elif body.count(b'"') % 2:
        raise SnapshotError(
            f"{name}: a quote is left open, as in a truncated file. Fetch it again or"
            " correct the line."
        )
    last = header.columns[-1]
    # A truncated line has an empty last column, which no layout leaves empty.
    is_short, is_long = pl.col(last).is_null(), pl.col(_BEYOND).is_not_null()
    try:
        rows = _scan(body, header)
        cells = rows.select(*dict.fromkeys([*wanted, last, _BEYOND])).collect()
        is_bad = cells.select(is_short | is_long).to_series()
        # The end of the last line starts no new one.
        is_plain = body.count(b"\n", 0, -1) == cells.height - 1
        if is_plain and not is_bad.any():
            lines = pl.int_range(cells.height, dtype=pl.Int64) + block.first_line
            return cells.select(lines.alias("row_number"), *wanted), rejects_frame()
        cells = rows.collect()
    except pl.exceptions.PolarsError as error:
        raise SnapshotError(f"{name}: not a table ({error}). Fetch it again.") from error
    cells = cells.with_columns(_line_of_each(cells, block.first_line).alias("row_number"))
    if not body.endswith(b"\n") and cells.tail(1).select(is_short).item():
        raise SnapshotError(
            f"{name}, line {cells['row_number'][-1]}: truncated, without an end of line."
            " Fetch it again."
        )
    is_open = pl.col("row_number").is_in(list(open_lines))
    rejects = cells.filter(is_bad).select(
        "row_number",
        pl.lit(None, dtype=pl.String).alias("column_name"),
        pl.when(is_open)
        .then(pl.col("row_number").replace_strict(open_lines, default=None, return_dtype=pl.String))
        .otherwise(pl.concat_str(header.columns, separator=header.separator, ignore_nulls=True))
        .str.slice(0, 200)
        .alias("value"),
        pl.when(is_open)
        .then(pl.lit("a quote is left open"))
        .when(is_short)
        .then(pl.lit(f"fewer cells than the {len(header.columns)} of the header"))
        .otherwise(pl.lit(f"more cells than the {len(header.columns)} of the header"))
        .alias("reason"),
    )
    return cells.filter(~is_bad), pl.concat([rejects_frame(), rejects])


def _scan(body: bytes, header: Header) -> pl.LazyFrame:
    return pl.scan_csv(
        body,
        has_header=False,
        separator=header.separator,
        # Without quotes the reader can skip quote handling.
        quote_char='"' if b'"' in body else None,
        schema=dict.fromkeys([*header.columns, _BEYOND], pl.String()),
        truncate_ragged_lines=True,
        missing_columns="insert",
    )


def _without_open_quotes(block: Block) -> tuple[bytes, dict[int, str]]:
    """Handle open quotes in files of codes and numbers, where each record is one line.

    Such a line is emptied, so that it keeps its number and does not swallow the next ones.
    """
    lines = block.content.split(b"\n")
    found = {place: line for place, line in enumerate(lines) if line.count(b'"') % 2}
    for place in found:
        lines[place] = b""
    return b"\n".join(lines), {
        block.first_line + place: line.decode("utf-8", "replace") for place, line in found.items()
    }


def _line_of_each(cells: pl.DataFrame, first_line: int) -> pl.Series:
    """The first line of each record; a quoted cell may span several."""
    inside = pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True).fill_null(0))
    before = inside.cast(pl.Int64).cum_sum().shift(1, fill_value=0)
    return cells.select(pl.int_range(pl.len(), dtype=pl.Int64) + first_line + before).to_series()
