"""`bilateral sql`: run a query, or open a prompt.

Nothing here imports Dagster, dbt or Polars, so that a query starts fast.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.cli.app import DONE, Refused, app, handle_errors, reading_settings
from dagster_project.cli.terminal import echo, print_error
from dagster_project.cli.writing import QueryFormat, renderer, write_rendered
from dagster_project.sandbox.process import Limits, ask
from dagster_project.settings import AMOUNT, Settings
from dagster_project.warehouse import WarehouseError

# What a shell reports for a command that Ctrl-C ended.
_CANCELLED = 130
_UNITS = {"mb": 10**6, "gb": 10**9, "mib": 1 << 20, "gib": 1 << 30}


def _amount(text: str) -> int:
    """Bytes."""
    if not AMOUNT.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is no amount. For example: 4GB")
    number = text.rstrip("BGIMbgim ")
    return int(float(number) * _UNITS[text[len(number) :].strip().casefold()])


@app.command()
@handle_errors
def sql(
    query: Annotated[
        str | None, typer.Argument(help="One select. Default: read from stdin.")
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
    timeout: Annotated[
        float,
        typer.Option("--timeout", help="Stop after this time.", min=0.1, metavar="SECONDS"),
    ] = 300,
    memory: Annotated[
        int, typer.Option("--memory", help="Memory to use.", parser=_amount, metavar="AMOUNT")
    ] = "2GB",  # ty: ignore[invalid-parameter-default]
    temp_space: Annotated[
        int,
        typer.Option(
            "--temp-space",
            help="Disk space for temporary files.",
            parser=_amount,
            metavar="AMOUNT",
        ),
    ] = "4GB",  # ty: ignore[invalid-parameter-default]
    max_rows: Annotated[
        int, typer.Option("--max-rows", help="Refuse a longer result.", min=1, metavar="ROWS")
    ] = 10_000_000,
) -> int:
    """Run a select on the published warehouse, or explain one.

    The dialect is DuckDB's. No other file can be read, written or attached: the query runs in a
    process that may only write temporary files. On Linux the kernel enforces this (5.13 or later);
    elsewhere queries write no temporary files, and only the checks of the query itself hold.

    Example: `bilateral sql "from marts.trade_by_year where partner_code = 'KOR'"`

    Example: `bilateral sql "from marts.claims" --out claims.parquet`
    """
    settings = reading_settings()
    limits = Limits(seconds=timeout, memory=memory, temporary=temp_space)
    if query is None and sys.stdin.isatty():
        return _prompt(settings, limits, max_rows)
    text = sys.stdin.read() if query is None else query
    form = _format(form, out)
    if form is QueryFormat.parquet and out is None and sys.stdout.isatty():
        raise Refused("--format parquet writes binary data: name a file with --out, or use a pipe.")
    try:
        _write_answer(settings, limits, text, form, max_rows, out)
    except KeyboardInterrupt:
        print_error("the query was stopped.", "Cancelled")
        return _CANCELLED
    return DONE


def _write_answer(
    settings: Settings,
    limits: Limits,
    query: str,
    form: QueryFormat,
    max_rows: int,
    out: Path | None = None,
) -> None:
    with closing(ask(settings, query, limits, renderer(form, max_rows))) as content:
        write_rendered(content, form, out)


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


def _prompt(settings: Settings, limits: Limits, max_rows: int) -> int:
    """Answer queries from the keyboard until the end of input."""
    import readline  # noqa: F401 — adds history and line editing to `input`

    echo("SQL on the published warehouse, read-only. End a query with ;, quit with Ctrl-D.")
    pending: list[str] = []
    while True:
        try:
            line = input("      ...> " if pending else "bilateral> ")
            if not pending and line.strip().casefold() in {"exit", "quit"}:
                return DONE
            if not line.strip() and not pending:
                continue
            pending.append(line)
            if not line.rstrip().endswith(";"):
                continue
            query, pending = "\n".join(pending), []
            _write_answer(settings, limits, query, QueryFormat.table, max_rows)
        except EOFError:
            echo()
            return DONE
        except KeyboardInterrupt:
            # It also takes back lines that have not been run.
            pending = []
            echo()
            print_error("nothing is running.", "Cancelled")
        except WarehouseError as error:
            print_error(str(error))
