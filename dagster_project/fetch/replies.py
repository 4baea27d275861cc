"""Checks the replies of a fetch before they are stored, and reads the stored ones again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from dagster_project.fetch.client import describe
from dagster_project.fetch.store import Store
from dagster_project.sources import catalog
from dagster_project.sources.bulk import BulkTable, count_rows
from dagster_project.sources.connector import (
    Chunk,
    Connector,
    Refused,
    Reply,
    ReplyResult,
    TryAgain,
)
from dagster_project.sources.parsing import reject_duplicates
from dagster_project.sources.raw import FileParser, SourceTable
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile


@dataclass(frozen=True)
class Piece:
    """One stored reply and its row counts."""

    chunk: Chunk
    is_whole: bool
    is_empty: bool
    rows: int
    rejects: int
    was_stored: bool


class Replies:
    """The stored replies of a fetch, which are not kept in memory.

    Parsing one takes far longer than reading it.
    """

    def __init__(self, connector: Connector, store: Store, seeds: Path, known_from: date) -> None:
        self._connector = connector
        self._store = store
        self._seeds = seeds
        self._known_from = known_from
        self._parsers: dict[str, FileParser] = {}

    def content_of(self, piece: Piece) -> bytes:
        reply = self._store.read(piece.chunk)
        if reply is None:
            raise TryAgain(
                f"{self._store.folder}: the reply {piece.chunk.name} was removed during the fetch."
            )
        return self._connector.classify_reply(piece.chunk, reply).content

    def rows_of(self, entry: SourceTable, piece: Piece, content: bytes) -> pl.DataFrame:
        return self._parse(entry, piece.chunk, content)[0]

    def examine(
        self, chunk: Chunk, reply: Reply, *, is_survey: bool, was_stored: bool
    ) -> tuple[Piece, ReplyResult]:
        """Raise a ReplyError for an unusable reply, before anything is stored."""
        examined = self._connector.classify_reply(chunk, reply)
        request = f"{self._connector.about.source_id}: {describe(chunk.request)}"
        accepted = chunk.request.accept
        if examined.content and accepted and reply.content_type not in accepted:
            raise TryAgain(
                f"{request}: received {reply.content_type!r} instead of {' or '.join(accepted)}."
                " Run the same command again later; if it stays so, the publisher has changed."
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
