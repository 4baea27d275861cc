"""Reads the end-use workbooks of the US Census Bureau: trade by country, product and year.

There is one workbook for exports and one for imports, and neither names its flow. The codes are
used twice, for other goods in either flow, so the descriptions of the codes tell them apart.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.formats import read_csv_table, shows
from dagster_project.sources.parsing import (
    Check,
    Parsed,
    checked_numbers,
    read_seed,
    reject_faulty,
    rejects_frame,
    with_zeros,
    without_point,
)
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.us_census.files import unknown_partner

END_USE_TABLE = "us_census__end_use"
CODE_SEED = "census_end_use_codes.csv"
LAYOUTS = {"census_end_use_exports": "export", "census_end_use_imports": "import"}
END_USE_SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "flow": pl.String(),
    "cty_code": pl.String(),
    "cty_name": pl.String(),
    "end_use_code": pl.String(),
    "end_use_name": pl.String(),
    "year": pl.Int32(),
    "last_month": pl.Int32(),
    "value_usd": pl.Decimal(20, 0),
}

END_USE_COLUMNS = ("CTY_CODE", "CTY_DESC", "END_USE", "COMM_DESC")
_YEAR = re.compile(r"value_([0-9]{2}|[0-9]{4})")
# Years are printed with two digits; the statistics begin in 1989.
_CENTURY_BREAK = 80
_has_columns = shows(*END_USE_COLUMNS, "value_")


@dataclass(frozen=True)
class EndUses:
    """The publisher's codes of each flow, with their descriptions."""

    codes: Mapping[str, Collection[str]]
    names: Mapping[str, Collection[tuple[str, str]]]

    def flow_of(self, code: str, description: str) -> str | None:
        """The flow that alone has this code with this description."""
        pair = (code.partition(".")[0].zfill(5), _plain(description))
        flows = [flow for flow, names in self.names.items() if pair in names]
        return flows[0] if len(flows) == 1 else None


def read_end_uses(seeds: Path) -> EndUses:
    rows = read_seed(seeds, CODE_SEED, "flow", "end_use_code", "description")
    flows = sorted({row["flow"] for row in rows})
    return EndUses(
        {flow: {row["end_use_code"] for row in rows if row["flow"] == flow} for flow in flows},
        {
            flow: {
                (row["end_use_code"], _plain(row["description"]))
                for row in rows
                if row["flow"] == flow
            }
            for flow in flows
        },
    )


def shows_flow(flow: str) -> Callable[[bytes, str], bool]:
    """A detector of one flow's workbook. A beginning that does not decide may be of either."""

    def is_shown(content: bytes, name: str) -> bool:
        if not _has_columns(content, name):
            return False
        flows = _flows_of(content)
        return not flows or flow in flows

    return is_shown


def _flows_of(content: bytes) -> set[str]:
    """The flows whose codes and descriptions are in the beginning of a file."""
    lines = content.decode("utf-8-sig", errors="replace").splitlines()
    # A beginning ends within a line.
    rows = csv.DictReader(lines[:-1] if len(lines) > 2 else lines)
    known = read_end_uses(PROJECT_ROOT / "dbt" / "seeds")
    found = set()
    # The parser says where a quote is left open.
    with suppress(csv.Error):
        for row in rows:
            found.add(known.flow_of(row.get("END_USE") or "", row.get("COMM_DESC") or ""))
    return {flow for flow in found if flow}


def parse_end_use(
    content: bytes, file: SnapshotFile, codes: Mapping[str, str], end_uses: EndUses
) -> Parsed:
    """Return a workbook of one flow as rows, one per country, end-use and year.

    The publisher prints 0 where there was no trade, which is a figure, but not in the column of a
    year to come. The column of a year that was not complete on the day the file was known from
    covers an unknown part of it and is rejected. Columns that are not the publisher's are left
    aside, one reject each.

    Args:
        codes: the known partner codes.

    Raises:
        SnapshotError: a column is missing or appears twice, there is no year, or the descriptions
        are those of the other flow.
    """
    name = file.snapshot_file
    flow = LAYOUTS[file.layout]
    header, cells, rejects = read_csv_table(
        content, name, lambda header: _check_columns(header, name)
    )
    years = {column: _year_of(column) for column in header if _YEAR.fullmatch(column)}
    aside = _foreign_columns(header, cells)
    places = {column: f"column_{header.index(column) + 1}" for column in (*END_USE_COLUMNS, *years)}
    cells = cells.select(
        "row_number", *(pl.col(place).str.strip_chars().alias(c) for c, place in places.items())
    ).with_columns(
        with_zeros("CTY_CODE", 4, codes),
        with_zeros("END_USE", 5, end_uses.codes[flow]),
        *map(without_point, years),
    )
    _check_flow(cells, flow, name, end_uses)
    cells, faulty = reject_faulty(
        cells,
        [
            unknown_partner(codes),
            Check(
                ~pl.col("END_USE").is_in(list(end_uses.codes[flow])),
                "END_USE",
                f"unknown end-use code of {flow}s: if it is a new one, add it to {CODE_SEED}",
            ),
        ],
    )
    partial = [column for column, year in years.items() if _is_partial(year, file.known_from)]
    reason = f"the year was not complete on {file.known_from}: an unknown part of it is covered"
    is_begun = pl.col("column_name").is_in(
        [column for column, year in years.items() if year <= file.known_from.year]
    )
    long = cells.unpivot(
        on=[column for column in years if column not in partial],
        index=["row_number", *END_USE_COLUMNS],
        variable_name="column_name",
        value_name="text",
    ).with_columns(pl.col("text").cast(pl.String))
    long, bad_number = checked_numbers(
        long.filter(pl.col("text") != ""), text="text", value="value_usd", precision=20, scale=0
    )
    frame = (
        long.filter(is_begun | (pl.col("value_usd") > 0).any().over("column_name"))
        .sort("row_number", maintain_order=True)
        .select(
            "row_number",
            "column_name",
            flow=pl.lit(flow),
            cty_code="CTY_CODE",
            cty_name="CTY_DESC",
            end_use_code="END_USE",
            end_use_name="COMM_DESC",
            year=pl.col("column_name").replace_strict(years, return_dtype=pl.Int32),
            last_month=pl.lit(12, pl.Int32),
            value_usd="value_usd",
        )
    )
    whole_columns = rejects_frame([*aside, *((1, column, None, reason) for column in partial)])
    return Parsed(
        frame, pl.concat([whole_columns, rejects, *(bad for _, bad in faulty), bad_number])
    )


def _check_columns(header: list[str], name: str) -> None:
    missing = [column for column in END_USE_COLUMNS if column not in header]
    years = [column for column in header if _YEAR.fullmatch(column)]
    if missing or not years:
        raise SnapshotError(
            f"{name}, line 1: column {', '.join(missing) or 'value_YY'} is missing. The layout"
            f" needs {', '.join(END_USE_COLUMNS)} and a column value_YY for each year."
        )
    twice = {c for c in (*END_USE_COLUMNS, *years) if header.count(c) > 1}
    if twice or len({_year_of(column) for column in years}) < len(years):
        raise SnapshotError(
            f"{name}, line 1: column {', '.join(sorted(twice)) or 'of one year'} appears twice."
        )


def _year_of(column: str) -> int:
    digits = column.removeprefix("value_")
    if len(digits) == 4:
        return int(digits)
    return int(digits) + (1900 if int(digits) >= _CENTURY_BREAK else 2000)


def _foreign_columns(
    header: list[str], cells: pl.DataFrame
) -> list[tuple[int, str | None, str | None, str]]:
    """A reject for each column that the publisher does not print and that is not empty."""
    aside: list[tuple[int, str | None, str | None, str]] = []
    for place, column in enumerate(header, start=1):
        if column in END_USE_COLUMNS or _YEAR.fullmatch(column):
            continue
        filled = cells.select((pl.col(f"column_{place}").str.strip_chars() != "").sum()).item()
        if column or filled:
            reason = f"not a column of the publisher: its {filled} cells are left aside"
            aside.append((1, column or f"column {place}", None, reason))
    return aside


def _check_flow(cells: pl.DataFrame, flow: str, name: str, end_uses: EndUses) -> None:
    """Check that no description belongs to the other flow.

    Raises:
        SnapshotError: the file is of the other flow, or of both.
    """
    described = cells.unique(["END_USE", "COMM_DESC"], keep="first", maintain_order=True)
    for row, code, text in described.select("row_number", "END_USE", "COMM_DESC").iter_rows():
        found = end_uses.flow_of(code, text)
        if found not in (None, flow):
            other = next(layout for layout, one in LAYOUTS.items() if one == found)
            raise SnapshotError(
                f"{name}, line {row}, column COMM_DESC: {code} {text!r} is an end-use of {found}s,"
                f" not of {flow}s. State the layout {other} if the whole file is of {found}s; a"
                " file of both flows has to be divided."
            )


def _is_partial(year: int, known_from: date) -> bool:
    """Whether a year had begun, but its December was not published (about 5 February)."""
    return year <= known_from.year and known_from < date(year + 1, 2, 1)


def _plain(description: str) -> str:
    """A description without case, blanks and punctuation, which vary between workbooks."""
    return re.sub(r"[^a-z0-9]", "", description.lower())
