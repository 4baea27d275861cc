"""`bilateral sql`: run a query, or open a prompt.

Nothing here imports Dagster, dbt or Polars, so that a query starts fast.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.cli.app import DONE, Refused, app, handle_errors
from dagster_project.cli.terminal import echo, print_error
from dagster_project.cli.writing import QueryFormat, write_result
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import WarehouseError, connect_sandboxed, execute_sandboxed


@app.command()
@handle_errors
def sql(
    query: Annotated[
        str | None, typer.Argument(help="One or more queries. Default: read from stdin.")
    ] = None,
    form: Annotated[
        QueryFormat | None,
        typer.Option(
            "--format", help="Output format. Default: the suffix of --out, or table without --out."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write to this file: .csv, .json or .parquet.", metavar="FILE"),
    ] = None,
) -> int:
    """Run SQL on the published warehouse, read-only.

    The dialect is DuckDB's. No other file can be read, written or attached.

    Example: `bilateral sql "from marts.trade_by_year where partner_code = 'KOR'"`

    Example: `bilateral sql "from marts.claims" --out claims.parquet`
    """
    settings = load_settings()
    if query is None and sys.stdin.isatty():
        return _prompt(settings)
    text = sys.stdin.read() if query is None else query
    form = _format(form, out)
    if form is QueryFormat.parquet and out is None and sys.stdout.isatty():
        raise Refused("--format parquet writes binary data: name a file with --out, or use a pipe.")
    connection = connect_sandboxed(settings)
    try:
        write_result(execute_sandboxed(connection, text), form, out)
    finally:
        connection.close()
    return DONE


def _format(form: QueryFormat | None, out: Path | None) -> QueryFormat:
    """The format to write, which the suffix of the file has to match.

    Raises:
        Refused: the file has no suffix of a format, or one of another format.
    """
    if out is None:
        return form or QueryFormat.table
    formats = {f".{one.value}": one for one in QueryFormat if one is not QueryFormat.table}
    found = formats.get(out.suffix)
    if found is None or form not in (None, found):
        wanted = (
            f".{form.value}" if form and form in formats.values() else ".csv, .json or .parquet"
        )
        raise Refused(f"--out: {out} does not end in {wanted}. Rename it, or change --format.")
    return found


def _prompt(settings: Settings) -> int:
    """Answer queries from the keyboard until the end of input."""
    import readline  # noqa: F401 — adds history and line editing to `input`

    echo("SQL on the published warehouse, read-only. End a query with ;, quit with Ctrl-D.")
    connection = connect_sandboxed(settings)
    pending: list[str] = []
    try:
        while True:
            try:
                line = input("      ...> " if pending else "bilateral> ")
            except EOFError:
                echo()
                return DONE
            if not pending and line.strip().casefold() in {"exit", "quit"}:
                return DONE
            if not line.strip() and not pending:
                continue
            pending.append(line)
            if not line.rstrip().endswith(";"):
                continue
            query, pending = "\n".join(pending), []
            try:
                write_result(execute_sandboxed(connection, query), QueryFormat.table, None)
            except WarehouseError as error:
                print_error(str(error))
    finally:
        connection.close()
