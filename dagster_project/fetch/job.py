"""Runs a fetch: survey, plan, requests and the resulting release.

Each reply is on disk before the next request is sent. Replies are stored as received and are
classified again each time, so a resumed fetch has the same information as one that never stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dagster_project.fetch.client import DEFAULT_RETRY, Client, RetryPolicy
from dagster_project.fetch.fetched import FetchedDatasets
from dagster_project.fetch.keys import missing_key
from dagster_project.fetch.planning import iter_chunks, known_of, most_requests
from dagster_project.fetch.quota import clock_from, utc_now
from dagster_project.fetch.release import Piece, Replies
from dagster_project.fetch.store import (
    Store,
    job_folder,
    locked,
    remove_abandoned,
    stale_note,
)
from dagster_project.settings import Settings
from dagster_project.sources import catalog
from dagster_project.sources.connector import (
    Chunk,
    Refused,
    Reply,
    ReplyError,
    ReplyResult,
    Selection,
    SelectionError,
    Unconfirmed,
)
from dagster_project.sources.release_diff import Comparison
from dagster_project.sources.snapshot import AddedRelease, Release


class FetchError(RuntimeError):
    """A fetch that stopped. The replies so far are kept, and the same command resumes it.

    `reply_error` is the error that stopped it. `stored` of about `total` replies are stored.
    """

    def __init__(self, message: str, reply_error: ReplyError, stored: int, total: int) -> None:
        super().__init__(message)
        self.reply_error = reply_error
        self.stored = stored
        self.total = total


@dataclass(frozen=True)
class FetchEvent:
    """A step of a fetch: a reply was stored, or it is requested again for the reason in `note`."""

    done: int
    total: int
    name: str
    rows: int
    note: str | None = None


@dataclass(frozen=True)
class FetchOutcome:
    """The result of a finished fetch.

    `release` is None if the replies contain nothing new. `rows` and `rejects` count all replies,
    new or not. `unchanged` counts the datasets that the publisher says have not changed since they
    were fetched.
    """

    source_id: str
    release: Release | None
    is_new: bool
    requests_sent: int
    chunks_taken_from_before: int
    rows: int
    rejects: int
    comparison: Comparison
    notes: tuple[str, ...]
    unchanged: int = 0


def run_fetch(
    settings: Settings,
    source_id: str,
    selection: Selection,
    *,
    on_event: Callable[[FetchEvent], None] | None = None,
    now: datetime | None = None,
    retry: RetryPolicy = DEFAULT_RETRY,
    is_confirmed: bool = False,
) -> FetchOutcome:
    """Fetch a selection and store what is new in it as a release.

    `now` replaces the time at which the fetch begins and ends. With `is_confirmed`, the replies of
    the last run, which withdraw more rows than usual, are accepted; without it, they are requested
    again.

    Raises:
        SelectionError: the source cannot be fetched, or it has no such data.
        SettingsError: the key, the keys file or the gateway cannot be used.
        FetchError: a request did not succeed, another fetch of the source is running, or the
            replies wait for a confirmation.
        SnapshotError: the data already in the warehouse cannot be used.
    """
    connector = catalog.connector_of(source_id)
    clock = utc_now if now is None else clock_from(now)
    folder = job_folder(settings, source_id, selection)
    store = Store(folder)
    notes = []
    with Client(settings, connector.about, retry=retry, clock=clock) as client:
        has_key = client.has_key
        missing = missing_key(settings, connector.about, has_key=has_key)
        if missing is not None:
            raise _stopped(Refused(missing), 0, 0)
        with _only_one(folder.parent, source_id):
            if is_confirmed and not (store.is_unconfirmed and not store.is_stale(clock())):
                raise _stopped(Refused(_nothing_to_confirm(source_id)), 0, 0)
            if store.is_unconfirmed and not is_confirmed:
                notes.append("Replies that were not confirmed last time are requested again.")
                store.remove()
            if store.is_stale(clock()):
                notes.append(stale_note(folder))
            remove_abandoned(folder.parent, clock())
            store.begin(selection, clock())
            replies = Replies(settings, connector, store, clock().date())
            run = _Run(client, replies, store, on_event)
            seen = FetchedDatasets(settings, connector.about, selection, has_key=has_key)
            try:
                survey = connector.survey(selection, settings.seeds)
                listed = [
                    (piece.chunk, examined)
                    for piece, examined in run.take(survey, 0, is_survey=True)
                ]
                known = seen.mark(known_of(connector, listed))
                plan = connector.plan(selection, settings.seeds, has_key=has_key, known=known)
                pieces = [piece for piece, _ in run.take(plan.chunks, plan.expected_requests)]
                added, comparison = replies.keep(
                    pieces,
                    known,
                    finished=now or clock(),
                    gateway=client.gateway,
                    is_confirmed=is_confirmed,
                )
            except SelectionError:
                store.remove()
                raise
            except Unconfirmed as error:
                store.wait_for_confirmation(str(error))
                message = f"{error} Nothing was changed; the replies are kept in {store.folder}."
                raise FetchError(message, error, store.count(), run.total) from None
            except ReplyError as error:
                raise _stopped(error, store.count(), run.total) from None
            seen.remember(known, plan.chunks, run.lost(pieces, added), clock().date())
            store.remove()
    unchanged = seen.unchanged(known)
    if unchanged is not None:
        notes.append(unchanged)
    return FetchOutcome(
        source_id=source_id,
        release=added.release if added else None,
        is_new=added is not None and added.is_new,
        requests_sent=client.sent,
        chunks_taken_from_before=run.taken_from_before,
        rows=sum(piece.rows for piece in pieces),
        rejects=sum(piece.rejects for piece in pieces),
        comparison=comparison,
        notes=(*notes, *plan.notes),
        unchanged=sum(one.unchanged_since is not None for one in known),
    )


class _Run:
    """One run of a job: each reply comes from the store or from the publisher."""

    def __init__(
        self,
        client: Client,
        replies: Replies,
        store: Store,
        on_event: Callable[[FetchEvent], None] | None,
    ) -> None:
        self._client = client
        self._replies = replies
        self._store = store
        self._on_event = on_event
        self._done = 0
        self._name = ""
        self._survey_is_new = False
        self.total = 0
        self.taken_from_before = 0

    def take(
        self, chunks: Sequence[Chunk], expected: int, *, is_survey: bool = False
    ) -> Iterator[tuple[Piece, ReplyResult]]:
        """Yield the replies to these requests and to the follow-up requests that replies need."""
        store = self._store.survey if is_survey else self._store
        before = self._done
        self.total = before + max(expected, len(chunks))

        def examine(chunk: Chunk, reply: Reply, *, was_stored: bool) -> tuple[Piece, ReplyResult]:
            found = self._replies.examine(chunk, reply, is_survey=is_survey, was_stored=was_stored)
            if not was_stored:
                store.write(chunk, reply)
            return found

        def obtain(chunk: Chunk) -> tuple[tuple[Piece, ReplyResult], Sequence[Chunk]]:
            self._name = chunk.name
            stored, found = store.read(chunk), None
            if stored is not None:
                # A stored reply that this version classifies as an error is requested again.
                with suppress(ReplyError):
                    found = examine(chunk, stored, was_stored=True)
            if found is None:
                found = self._client.fetch(
                    chunk.request,
                    lambda reply: examine(chunk, reply, was_stored=False),
                    lambda note: self._tell(0, note),
                )
            return found, found[1].more

        for found, waiting in iter_chunks(chunks, obtain, most=most_requests(expected)):
            piece = found[0]
            self._done += 1
            self.taken_from_before += piece.was_stored
            self._survey_is_new |= is_survey and not piece.was_stored
            self.total = before + max(expected, self._done - before + waiting)
            self._tell(piece.rows)
            yield found
        self.total = self._done

    def lost(self, pieces: Sequence[Piece], added: AddedRelease | None) -> set[str]:
        """Datasets received before the survey, or with a row that is in no release."""
        kept = {file.name for file in added.release.files} if added is not None else set()
        # A bulk file with nothing new is already in a release, byte for byte.
        whole = {entry.table for entry in catalog.BULK}
        return {
            name
            for piece in pieces
            if (piece.rejects and piece.chunk.name not in kept and piece.chunk.table not in whole)
            or (piece.was_stored and self._survey_is_new)
            for name in piece.chunk.datasets
        }

    def _tell(self, rows: int, note: str | None = None) -> None:
        if self._on_event is not None:
            self._on_event(FetchEvent(self._done, self.total, self._name, rows, note))


@contextmanager
def _only_one(folder: Path, source_id: str) -> Generator[None]:
    """Lock a source for one fetch."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(folder / "lock", is_waited_for=False))
        except BlockingIOError:
            problem = f"{source_id}: another fetch of this source is running. Wait until it ends."
            raise _stopped(Refused(problem), 0, 0) from None
        yield


def _nothing_to_confirm(source_id: str) -> str:
    return (
        f"{source_id}: no replies of this selection wait for a confirmation. Run the command"
        " without --confirm."
    )


def _stopped(error: ReplyError, stored: int, total: int) -> FetchError:
    message = str(error)
    if stored:
        message += (
            f" {stored} of {max(stored, total)} replies are stored; run the same command again to"
            " resume."
        )
    return FetchError(message, error, stored, total)
