"""The release that the replies of a finished fetch make, as far as they say anything new.

Belongs here: which replies are news, and what the sidecar says of them. Does not belong
here: comparing rows (`sources.succession`), writing a release (`sources.snapshot`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from dagster_project.settings import Settings
from dagster_project.sources import catalog
from dagster_project.sources.connector import Available, Chunk, Connector, Examined
from dagster_project.sources.snapshot import (
    AddedRelease,
    Covers,
    NewFile,
    NewRelease,
    add_release,
    discover_releases,
)
from dagster_project.sources.succession import Comparison, compare_with_held


@dataclass(frozen=True)
class Piece:
    """One reply that is there, and what it holds."""

    chunk: Chunk
    examined: Examined
    frame: pl.DataFrame
    rejects: int
    was_stored: bool


def keep(
    settings: Settings,
    connector: Connector,
    pieces: Sequence[Piece],
    known: tuple[Available, ...],
    *,
    finished: datetime,
    gateway: str | None,
) -> tuple[AddedRelease | None, Comparison]:
    """Add what is new as a release; none where the publisher says what is held already."""
    about = connector.about
    whole = [piece for piece in pieces if piece.examined.is_whole]
    known_from = _known_from(known, finished)
    comparison, kept = Comparison(0, 0, 0, 0), list[Piece]()
    for table in dict.fromkeys(piece.chunk.table for piece in whole):
        entry = catalog.table_named(table)
        catalog.load_table(entry, settings)
        of_table = {piece.chunk.name: piece for piece in whole if piece.chunk.table == table}
        files = {
            name: (piece.frame if piece.examined.content else _no_rows(entry), piece.chunk.covers)
            for name, piece in of_table.items()
        }
        compared = compare_with_held(entry, settings, files, known_from)
        comparison += _of_all(compared, files)
        with_news = [of_table[name] for name, one in compared.items() if one.has_news]
        kept += _with_what_they_touch(with_news, of_table.values())
    if not kept:
        return None, comparison
    digest = hashlib.sha256()
    for piece in sorted(kept, key=lambda one: one.chunk.name):
        sha256 = hashlib.sha256(piece.examined.content).hexdigest()
        digest.update(f"{piece.chunk.name} {sha256}\n".encode())
    release = NewRelease(
        source_id=about.source_id,
        release_id=f"{known_from:%Y-%m-%d}-{digest.hexdigest()[:8]}",
        known_from=known_from,
        known_from_precision="day",
        retrieved_on=finished.date(),
        licence=about.terms.licence,
        redistributable=about.terms.is_redistributable,
        files=tuple(_new_file(piece, gateway) for piece in kept),
        retrieved_at=finished,
    )
    held = discover_releases(settings.snapshot_roots)
    return add_release(settings.fetched_snapshots, release, held), comparison


def _of_all(
    compared: Mapping[str, Comparison], files: Mapping[str, tuple[pl.DataFrame, Covers | None]]
) -> Comparison:
    """The counts of a table; what the pages of one request withdraw together counts once."""
    withdrawn = {repr(files[name][1]): one.withdrawn for name, one in compared.items()}
    return Comparison(
        new=sum(one.new for one in compared.values()),
        changed=sum(one.changed for one in compared.values()),
        withdrawn=sum(withdrawn.values()),
        same=sum(one.same for one in compared.values()),
    )


def _no_rows(entry: catalog.SourceTable) -> pl.DataFrame:
    return pl.DataFrame(schema=dict(entry.columns))


def _with_what_they_touch(with_news: Sequence[Piece], pieces: Iterable[Piece]) -> list[Piece]:
    """The files with news, and those whose rows a request of theirs asked for as well.

    A release withdraws what its requests asked for and its files do not bring: a file that
    is left out of it must not have brought any of that.
    """
    kept = {piece.chunk.name: piece for piece in with_news}
    others = [piece for piece in pieces if piece.chunk.name not in kept]
    is_growing = bool(kept)
    while is_growing:
        touched = [
            one
            for one in others
            if one.examined.content
            and any(_may_share(one.chunk.covers, piece.chunk.covers) for piece in kept.values())
        ]
        kept |= {one.chunk.name: one for one in touched}
        others = [one for one in others if one.chunk.name not in kept]
        is_growing = bool(touched)
    return list(kept.values())


def _may_share(brought: Covers | None, asked: Covers | None) -> bool:
    """Whether rows of a file, as far as its request tells, may lie in what was asked for."""
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
    """Whether a code can be what both asked for in a column."""
    values, wanted = set(one.equal.get(column, ())), set(other.equal.get(column, ()))
    begins, asked = one.beginnings.get(column, ()), other.beginnings.get(column, ())
    return (
        bool(values & wanted)
        or any(value.startswith(asked) for value in values)
        or any(value.startswith(begins) for value in wanted)
        or any(this.startswith(that) or that.startswith(this) for this in begins for that in asked)
    )


def _new_file(piece: Piece, gateway: str | None) -> NewFile:
    request = piece.chunk.request
    notes = []
    if request.body is not None:
        notes.append(f"Asked by {request.method} with {request.body.decode('utf-8', 'replace')}")
    if gateway is not None:
        notes.append(f"Received through {gateway}")
    return NewFile(
        name=piece.chunk.name,
        table=piece.chunk.table,
        layout=piece.chunk.layout,
        address=request.stored_address,
        content=piece.examined.content,
        note="; ".join(notes) or None,
        covers=piece.chunk.covers,
    )


def _known_from(known: tuple[Available, ...], finished: datetime) -> date:
    """The publisher's latest day where it gives one for everything, else the day of the fetch."""
    days = [one.released_on for one in known if one.released_on is not None]
    if not days or len(days) < len(known):
        return finished.date()
    return min(max(days), finished.date())
