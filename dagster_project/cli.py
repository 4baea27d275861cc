"""The command `bilateral`.

Belongs here: commands, their options and help, exit codes, and where output goes. Does not
belong here: any answer (`figures/`, `warehouse.py`, `build.py`).

Dagster, dbt and Polars are imported by the command that needs them: a query should not
wait for an orchestrator.
"""

from __future__ import annotations

import csv
import functools
import sys
import textwrap
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import duckdb
import typer
from rich.console import Console

from dagster_project.figures.values import cell, to_json
from dagster_project.settings import Settings, SettingsError, load_settings
from dagster_project.warehouse import WarehouseError, connect_sandboxed, execute_sandboxed

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from dagster_project.figures.render import Table
    from dagster_project.figures.replay import Replay

DONE, SPEAKS_AGAINST, BAD_INPUT = 0, 1, 2

# A table is for reading; whoever wants more rows than this wants another format.
_ROWS_IN_A_TABLE = 200
# A cell is folded to this width before a table gives way to records.
_FOLDED = 12
_WIDE = 10_000

app = typer.Typer(
    name="bilateral",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Why two published trade figures disagree, by name and amount.",
    epilog="Exit codes: 0 done, 1 a claim is contradicted or inconsistent (check), 2 bad usage or"
    " input.",
)


class TextFormat(StrEnum):
    text = "text"
    json = "json"


class TableFormat(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"


class QueryFormat(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


Reporter = Annotated[
    str, typer.Option(help="Whose trade: an ISO code or a name, such as USA.", metavar="COUNTRY")
]
Partner = Annotated[
    str,
    typer.Option(
        help="With whom: a country, WLD for the world, or a group such as census:0003.",
        metavar="COUNTRY",
    ),
]
PeriodOption = Annotated[
    str, typer.Option(help="2016, 2016-11 or 2016-01/2016-11.", metavar="PERIOD")
]
Sector = Annotated[
    str,
    typer.Option(
        help="A sector (total, autos), one of its definitions (autos.hs87) or a code (hs2:87).",
        metavar="SECTOR",
    ),
]
Kind = Annotated[
    str, typer.Option("--kind", help="goods, services or goods_services.", metavar="KIND")
]


class _Refused(Exception):
    """Ends a command with a message on stderr."""


def _reported(command: Callable[..., int | None]) -> Callable[..., None]:
    """A command whose expected errors become one paragraph on stderr and exit code 2."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        from dagster_project.sources.snapshot import SnapshotError

        try:
            code = command(*args, **kwargs)
        except (WarehouseError, SettingsError, SnapshotError, _Refused) as error:
            _complain(str(error))
            raise typer.Exit(BAD_INPUT) from error
        raise typer.Exit(code or DONE)

    return run


@app.command()
@_reported
def build(
    force: Annotated[
        bool, typer.Option("--force", help="Build although the inputs have not changed.")
    ] = False,
) -> int:
    """Make the warehouse from the snapshots and publish it, if all tests pass.

    The warehouse of before is served until then, and stays when a test fails.

    Example: `bilateral build`
    """
    from dagster_project.build import BuildFailed, run_build
    from dagster_project.figures.status import read_rejects

    settings = load_settings()
    with _progress() as on_event:
        try:
            outcome = run_build(settings, force=force, on_event=on_event)
        except BuildFailed as error:
            raise _Refused(str(error)) from error
    if not outcome.built:
        said = "Nothing has changed since the last build; it is still served."
    elif outcome.published:
        said = f"Published {settings.warehouse}."
    else:
        said = "The build gave the same content as before; nothing new was published."
    typer.echo(f"{said} Content {outcome.content_hash[:12]}, run {outcome.run_id}.")
    _say_rejects(read_rejects(settings), err=True)
    typer.echo("`bilateral status` shows what it holds; README.md has questions to ask it.")
    return DONE


@app.command()
@_reported
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
        raise _Refused(
            f"--out: {out} is to hold csv, json or parquet: say which with --format, and end the"
            " name in it."
        )
    if form is QueryFormat.parquet and out is None and sys.stdout.isatty():
        raise _Refused("--format parquet writes bytes: name a file with --out, or pipe them.")
    connection = connect_sandboxed(settings)
    try:
        _write_result(execute_sandboxed(connection, text), form, out)
    finally:
        connection.close()
    return DONE


# A figure below zero begins like an option.
@app.command(context_settings={"ignore_unknown_options": True})
@_reported
def explain(
    a: Annotated[str, typer.Argument(metavar="A", help="A figure (27.6) or a reading (census).")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    reporter: Reporter,
    partner: Partner,
    period: PeriodOption,
    measure: Annotated[
        str,
        typer.Option(help="balance, deficit, surplus, exports, imports or two_way_trade."),
    ] = "balance",
    sector: Sector = "total",
    to_period: Annotated[
        str | None, typer.Option(help="The period of B, where it is another.", metavar="PERIOD")
    ] = None,
    to_sector: Annotated[
        str | None, typer.Option(help="The sector of B, where it is another.", metavar="SECTOR")
    ] = None,
    kind: Kind = "goods",
    form: Annotated[TextFormat, typer.Option("--format", help="How to write the answer.")] = (
        TextFormat.text
    ),
) -> int:
    """Bridge two figures for one trade: what makes each true, and what lies between them.

    A and B are figures as printed (`27.6`, `-27.6`, `426mn`; billions of US dollars where nothing
    is said) or readings (`census`, `cif`, `mirror`), as of a release or a day where one is named
    (`census@2017-01`, `census@2017-07-12`).

    Example: `bilateral explain 27.6 29.6 --reporter USA --partner KOR --period 2016`

    Example: `bilateral explain census mirror --reporter USA --partner KOR --period 2016`

    Example: `bilateral explain census@2017-01 cif --reporter USA --partner KOR --period 2015`
    """
    from dagster_project.figures import explain as explaining
    from dagster_project.figures import render
    from dagster_project.figures.words import Words

    with _asked() as replay:
        question = explaining.read_question(
            Words(replay),
            a=a,
            b=b,
            reporter=reporter,
            partner=partner,
            a_period=period,
            b_period=to_period or period,
            a_sector=sector,
            b_sector=to_sector or sector,
            trade_kind=kind,
            measure=measure,
        )
        answer = explaining.explain(replay, question)
    if answer.bridge is None:
        raise _Refused(render.unanswered_text(answer))
    if form is TextFormat.json:
        typer.echo(to_json(render.answer_json(answer)))
    else:
        typer.echo(render.answer_text(answer, _width()))
    for note in render.notes(answer):
        _complain(note, "Note")
    return DONE


@app.command()
@_reported
def check(
    claims: Annotated[Path, typer.Argument(metavar="CLAIMS.csv", help="The claims to judge.")],
    documents: Annotated[
        Path | None,
        typer.Option(help="The texts they stand in, with the day of print.", metavar="FILE"),
    ] = None,
    form: Annotated[TextFormat, typer.Option("--format", help="How to write the verdicts.")] = (
        TextFormat.text
    ),
) -> int:
    """Judge every claim of a file against the published warehouse.

    The columns are those of the shipped claims; README.md says how to write a row. A row that
    cannot be used is reported with line and column, the others are judged.

    Example: `bilateral check claims.csv --documents documents.csv`
    """
    from dagster_project.figures import check as checking
    from dagster_project.figures import render
    from dagster_project.figures.words import Words

    with _asked() as replay:
        checked = checking.check(replay, Words(replay), claims, documents)
    if form is TextFormat.json:
        typer.echo(to_json(render.checked_json(checked)))
    else:
        typer.echo(render.checked_text(checked, _width()))
    for problem in checked.problems:
        _complain(str(problem))
    if checked.problems:
        return BAD_INPUT
    return SPEAKS_AGAINST if checked.speaks_against else DONE


@app.command()
@_reported
def figures(
    reporter: Reporter,
    partner: Partner,
    period: PeriodOption,
    sector: Sector = "total",
    kind: Kind = "goods",
    form: Annotated[TableFormat, typer.Option("--format", help="How to write the rows.")] = (
        TableFormat.table
    ),
) -> int:
    """Show every figure that is held of one trade, side by side.

    Amounts are millions of US dollars in the table, US dollars in csv and json.

    Example: `bilateral figures --reporter USA --partner KOR --period 2016`

    Example: `bilateral figures --reporter USA --partner KOR --period 2016 --sector autos`
    """
    from dagster_project.figures import render
    from dagster_project.figures.side_by_side import figures as side_by_side
    from dagster_project.figures.words import Words, read_period

    with _asked() as replay:
        words = Words(replay)
        rows = side_by_side(
            replay,
            reporter=words.country(reporter, "--reporter", may_be_group=False),
            partner=words.country(partner, "--partner", may_be_group=True),
            trade_kind=words.trade_kind(kind, "--kind"),
            definitions=words.definitions(sector, "--sector"),
            period=read_period(period, "--period"),
        )
    if not rows:
        raise _Refused(
            f"No figure is held for {reporter}–{partner}, {kind}, {sector}, {period}."  # noqa: RUF001
            ' `bilateral sql "select partner_code, period from marts.readings where'
            " definition_id = 'total:total'\"` lists what is."
        )
    if form is TableFormat.json:
        typer.echo(to_json(render.figures_json(rows)))
    elif form is TableFormat.csv:
        objects = render.figures_json(rows)
        _write_csv(list(objects[0]), (list(one.values()) for one in objects), sys.stdout)
    else:
        typer.echo(render.figures_text(rows, _width()))
    return DONE


@app.command()
@_reported
def status(
    form: Annotated[TextFormat, typer.Option("--format", help="How to write it.")] = (
        TextFormat.text
    ),
) -> int:
    """Show what is published: when, from which releases, how fresh, what was rejected.

    Example: `bilateral status`
    """
    from datetime import date

    from dagster_project.figures import render
    from dagster_project.figures.status import read_status

    state = read_status(load_settings(), date.today())
    if form is TextFormat.json:
        typer.echo(to_json(render.status_json(state)))
        return DONE
    publication = state.publication
    typer.echo(
        f"Published {publication.published_at:%Y-%m-%d %H:%M %Z}, content"
        f" {publication.content_hash[:12]}, run {publication.run_id}, code"
        f" {publication.code_version}"
        + (f", as of {publication.as_of}" if publication.as_of else "")
    )
    typer.echo(
        "It was made from the inputs as they are now."
        if state.is_current
        else "The inputs have changed since: `bilateral build` brings it up to date."
    )
    for title, table in render.status_tables(state):
        typer.echo(f"\n{title}")
        _print_table(table)
    _say_rejects(state.rejects, err=False)
    return DONE


def _say_rejects(rejects: list[dict], *, err: bool) -> None:
    for reject in rejects:
        rows = "1 row" if reject["rejects"] == 1 else f"{reject['rejects']} rows"
        typer.echo(
            f"Rejected: {rows} of {reject['snapshot_file']}, the first in row"
            f" {reject['first_line']}, {reject['first_reason']}."
            ' All of them: bilateral sql "from meta.rejects"',
            err=err,
        )


@contextmanager
def _asked() -> Generator[Replay]:
    """The published warehouse, ready for a question; a bad word in it is refused."""
    from dagster_project.figures.replay import QuestionError, Replay
    from dagster_project.figures.words import InputError

    try:
        with Replay(load_settings()) as replay:
            yield replay
    except InputError as error:
        raise _Refused(str(error)) from error
    except (QuestionError, duckdb.CatalogException, duckdb.BinderException) as error:
        first = str(error).strip().splitlines()[0]
        raise _Refused(
            f"The published warehouse does not fit this version of the command ({first})."
            " Run `bilateral build`."
        ) from error


# ---------------------------------------------------------------------------
# Build
# ---------------------------------------------------------------------------


@contextmanager
def _progress() -> Generator[Callable[[Any], None]]:
    """One bar a stage on a terminal, one line a stage elsewhere."""
    titles = {"raw": "Snapshots to raw", "models": "Models and tests", "publish": "Publication"}
    console = Console(stderr=True)
    if not console.is_terminal:

        def tell(event: Any) -> None:
            if event.done == event.total:
                typer.echo(f"{titles[event.stage]}: {event.done} done", err=True)

        yield tell
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    with Progress(
        TextColumn("{task.description:<17}"),
        BarColumn(),
        MofNCompleteColumn(),
        Elapsed(),
        TextColumn("{task.fields[name]}"),
        console=console,
    ) as progress:
        tasks = {
            stage: progress.add_task(title, total=None, name="") for stage, title in titles.items()
        }

        def draw(event: Any) -> None:
            progress.update(
                tasks[event.stage], completed=event.done, total=event.total, name=event.name[:40]
            )

        yield draw


# ---------------------------------------------------------------------------
# SQL
# ---------------------------------------------------------------------------


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
                _write_result(execute_sandboxed(connection, query), QueryFormat.table, None)
            except WarehouseError as error:
                _complain(str(error))
    finally:
        connection.close()


def _write_result(result: duckdb.DuckDBPyConnection, form: QueryFormat, out: Path | None) -> None:
    header = [column[0] for column in result.description or ()]
    if form is QueryFormat.table:
        rows = result.fetchmany(_ROWS_IN_A_TABLE)
        _print_table((header, [list(row) for row in rows]))
        if result.fetchone() is not None:
            _complain(
                f"only the first {_ROWS_IN_A_TABLE} rows are shown; --format csv writes them all",
                "Note",
            )
        return
    if form is QueryFormat.parquet:
        _write_parquet(result, out)
        return
    with _opened(out) as handle:
        if form is QueryFormat.csv:
            _write_csv(header, _fetched(result), handle)
        else:
            _write_json(header, _fetched(result), handle)


def _fetched(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := result.fetchmany(10_000):
        yield from rows


def _write_csv(header: list[str], rows: Iterable[Iterable[object]], handle: Any) -> None:
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)


def _write_json(header: list[str], rows: Iterable[Iterable[object]], handle: Any) -> None:
    handle.write("[")
    for place, row in enumerate(rows):
        handle.write(",\n " if place else "\n ")
        handle.write(to_json(dict(zip(header, row, strict=True)), None))
    handle.write("\n]\n")


def _write_parquet(result: duckdb.DuckDBPyConnection, out: Path | None) -> None:
    frame = result.pl()
    if out is None:
        frame.write_parquet(sys.stdout.buffer)
        return
    temporary = out.with_name(f".{out.name}.tmp")
    try:
        frame.write_parquet(temporary)
        temporary.replace(out)
    except OSError as error:
        raise _Refused(f"--out: {out} cannot be written ({error.strerror or error}).") from error


@contextmanager
def _opened(out: Path | None) -> Generator[Any]:
    if out is None:
        yield sys.stdout
        return
    temporary = out.with_name(f".{out.name}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as handle:
            yield handle
        temporary.replace(out)
    except OSError as error:
        raise _Refused(f"--out: {out} cannot be written ({error.strerror}).") from error
    finally:
        temporary.unlink(missing_ok=True)


# ---------------------------------------------------------------------------
# Terminal
# ---------------------------------------------------------------------------


def _width() -> int:
    """The width of the terminal, or of a page where there is none."""
    console = Console()
    return console.width if console.is_terminal else 100


def _print_table(table: Table) -> None:
    """A table where it fits, one record after the other where it does not.

    Into a pipe nothing is folded: another program counts on one row a line.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=_WIDE, highlight=False)
    header, rows = table
    cells = [[cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    narrowest = sum(min(width, _FOLDED) for width in widths) + 2 * len(widths)
    if narrowest <= console.width:
        console.print(_rich_table(header, rows, cells))
        return
    for place, row in enumerate(cells, start=1):
        console.print(f"row {place}", style="bold")
        for name, text in zip(header, row, strict=True):
            console.print(
                f"  {name:<{max(map(len, header))}}  {text}", soft_wrap=True, markup=False
            )


def _rich_table(header: list[str], rows: list[list[Any]], cells: list[list[str]]) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for place, name in enumerate(header):
        is_number = bool(rows) and all(
            row[place] is None or isinstance(row[place], int | float | Decimal) for row in rows
        )
        drawn.add_column(
            Text(name),
            justify="right" if is_number else "left",
            no_wrap=is_number,
            overflow="fold",
        )
    for row in cells:
        drawn.add_row(*(Text(text) for text in row))
    return drawn


def _complain(message: str, title: str = "Error") -> None:
    """One paragraph on stderr, folded at the width of the terminal."""
    console = Console(stderr=True)
    width = console.width if console.is_terminal else _WIDE
    lines = f"{title}: {message}".splitlines()
    typer.echo("\n".join(textwrap.fill(line, width) for line in lines), err=True)


def main() -> None:
    """The entry point: `bilateral`."""
    app()


if __name__ == "__main__":
    main()
