"""Makes a release of what is new in the replies of a finished fetch.

Replies of most tables are compared row by row. Replies of a bulk table are whole reports: one is
new when its bytes differ from the last ones under its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from dagster_project.fetch.replies import Piece, Replies
from dagster_project.settings import Settings
from dagster_project.sources import catalog
from dagster_project.sources.bulk import BulkTable
from dagster_project.sources.connector import Available, Connector
from dagster_project.sources.raw import SourceTable
from dagster_project.sources.release_diff import Comparison, compare_with_held
from dagster_project.sources.snapshot import (
    AddedRelease,
    Covers,
    NewFile,
    NewRelease,
    Release,
    SnapshotFile,
    add_release,
    discover_releases,
)


@dataclass
class _News:
    """The replies of a fetch to keep, with a line for each that identifies this release."""

    pieces: list[Piece]
    lines: list[str]
    comparison: Comparison


def keep(
    settings: Settings,
    connector: Connector,
    pieces: Sequence[Piece],
    replies: Replies,
    known: tuple[Available, ...],
    *,
    finished: datetime,
    gateway: str | None,
) -> tuple[AddedRelease | None, Comparison]:
    """Add what is new as a release; none where the replies contain nothing new.

    Replies are read in groups that request the same rows, so that comparing a fetch of any size
    needs only the memory of its largest group.
    """
    about = connector.about
    held = discover_releases(settings.snapshot_roots)
    news = _News([], [], Comparison(0, 0, 0, 0))
    by_table: dict[str, list[Piece]] = {}
    for piece in pieces:
        if piece.is_whole:
            by_table.setdefault(piece.chunk.table, []).append(piece)
    compared, whole = list[tuple[SourceTable, list[Piece]]](), list[Piece]()
    for table, of_table in by_table.items():
        entry = catalog.table_named(table)
        if isinstance(entry, BulkTable):
            whole += of_table
        else:
            compared.append((entry, of_table))
    replaced = _compare_bytes(whole, replies, held, news)
    known_from = _known_from(known, finished, replaced)
    for entry, of_table in compared:
        _compare_rows(entry, of_table, replies, settings, known_from, news)
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
        files=tuple(_new_file(piece, replies, gateway) for piece in news.pieces),
        retrieved_at=finished,
    )
    return add_release(settings.fetched_snapshots, release, held), news.comparison


def _compare_bytes(
    pieces: Sequence[Piece], replies: Replies, held: Sequence[Release], news: _News
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
        sha256 = hashlib.sha256(replies.content_of(piece)).hexdigest()
        before = last_held.get((piece.chunk.table, piece.chunk.name))
        if before is not None and before.sha256 == sha256:
            news.comparison += Comparison(0, 0, 0, piece.rows)
            continue
        news.comparison += Comparison(piece.rows, 0, 0, 0)
        news.pieces.append(piece)
        line = f"{piece.chunk.name} {sha256}"
        if before is not None:
            replaced.append(before)
            # Bytes that return form another release than the one that had them first.
            line += f" after {before.release_id}"
        news.lines.append(f"{line}\n")
    return replaced


def _compare_rows(
    entry: SourceTable,
    pieces: Sequence[Piece],
    replies: Replies,
    settings: Settings,
    known_from: date,
    news: _News,
) -> None:
    """Add the replies with new or changed rows, or without rows stored before."""
    catalog.load_table(entry, settings)
    for group in _asking_together(pieces):
        files: dict[str, tuple[pl.DataFrame, Covers | None]] = {}
        hashes = []
        for piece in group:
            content = replies.content_of(piece)
            hashes.append(f"{piece.chunk.name} {hashlib.sha256(content).hexdigest()}\n")
            files[piece.chunk.name] = (
                pl.DataFrame(schema=dict(entry.columns))
                if piece.is_empty
                else replies.rows_of(entry, piece, content),
                piece.chunk.covers,
            )
        compared = compare_with_held(entry, settings, files, known_from)
        news.comparison += _of_all(compared, files)
        # The release withdraws what it requested and its files do not contain. Of a group it
        # therefore stores all replies with rows, or none.
        if any(one.has_news for one in compared.values()):
            with_news = {name for name, one in compared.items() if one.has_news}
            for piece, line in zip(group, hashes, strict=True):
                if piece.chunk.name in with_news or not piece.is_empty:
                    news.pieces.append(piece)
                    news.lines.append(line)


def _asking_together(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Groups of replies such that no row of one could have been requested by another."""
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
        joined = [*(one for group in touched for one in group), piece]
        groups = [*(group for group in groups if group not in touched), joined]
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
    """Whether rows of a file, judging by its request, may be part of what was requested."""
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


def _new_file(piece: Piece, replies: Replies, gateway: str | None) -> NewFile:
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
        content=lambda: replies.content_of(piece),
        note="; ".join(notes) or None,
        covers=piece.chunk.covers,
    )


def _known_from(
    known: tuple[Available, ...], finished: datetime, replaced: Collection[SnapshotFile]
) -> date:
    """The publisher's latest day where it gives one for everything, else the day of the fetch.

    A file cannot replace one that was known then or later: a change without a new day, or a
    revision withdrawn under the old day, is known from the fetch on.
    """
    days = [one.released_on for one in known if one.released_on is not None]
    if not days or len(days) < len(known):
        return finished.date()
    day = min(max(days), finished.date())
    return finished.date() if any(file.known_from >= day for file in replaced) else day
