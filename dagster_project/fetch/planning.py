"""Plans a fetch without using the network."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dagster_project.fetch.chunk_queue import iter_chunks, known_of, most_requests
from dagster_project.fetch.client import DEFAULT_RETRY, RetryPolicy, gateway_of
from dagster_project.fetch.fetched import FetchedDatasets
from dagster_project.fetch.keys import key_of, missing_key
from dagster_project.fetch.quota import Quota, utc_now
from dagster_project.fetch.store import OLDEST_JOB, Store, job_folder, stale_note
from dagster_project.settings import Settings
from dagster_project.sources import catalog
from dagster_project.sources.connector import (
    Chunk,
    Connector,
    Plan,
    ReplyError,
    ReplyResult,
    Selection,
)

# Seconds per request, from the first byte sent to the last received, below the rate limit.
_TYPICAL_SECONDS = 2.0


@dataclass(frozen=True)
class PlannedFetch:
    """What a fetch would do.

    `to_send` are the requests still missing, including the survey's; `days` includes today.
    `remaining_today` is none where the publisher sets no daily limit.
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
    settings: Settings, source_id: str, selection: Selection, *, now: datetime | None = None
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
    is_stale = store.is_older_than(OLDEST_JOB, moment)
    survey = connector.survey(selection, settings.seeds)
    surveyed = [None] * len(survey) if is_stale else _look(survey, connector, store.survey)
    is_surveyed = bool(survey) and None not in surveyed
    seen = FetchedDatasets(settings, about, selection, has_key=has_key)
    known = seen.mark(known_of(connector, surveyed)) if is_surveyed else ()
    plan = connector.plan(selection, settings.seeds, has_key=has_key, known=known)
    found = [None] * len(plan.chunks) if is_stale else _look(plan.chunks, connector, store)
    stored = sum(one is not None for one in [*surveyed, *found])
    total = max(plan.expected_requests, len(found)) + len(surveyed)
    quota = quota_of(
        settings, connector, has_key=has_key, clock=lambda: moment, retry=DEFAULT_RETRY
    )
    to_send, remaining = total - stored, quota.remaining()
    notes = list(plan.notes)
    unchanged = seen.unchanged(known) if is_surveyed else seen.may_be_unchanged(plan.chunks)
    if unchanged is not None:
        notes.append(unchanged)
    if is_stale:
        notes.append(stale_note(store.folder))
    if about.key is not None and about.key.is_required and not has_key:
        notes.append(missing_key(settings, connector))
    return PlannedFetch(
        plan=plan,
        survey=survey,
        to_send=to_send,
        stored=stored,
        remaining_today=remaining,
        days=_days(to_send, remaining, quota.per_day),
        seconds=to_send * max(1 / about.limits.per_second, _TYPICAL_SECONDS),
        notes=tuple(notes),
    )


def _look(
    chunks: Sequence[Chunk], connector: Connector, store: Store
) -> list[tuple[Chunk, ReplyResult] | None]:
    """The stored replies of these chunks and their follow-ups; none for each missing one."""
    found: list[tuple[Chunk, ReplyResult] | None] = []

    def obtain(chunk: Chunk) -> ReplyResult | None:
        reply = store.read(chunk)
        examined = None
        if reply is not None:
            try:
                examined = connector.classify_reply(chunk, reply)
            except ReplyError:
                examined = None
        found.append(None if examined is None else (chunk, examined))
        return examined

    for _ in iter_chunks(chunks, obtain, most=most_requests(len(chunks))):
        pass
    return found


def quota_of(
    settings: Settings,
    connector: Connector,
    *,
    has_key: bool,
    clock: Callable[[], datetime],
    retry: RetryPolicy,
) -> Quota:
    return Quota(
        settings.fetching / "quota",
        connector.about.source_id,
        connector.about.limits,
        has_key=has_key,
        clock=clock,
        sleep=lambda seconds: time.sleep(seconds * retry.scale),
    )


def _days(to_send: int, remaining: int | None, per_day: int | None) -> int:
    """Days on which requests are sent, including today."""
    if remaining is None or not per_day or to_send <= remaining:
        return 1
    return 1 + math.ceil((to_send - remaining) / per_day)
