"""Reads the sheets of a DataWeb export: the parameters of its query, and its tables as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from dagster_project.sources.formats import csv_records, decode, is_workbook
from dagster_project.sources.parsing import rejects_frame
from dagster_project.sources.snapshot import SnapshotError
from dagster_project.sources.usitc_dataweb.files import (
    CODES,
    COUNTRY,
    DESCRIPTION,
    TOTAL,
    YEAR,
    dollars,
)
from dagster_project.sources.usitc_dataweb.query import Query, is_parameters, read_query
from dagster_project.sources.workbooks import as_csv, workbook_sheets

DATA_TYPE, MONTH, UNIT = "Data Type", "Month", "Quantity Description"
DIMENSIONS = {DATA_TYPE, COUNTRY, YEAR, MONTH, DESCRIPTION, UNIT, *CODES}
_ROW_COUNT = "Data Row Count"
# The header follows at most a title and a number of rows; people put a line or two above them.
_HEADER_WITHIN = 20

Line = tuple[int, list[str]]


@dataclass(frozen=True)
class Table:
    """One sheet: its rows as text under `row_number` and its header, and its totals.

    `announced` is the row that states the number of rows, and that number.
    """

    where: str
    sheet: str
    flow: str | None
    announced: tuple[int, int] | None
    cells: pl.DataFrame
    total: Mapping[str, str]
    total_row: int | None
    rejects: tuple[pl.DataFrame, ...]

    def column(self, label: str) -> str:
        """A column with its sheet, which a CSV file does not have."""
        return f"{self.sheet}!{label}" if self.sheet else label


def is_export(content: bytes, name: str) -> bool:
    """Whether a file looks like an export: a workbook of which a sheet does, or such a sheet."""
    if is_workbook(content):
        sheets = workbook_sheets(content, name).values()
        return any(_is_sheet(as_csv(sheet.head(_HEADER_WITHIN))) for sheet in sheets)
    return _is_sheet(content)


def _is_sheet(content: bytes) -> bool:
    lines = content[:8192].decode("utf-8-sig", "replace").splitlines()[:_HEADER_WITHIN]
    starts = [line.lstrip('"').strip() for line in lines]
    is_table = any(start.startswith(DATA_TYPE) for start in starts)
    has_dimension = any(label in line for line in lines for label in (COUNTRY, YEAR, *CODES))
    return (is_table and has_dimension) or is_parameters(starts)


def read_tables(content: bytes, name: str) -> tuple[Query, list[Table]]:
    """The parameters of an export, empty if it has none, and its tables.

    A sheet of a workbook that is neither is a reject.

    Raises:
        SnapshotError: no complete workbook or text, or no table in it.
    """
    if not is_workbook(content):
        lines = list(_csv_lines(decode(content, name), name))
        if is_parameters([record[0] for _, record in lines if record]):
            raise SnapshotError(
                f"{name}: the parameters of a query without its figures. Import the sheet of"
                " figures, or the whole workbook."
            )
        return Query({}), [_table(lines, name, "")]
    query, tables, others = Query({}), [], []
    for sheet, frame in workbook_sheets(content, name).items():
        lines = [(number, list(row)) for number, row in enumerate(frame.iter_rows(), start=1)]
        if is_parameters([record[0] for _, record in lines]):
            query = read_query(record for _, record in lines)
        elif _header_of(lines) is not None:
            tables.append(_table(lines, f"{name}, sheet {sheet}", sheet))
        elif lines:
            reason = f"the sheet has no header that begins with {DATA_TYPE}: it is not read"
            others.append(rejects_frame([(1, f"{sheet}!", None, reason)]))
    if not tables:
        raise SnapshotError(
            f"{name}: no sheet has a header that begins with {DATA_TYPE}. Export the query again."
        )
    first = replace(tables[0], rejects=(*tables[0].rejects, *others))
    return query, [first, *tables[1:]]


def _csv_lines(text: str, name: str) -> Iterator[Line]:
    found = re.search(rf'^"?{DATA_TYPE}"?([,;\t])', text, re.MULTILINE)
    for number, record in csv_records(text, name, separator=found[1] if found else ","):
        yield number, [cell.strip() for cell in record]


def _header_of(lines: Sequence[Line]) -> int | None:
    return next(
        (
            place
            for place, (_, record) in enumerate(lines[:_HEADER_WITHIN])
            if record and record[0] == DATA_TYPE
        ),
        None,
    )


def _table(lines: Sequence[Line], where: str, sheet: str) -> Table:
    place = _header_of(lines)
    if place is None:
        raise SnapshotError(
            f"{where}: no header that begins with {DATA_TYPE} in the first {_HEADER_WITHIN} lines."
            " Export the query again."
        )
    flow, announced = None, None
    for number, record in lines[:place]:
        if "|" in record[0]:
            flow = record[0].partition("|")[0].strip()
        elif record[0] == _ROW_COUNT:
            count = record[1].replace(",", "") if len(record) > 1 else ""
            if not count.isdecimal():
                raise SnapshotError(f"{where}, line {number}: {_ROW_COUNT} is {count!r}.")
            announced = number, int(count)
    header = list(lines[place][1])
    while header[-1] == "":
        header.pop()
    if len(set(header)) != len(header):
        twice = sorted({label for label in header if header.count(label) > 1})
        raise SnapshotError(f"{where}: the column {', '.join(twice)} appears twice.")
    records: list[list[str | int]] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    total: dict[str, str] = {}
    total_row = None
    for number, record in lines[place + 1 :]:
        if not any(record):
            continue
        cells = record + [""] * (len(header) - len(record))
        if re.match(TOTAL, cells[0]):
            total_row, total = number, dict(zip(header, cells, strict=False))
        elif len(record) < len(header) or any(cells[len(header) :]):
            reason = f"{len(record)} cells where the header has {len(header)}"
            rejects.append((number, None, ",".join(record)[:200], reason))
        else:
            records.append([number, *cells[: len(header)]])
    schema = {"row_number": pl.Int64(), **dict.fromkeys(header, pl.String())}
    frame = pl.DataFrame(records, schema=schema, orient="row")
    return Table(where, sheet, flow, announced, frame, total, total_row, (rejects_frame(rejects),))


def missing_rows(table: Table) -> pl.DataFrame:
    """Compare a sheet with the number of rows and the totals that it states.

    Returns a reject that says how many rows are missing, if any.

    Raises:
        SnapshotError: the rows do not add up to the totals.
    """
    for label, stated in table.total.items():
        if label in DIMENSIONS or not stated:
            continue
        column = table.cells.select(row_number="row_number", column_name=pl.lit(label), text=label)
        numbers, bad = dollars(column.filter(pl.col("text") != ""))
        total, unread = dollars(pl.DataFrame([(0, label, stated)], column.schema, orient="row"))
        if any(one.height for one in (*bad, *unread)):
            continue
        if (summed := numbers["value_usd"].sum()) != total["value_usd"].item():
            raise SnapshotError(
                f"{table.where}, row {table.total_row}, column {label}: the total is {stated}, the"
                f" rows add up to {summed:,}: rows are missing or changed. Export the query again."
            )
    found = table.cells.height + sum(bad.height for bad in table.rejects)
    if table.announced is None or table.announced[1] == found:
        return rejects_frame()
    row, announced = table.announced
    reason = (
        f"{found:,} rows where the sheet announces {announced:,}: the others are missing; export"
        " the query again, in parts if it is large"
    )
    return rejects_frame([(row, table.column(_ROW_COUNT), str(announced), reason)])
