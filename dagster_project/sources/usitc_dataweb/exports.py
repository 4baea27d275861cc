"""Reads what DataWeb's page gives for download: a workbook, or one of its sheets saved as CSV.

A workbook has a sheet of the query's parameters and one sheet per measure. A sheet has a title of
flow and time, the number of its rows, a header, rows, and a row of totals; some have the header
first. `query` reads the parameters.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from dagster_project.sources.parsing import (
    Check,
    Parsed,
    decode,
    read_seed,
    reject_faulty,
    reject_where,
    rejects_frame,
)
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.usitc_dataweb.files import (
    CODES,
    COUNTRY,
    DESCRIPTION,
    MONTH_NUMBERS,
    SCHEMA,
    TOTAL,
    WORLD,
    YEAR,
    dollars,
    named,
    open_year,
    partner_of,
    row_checks,
    without_months_to_come,
)
from dagster_project.sources.usitc_dataweb.query import Query, is_parameters, read_query
from dagster_project.sources.workbooks import as_csv, is_workbook, workbook_sheets

LAYOUT = "dataweb_export"
DATA_TYPE_SEED = "dataweb_data_types.csv"

DATA_TYPE, _MONTH, _UNIT = "Data Type", "Month", "Quantity Description"
_ROW_COUNT = "Data Row Count"
_DIMENSIONS = {DATA_TYPE, COUNTRY, YEAR, _MONTH, DESCRIPTION, _UNIT, *CODES}
# The header follows at most a title and a number of rows; people put a line or two above them.
_HEADER_WITHIN = 20
_ABBREVIATIONS = {name[:3]: number for name, number in MONTH_NUMBERS.items()}

Line = tuple[int, list[str]]


@dataclass(frozen=True)
class DataType:
    """What a sheet shows of a flow; `left_out` says why it is not read, if it is not."""

    trade_type: str
    measure: str
    left_out: str


@dataclass(frozen=True)
class Span:
    """The months of a column; without a year, the row has it. A whole year has no month."""

    year: int | None
    month: int | None = None
    part: str = ""


@dataclass(frozen=True)
class Table:
    """One sheet: its header, its rows as text under `row_number` and the header, and its totals."""

    where: str
    prefix: str
    flow: str | None
    announced: int | None
    cells: pl.DataFrame
    total: Mapping[str, str]
    total_row: int | None
    rejects: list[pl.DataFrame]


def read_data_types(seeds: Path) -> dict[tuple[str, str], DataType]:
    """What each data type of each flow is, by their names in lower case."""
    return {
        (row["trade_flow"].casefold(), row["data_type"].casefold()): DataType(
            row["trade_type"], row["dataweb_measure"], row["left_out"]
        )
        for row in read_seed(seeds, DATA_TYPE_SEED)
    }


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


def parse_export(
    content: bytes,
    file: SnapshotFile,
    data_types: Mapping[tuple[str, str], DataType],
    partners: Mapping[str, str],
) -> Parsed:
    """Return one export as rows, one per figure. Every code stays text.

    The row number is that of the sheet; the column name of a workbook begins with the sheet. Rows
    that differ only in the unit of their quantity are one figure, at the first of them. A sheet
    with fewer rows than it announces, or other sums than its row of totals, is refused.

    Without the parameters, as in a CSV file, a sheet without codes covers all commodities, and a
    sheet without countries is refused: it may be the sum of a few.

    Raises:
        SnapshotError: the content is no such export or is truncated, the query is restricted in a
        way that the warehouse has no dimension for, or a column or flow is unknown.
    """
    name = file.snapshot_file
    query, tables = _read(content, name)
    query.check(name)
    as_of = min(file.known_from, query.downloaded or file.known_from)
    frames, rejects = [pl.DataFrame(schema=SCHEMA)], []
    for table in tables:
        _check_complete(table)
        figures, bad = _figures(table, query, data_types, partners, as_of)
        frames.append(figures)
        rejects += [*table.rejects, *bad]
    figures = pl.concat(frames)
    first_open = open_year(as_of)
    if query.downloaded is None:
        # Without the day of the download, the last year may have been open at the time.
        last = figures.filter(pl.col("month").is_not_null())["year"].max()
        first_open = min(first_open, last if isinstance(last, int) else first_open)
    return Parsed(
        without_months_to_come(figures, first_open), pl.concat([rejects_frame(), *rejects])
    )


# -- from bytes to tables


def _read(content: bytes, name: str) -> tuple[Query, list[Table]]:
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
            tables.append(_table(lines, f"{name}, sheet {sheet}", f"{sheet}!"))
        elif lines:
            reason = f"the sheet has no header that begins with {DATA_TYPE}: it is not read"
            others.append(rejects_frame([(1, f"{sheet}!", None, reason)]))
    if not tables:
        raise SnapshotError(
            f"{name}: no sheet has a header that begins with {DATA_TYPE}. Export the query again."
        )
    tables[0].rejects.extend(others)
    return query, tables


def _csv_lines(text: str, name: str) -> Iterator[Line]:
    found = re.search(rf'^"?{DATA_TYPE}"?([,;\t])', text, re.MULTILINE)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=found[1] if found else ",")
    started = 1
    try:
        for record in reader:
            yield started, [cell.strip() for cell in record]
            started = reader.line_num + 1
    except csv.Error as error:
        raise SnapshotError(f"{name}, line {started}: {error}. Export it again.") from error


def _header_of(lines: Sequence[Line]) -> int | None:
    return next(
        (
            place
            for place, (_, record) in enumerate(lines[:_HEADER_WITHIN])
            if record and record[0] == DATA_TYPE
        ),
        None,
    )


def _table(lines: Sequence[Line], where: str, prefix: str) -> Table:
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
            announced = int(count)
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
    return Table(where, prefix, flow, announced, frame, total, total_row, [rejects_frame(rejects)])


def _check_complete(table: Table) -> None:
    """Compare a sheet with the number of rows and the totals that it states.

    Raises:
        SnapshotError: rows are missing or repeated.
    """
    found = table.cells.height + sum(bad.height for bad in table.rejects)
    if table.announced is not None and found != table.announced:
        raise SnapshotError(
            f"{table.where}: {found:,} rows where it announces {table.announced:,}: it is"
            " truncated. Export the query again, in parts if it is large."
        )
    for label, stated in table.total.items():
        if label in _DIMENSIONS or not stated:
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


def _types_of(
    table: Table, query: Query, data_types: Mapping[tuple[str, str], DataType]
) -> dict[str, DataType]:
    """What each data type of a sheet is.

    Raises:
        SnapshotError: the flow is unknown, or nothing says which it is.
    """
    flow = table.flow or query.flow
    flows = {known for known, _ in data_types}
    if flow is not None and flow.casefold() not in flows:
        raise SnapshotError(
            f"{table.where}: the trade flow is {flow!r}. Known: {', '.join(sorted(flows))}; add a"
            f" new one to {DATA_TYPE_SEED}."
        )
    found: dict[str, DataType] = {}
    for text in table.cells[DATA_TYPE].unique().to_list():
        fitting = {
            one
            for (in_flow, word), one in data_types.items()
            if word == text.casefold() and in_flow == (flow or in_flow).casefold()
        }
        if len(fitting) > 1:
            raise SnapshotError(
                f"{table.where}: {text!r} of which trade flow? The title line and the parameters"
                " of the query are missing. Import the workbook as it was exported."
            )
        if fitting:
            found[text] = fitting.pop()
    return found


# -- from a table to figures


def _figures(
    table: Table,
    query: Query,
    data_types: Mapping[tuple[str, str], DataType],
    partners: Mapping[str, str],
    as_of: date,
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """A table's figures, one per row, and its rejects."""
    types = _types_of(table, query, data_types)
    cells, rejects = _known_rows(table, types)
    if table.total_row is not None:
        reason = "the total of the rows above, which would count them twice"
        total = (table.total_row, DATA_TYPE, table.total[DATA_TYPE], reason)
        rejects.append(rejects_frame([total]))
    spans = _spans(table, query, {word for _, word in data_types})
    cells = _with_scope(table, query, cells, partners)
    checks = [*row_checks(cells.columns, as_of), *_month_checks(cells.columns)]
    cells, faulty = reject_faulty(cells, checks)
    rejects += [bad for _, bad in faulty]
    periods = pl.DataFrame(
        [(label, span.year, span.month, span.part) for label, span in spans.items()],
        schema={
            "column_name": pl.String(),
            "_year": pl.Int32(),
            "_month": pl.Int32(),
            "_part": pl.String(),
        },
        orient="row",
    )
    of_row = {
        YEAR: pl.col(YEAR) if YEAR in cells.columns else pl.lit(None, pl.String),
        _MONTH: _month_number() if _MONTH in cells.columns else pl.lit(None, pl.Int32),
    }
    long = (
        cells.unpivot(
            on=list(spans),
            index=[label for label in cells.columns if label not in spans],
            variable_name="column_name",
            value_name="text",
        )
        .filter(pl.col("text") != "")
        .join(periods, on="column_name", how="left", maintain_order="left")
        .sort("row_number", maintain_order=True)
        .with_columns(
            year=pl.coalesce("_year", of_row[YEAR].cast(pl.Int32)),
            month=pl.coalesce("_month", of_row[_MONTH]),
        )
    )
    long, not_numbers = dollars(long)
    long, partial = _whole_years(long, query, as_of)
    rejects += [*not_numbers, *partial]
    figures = named(
        long.with_columns(
            trade_type=pl.col(DATA_TYPE).replace_strict(
                {text: one.trade_type for text, one in types.items()}, return_dtype=pl.String
            ),
            dataweb_measure=pl.col(DATA_TYPE).replace_strict(
                {text: one.measure for text, one in types.items()}, return_dtype=pl.String
            ),
        )
    )
    if _UNIT in cells.columns:
        index = [column for column in figures.columns if column not in ("row_number", "value_usd")]
        figures = figures.group_by(index, maintain_order=True).agg(
            pl.col("row_number").first(), pl.col("value_usd").sum()
        )
    located = pl.concat_str(pl.lit(table.prefix), "column_name").alias("column_name")
    return (
        figures.with_columns(located).select(list(SCHEMA)).cast(pl.Schema(SCHEMA)),
        [bad.with_columns(located) for bad in rejects],
    )


def _known_rows(
    table: Table, types: Mapping[str, DataType]
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """The rows that are read, and the rejects: those of unknown data types, and of left-out ones.

    A data type that is left out is one reject with the number of its rows.
    """
    cells, bad = reject_where(
        table.cells,
        ~pl.col(DATA_TYPE).is_in(list(types)),
        DATA_TYPE,
        f"unknown data type: if it is a new one, add it to {DATA_TYPE_SEED}",
    )
    left_out = {text: one.left_out for text, one in types.items() if one.left_out}
    is_left_out = pl.col(DATA_TYPE).is_in(list(left_out))
    counted = cells.filter(is_left_out).group_by(DATA_TYPE, maintain_order=True)
    listed = [
        (number, DATA_TYPE, text, f"{left_out[text]}: its {rows:,} rows are not read")
        for text, number, rows in counted.agg(pl.col("row_number").first(), pl.len()).iter_rows()
    ]
    return cells.filter(~is_left_out), [bad, rejects_frame(listed)]


def _spans(table: Table, query: Query, words: Collection[str]) -> dict[str, Span]:
    """The columns of figures, with their months; one may have the name of a data type (`words`).

    Raises:
        SnapshotError: a column is unknown, there is none of figures, or the year is missing.
    """
    labels = [label for label in table.cells.columns if label != "row_number"]
    spans: dict[str, Span] = {}
    for label in labels:
        if label in _DIMENSIONS:
            continue
        span = span_of(label)
        if span is None and label.casefold() in words:
            span = Span(None if YEAR in labels else query.only_year)
        if span is None:
            raise SnapshotError(
                f"{table.where}: the column {label} is not read. Leave it out of the query, or"
                " give it a meaning in the layout."
            )
        if span.year is None and YEAR not in labels:
            raise SnapshotError(
                f"{table.where}, column {label}: nothing says of which year it is. Import the"
                " workbook as it was exported, or add the year to the query's columns."
            )
        spans[label] = span
    if not spans:
        raise SnapshotError(f"{table.where}: no column of figures. Export the query again.")
    return spans


def span_of(label: str) -> Span | None:
    """The months that a column's label states; None if it states none."""
    words = re.split(r"[\s_-]+", label.strip())
    months = [_month_of(word) for word in words]
    years = [int(word) for word in words if re.fullmatch(r"(19|20)[0-9]{2}", word)]
    if len(words) == 1 and years:
        return Span(years[0])
    if len(words) == 1 and months[0]:
        return Span(None, months[0])
    if len(words) == 2 and years and any(months):
        return Span(years[0], months[0] or months[1])
    if years and [word.casefold() for word in words[1:]] == ["year", "to", "date"]:
        return Span(years[0], part=f"the first months of {years[0]}")
    if len(words) == 5 and words[2].casefold() == "to" and months[0] and months[3]:
        if len(years) == 2 and years[0] == years[1] and (months[0], months[3]) == (1, 12):
            return Span(years[0])
        return Span(years[-1], part=f"{words[0]} {words[1]} to {words[3]} {words[4]}")
    return None


def _month_of(word: str) -> int | None:
    return MONTH_NUMBERS.get(word.capitalize()) or _ABBREVIATIONS.get(word.capitalize())


def _month_number() -> pl.Expr:
    names = {
        **MONTH_NUMBERS,
        **_ABBREVIATIONS,
        **{form: n for n in range(1, 13) for form in (str(n), f"{n:02d}")},
    }
    return pl.col(_MONTH).replace_strict(names, default=None, return_dtype=pl.Int32)


def _month_checks(labels: Sequence[str]) -> list[Check]:
    if _MONTH not in labels:
        return []
    return [Check(_month_number().is_null(), _MONTH, "not a month: 1 to 12, or its name")]


def _with_scope(
    table: Table, query: Query, cells: pl.DataFrame, partners: Mapping[str, str]
) -> pl.DataFrame:
    """The cells with a partner code, and with the one country or code that a query is about."""
    if COUNTRY not in cells.columns and (country := query.country(table.where)):
        cells = cells.with_columns(pl.lit(country).alias(COUNTRY))
    if not any(label in cells.columns for label in CODES):
        label, code = query.commodity(table.where)
        if code:
            cells = cells.with_columns(pl.lit(code).alias(label))
    is_split = COUNTRY in cells.columns
    return cells.with_columns(partner_code=partner_of(partners) if is_split else pl.lit(WORLD))


def _whole_years(
    long: pl.DataFrame, query: Query, as_of: date
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Split off annual figures that do not cover their year; one reject per column and year."""
    years = (
        long.filter(pl.col("month").is_null())
        .group_by("column_name", "year", maintain_order=True)
        .agg(
            pl.col("row_number").first(),
            pl.col("_part").first(),
            rows=pl.len(),
            is_zero=(pl.col("value_usd") == 0).all(),
        )
    )
    rejected: list[tuple[str, int]] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    is_open = query.downloaded is None
    for row in years.sort("year", descending=True).iter_rows(named=True):
        year = row["year"]
        is_open &= row["is_zero"]
        if row["_part"] or (part := query.part_of(year)):
            covered = row["_part"] or part
            reason = f"covers {covered}, not the year: query whole years or months"
        elif as_of < date(year + 1, 2, 1):
            # A year's own figure is complete once December is published, about 5 February.
            reason = f"the year was not complete on {as_of}, when the figures were known"
        elif is_open:
            reason = "all figures are 0, as for a year that was not complete when it was exported"
        else:
            continue
        rejected.append((row["column_name"], year))
        rejects.append(
            (row["row_number"], row["column_name"], str(year), f"{reason} ({row['rows']:,} rows)")
        )
    if not rejected:
        return long, []
    bad = pl.DataFrame(
        rejected, schema={"column_name": pl.String(), "year": pl.Int32()}, orient="row"
    )
    bad = bad.with_columns(_is_partial=pl.lit(True))
    marked = long.join(bad, on=["column_name", "year"], how="left", maintain_order="left")
    is_partial = pl.col("_is_partial").fill_null(False) & pl.col("month").is_null()
    return marked.filter(~is_partial).drop("_is_partial"), [rejects_frame(rejects[::-1])]
