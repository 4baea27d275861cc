"""Write the rows of a query as table, csv, json or parquet."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

import duckdb

from dagster_project import display
from dagster_project.cli.app import Refused, TableFormat
from dagster_project.cli.terminal import echo, print_error, print_table
from dagster_project.questions.values import cell, to_json
from dagster_project.sandbox.process import Render
from dagster_project.warehouse import QueryRefused

# A table is for people; longer results need another format.
_ROWS_IN_A_TABLE = 200


class QueryFormat(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def renderer(form: QueryFormat, most: int) -> Render:
    """What writes the rows of a result in a format, at most so many.

    A table is written as JSON, for `write_rendered`.
    """

    def render(result: duckdb.DuckDBPyConnection, stream: IO[bytes]) -> None:
        header = [column[0] for column in result.description or ()]
        if form is QueryFormat.parquet:
            _write_parquet(result, most, stream)
            return
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        if form is QueryFormat.table:
            rows = result.fetchmany(_ROWS_IN_A_TABLE)
            has_more = result.fetchone() is not None
            json.dump([header, [[_plain(value) for value in row] for row in rows], has_more], text)
        elif form is QueryFormat.csv:
            write_csv(header, _fetched(result, most), text)
        else:
            _write_json(header, _fetched(result, most), text)
        text.flush()
        text.detach()

    return render


def write_rendered(content: Iterable[bytes], form: QueryFormat, out: Path | None) -> None:
    """Print what `renderer` wrote, or write it to a file once it is complete."""
    if form is not QueryFormat.table:
        with _opened(out) as handle:
            for part in content:
                handle.write(part)
        return
    header, rows, has_more = json.loads(b"".join(content), object_hook=_from_plain)
    print_table((header, rows))
    if has_more:
        print_error(
            f"only the first {_ROWS_IN_A_TABLE} rows are shown; --format csv writes all", "Note"
        )


def _plain(value: object) -> object:
    """A value as JSON: numbers stay numbers, since a table aligns them; others become text."""
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    return value if value is None or isinstance(value, bool | int | float) else cell(value)


def _from_plain(value: dict[str, str]) -> Decimal:
    return Decimal(value["decimal"])


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


def _fetched(result: duckdb.DuckDBPyConnection, most: int) -> Iterator[tuple[Any, ...]]:
    count = 0
    while rows := result.fetchmany(10_000):
        count += len(rows)
        _check_rows(count, most)
        yield from rows


def _write_parquet(result: duckdb.DuckDBPyConnection, most: int, stream: IO[bytes]) -> None:
    from pyarrow.parquet import ParquetWriter

    reader = result.to_arrow_reader(100_000)
    count = 0
    with ParquetWriter(stream, reader.schema, compression="zstd") as writer:
        for batch in reader:
            count += batch.num_rows
            _check_rows(count, most)
            writer.write_batch(batch)


def _check_rows(count: int, most: int) -> None:
    if count > most:
        raise QueryRefused(
            f"The result has more than {most:,} rows: select fewer, or allow more with --max-rows."
        )


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
def _opened(out: Path | None) -> Generator[IO[bytes]]:
    if out is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    temporary = out.with_name(f".{out.name}.tmp")
    try:
        with temporary.open("wb") as handle:
            yield handle
        temporary.replace(out)
    except OSError as error:
        raise Refused(f"--out: {out} cannot be written ({error.strerror or error}).") from error
    finally:
        temporary.unlink(missing_ok=True)
