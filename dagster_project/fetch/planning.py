"""Says what a fetch would request, and which datasets a publisher has."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from dagster_project.fetch.client import DEFAULT_RETRY, Client, RetryPolicy, describe
from dagster_project.fetch.fetched import FetchedDatasets
from dagster_project.fetch.keys import gateway_of, key_of, missing_key
from dagster_project.fetch.quota import Quota, utc_now
from dagster_project.fetch.store import Store, job_folder, stale_note
from dagster_project.settings import Settings
from dagster_project.sources import catalog
from dagster_project.sources.connector import (
    Available,
    Chunk,
    Connector,
    Plan,
    Refused,
    ReplyError,
    ReplyResult,
    Request,
    Selection,
)

# Seconds per request, from the first byte sent to the last received, below the rate limit.
_TYPICAL_SECONDS = 2.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

Obtained = TypeVar("Obtained")


@dataclass(frozen=True)
class PlannedFetch:
    """What a fetch would do.

    `to_send` are the requests still missing, including the survey's; `days` includes today.
    `remaining_today` is None if the publisher sets no daily limit.
    """

    plan: Plan
    survey: tuple[Chunk, ...]
    to_send: int
    stored: int
    remaining_today: int | None
    days: int
    seconds: float
    notes: tuple[str, ...]


def plan_fetch(
    settings: Settings,
    source_id: str,
    selection: Selection,
    *,
    now: datetime | None = None,
    is_confirmed: bool = False,
) -> PlannedFetch:
    """Say what `run_fetch` would do for the same selection. Nothing is sent or written.

    Raises:
        SelectionError: the source is not fetched, or has no such data.
        SettingsError: the key, the keys file or the gateway cannot be used.
    """
    connector = catalog.connector_of(source_id)
    about = connector.about
    gateway_of(settings, source_id)
    has_key = key_of(settings, source_id) is not None
    store = Store(job_folder(settings, source_id, selection))
    moment = now or utc_now()
    # Unconfirmed replies are requested again, like replies that are too old.
    is_stale = store.is_stale(moment)
    is_new = is_stale or (store.is_unconfirmed and not is_confirmed)
    survey = connector.survey(selection, settings.seeds)
    surveyed = [None] * len(survey) if is_new else _look(survey, connector, store.survey)
    listed = [one for one in surveyed if one is not None]
    is_surveyed = bool(survey) and len(listed) == len(surveyed)
    seen = FetchedDatasets(settings, about, selection, has_key=has_key)
    known = seen.mark(known_of(connector, listed)) if is_surveyed else ()
    plan = connector.plan(selection, settings.seeds, has_key=has_key, known=known)
    found = [None] * len(plan.chunks) if is_new else _look(plan.chunks, connector, store)
    stored = sum(one is not None for one in [*surveyed, *found])
    total = max(plan.expected_requests, len(found)) + len(surveyed)
    quota = Quota(
        settings.fetching / "quota", source_id, about.limits, has_key=has_key, clock=lambda: moment
    )
    to_send, remaining = total - stored, quota.remaining()
    notes = (
        *plan.notes,
        seen.unchanged(known) if is_surveyed else seen.may_be_unchanged(plan.chunks),
        stale_note(store.folder) if is_stale else None,
        missing_key(settings, about, has_key=has_key),
    )
    return PlannedFetch(
        plan=plan,
        survey=survey,
        to_send=to_send,
        stored=stored,
        remaining_today=remaining,
        days=_days(to_send, remaining, quota.per_day),
        seconds=to_send * max(1 / about.limits.per_second, _TYPICAL_SECONDS),
        notes=tuple(note for note in notes if note is not None),
    )


def ask_available(
    settings: Settings,
    source_id: str,
    selection: Selection,
    *,
    retry: RetryPolicy = DEFAULT_RETRY,
) -> tuple[Available, ...]:
    """The datasets a publisher has for a selection; empty if it keeps no list.

    Raises:
        SelectionError: the source is not fetched, or has no such data.
        SettingsError: the key, the keys file or the gateway cannot be used.
        ReplyError: the publisher does not answer, or refuses the request.
    """
    connector = catalog.connector_of(source_id)
    with Client(settings, connector.about, retry=retry) as client:

        def obtain(chunk: Chunk) -> tuple[tuple[Chunk, ReplyResult], Sequence[Chunk]]:
            examined = client.fetch(
                chunk.request, lambda reply: connector.classify_reply(chunk, reply)
            )
            return (chunk, examined), examined.more

        survey = connector.survey(selection, settings.seeds)
        return known_of(connector, [one for one, _ in iter_chunks(survey, obtain, most=200)])


def known_of(
    connector: Connector, surveyed: Sequence[tuple[Chunk, ReplyResult]]
) -> tuple[Available, ...]:
    """The datasets that the replies of a survey list."""
    replies = {chunk.name: examined.content for chunk, examined in surveyed if examined.is_whole}
    return connector.available(replies) if replies else ()


def iter_chunks(
    chunks: Sequence[Chunk],
    obtain: Callable[[Chunk], tuple[Obtained, Sequence[Chunk]]],
    *,
    most: int,
) -> Iterator[tuple[Obtained, int]]:
    """Yield what `obtain` gives for each chunk, with the number of chunks known to follow.

    `obtain` also gives the follow-ups of a chunk, which come right after it.
    """
    waiting = deque(chunks)
    asked: dict[str, Request] = {}
    while waiting:
        chunk = waiting.popleft()
        if chunk.name in asked or not _NAME.fullmatch(chunk.name):
            if asked.get(chunk.name) == chunk.request:
                continue
            raise Refused(
                f"{describe(chunk.request)}: {chunk.name!r} cannot be a file name, or is"
                " already that of another request. Correct the connector."
            )
        if len(asked) == most:
            raise Refused(
                f"{describe(chunk.request)}: replies have led to more than {most} requests."
                " The publisher announces endless pages. Select less."
            )
        asked[chunk.name] = chunk.request
        obtained, more = obtain(chunk)
        waiting.extendleft(reversed(more))
        yield obtained, len(waiting)


def most_requests(expected: int) -> int:
    return 200 + 20 * expected


def _look(
    chunks: Sequence[Chunk], connector: Connector, store: Store
) -> list[tuple[Chunk, ReplyResult] | None]:
    """The stored replies of these chunks and their follow-ups; None for each missing one."""

    def obtain(chunk: Chunk) -> tuple[tuple[Chunk, ReplyResult] | None, Sequence[Chunk]]:
        reply = store.read(chunk)
        if reply is None:
            return None, ()
        try:
            examined = connector.classify_reply(chunk, reply)
        except ReplyError:
            return None, ()
        return (chunk, examined), examined.more

    return [found for found, _ in iter_chunks(chunks, obtain, most=most_requests(len(chunks)))]


def _days(to_send: int, remaining: int | None, per_day: int | None) -> int:
    """Days on which requests are sent, including today."""
    if remaining is None or not per_day or to_send <= remaining:
        return 1
    return 1 + math.ceil((to_send - remaining) / per_day)
