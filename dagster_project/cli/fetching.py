"""What `bilateral fetch` shows before, during and after a fetch."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dagster_project.cli.terminal import (
    Steps,
    bar,
    echo,
    echo_above,
    error_console,
    print_error,
    width,
)

if TYPE_CHECKING:
    from dagster_project.fetch.job import FetchEvent, FetchOutcome
    from dagster_project.fetch.planning import PlannedFetch
    from dagster_project.sources.connector import Selection

# Outside a terminal, progress is reported in about this many lines.
_LINES = 20
# From this width on, the name of a reply fits beside the bar.
_WIDE = 120
# Publishers withdraw single rows with every revision.
_MANY = 0.05


def planned_text(selection: Selection, planned: PlannedFetch) -> list[str]:
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


def planned_json(selection: Selection, planned: PlannedFetch) -> dict[str, object]:
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


def outcome_text(outcome: FetchOutcome) -> list[str]:
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


def outcome_json(outcome: FetchOutcome) -> dict[str, object]:
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
def progress(
    planned: PlannedFetch,
) -> Generator[tuple[Callable[[FetchEvent], None], Callable[[], int]]]:
    """Show a bar or print occasional lines; also give the number of replies received so far."""
    console = error_console()
    expected = planned.stored + planned.to_send
    done = planned.stored
    rows = 0

    def count() -> int:
        return done

    if not console.is_terminal:
        steps = Steps(_LINES)

        def report(event: FetchEvent) -> None:
            nonlocal done, rows
            done, rows = event.done, rows + event.rows
            # The total grows when a reply announces more requests than the plan expected.
            total = max(event.total, expected)
            if event.note is not None:
                print_error(event.note, "Retry")
            elif steps.is_due(done, total):
                echo(f"Replies: {done:,} of {total:,}, {rows:,} rows", err=True)

        yield report, count
        return
    after = "{task.fields[rows]:,} rows"
    if console.width >= _WIDE:
        after += " {task.fields[name]}"
    with bar(console, "Replies", width=20, after=after) as drawn:
        task = drawn.add_task("", total=expected, rows=0, name="")

        def draw(event: FetchEvent) -> None:
            nonlocal done, rows
            done, rows = event.done, rows + event.rows
            if event.note is not None:
                echo_above(drawn, f"Retry: {event.note}")
            total = max(event.total, expected)
            drawn.update(task, completed=done, total=total, rows=rows, name=event.name[:40])

        yield draw, count


def say(lines: list[str], *, err: bool) -> None:
    for line in lines:
        echo(textwrap.fill(line, width(), break_on_hyphens=False), err=err)


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return _count(max(1, round(seconds)), "second")
    if seconds < 90 * 60:
        return _count(round(seconds / 60), "minute")
    return _count(round(seconds / 3600), "hour")
