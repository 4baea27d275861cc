"""`bilateral build` builds and publishes the warehouse; `bilateral status` describes it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagster_project.cli.app import (
    BAD_INPUT,
    DONE,
    Refused,
    TextForm,
    TextFormat,
    app,
    handle_errors,
)
from dagster_project.cli.stopping import Stopped, run_stoppable
from dagster_project.cli.terminal import Steps, bar, echo, error_console, print_error, print_table
from dagster_project.questions.values import to_json
from dagster_project.settings import load_settings

if TYPE_CHECKING:
    from dagster_project.defs.resources import BuildEvent
    from dagster_project.publish.build import BuildOutcome

# Outside a terminal, each stage reports its progress in about this many lines.
_LINES = 5


@app.command()
@handle_errors
def build(
    force: Annotated[
        bool, typer.Option("--force", help="Build even if the inputs have not changed.")
    ] = False,
) -> int:
    """Build the warehouse from all releases, test it, and publish it if every test passes.

    The previous warehouse is served until then, and stays in place if a test fails.

    Example: `bilateral build`
    """
    from dagster_project.publish.build import BuildFailed, run_build, served_run, what_is_served
    from dagster_project.publish.build_dir import is_building
    from dagster_project.publish.children import end_children
    from dagster_project.questions.publication import read_rejects, releases_built
    from dagster_project.warehouse import altered

    settings = load_settings()
    if settings.warehouse.is_file() and (changed := altered(settings)):
        echo(f"Changed after publication: {'; '.join(changed)}. This build replaces it.", err=True)
    run_before = served_run(settings)
    if is_building(settings):
        echo("Another build is running; this one goes on when it has ended.", err=True)
    try:
        with _progress() as on_event:

            def work(check: Callable[[], None]) -> BuildOutcome:
                def report(event: BuildEvent) -> None:
                    check()
                    on_event(event)

                return run_build(settings, force=force, on_event=report)

            outcome = run_stoppable(work, end_children)
    except BuildFailed as error:
        raise Refused(str(error)) from error
    except Stopped as stopped:
        stopped.end(f"The build was stopped by {stopped}; {what_is_served(settings, run_before)}.")
    if not outcome.built:
        said = "Nothing has changed since the last build, which is still being served."
    elif outcome.published:
        said = f"Published {settings.warehouse}."
    else:
        said = "The build produced the same content again; nothing new was published."
    if outcome.is_overtaken:
        said += " Releases arrived during the build: build again to include them."
    echo(f"{said} Content {outcome.content_hash[:12]}, run {outcome.run_id}.")
    echo(f"Built from {_latest(releases_built(settings))}.")
    _say_rejects(read_rejects(settings), err=True)
    echo("`bilateral status` shows what it contains; README.md has example queries.")
    return DONE


@app.command()
@handle_errors
def status(
    form: TextForm = TextFormat.text,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Read every published file; by default only those that look changed."
        ),
    ] = False,
) -> int:
    """Show what is published: when, from which releases, how recent, and what was rejected.

    Ends with 2 if a published file is not as it was published.

    Example: `bilateral status`
    """
    from datetime import date

    from dagster_project.questions.publication import read_status, status_json, status_tables

    state = read_status(load_settings(), date.today(), in_full=verify)
    if form is TextFormat.json:
        echo(to_json(status_json(state)))
        return BAD_INPUT if state.altered else DONE
    publication = state.publication
    echo(
        f"Published {publication.published_at:%Y-%m-%d %H:%M %Z}, content"
        f" {publication.content_hash[:12]}, run {publication.run_id}, code"
        f" {publication.code_version}"
        + (f", as of {publication.as_of}" if publication.as_of else "")
    )
    if state.altered:
        print_error(
            f"Changed after publication: {'; '.join(state.altered)}."
            " `bilateral build` publishes it again."
        )
        return BAD_INPUT
    echo(
        "Up to date."
        if state.is_current
        else "Out of date: the inputs have changed. `bilateral build` updates it."
    )
    for title, table in status_tables(state):
        echo(f"\n{title}")
        print_table(table)
    _say_rejects(state.rejects, err=False)
    return DONE


def _latest(releases: Mapping[str, list[str]]) -> str:
    """The latest release of each source, and the number of earlier ones."""
    return "; ".join(
        f"{source} {ids[-1]}" + (f" and {len(ids) - 1} earlier" if len(ids) > 1 else "")
        for source, ids in sorted(releases.items())
    )


def _say_rejects(rejects: list[dict], *, err: bool) -> None:
    for reject in rejects:
        if reject["first_line"] is None:
            echo(f"Left out: {reject['snapshot_file']}: {reject['first_reason']}", err=err)
            continue
        rows = "1 row" if reject["rejects"] == 1 else f"{reject['rejects']} rows"
        echo(
            f"Rejected: {rows} of {reject['snapshot_file']}; the first is row"
            f" {reject['first_line']}: {reject['first_reason']}."
            ' To list them all: bilateral sql "from meta.rejects"',
            err=err,
        )


@contextmanager
def _progress() -> Generator[Callable[[Any], None]]:
    """Show one bar per stage on a terminal, and print occasional lines elsewhere."""
    titles = {"raw": "Loading releases", "models": "Models and tests", "publish": "Publication"}
    console = error_console()
    if not console.is_terminal:
        steps = {stage: Steps(_LINES) for stage in titles}

        def report(event: Any) -> None:
            if event.done == event.total:
                echo(f"{titles[event.stage]}: {event.done} done", err=True)
            elif steps[event.stage].is_due(event.done, event.total):
                echo(f"{titles[event.stage]}: {event.done} of {event.total}", err=True)

        yield report
        return
    after = "{task.fields[name]}"
    with bar(console, "{task.description:<17}", is_estimated=False, after=after) as progress:
        tasks = {
            stage: progress.add_task(title, total=None, name="") for stage, title in titles.items()
        }

        def draw(event: Any) -> None:
            progress.update(
                tasks[event.stage], completed=event.done, total=event.total, name=event.name[:40]
            )

        yield draw
