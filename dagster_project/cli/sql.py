"""`bilateral sql`: a query, or a prompt.

Nothing here imports Dagster, dbt or Polars: a query should not wait for an orchestrator.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.cli.app import DONE, Refused, app, handle_errors
from dagster_project.cli.terminal import print_error
from dagster_project.cli.writing import QueryFormat, write_result
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import WarehouseError, connect_sandboxed, execute_sandboxed


@app.command()
@handle_errors
def sql(
    query: Annotated[
        str | None, typer.Argument(help="One query or several; read from stdin without it.")
    ] = None,
    form: Annotated[QueryFormat, typer.Option("--format", help="How to write the rows.")] = (
        QueryFormat.table
    ),
    out: Annotated[
        Path | None, typer.Option("--out", help="Write to this file.", metavar="FILE")
    ] = None,
) -> int:
    """Answer SQL from the published warehouse, read-only.

    The dialect is DuckDB's. No other file can be read, written or attached.

    Example: `bilateral sql "from marts.trade_by_year where partner_code = 'KOR'"`

    Example: `bilateral sql "from marts.claims" --format parquet --out claims.parquet`
    """
    settings = load_settings()
    if query is None and sys.stdin.isatty():
        return _converse(settings)
    text = sys.stdin.read() if query is None else query
    if out is not None and (form is QueryFormat.table or out.suffix != f".{form.value}"):
        raise Refused(
            f"--out: {out} is to hold csv, json or parquet: say which with --format, and end the"
            " name in it."
        )
    if form is QueryFormat.parquet and out is None and sys.stdout.isatty():
        raise Refused("--format parquet writes bytes: name a file with --out, or pipe them.")
    connection = connect_sandboxed(settings)
    try:
        write_result(execute_sandboxed(connection, text), form, out)
    finally:
        connection.close()
    return DONE


def _converse(settings: Settings) -> int:
    """Answer queries from the keyboard until the end of input."""
    import readline  # noqa: F401 — gives `input` a history and editing

    typer.echo("SQL on the published warehouse, read-only; end a query with ; and leave with ^D.")
    connection = connect_sandboxed(settings)
    pending: list[str] = []
    try:
        while True:
            try:
                line = input("      ...> " if pending else "bilateral> ")
            except EOFError:
                typer.echo()
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
