"""Runs a fetch: survey, plan, requests and the resulting release.

A reply is on disk before the next request leaves. Replies are stored as received and classified
again each time, so a resumed fetch knows the same as one that never stopped.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from dagster_project.fetch.chunk_queue import iter_chunks, known_of, most_requests
from dagster_project.fetch.client import DEFAULT_RETRY, Client, RetryPolicy, describe, gateway_of
from dagster_project.fetch.fetched import FetchedDatasets
from dagster_project.fetch.keys import key_of, missing_key
from dagster_project.fetch.planning import quota_of
from dagster_project.fetch.quota import clock_from, utc_now
from dagster_project.fetch.release import Piece, keep
from dagster_project.fetch.store import (
    OLDEST_JOB,
    Store,
    job_folder,
    remove_abandoned,
    stale_note,
)
from dagster_project.settings import Settings
from dagster_project.sources import catalog
from dagster_project.sources.bulk import BulkTable, count_rows
from dagster_project.sources.connector import (
    Available,
    Chunk,
    Connector,
    Plan,
    Refused,
    Reply,
    ReplyError,
    ReplyResult,
    Selection,
    SelectionError,
    TryAgain,
)
from dagster_project.sources.parsing import reject_duplicates
from dagster_project.sources.raw import FileParser, SourceTable
from dagster_project.sources.release_diff import Comparison
from dagster_project.sources.snapshot import AddedRelease, Release, SnapshotError, SnapshotFile


class FetchError(RuntimeError):
    """A fetch that stopped. The replies received so far are kept; the same command resumes.

    `reply_error` is what stopped it; `stored` of about `total` replies are stored.
    """

    def __init__(self, message: str, reply_error: ReplyError, stored: int, total: int) -> None:
        super().__init__(message)
        self.reply_error = reply_error
        self.stored = stored
        self.total = total


@dataclass(frozen=True)
class FetchEvent:
    """A step of a fetch: a reply was stored, or `note` says why one is requested again."""

    done: int
    total: int
    name: str
    rows: int
    note: str | None = None


@dataclass(frozen=True)
class FetchOutcome:
    """The result of a finished fetch.

    `release` is none where the replies contain nothing new. `rows` and `rejects` count all replies,
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
) -> FetchOutcome:
    """Fetch a selection and store what is new in it as a release.

    `now` replaces the time at which the fetch begins and ends.

    Raises:
        SelectionError: the source is not fetched, or has no such data.
        SettingsError: the key, the keys file or the gateway cannot be used.
        FetchError: a request did not succeed, or another fetch of the source is running.
        SnapshotError: what is already in the warehouse cannot be used.
    """
    connector = catalog.connector_of(source_id)
    key, gateway = key_of(settings, source_id), gateway_of(settings, source_id)
    if key is None and connector.about.key is not None and connector.about.key.is_required:
        raise _stopped(Refused(missing_key(settings, connector)), 0, 0)
    clock = utc_now if now is None else clock_from(now)
    folder = job_folder(settings, source_id, selection)
    with _only_one(folder.parent, source_id):
        store = Store(folder)
        notes = []
        if store.is_older_than(OLDEST_JOB, clock()):
            notes.append(stale_note(folder))
        remove_abandoned(folder.parent, clock())
        store.begin(selection, clock())
        quota = quota_of(settings, connector, has_key=key is not None, clock=clock, retry=retry)
        run = _Run(connector, settings.seeds, store, clock().date(), on_event)
        seen = FetchedDatasets(settings, connector.about, selection, has_key=key is not None)
        with Client(
            connector.about,
            key,
            gateway,
            quota,
            retry=retry,
            on_repeat=run.tell_repeat,
            clock=clock,
        ) as client:
            try:
                known = seen.mark(run.survey(client, selection))
                plan = connector.plan(
                    selection, settings.seeds, has_key=key is not None, known=known
                )
                pieces = run.collect(client, plan)
            except SelectionError:
                store.remove()
                raise
            except ReplyError as error:
                stopped = _stopped(error, store.count(), run.total)
            else:
                stopped = None
            sent = client.sent
        if stopped is not None:
            raise stopped
        added, comparison = keep(
            settings,
            connector,
            pieces,
            run,
            known,
            finished=now or clock(),
            gateway=gateway,
        )
        seen.remember(known, plan.chunks, run.lost(pieces, added), clock().date())
        store.remove()
    unchanged = seen.unchanged(known)
    if unchanged is not None:
        notes.append(unchanged)
    return FetchOutcome(
        source_id=source_id,
        release=added.release if added else None,
        is_new=added is not None and added.is_new,
        requests_sent=sent,
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
        connector: Connector,
        seeds: Path,
        store: Store,
        known_from: date,
        on_event: Callable[[FetchEvent], None] | None,
    ) -> None:
        self._connector = connector
        self._seeds = seeds
        self._store = store
        self._known_from = known_from
        self._on_event = on_event
        self._parsers: dict[str, FileParser] = {}
        self._done = 0
        self._name = ""
        self.total = 0
        self.taken_from_before = 0
        self._survey_is_new = False

    def survey(self, client: Client, selection: Selection) -> tuple[Available, ...]:
        """The datasets that the publisher lists."""
        chunks = self._connector.survey(selection, self._seeds)
        if not chunks:
            return ()
        pieces = self._take_all(client, chunks, self._store.survey, 0, is_survey=True)
        self._survey_is_new = not all(piece.was_stored for piece in pieces)
        return known_of(
            self._connector,
            [(piece.chunk, self._classified_again(piece, self._store.survey)) for piece in pieces],
        )

    def collect(self, client: Client, plan: Plan) -> list[Piece]:
        """Every reply of the plan, including follow-up requests."""
        return self._take_all(
            client, plan.chunks, self._store, plan.expected_requests, is_survey=False
        )

    def lost(self, pieces: Sequence[Piece], added: AddedRelease | None) -> set[str]:
        """Datasets received before the survey, or with a row that is in no release."""
        kept = {file.name for file in added.release.files} if added is not None else set()
        # A bulk file without news is already in a release, byte for byte.
        whole = {entry.table for entry in catalog.BULK}
        return {
            name
            for piece in pieces
            if (piece.rejects and piece.chunk.name not in kept and piece.chunk.table not in whole)
            or (piece.was_stored and self._survey_is_new)
            for name in piece.chunk.datasets
        }

    def content_of(self, piece: Piece) -> bytes:
        """The content of a stored reply; replies are not kept in memory."""
        return self._classified_again(piece, self._store).content

    def rows_of(self, entry: SourceTable, piece: Piece, content: bytes) -> pl.DataFrame:
        return self._parse(entry, piece.chunk, content)[0]

    def tell_repeat(self, note: str) -> None:
        self._tell(0, note)

    def _take_all(
        self,
        client: Client,
        chunks: Sequence[Chunk],
        store: Store,
        expected: int,
        *,
        is_survey: bool,
    ) -> list[Piece]:
        before = self._done
        pieces: list[Piece] = []

        def obtain(chunk: Chunk) -> ReplyResult:
            self._name = chunk.name
            piece, examined = self._stored(chunk, store, is_survey) or self._fetched(
                client, chunk, store, is_survey
            )
            pieces.append(piece)
            self.taken_from_before += piece.was_stored
            return examined

        self.total = before + max(expected, len(chunks))
        for _, waiting in iter_chunks(chunks, obtain, most=most_requests(expected)):
            self._done += 1
            self.total = before + max(expected, self._done - before + waiting)
            self._tell(pieces[-1].rows)
        self.total = self._done
        return pieces

    def _stored(
        self, chunk: Chunk, store: Store, is_survey: bool
    ) -> tuple[Piece, ReplyResult] | None:
        reply = store.read(chunk)
        if reply is None:
            return None
        try:
            return self._piece(chunk, reply, is_survey, was_stored=True)
        except ReplyError:
            # Stored by an earlier version that classified it otherwise: request it again.
            return None

    def _fetched(
        self, client: Client, chunk: Chunk, store: Store, is_survey: bool
    ) -> tuple[Piece, ReplyResult]:
        def take(reply: Reply) -> tuple[Piece, ReplyResult]:
            piece = self._piece(chunk, reply, is_survey, was_stored=False)
            store.write(chunk, reply)
            return piece

        return client.fetch(chunk.request, take)

    def _piece(
        self, chunk: Chunk, reply: Reply, is_survey: bool, *, was_stored: bool
    ) -> tuple[Piece, ReplyResult]:
        """Raise a ReplyError for an unusable reply, before anything is stored."""
        examined = self._connector.classify_reply(chunk, reply)
        accepted = chunk.request.accept
        if examined.content and accepted and reply.content_type not in accepted:
            raise TryAgain(
                f"{self._connector.about.source_id}: {describe(chunk.request)}: received"
                f" {reply.content_type!r} instead of {' or '.join(accepted)}. Run the same command"
                " again later; if it stays so, the publisher has changed."
            )
        rows = rejects = 0
        if not is_survey and examined.is_whole and examined.content:
            try:
                rows, rejects = self._count(chunk, examined.content)
            except SnapshotError as error:
                raise Refused(
                    f"{self._connector.about.source_id}: {describe(chunk.request)}: the reply"
                    f" cannot be read. {error} The publisher may have changed its layout."
                ) from error
        piece = Piece(
            chunk=chunk,
            is_whole=examined.is_whole,
            is_empty=not examined.content,
            rows=rows,
            rejects=rejects,
            was_stored=was_stored,
        )
        return piece, examined

    def _classified_again(self, piece: Piece, store: Store) -> ReplyResult:
        reply = store.read(piece.chunk)
        if reply is None:
            raise FetchError(
                f"{store.folder}: the reply {piece.chunk.name} was removed during the fetch."
                " Run the same command again.",
                TryAgain("a stored reply is gone"),
                store.count(),
                self.total,
            )
        return self._connector.classify_reply(piece.chunk, reply)

    def _count(self, chunk: Chunk, content: bytes) -> tuple[int, int]:
        """The numbers of usable and unusable rows."""
        entry = catalog.table_named(chunk.table)
        if isinstance(entry, BulkTable):
            file = self._described(entry, chunk, content)
            return count_rows(entry, file, content, self._seeds)
        frame, rejects = self._parse(entry, chunk, content)
        return frame.height, rejects

    def _parse(self, entry: SourceTable, chunk: Chunk, content: bytes) -> tuple[pl.DataFrame, int]:
        """The rows, each once, and the number of unusable ones."""
        file = self._described(entry, chunk, content)
        if chunk.table not in self._parsers:
            self._parsers[chunk.table] = entry.parser(self._seeds)
        parsed = self._parsers[chunk.table](content, file)
        if parsed.frame.is_empty():
            first = parsed.rejects.row(0, named=True) if parsed.rejects.height else None
            why = f" (row {first['row_number']}: {first['reason']})" if first else ""
            raise SnapshotError(f"{chunk.name}: none of its rows can be used{why}.")
        frame, twice = reject_duplicates(
            parsed.frame, entry.primary_key, ("row_number", "column_name")
        )
        return frame, parsed.rejects.height + twice.height

    def _described(
        self, entry: SourceTable | BulkTable, chunk: Chunk, content: bytes
    ) -> SnapshotFile:
        """The snapshot file that a reply will become, for its parser."""
        if chunk.layout not in entry.layouts:
            raise SnapshotError(f"{chunk.name}: {chunk.table} has no layout {chunk.layout!r}.")
        return SnapshotFile(
            source_id=entry.source_id,
            release_id="fetched",
            known_from=self._known_from,
            table=chunk.table,
            name=chunk.name,
            layout=chunk.layout,
            address=chunk.request.stored_address,
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
            composed_from=None,
            note=None,
            path=Path(chunk.name),
            covers=chunk.covers,
        )

    def _tell(self, rows: int, note: str | None = None) -> None:
        if self._on_event is not None:
            self._on_event(FetchEvent(self._done, self.total, self._name, rows, note))


@contextmanager
def _only_one(folder: Path, source_id: str) -> Generator[None]:
    """Lock a source for one fetch; the kernel releases the lock when the process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_held = True
        else:
            is_held = False
        if is_held:
            problem = f"{source_id}: another fetch of this source is running. Wait until it ends."
            raise _stopped(Refused(problem), 0, 0)
        yield
    finally:
        os.close(handle)


def _stopped(error: ReplyError, stored: int, total: int) -> FetchError:
    message = str(error)
    if stored:
        message += (
            f" {stored} of {max(stored, total)} replies are stored; run the same command again to"
            " resume."
        )
    return FetchError(message, error, stored, total)
