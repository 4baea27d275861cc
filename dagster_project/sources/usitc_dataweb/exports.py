"""Reads what DataWeb's page gives for download: a workbook, or one of its sheets saved as CSV.

A workbook has a sheet of the query's parameters and one sheet per measure. A sheet has a title of
flow and time, the number of its rows, a header, rows, and a row of totals; some have the header
first. `sheets` reads the text of each, `query` the parameters.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from dagster_project.sources.parsing import (
    Check,
    Parsed,
    read_seed,
    reject_faulty,
    reject_where,
    rejects_frame,
)
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.usitc_dataweb.files import (
    CODES,
    COUNTRY,
    MONTH_NUMBERS,
    SCHEMA,
    WORLD,
    YEAR,
    dollars,
    named,
    open_year,
    partner_of,
    row_checks,
    without_months_to_come,
)
from dagster_project.sources.usitc_dataweb.query import Query
from dagster_project.sources.usitc_dataweb.sheets import (
    DATA_TYPE,
    DIMENSIONS,
    MONTH,
    UNIT,
    Table,
    missing_rows,
    read_tables,
)

LAYOUT = "dataweb_export"
DATA_TYPE_SEED = "dataweb_data_types.csv"
_ABBREVIATIONS = {name[:3]: number for name, number in MONTH_NUMBERS.items()}


@dataclass(frozen=True)
class DataType:
    """What a sheet shows of a flow; `left_out` says why it is not read, if it is not."""

    trade_type: str
    measure: str
    left_out: str


@dataclass(frozen=True)
class Span:
    """The months of a column; without a year, the row has it. A whole year has no month.

    `part` names the months of a part of a year. A custom period may end before all of its months
    were published.
    """

    year: int | None
    month: int | None = None
    part: str = ""
    is_custom: bool = False


def read_data_types(seeds: Path) -> dict[tuple[str, str], DataType]:
    """What each data type of each flow is, by their names in lower case."""
    return {
        (row["trade_flow"].casefold(), row["data_type"].casefold()): DataType(
            row["trade_type"], row["dataweb_measure"], row["left_out"]
        )
        for row in read_seed(seeds, DATA_TYPE_SEED)
    }


def parse_export(
    content: bytes,
    file: SnapshotFile,
    data_types: Mapping[tuple[str, str], DataType],
    partners: Mapping[str, str],
) -> Parsed:
    """Return one export as rows, one per figure. Every code stays text.

    The row number is that of the sheet; the column name of a workbook begins with the sheet. Rows
    that differ only in the unit of their quantity are one figure, at the first of them. Rows that
    a sheet announces and lacks are one reject; other sums than those of its row of totals mean that
    it was changed, and it is refused.

    Without the parameters, as in a CSV file, a sheet without codes covers all commodities, and a
    sheet without countries is refused: it may be the sum of a few.

    Raises:
        SnapshotError: the content is no such export, the query is restricted in a way that the
        warehouse has no dimension for, or a column or flow is unknown.
    """
    name = file.snapshot_file
    query, tables = read_tables(content, name)
    query.check(name)
    as_of = min(file.known_from, query.downloaded or file.known_from)
    frames, rejects, left_out = [pl.DataFrame(schema=SCHEMA)], [], []
    for table in tables:
        rejects += [*table.rejects, missing_rows(table)]
        types = _types_of(table, query, data_types)
        table, listed = _without_left_out(table, types)
        left_out.append(listed)
        if table.cells.is_empty():
            continue
        spans = _spans(table, query, {word for _, word in data_types})
        figures, bad = _figures(table, query, types, spans, partners, as_of)
        frames.append(figures)
        rejects += bad
    figures = pl.concat(frames)
    first_open = open_year(as_of)
    if query.downloaded is None:
        # Without the day of the download, the last year may have been open at the time.
        last = figures.filter(pl.col("month").is_not_null())["year"].max()
        first_open = min(first_open, last if isinstance(last, int) else first_open)
    return Parsed(
        without_months_to_come(figures, first_open),
        pl.concat([rejects_frame(), *rejects, *left_out]),
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


def _figures(
    table: Table,
    query: Query,
    types: Mapping[str, DataType],
    spans: Mapping[str, Span],
    partners: Mapping[str, str],
    as_of: date,
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """A table's figures, one per row, and its rejects."""
    cells, unknown = reject_where(
        table.cells,
        ~pl.col(DATA_TYPE).is_in(list(types)),
        DATA_TYPE,
        f"unknown data type: if it is a new one, add it to {DATA_TYPE_SEED}",
    )
    rejects = [unknown]
    cells = _with_scope(table, query, cells, partners)
    checks = [*row_checks(cells.columns, as_of), *_month_checks(cells.columns)]
    cells, faulty = reject_faulty(cells, checks)
    rejects += [bad for _, bad in faulty]
    periods = pl.DataFrame(
        [
            (label, span.year, span.month, span.part, span.is_custom)
            for label, span in spans.items()
        ],
        schema={
            "column_name": pl.String(),
            "_year": pl.Int32(),
            "_month": pl.Int32(),
            "_part": pl.String(),
            "_is_custom": pl.Boolean(),
        },
        orient="row",
    )
    of_row = {
        YEAR: pl.col(YEAR) if YEAR in cells.columns else pl.lit(None, pl.String),
        MONTH: _month_number() if MONTH in cells.columns else pl.lit(None, pl.Int32),
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
            month=pl.coalesce("_month", of_row[MONTH]),
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
    if UNIT in cells.columns:
        index = [column for column in figures.columns if column not in ("row_number", "value_usd")]
        figures = figures.group_by(index, maintain_order=True).agg(
            pl.col("row_number").first(), pl.col("value_usd").sum()
        )
    located = pl.concat_str(pl.lit(table.column("")), "column_name").alias("column_name")
    return (
        figures.with_columns(located).select(list(SCHEMA)).cast(pl.Schema(SCHEMA)),
        [bad.with_columns(located) for bad in rejects],
    )


def _without_left_out(table: Table, types: Mapping[str, DataType]) -> tuple[Table, pl.DataFrame]:
    """The table without the rows that are not read, and a reject for each kind of them.

    They are those of a data type that is left out, with their number, and the row of totals.
    """
    reasons = {text: one.left_out for text, one in types.items() if one.left_out}
    is_left_out = pl.col(DATA_TYPE).is_in(list(reasons))
    counted = table.cells.filter(is_left_out).group_by(DATA_TYPE, maintain_order=True)
    listed = [
        (number, table.column(DATA_TYPE), text, f"{reasons[text]}: {rows:,} rows are not read")
        for text, number, rows in counted.agg(pl.col("row_number").first(), pl.len()).iter_rows()
    ]
    if table.total_row is not None:
        reason = "the total of the rows above, which would count them twice"
        total = (table.total_row, table.column(DATA_TYPE), table.total[DATA_TYPE], reason)
        listed.append(total)
    return replace(table, cells=table.cells.filter(~is_left_out)), rejects_frame(listed)


def _spans(table: Table, query: Query, words: Collection[str]) -> dict[str, Span]:
    """The columns of figures, with their months; one may have the name of a data type (`words`).

    Raises:
        SnapshotError: a column is unknown, there is none of figures, or the year is missing.
    """
    labels = [label for label in table.cells.columns if label != "row_number"]
    spans: dict[str, Span] = {}
    for label in labels:
        if label in DIMENSIONS:
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
    words = [word for word in re.split(r"[\s_-]+", label.strip().casefold()) if word != "to"]
    months = [month for word in words if (month := _month_of(word))]
    years = [int(word) for word in words if re.fullmatch(r"(19|20)[0-9]{2}", word)]
    if years and words[1:] == ["year", "date"]:
        return Span(years[0], part=f"the first months of {years[0]}")
    if not words or len(months) + len(years) != len(words):
        return None
    if len(words) == 1 or (len(months), len(years)) == (1, 1):
        return Span(years[0] if years else None, months[0] if months else None)
    if len(months) == 2 and len(years) in (1, 2):
        if months == [1, 12] and years[0] == years[-1]:
            return Span(years[0], is_custom=True)
        return Span(years[-1], part=label.replace("_", " "))
    return None


def _month_of(word: str) -> int | None:
    return MONTH_NUMBERS.get(word.capitalize()) or _ABBREVIATIONS.get(word.capitalize())


def _month_number() -> pl.Expr:
    names = {
        **MONTH_NUMBERS,
        **_ABBREVIATIONS,
        **{form: n for n in range(1, 13) for form in (str(n), f"{n:02d}")},
    }
    return pl.col(MONTH).replace_strict(names, default=None, return_dtype=pl.Int32)


def _month_checks(labels: Sequence[str]) -> list[Check]:
    if MONTH not in labels:
        return []
    return [Check(_month_number().is_null(), MONTH, "not a month: 1 to 12, or its name")]


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
            pl.col("_part", "_is_custom").first(),
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
        elif row["_is_custom"] and query.downloaded is None:
            reason = (
                "nothing says when this custom period was exported, so its last months may be"
                " missing; import the workbook as it was exported"
            )
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
