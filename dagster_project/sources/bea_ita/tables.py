"""Reads the tables that BEA gives for download: US trade by area, and with the world.

A sheet is one table: its title and unit, a header that begins with Period, rows of years, then of
quarters or months, and notes. Its columns are areas, or flows and goods or services.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from dagster_project.sources.bea_ita.replies import (
    AREA_SEED,
    INDICATOR_SEED,
    NOT_HELD,
    SCHEMA,
    VALUE,
    Area,
    read_areas,
)
from dagster_project.sources.formats import csv_records, decode, is_workbook
from dagster_project.sources.parsing import Parsed, last_whole_month, read_seed, rejects_frame
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.workbooks import as_csv, workbook_sheets

LAYOUT = "bea_trade_tables"
# The name, in the seed of areas, of a table without areas.
_WORLD = "All countries"

_PERIOD = "Period"
_HEADER_WITHIN = 20
_TITLE = re.compile(r"(?i)u\.?s\.? (international )?trade")
_UNIT = re.compile(r"(?i)\[\s*(thousands|millions|billions) of dollars(.*)\]")
_MULTIPLIERS = {"thousands": 3, "millions": 6, "billions": 9}
_LABEL = re.compile(
    r"((?:19|20)[0-9]{2})(?: (?:Q?([1-4])|([A-Z][a-z]{2})[a-z]*\.?))?(?: \([RP]\))?"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FOOTNOTE = re.compile(r" [0-9]$")

Reject = tuple[int, str | None, str | None, str]


@dataclass(frozen=True)
class Names:
    """What the words of the tables mean: indicators by subject, areas by name."""

    indicators: Mapping[str, str]
    areas: Mapping[str, Area]


@dataclass(frozen=True)
class _Column:
    """A column of figures: its place, its label, and what it shows of which area."""

    place: int
    label: str
    subject: str
    area: str


def read_table_names(seeds: Path) -> Names:
    """The indicators and areas by the names of the tables, in lower case."""
    areas = read_areas(seeds)
    rows = read_seed(seeds, AREA_SEED)
    current = [row for row in rows if row["is_current"] == "true"]
    return Names(
        {
            row["table_subject"].casefold(): row["indicator"]
            for row in read_seed(seeds, INDICATOR_SEED)
        },
        {
            name.casefold(): areas[row["area_or_country"]]
            for row in [*rows, *current]
            for name in (row["area_name"], row["table_name"])
            if name
        },
    )


def is_tables(content: bytes, name: str) -> bool:
    """Whether a file looks like these tables: a workbook of which a sheet does, or such a sheet."""
    if is_workbook(content):
        sheets = workbook_sheets(content, name).values()
        return any(is_tables(as_csv(sheet.head(_HEADER_WITHIN)), name) for sheet in sheets)
    lines = content[:8192].decode("utf-8-sig", "replace").splitlines()[:_HEADER_WITHIN]
    return (
        any(_TITLE.search(line) for line in lines)
        and any(_UNIT.search(line) for line in lines)
        and any(line.lstrip('"').startswith(_PERIOD) for line in lines)
    )


def parse_tables(content: bytes, file: SnapshotFile, names: Names) -> Parsed:
    """Return every table of a file as rows, one per figure. Every code stays text.

    The row number is that of the sheet; the column name of a workbook begins with the sheet. Years
    are not seasonally adjusted; quarters and months are as the unit line says. Balances,
    services by category, and cells with a mark instead of a figure are left out: one reject for
    each such column with their number. An empty cell is no figure.

    Raises:
        SnapshotError: no table is found, or its unit is unknown.
    """
    name = file.snapshot_file
    records: list[dict[str, object]] = []
    rejects: list[Reject] = []
    left_out: list[Reject] = []
    found = 0
    for sheet, rows in _sheets(content, name):
        header = next(
            (place for place, (_, row) in enumerate(rows[:_HEADER_WITHIN]) if row[0] == _PERIOD),
            None,
        )
        if header is None:
            continue
        found += 1
        where = f"{name}, sheet {sheet}" if sheet else name
        good, bad, listed = _table(rows, header, sheet, where, names, file.known_from)
        records += good
        rejects += bad
        left_out += listed
    if not found:
        raise SnapshotError(
            f"{name}: no sheet with a header that begins with {_PERIOD} in its first"
            f" {_HEADER_WITHIN} rows. Import the publisher's own file, unchanged."
        )
    return Parsed(pl.DataFrame(records, schema=SCHEMA), rejects_frame([*rejects, *left_out]))


def _sheets(content: bytes, name: str) -> Iterator[tuple[str, list[tuple[int, list[str]]]]]:
    """Each sheet's name and its rows, with their numbers."""
    if is_workbook(content):
        for sheet, frame in workbook_sheets(content, name).items():
            yield (
                sheet,
                [
                    (number, [_plain(cell) for cell in row])
                    for number, row in enumerate(frame.iter_rows(), start=1)
                ],
            )
        return
    lines = csv_records(decode(content, name), name)
    yield "", [(number, [_plain(cell) for cell in row] or [""]) for number, row in lines]


def _table(
    rows: Sequence[tuple[int, list[str]]],
    header: int,
    sheet: str,
    where: str,
    names: Names,
    known_from: date,
) -> tuple[list[dict[str, object]], list[Reject], list[Reject]]:
    """The figures of one table, the cells that are none, and what is left out."""
    above = [cell for _, row in rows[:header] for cell in row if cell]
    unit = next((match for cell in above if (match := _UNIT.search(cell))), None)
    if unit is None:
        raise SnapshotError(
            f"{where}: no line like [Millions of dollars, …] above the header. Import the"
            " publisher's own file, unchanged."
        )
    suffix = "NSA" if re.search(r"(?i)not seasonally|unadjusted", unit[2]) else "SA"
    columns, first = _columns(rows, header, above, names)
    # A workbook's column is named with its sheet.
    begin = f"{sheet}!" if sheet else ""
    records: list[dict[str, object]] = []
    rejects: list[Reject] = []
    counted: dict[_Column, tuple[int, int]] = {}
    marked: dict[tuple[_Column, str], tuple[int, int]] = {}
    decimals = 0
    for number, row in rows[first:]:
        label = _LABEL.fullmatch(row[0])
        if label is None:
            # Headings of years and quarters, and the notes.
            if len([cell for cell in row[1:] if cell]) > 1:
                rejects.append(
                    (number, f"{begin}{_PERIOD}", row[0], "not a period of these tables")
                )
            continue
        period = _period(label, suffix)
        for column in columns:
            text = row[column.place] if column.place < len(row) else ""
            indicator = names.indicators.get(column.subject.casefold())
            if indicator is None:
                start, count = counted.get(column, (number, 0))
                counted[column] = start, count + (text != "")
                continue
            if not text:
                continue
            if text in NOT_HELD:
                start, count = marked.get((column, text), (number, 0))
                marked[column, text] = start, count + 1
                continue
            value, problem = _value(column, text, names, period, known_from)
            if problem is not None:
                rejects.append((number, begin + column.label, text or None, problem))
                continue
            exponent = value.as_tuple().exponent
            decimals = max(decimals, -exponent if isinstance(exponent, int) else 0)
            records.append(
                {
                    "row_number": number,
                    "column_name": begin + column.label,
                    "indicator": indicator,
                    "area_or_country": names.areas[column.area.casefold()].code,
                    **period,
                    "time_series_id": None,
                    "time_series_description": column.subject,
                    "unit": "USD",
                    "unit_multiplier": _MULTIPLIERS[unit[1].casefold()],
                    "value": value,
                }
            )
    rounding = Decimal(1).scaleb(-decimals)
    left_out: list[Reject] = [
        (number, begin + column.label, column.subject, f"{_reason(column)}: {count} are not read")
        for column, (number, count) in counted.items()
    ]
    left_out += [
        (number, begin + column.label, mark, f"{NOT_HELD[mark]}: {count} periods")
        for (column, mark), (number, count) in marked.items()
    ]
    return [{**record, "rounding": rounding} for record in records], rejects, left_out


def _columns(
    rows: Sequence[tuple[int, list[str]]], header: int, above: Sequence[str], names: Names
) -> tuple[list[_Column], int]:
    """The columns of figures, and the place of the first row below the header."""
    labels = [_FOOTNOTE.sub("", cell) for cell in rows[header][1]]
    below = (
        [_FOOTNOTE.sub("", cell) for cell in rows[header + 1][1]] if len(rows) > header + 1 else []
    )
    if below and not below[0] and sum(map(bool, below)) > 1:
        # Flows stand over goods and services: a flow's word is in the middle of its columns.
        flows = [label for label in labels[1:] if label]
        each = (len(below) - 1) // len(flows) if flows else 0
        return [
            _Column(
                place,
                f"{flows[(place - 1) // each]} {below[place]}",
                _joined(flows[(place - 1) // each], below[place]),
                _WORLD,
            )
            for place in range(1, 1 + each * len(flows))
        ], header + 2
    subject = above[2] if len(above) > 2 else ""
    is_services = any(re.search(r"(?i)services by major category", cell) for cell in above)
    columns = []
    for place, label in enumerate(labels):
        if not place or not label:
            continue
        if is_services:
            # Its total is that of the table of goods and services.
            columns.append(_Column(place, label, f"{subject} of services: {label}", _WORLD))
        else:
            columns.append(_Column(place, label, subject, label))
    return columns, header + 1


def _joined(flow: str, scope: str) -> str:
    """The subject of a column, from the words above it."""
    return f"{flow} of {'Goods and Services' if scope == 'Total' else scope}"


def _reason(column: _Column) -> str:
    if column.subject.casefold().startswith("balance"):
        return "balances are the difference of two other columns"
    return "no indicator has this subject"


def _period(label: re.Match[str], suffix: str) -> dict[str, object]:
    year, quarter, month = label.groups()
    if quarter:
        first, last, frequency = int(quarter) * 3 - 2, int(quarter) * 3, f"Q{suffix}"
        text = f"{year}Q{quarter}"
    elif month:
        first = last = _MONTHS.index(month) + 1 if month in _MONTHS else 0
        frequency, text = f"M{suffix}", f"{year}M{first:02d}"
    else:
        first, last, frequency, text = 1, 12, "A", year
    return {
        "frequency": frequency,
        "time_period": text,
        "year": int(year),
        "first_month": first,
        "last_month": last,
    }


def _value(
    column: _Column,
    text: str,
    names: Names,
    period: Mapping[str, object],
    known_from: date,
) -> tuple[Decimal, str | None]:
    """A cell's figure, or why there is none."""
    nothing = Decimal(0)
    area = names.areas.get(column.area.casefold())
    if area is None:
        return nothing, f"unknown area: if it is a new one, add it to {AREA_SEED}"
    year, last = int(str(period["year"])), int(str(period["last_month"]))
    if not last:
        return nothing, f"{period['time_period']} is not a month"
    if f"{year}-{last:02d}" > last_whole_month(known_from):
        return nothing, f"a release known from {known_from} cannot hold {period['time_period']}"
    if not VALUE.fullmatch(text):
        return nothing, "not a number as the publisher prints it"
    value = Decimal(text.replace(",", ""))
    if value < 0 and not area.is_residual:
        return nothing, "a trade value cannot be negative"
    if abs(value) >= Decimal(10) ** 14:
        return nothing, "more digits than a trade value can have"
    return value, None


def _plain(cell: str) -> str:
    """A cell without line breaks, which stand within names."""
    return re.sub(r"/ ", "/", " ".join(cell.split()))
