"""Checks the replies of a fetch, and makes a release from what is new in them.

Replies of most tables are compared row by row. Replies of a bulk table are whole reports: one is
new when its bytes differ from the last ones under its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from dagster_project.fetch.client import describe
from dagster_project.fetch.store import Store
from dagster_project.settings import Settings
from dagster_project.sources import catalog
from dagster_project.sources.bulk import BulkTable, count_rows
from dagster_project.sources.connector import (
    Available,
    Chunk,
    Connector,
    Refused,
    Reply,
    ReplyResult,
    TryAgain,
    Unconfirmed,
)
from dagster_project.sources.fetch_checks import allowed_fall
from dagster_project.sources.parsing import reject_duplicates
from dagster_project.sources.raw import FileParser, SourceTable
from dagster_project.sources.release_diff import Comparison, compare_with_held
from dagster_project.sources.snapshot import (
    AddedRelease,
    Covers,
    NewFile,
    NewRelease,
    Release,
    SnapshotError,
    SnapshotFile,
    add_release,
    discover_releases,
)


@dataclass(frozen=True)
class Piece:
    """One stored reply and its row counts."""

    chunk: Chunk
    is_whole: bool
    is_empty: bool
    rows: int
    rejects: int
    was_stored: bool


@dataclass
class _News:
    """The replies of a fetch to keep, with one line each; together they identify the release."""

    pieces: list[Piece]
    lines: list[str]
    comparison: Comparison
    # Falls in rows that a user has to confirm, in words.
    falls: list[str]


class Replies:
    """The stored replies of a fetch, which are not kept in memory."""

    def __init__(
        self, settings: Settings, connector: Connector, store: Store, known_from: date
    ) -> None:
        self._settings = settings
        self._connector = connector
        self._store = store
        self._known_from = known_from
        self._parsers: dict[str, FileParser] = {}

    def examine(
        self, chunk: Chunk, reply: Reply, *, is_survey: bool, was_stored: bool
    ) -> tuple[Piece, ReplyResult]:
        """Classify a reply and count its rows; raise a ReplyError for an unusable one."""
        examined = self._connector.classify_reply(chunk, reply)
        request = f"{self._connector.about.source_id}: {describe(chunk.request)}"
        accepted = chunk.request.accept
        if examined.content and accepted and reply.content_type not in accepted:
            raise TryAgain(
                f"{request}: received {reply.content_type!r} instead of {' or '.join(accepted)}."
                " Run the same command again later; if it persists, the publisher has changed."
            )
        rows = rejects = 0
        if not is_survey and examined.is_whole and examined.content:
            try:
                rows, rejects = self._count(chunk, examined.content)
            except SnapshotError as error:
                raise Refused(
                    f"{request}: the reply cannot be read. {error} The publisher may have changed"
                    " its layout."
                ) from error
        is_empty = not examined.content
        return Piece(chunk, examined.is_whole, is_empty, rows, rejects, was_stored), examined

    def keep(
        self,
        pieces: Sequence[Piece],
        known: tuple[Available, ...],
        *,
        finished: datetime,
        gateway: str | None,
        is_confirmed: bool = False,
    ) -> tuple[AddedRelease | None, Comparison]:
        """Add what is new as a release; None if the replies contain nothing new.

        Replies are read in groups that request the same rows, so that comparing a fetch of any size
        needs only the memory of its largest group.

        Raises:
            Unconfirmed: an empty reply would withdraw rows, or too many would be withdrawn.
        """
        about = self._connector.about
        held = discover_releases(self._settings.snapshot_roots)
        news = _News([], [], Comparison(0, 0, 0, 0), [])
        usable = [piece for piece in pieces if piece.is_whole]
        bulk = {entry.table for entry in catalog.BULK}
        reports = [piece for piece in usable if piece.chunk.table in bulk]
        known_from = _known_from(known, finished, self._compare_bytes(reports, held, news))
        for table in dict.fromkeys(piece.chunk.table for piece in usable):
            entry = catalog.table_named(table)
            if isinstance(entry, SourceTable):
                of_table = [piece for piece in usable if piece.chunk.table == table]
                self._compare_rows(entry, of_table, known_from, news)
        if news.falls and not is_confirmed:
            raise Unconfirmed(f"{about.source_id}: {'; '.join(news.falls)}.")
        if not news.pieces:
            return None, news.comparison
        digest = hashlib.sha256("".join(sorted(news.lines)).encode())
        release = NewRelease(
            source_id=about.source_id,
            release_id=f"{known_from:%Y-%m-%d}-{digest.hexdigest()[:8]}",
            known_from=known_from,
            known_from_precision="day",
            retrieved_on=finished.date(),
            licence=about.terms.licence,
            redistributable=about.terms.is_redistributable,
            files=tuple(self._new_file(piece, gateway) for piece in news.pieces),
            retrieved_at=finished,
        )
        return add_release(self._settings.fetched_snapshots, release, held), news.comparison

    def _compare_bytes(
        self, pieces: Sequence[Piece], held: Sequence[Release], news: _News
    ) -> list[SnapshotFile]:
        """Add the files that differ from the stored ones; return the files they replace.

        An empty reply changes nothing: a whole report is replaced, never withdrawn.
        """
        last_held = {
            (file.table, file.name): file
            # In order of their real-time start, so that the last one stays.
            for release in held
            for file in release.files
        }
        replaced = []
        for piece in (one for one in pieces if not one.is_empty):
            sha256 = hashlib.sha256(self._content_of(piece)).hexdigest()
            before = last_held.get((piece.chunk.table, piece.chunk.name))
            if before is not None and before.sha256 == sha256:
                news.comparison += Comparison(0, 0, 0, piece.rows)
                continue
            news.comparison += Comparison(piece.rows, 0, 0, 0)
            if before is not None:
                self._note_fall(news, before.name, self._rows_of(before), piece.rows)
            news.pieces.append(piece)
            line = f"{piece.chunk.name} {sha256}"
            if before is not None:
                replaced.append(before)
                # If earlier bytes return, they form a new release.
                line += f" after {before.release_id}"
            news.lines.append(f"{line}\n")
        return replaced

    def _compare_rows(
        self, entry: SourceTable, pieces: Sequence[Piece], known_from: date, news: _News
    ) -> None:
        """Add the replies with new or changed rows, or without rows stored before."""
        catalog.load_table(entry, self._settings)
        for group in _asking_together(pieces):
            files: dict[str, tuple[pl.DataFrame, Covers | None]] = {}
            hashes = []
            for piece in group:
                content = self._content_of(piece)
                hashes.append(f"{piece.chunk.name} {hashlib.sha256(content).hexdigest()}\n")
                files[piece.chunk.name] = (
                    pl.DataFrame(schema=dict(entry.columns))
                    if piece.is_empty
                    else self._parse(entry, piece.chunk, content)[0],
                    piece.chunk.covers,
                )
            compared = compare_with_held(entry, self._settings, files, known_from)
            counts = _of_all(compared, files)
            news.comparison += counts
            known = counts.changed + counts.withdrawn + counts.same
            silent = [one for one in group if one.is_empty and compared[one.chunk.name].withdrawn]
            self._note_fall(
                news,
                (silent or group)[0].chunk.name,
                known,
                known - counts.withdrawn,
                is_silent=bool(silent),
            )
            # The release withdraws rows that it requested but that are not in its files. It
            # therefore stores all replies of a group that have rows, or none.
            if any(one.has_news for one in compared.values()):
                with_news = {name for name, one in compared.items() if one.has_news}
                for piece, line in zip(group, hashes, strict=True):
                    if piece.chunk.name in with_news or not piece.is_empty:
                        news.pieces.append(piece)
                        news.lines.append(line)

    def _note_fall(
        self, news: _News, name: str, before: int, after: int, *, is_silent: bool = False
    ) -> None:
        lost = before - after
        if is_silent or allowed_fall(self._connector.about.source_id).is_large(before, lost):
            what = "is empty" if is_silent else "has fewer rows"
            news.falls.append(
                f"{name} {what}: {lost:,} of {before:,} known rows would be withdrawn"
            )

    def _rows_of(self, file: SnapshotFile) -> int:
        """The number of usable rows of a stored file of a bulk table."""
        entry = catalog.table_named(file.table)
        assert isinstance(entry, BulkTable)
        return count_rows(entry, file, file.path.read_bytes(), self._settings.seeds)[0]

    def _new_file(self, piece: Piece, gateway: str | None) -> NewFile:
        request = piece.chunk.request
        notes = []
        if request.body is not None:
            notes.append(
                f"Requested by {request.method} with {request.body.decode('utf-8', 'replace')}"
            )
        if gateway is not None:
            notes.append(f"Received through {gateway}")
        return NewFile(
            name=piece.chunk.name,
            table=piece.chunk.table,
            layout=piece.chunk.layout,
            address=request.stored_address,
            content=lambda: self._content_of(piece),
            note="; ".join(notes) or None,
            covers=piece.chunk.covers,
        )

    def _content_of(self, piece: Piece) -> bytes:
        reply = self._store.read(piece.chunk)
        if reply is None:
            raise TryAgain(
                f"{self._store.folder}: the reply {piece.chunk.name} was removed during the fetch."
                " Run the same command again."
            )
        return self._connector.classify_reply(piece.chunk, reply).content

    def _count(self, chunk: Chunk, content: bytes) -> tuple[int, int]:
        """The numbers of usable and unusable rows."""
        entry = catalog.table_named(chunk.table)
        if isinstance(entry, BulkTable):
            file = self._described(entry, chunk, content)
            return count_rows(entry, file, content, self._settings.seeds)
        frame, rejects = self._parse(entry, chunk, content)
        return frame.height, rejects

    def _parse(self, entry: SourceTable, chunk: Chunk, content: bytes) -> tuple[pl.DataFrame, int]:
        """The rows, each once, and the number of unusable ones."""
        file = self._described(entry, chunk, content)
        if chunk.table not in self._parsers:
            self._parsers[chunk.table] = entry.file_parser(self._settings.seeds)
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


def _asking_together(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Groups of replies; no row of one group could have been requested by another group."""
    groups: list[list[Piece]] = []
    for piece in pieces:
        touched = [
            group
            for group in groups
            if any(
                may_share(one.chunk.covers, piece.chunk.covers)
                or may_share(piece.chunk.covers, one.chunk.covers)
                for one in group
            )
        ]
        groups = [group for group in groups if group not in touched]
        groups.append([*(one for group in touched for one in group), piece])
    return groups


def _of_all(
    compared: Mapping[str, Comparison], files: Mapping[str, tuple[pl.DataFrame, Covers | None]]
) -> Comparison:
    """The counts of a group; rows that the pages of one request withdraw together count once."""
    withdrawn = {repr(files[name][1]): one.withdrawn for name, one in compared.items()}
    return Comparison(
        new=sum(one.new for one in compared.values()),
        changed=sum(one.changed for one in compared.values()),
        withdrawn=sum(withdrawn.values()),
        same=sum(one.same for one in compared.values()),
    )


def may_share(brought: Covers | None, asked: Covers | None) -> bool:
    """Whether a file, judging by its request, may contain rows that were requested."""
    if asked is None:
        return False
    if brought is None:
        return True
    return (
        brought.first <= asked.last
        and asked.first <= brought.last
        and all(
            _have_in_common(brought, asked, column) for column in brought.columns & asked.columns
        )
    )


def _have_in_common(one: Covers, other: Covers, column: str) -> bool:
    """Whether a code can match both requests in a column."""
    values, wanted = set(one.equal.get(column, ())), set(other.equal.get(column, ()))
    begins, asked = one.beginnings.get(column, ()), other.beginnings.get(column, ())
    return (
        bool(values & wanted)
        or any(value.startswith(asked) for value in values)
        or any(value.startswith(begins) for value in wanted)
        or any(this.startswith(that) or that.startswith(this) for this in begins for that in asked)
    )


def _known_from(
    known: tuple[Available, ...], finished: datetime, replaced: Collection[SnapshotFile]
) -> date:
    """The publisher's latest day if it dates every dataset, else the day of the fetch.

    A file cannot replace one that was known on that day or later. A change without a new day, or a
    revision withdrawn under the old day, is therefore known from the day of the fetch.
    """
    days = [one.released_on for one in known if one.released_on is not None]
    if not days or len(days) < len(known):
        return finished.date()
    day = min(max(days), finished.date())
    return finished.date() if any(file.known_from >= day for file in replaced) else day
