"""`bilateral build` and `status`: making the warehouse, and what is published."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console

from dagster_project.cli.app import DONE, Refused, TextFormat, app, handle_errors
from dagster_project.cli.terminal import print_table
from dagster_project.questions.values import to_json
from dagster_project.settings import load_settings

# Where nobody watches, the progress of a stage is told in about so many lines.
_LINES = 5


@app.command()
@handle_errors
def build(
    force: Annotated[
        bool, typer.Option("--force", help="Build although the inputs have not changed.")
    ] = False,
) -> int:
    """Make the warehouse from the snapshots and publish it, if all tests pass.

    The warehouse of before is served until then, and stays when a test fails.

    Example: `bilateral build`
    """
    from dagster_project.publish.build import BuildFailed, run_build
    from dagster_project.questions.status import read_rejects, releases_built

    settings = load_settings()
    with _progress() as on_event:
        try:
            outcome = run_build(settings, force=force, on_event=on_event)
        except BuildFailed as error:
            raise Refused(str(error)) from error
    if not outcome.built:
        said = "Nothing has changed since the last build; it is still served."
    elif outcome.published:
        said = f"Published {settings.warehouse}."
    else:
        said = "The build gave the same content as before; nothing new was published."
    typer.echo(f"{said} Content {outcome.content_hash[:12]}, run {outcome.run_id}.")
    typer.echo(f"It stands on {_latest(releases_built(settings))}.")
    _say_rejects(read_rejects(settings), err=True)
    typer.echo("`bilateral status` shows what it holds; README.md has questions to ask it.")
    return DONE


@app.command()
@handle_errors
def status(
    form: Annotated[TextFormat, typer.Option("--format", help="How to write it.")] = (
        TextFormat.text
    ),
) -> int:
    """Show what is published: when, from which releases, how fresh, what was rejected.

    Example: `bilateral status`
    """
    from datetime import date

    from dagster_project.questions import render
    from dagster_project.questions.status import read_status

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
        print_table(table)
    _say_rejects(state.rejects, err=False)
    return DONE


def _latest(releases: Mapping[str, list[str]]) -> str:
    """The latest release of each source, and how many came before it."""
    return "; ".join(
        f"{source} {ids[-1]}" + (f" and {len(ids) - 1} before it" if len(ids) > 1 else "")
        for source, ids in sorted(releases.items())
    )


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
def _progress() -> Generator[Callable[[Any], None]]:
    """One bar a stage on a terminal, a line now and then elsewhere."""
    titles = {"raw": "Snapshots to raw", "models": "Models and tests", "publish": "Publication"}
    console = Console(stderr=True)
    if not console.is_terminal:
        told = dict.fromkeys(titles, 0)

        def tell(event: Any) -> None:
            if event.done == event.total:
                typer.echo(f"{titles[event.stage]}: {event.done} done", err=True)
            elif event.done * _LINES // event.total > told[event.stage]:
                told[event.stage] = event.done * _LINES // event.total
                typer.echo(f"{titles[event.stage]}: {event.done} of {event.total}", err=True)

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
