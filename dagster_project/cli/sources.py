"""`bilateral fetch` downloads data; `bilateral sources` describes the publishers."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import typer

from dagster_project.cli import fetching
from dagster_project.cli.app import (
    DONE,
    STOPPED,
    Flow,
    Frequencies,
    Frequency,
    Refused,
    Reporters,
    TableForm,
    TableFormat,
    TextForm,
    TextFormat,
    app,
    handle_errors,
)
from dagster_project.cli.terminal import echo, print_error, width
from dagster_project.cli.writing import write_objects
from dagster_project.questions.values import cell, to_json
from dagster_project.settings import Settings, load_settings

_YEARS_SURVEYED = 10
_DATASET = {
    "name": "dataset",
    "first": "from",
    "last": "to",
    "rows": "rows",
    "released_on": "released",
    "release_key": "release key",
}
_PARSERS = {"seen": "tested", "documented": "untested"}
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
    is_confirmed: Annotated[
        bool,
        typer.Option(
            "--confirm",
            help="Accept the replies of the last run of this command, which withdraw more rows than"
            " publishers usually do.",
        ),
    ] = False,
    form: TextForm = TextFormat.text,
) -> int:
    """Download data from a publisher and store what is new as a release.

    If a fetch stops, the data received so far is kept; run it again to resume. The next `bilateral
    build` includes the release.

    Example: `bilateral fetch us_census --partner KOR --from 2024 --level HS2`

    Example: `bilateral fetch un_comtrade --reporter USA --reporter KOR --frequency A --dry-run`
    """
    from dagster_project.cli.selecting import read_selection
    from dagster_project.fetch.commands import spelled, unconfirmed_advice
    from dagster_project.fetch.job import FetchError, run_fetch
    from dagster_project.fetch.planning import plan_fetch
    from dagster_project.sources.connector import Refused as RefusedByPublisher
    from dagster_project.sources.connector import Unconfirmed

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
    planned = plan_fetch(settings, source, selection, is_confirmed=is_confirmed)
    if dry_run and form is TextFormat.json:
        echo(to_json(fetching.planned_json(selection, planned)))
        return DONE
    fetching.say(fetching.planned_text(selection, planned), err=not dry_run)
    for note in planned.notes:
        print_error(note, "Note")
    if dry_run:
        return DONE
    resume = f"To resume: {spelled(source, selection)}"
    with fetching.progress(planned) as (on_event, done):
        try:
            outcome = run_fetch(
                settings, source, selection, on_event=on_event, is_confirmed=is_confirmed
            )
        except FetchError as error:
            if isinstance(error.reply_error, Unconfirmed):
                resume = unconfirmed_advice(source, selection)
            elif isinstance(error.reply_error, RefusedByPublisher):
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
        echo(to_json(fetching.outcome_json(outcome)))
    else:
        fetching.say(fetching.outcome_text(outcome), err=False)
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
    form: TableForm = TableFormat.table,
) -> int:
    """Show the sources: data, API key, quota, terms and available releases.

    `--reporter` and `--frequency` narrow the query of `--available`.

    Example: `bilateral sources`

    Example: `bilateral sources un_comtrade --available --reporter USA --frequency A`
    """
    from dagster_project.questions.sources import list_sources

    settings = load_settings()
    if available:
        if source is None:
            raise Refused("--available queries one publisher: name its source.")
        return _show_available(settings, source, reporter or [], frequency, form)
    listed = list_sources(settings, source)
    if source is not None and form is TableFormat.table:
        for line in _described(listed[0]):
            echo(line)
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

    today = date.today()
    selection = read_selection(
        settings,
        today,
        reporters=reporters,
        first=str(today.year - _YEARS_SURVEYED),
        frequency=frequency,
    )
    found = ask_available(settings, source, selection)
    if not found:
        print_error(
            f"{source} has no list of its data; --dry-run shows what a fetch requests.", "Note"
        )
    write_objects(
        [{name: getattr(one, name) for name in _DATASET} for one in found], form, _DATASET
    )
    return DONE


def _shown(one: Mapping[str, Any]) -> dict[str, Any]:
    """One source as a row of a table that fits a terminal."""
    key = one["key"]
    if key in ("required", "optional"):
        key = f"{key}, {'set' if one['key_is_set'] else 'not set'}"
    return {**one, "key": key, "shapes": _PARSERS.get(str(one["shapes"]), "by hand")}


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
