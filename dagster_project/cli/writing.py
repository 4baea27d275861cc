"""Write the rows of a query as table, csv, json or parquet."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import duckdb

from dagster_project import display
from dagster_project.cli.app import Refused, TableFormat
from dagster_project.cli.terminal import echo, print_error, print_table
from dagster_project.questions.values import cell, to_json

# A table is for people; longer results need another format.
_ROWS_IN_A_TABLE = 200


class QueryFormat(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def write_result(result: duckdb.DuckDBPyConnection, form: QueryFormat, out: Path | None) -> None:
    header = [column[0] for column in result.description or ()]
    if form is QueryFormat.table:
        rows = result.fetchmany(_ROWS_IN_A_TABLE)
        print_table((header, [list(row) for row in rows]))
        if result.fetchone() is not None:
            print_error(
                f"only the first {_ROWS_IN_A_TABLE} rows are shown; --format csv writes all",
                "Note",
            )
        return
    if form is QueryFormat.parquet:
        frame = result.pl()
        with _opened(out, "wb") as handle:
            frame.write_parquet(handle)
        return
    with _opened(out, "w") as handle:
        if form is QueryFormat.csv:
            write_csv(header, _fetched(result), handle)
        else:
            _write_json(header, _fetched(result), handle)


def write_objects(
    objects: Sequence[Mapping[str, object]], form: TableFormat, columns: Mapping[str, str]
) -> None:
    """Write objects with the same fields; a table shows those in `columns`, under their titles.

    Without objects, csv has the header of the table.
    """
    if form is TableFormat.json:
        echo(to_json(list(objects)))
    elif form is TableFormat.csv:
        write_csv_objects(objects, columns)
    elif objects:
        shown = objects[:_ROWS_IN_A_TABLE]
        print_table((list(columns.values()), [[one[name] for name in columns] for one in shown]))
        if len(objects) > len(shown):
            print_error(
                f"only the first {_ROWS_IN_A_TABLE} of {len(objects)} rows are shown; --format csv"
                " writes all",
                "Note",
            )


def write_csv_objects(objects: Sequence[Mapping[str, object]], columns: Iterable[str] = ()) -> None:
    header = list(objects[0] if objects else columns)
    write_csv(header, (one.values() for one in objects), sys.stdout)


def _fetched(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := result.fetchmany(10_000):
        yield from rows


def write_csv(header: list[str], rows: Iterable[Iterable[object]], handle: Any) -> None:
    """Write values as CSV; see `display.csv_cell` for cells that look like formulas."""
    display.write_csv(header, ([cell(value) for value in row] for row in rows), handle)


def _write_json(header: list[str], rows: Iterable[Iterable[object]], handle: Any) -> None:
    handle.write("[")
    for place, row in enumerate(rows):
        handle.write(",\n " if place else "\n ")
        handle.write(to_json(dict(zip(header, row, strict=True)), None))
    handle.write("\n]\n")


@contextmanager
def _opened(out: Path | None, mode: Literal["w", "wb"]) -> Generator[Any]:
    if out is None:
        yield sys.stdout if mode == "w" else sys.stdout.buffer
        return
    temporary = out.with_name(f".{out.name}.tmp")
    encoding, newline = ("utf-8", "") if mode == "w" else (None, None)
    try:
        with temporary.open(mode, encoding=encoding, newline=newline) as handle:
            yield handle
        temporary.replace(out)
    except OSError as error:
        raise Refused(f"--out: {out} cannot be written ({error.strerror or error}).") from error
    finally:
        temporary.unlink(missing_ok=True)
