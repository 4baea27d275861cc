"""`bilateral fetch` downloads data; `bilateral sources` describes the publishers."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from dagster_project.cli.app import (
    DONE,
    STOPPED,
    Flow,
    Frequency,
    Refused,
    TableFormat,
    TextFormat,
    app,
    handle_errors,
)
from dagster_project.cli.terminal import print_error, width
from dagster_project.cli.writing import write_objects
from dagster_project.questions.values import cell, to_json
from dagster_project.settings import Settings, load_settings

if TYPE_CHECKING:
    from dagster_project.fetch.job import FetchEvent, FetchOutcome
    from dagster_project.fetch.planning import PlannedFetch
    from dagster_project.sources.connector import Selection

# Outside a terminal, progress is reported in about this many lines.
_LINES = 20
_YEARS_SURVEYED = 10
# From this width on, the name of a reply fits beside the bar.
_WIDE = 120

Reporters = Annotated[
    list[str] | None,
    typer.Option(
        "--reporter",
        help="Reporting country: an ISO code or a name; may be repeated. Default: the source's.",
        metavar="COUNTRY",
    ),
]
Frequencies = Annotated[
    Frequency, typer.Option("--frequency", help="M for months, A for years.", metavar="A|M")
]


@app.command()
@handle_errors
def fetch(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A source; `bilateral sources` lists them.")
    ],
    reporter: Reporters = None,
    partner: Annotated[
        list[str] | None,
        typer.Option(
            help="Partner: an ISO code or a name, WLD for the world, or all; may be repeated."
            " Default: all.",
            metavar="COUNTRY",
        ),
    ] = None,
    first: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="First year or month: 2016 or 2016-11. Default: January of the year before that of"
            " --to.",
            metavar="MONTH",
        ),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="Last year or month. Default: the last completed month, or year for annual data.",
            metavar="MONTH",
        ),
    ] = None,
    level: Annotated[
        str,
        typer.Option(
            help="Level of product detail: total, HS2, HS4, HS6, NAICS3…; or all, for whole reports"
            " to reconcile, with every level, if the publisher offers them as files.",
            metavar="LEVEL",
        ),
    ] = "total",
    product: Annotated[
        list[str] | None,
        typer.Option(
            help="A product code of that level, or its beginning; may be repeated. Default: all.",
            metavar="CODE",
        ),
    ] = None,
    flow: Annotated[
        list[Flow] | None,
        typer.Option(help="export or import. Default: both.", metavar="FLOW"),
    ] = None,
    frequency: Frequencies = Frequency.months,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show what would be requested, then stop; needs no network or key."
        ),
    ] = False,
    form: Annotated[TextFormat, typer.Option("--format", help="Output format.")] = (
        TextFormat.text
    ),
) -> int:
    """Download data from a publisher and store what is new as a release.

    If a fetch stops, the data received so far is kept; run it again to resume. The next `bilateral
    build` includes the release.

    Example: `bilateral fetch us_census --partner KOR --from 2024 --level HS2`

    Example: `bilateral fetch un_comtrade --reporter USA --reporter KOR --frequency A --dry-run`
    """
    from dagster_project.cli.selecting import read_selection, spelled
    from dagster_project.fetch.job import FetchError, run_fetch
    from dagster_project.fetch.planning import plan_fetch
    from dagster_project.sources.connector import Refused as RefusedByPublisher
    from dagster_project.sources.connector import SelectionError

    settings = load_settings()
    selection = read_selection(
        settings,
        date.today(),
        reporters=reporter or (),
        partners=partner or (),
        first=first,
        last=last,
        level=level,
        products=product or (),
        flows=flow or (),
        frequency=frequency,
    )
    try:
        planned = plan_fetch(settings, source, selection)
    except SelectionError as error:
        raise Refused(str(error)) from error
    if dry_run and form is TextFormat.json:
        typer.echo(to_json(_planned_json(selection, planned)))
        return DONE
    _say(_planned_text(selection, planned), err=not dry_run)
    for note in planned.notes:
        print_error(note, "Note")
    if dry_run:
        return DONE
    resume = f"To resume: {spelled(source, selection)}"
    with _progress(planned) as (on_event, done):
        try:
            outcome = run_fetch(settings, source, selection, on_event=on_event)
        except SelectionError as error:
            raise Refused(str(error)) from error
        except FetchError as error:
            if isinstance(error.reply_error, RefusedByPublisher):
                raise Refused(str(error)) from error
            stopped = str(error)
        except KeyboardInterrupt:
            stopped = f"Interrupted. {done()} replies are kept."
        else:
            stopped = None
    if stopped is not None:
        print_error(f"{stopped} {resume}", "Stopped")
        return STOPPED
    for note in dict.fromkeys(outcome.notes):
        if note not in planned.notes:
            print_error(note, "Note")
    if form is TextFormat.json:
        typer.echo(to_json(_outcome_json(outcome)))
    else:
        _say(_outcome_text(outcome), err=False)
    return DONE


@app.command()
@handle_errors
def sources(
    source: Annotated[
        str | None,
        typer.Argument(metavar="[SOURCE]", help="A source, shown in detail. Default: all sources."),
    ] = None,
    available: Annotated[
        bool,
        typer.Option(
            "--available",
            help=f"Query the publisher for the data it has of the last {_YEARS_SURVEYED} years.",
        ),
    ] = False,
    reporter: Reporters = None,
    frequency: Frequencies = Frequency.months,
    form: Annotated[TableFormat, typer.Option("--format", help="Output format.")] = (
        TableFormat.table
    ),
) -> int:
    """Show the sources: data, API key, quota, terms and available releases.

    `--reporter` and `--frequency` narrow the query of `--available`.

    Example: `bilateral sources`

    Example: `bilateral sources un_comtrade --available --reporter USA --frequency A`
    """
    from dagster_project.questions.sources import list_sources
    from dagster_project.questions.words import InputError

    settings = load_settings()
    if available:
        if source is None:
            raise Refused("--available queries one publisher: name its source.")
        return _show_available(settings, source, reporter or [], frequency, form)
    try:
        listed = list_sources(settings, source)
    except InputError as error:
        raise Refused(str(error)) from error
    if source is not None and form is TableFormat.table:
        for line in _described(listed[0]):
            typer.echo(line)
        return DONE
    shown = listed if form is not TableFormat.table else [_shown(one) for one in listed]
    write_objects(
        shown,
        form,
        {
            "source_id": "source",
            "publisher": "publisher",
            "key": "key",
            "requests_left_today": "quota left",
            "shapes": "parser",
            "releases": "releases",
            "is_redistributable": "reuse",
        },
    )
    return DONE


def _show_available(
    settings: Settings, source: str, reporters: list[str], frequency: Frequency, form: TableFormat
) -> int:
    from dagster_project.cli.selecting import read_selection
    from dagster_project.fetch.planning import ask_available
    from dagster_project.sources.connector import ReplyError, SelectionError

    today = date.today()
    selection = read_selection(
        settings,
        today,
        reporters=reporters,
        first=str(today.year - _YEARS_SURVEYED),
        frequency=frequency,
    )
    try:
        found = ask_available(settings, source, selection)
    except (ReplyError, SelectionError) as error:
        raise Refused(str(error)) from error
    if not found:
        print_error(
            f"{source} has no list of its data; --dry-run shows what a fetch requests.", "Note"
        )
    write_objects(
        [
            {
                "name": one.name,
                "first": one.first,
                "last": one.last,
                "rows": one.rows,
                "released_on": one.released_on,
                "release_key": one.release_key,
            }
            for one in found
        ],
        form,
        {
            "name": "dataset",
            "first": "from",
            "last": "to",
            "rows": "rows",
            "released_on": "released",
            "release_key": "release key",
        },
    )
    return DONE


# ---------------------------------------------------------------------------
# Before, during and after a fetch
# ---------------------------------------------------------------------------


def _planned_text(selection: Selection, planned: PlannedFetch) -> list[str]:
    plan = planned.plan
    reporters = ", ".join(selection.reporters) or "the source's own reporter"
    partners = ", ".join(selection.partners) or "every partner"
    products = f" {', '.join(selection.products)}" if selection.products else ""
    flows = " and ".join(f"{flow}s" for flow in selection.flows)
    periods = "year" if selection.frequency == "A" else "month"
    requests = planned.stored + planned.to_send
    asked_first = len(planned.survey)
    survey = f" ({asked_first:,} of them to list the available data)" if asked_first else ""
    lines = [
        f"{plan.source_id}: {flows}, {selection.level}{products}, {reporters} with {partners},"
        f" {selection.first:%Y-%m} to {selection.last:%Y-%m} by {periods}.",
        f"{_count(requests, 'request')}{survey}, at least {plan.fewest:,}.",
    ]
    if planned.stored:
        lines[-1] += (
            f" {_count(planned.stored, 'reply', 'replies')} of an unfinished fetch"
            f" {'is' if planned.stored == 1 else 'are'} stored, {planned.to_send:,} to send."
        )
    lines[-1] += f" About {_duration(planned.seconds)}."
    if planned.remaining_today is None:
        lines.append("The publisher sets no daily limit.")
    else:
        lines.append(
            f"{_count(planned.remaining_today, 'request')} left today: the fetch takes"
            f" {_count(planned.days, 'day')}."
        )
    return lines


def _planned_json(selection: Selection, planned: PlannedFetch) -> dict[str, object]:
    return {
        "source_id": planned.plan.source_id,
        "selection": {
            "reporters": selection.reporters,
            "partners": selection.partners,
            "first": f"{selection.first:%Y-%m}",
            "last": f"{selection.last:%Y-%m}",
            "level": selection.level,
            "products": selection.products,
            "flows": selection.flows,
            "frequency": selection.frequency,
        },
        "requests": planned.stored + planned.to_send,
        "fewest": planned.plan.fewest,
        "stored": planned.stored,
        "to_send": planned.to_send,
        "seconds": planned.seconds,
        "requests_left_today": planned.remaining_today,
        "days": planned.days,
        "notes": planned.notes,
    }


# Publishers withdraw single rows with every revision.
_MANY = 0.05


def _outcome_text(outcome: FetchOutcome) -> list[str]:
    found = outcome.comparison
    counts = (
        f"{found.new:,} new, {found.changed:,} changed, {found.withdrawn:,} withdrawn,"
        f" {found.same:,} unchanged"
    )
    lines = [
        f"{_count(outcome.rows, 'row')}: {counts}.",
        f"{_count(outcome.requests_sent, 'request')} sent,"
        f" {_count(outcome.chunks_taken_from_before, 'reply', 'replies')} reused from before.",
    ]
    before = found.changed + found.withdrawn + found.same
    if found.withdrawn > _MANY * before:
        lines.append(
            f"Check before you build: the publisher has withdrawn {found.withdrawn / before:.0%} of"
            " the rows available before in this selection, on purpose or by mistake."
        )
    if outcome.rejects:
        lines.append(
            f"{_count(outcome.rejects, 'row')} could not be read and"
            f" {'is' if outcome.rejects == 1 else 'are'} left out; after a build"
            ' `bilateral sql "from meta.rejects"` gives the reasons.'
        )
    if outcome.release is None and not outcome.rows and outcome.unchanged:
        lines.append(
            f"Nothing new: {outcome.source_id} has not changed the data of this selection."
            " No release was added."
        )
    elif outcome.release is None and not outcome.rows:
        lines.append(f"{outcome.source_id} has no data for this selection. No release was added.")
    elif outcome.release is None:
        lines.append(f"Nothing new from {outcome.source_id}. No release was added.")
    else:
        lines.append(
            f"Release {outcome.release.release_id} of {outcome.source_id} is stored in"
            f" {outcome.release.folder}. `bilateral build` includes it."
        )
    return lines


def _outcome_json(outcome: FetchOutcome) -> dict[str, object]:
    release = outcome.release
    return {
        "source_id": outcome.source_id,
        "release_id": None if release is None else release.release_id,
        "known_from": None if release is None else release.known_from,
        "is_new": outcome.is_new,
        "requests_sent": outcome.requests_sent,
        "replies_from_before": outcome.chunks_taken_from_before,
        "rows": outcome.rows,
        "new": outcome.comparison.new,
        "changed": outcome.comparison.changed,
        "withdrawn": outcome.comparison.withdrawn,
        "same": outcome.comparison.same,
        "rejects": outcome.rejects,
        "unchanged_datasets": outcome.unchanged,
        "notes": outcome.notes,
    }


@contextmanager
def _progress(
    planned: PlannedFetch,
) -> Generator[tuple[Callable[[FetchEvent], None], Callable[[], int]]]:
    """Show a bar or print occasional lines; also give the number of replies received so far."""
    console = Console(stderr=True)
    expected = planned.stored + planned.to_send
    done = planned.stored
    rows = reported = 0

    def count() -> int:
        return done

    if not console.is_terminal:

        def report(event: FetchEvent) -> None:
            nonlocal done, rows, reported
            done, rows = event.done, rows + event.rows
            # The total grows when a reply announces more requests than the plan expected.
            total = max(event.total, expected)
            if event.note is not None:
                print_error(event.note, "Retry")
            elif done * _LINES // total > reported:
                reported = done * _LINES // total
                typer.echo(f"Replies: {done:,} of {total:,}, {rows:,} rows", err=True)

        yield report, count
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed
    from rich.progress import TimeRemainingColumn as Remaining

    columns = [
        TextColumn("Replies"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        Elapsed(),
        Remaining(),
        TextColumn("{task.fields[rows]:,} rows", markup=False),
    ]
    if console.width >= _WIDE:
        columns.append(TextColumn("{task.fields[name]}", markup=False))
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=expected, rows=0, name="")

        def draw(event: FetchEvent) -> None:
            nonlocal done, rows
            done, rows = event.done, rows + event.rows
            if event.note is not None:
                progress.console.print(f"Retry: {event.note}", markup=False, highlight=False)
            total = max(event.total, expected)
            progress.update(task, completed=done, total=total, rows=rows, name=event.name[:40])

        yield draw, count


# ---------------------------------------------------------------------------
# Words
# ---------------------------------------------------------------------------

_PARSERS = {"seen": "tested", "documented": "untested"}


def _shown(one: Mapping[str, Any]) -> dict[str, Any]:
    """One source as a row of a table that fits a terminal."""
    key = one["key"]
    if key in ("required", "optional"):
        key = f"{key}, {'set' if one['key_is_set'] else 'not set'}"
    return {**one, "key": key, "shapes": _PARSERS.get(str(one["shapes"]), "by hand")}


_TITLES = {
    "publisher": "Publisher",
    "dataset": "Dataset",
    "gives": "Gives",
    "coverage": "Coverage",
    "levels": "Levels",
    "calendar": "Calendar",
    "key": "Key",
    "requests_left_today": "Quota",
    "licence": "Terms",
    "is_redistributable": "Republishing",
    "shapes": "Parser",
    "verified_against": "Verified on",
    "releases": "Releases",
    "address": "Address",
    "notes": "Notes",
}


def _described(one: Mapping[str, Any]) -> list[str]:
    """One source, one titled line per fact."""
    said = {
        **one,
        "levels": ", ".join(one["levels"]) if one["levels"] else None,
        "key": _key_said(one),
        "requests_left_today": _quota_said(one),
        "is_redistributable": "allowed" if one["is_redistributable"] else "not allowed",
        "shapes": {
            "seen": "tested on real responses",
            "documented": "written from documentation; rejects whatever does not match it",
        }.get(str(one["shapes"])),
        "releases": (
            f"{one['releases']} available, the latest {one['latest_release']}, known from"
            f" {one['latest_known_from']}"
            if one["releases"]
            else "none available"
        ),
        "notes": " ".join(one["notes"]) or None,
    }
    lines = [str(one["source_id"])]
    indent = max(map(len, _TITLES.values())) + 2
    for name, title in _TITLES.items():
        if said[name] is not None:
            lines += textwrap.wrap(
                cell(said[name]),
                width(),
                initial_indent=f"{title:<{indent}}",
                subsequent_indent=" " * indent,
                break_on_hyphens=False,
            )
    return lines


def _key_said(one: Mapping[str, Any]) -> str | None:
    if one["key"] is None:
        return None
    if one["key"] == "none":
        return "none needed"
    state = "set" if one["key_is_set"] else "not set"
    return (
        f"{one['key']}, {state}: variable {one['key_variable']}, issued at {one['key_obtained_at']}"
    )


def _quota_said(one: Mapping[str, Any]) -> str | None:
    if not one["is_fetched"]:
        return None
    if one["requests_per_day"] is None:
        return "no daily limit"
    return f"{one['requests_left_today']} of {one['requests_per_day']} requests left today"


def _say(lines: list[str], *, err: bool) -> None:
    for line in lines:
        typer.echo(textwrap.fill(line, width(), break_on_hyphens=False), err=err)


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return _count(max(1, round(seconds)), "second")
    if seconds < 90 * 60:
        return _count(round(seconds / 60), "minute")
    return _count(round(seconds / 3600), "hour")
