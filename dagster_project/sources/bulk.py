"""Loads bulk tables: files of millions of rows, as one typed Parquet file per file and year.

A Parquet file is named after the release and the hash of its source file. It appears under that
name only when it is complete and on disk. If several releases contain the same bytes, they are read
once, for the first of these releases. `snapshots__files` lists the others.
"""

from __future__ import annotations

import errno
import io
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import polars as pl

from dagster_project.disk import sha256_of
from dagster_project.settings import Settings
from dagster_project.sources.blocks import Block, Progress, read_blocks
from dagster_project.sources.formats import is_workbook
from dagster_project.sources.parsing import Parsed
from dagster_project.sources.partitions import FINGERPRINT, TEMPORARY, Part, state_of
from dagster_project.sources.raw import (
    REJECTED,
    REJECTS_SCHEMA,
    ROWS,
    LoadResult,
    RawTable,
    check_layout,
    fingerprint_of,
    no_usable_row,
    rejects_file_of,
    rejects_pattern,
    write_schemas,
    write_unusable,
)
from dagster_project.sources.snapshot import (
    SnapshotError,
    SnapshotFile,
    discover_releases,
    locked,
    unreadable,
)

BlockParser = Callable[[Block], Parsed]
# Takes the header line of a file and returns the function that parses its blocks.
FileOpener = Callable[[str, SnapshotFile], BlockParser]
# Called with a file's name, the bytes read so far and the total bytes.
OnProgress = Callable[[str, int, int], None]

# Enough of a file to show whether it is a workbook.
_SIGNATURE = 8
# Two threads parse. With more, decompression would be the bottleneck.
_READERS = 2
_YEARS = "bilateral.years"
_YEAR_FOLDER = "year="


class NoRoom(SnapshotError):
    """The disk is full; the file itself is fine."""


@dataclass(frozen=True, kw_only=True)
class BulkTable(RawTable):
    """One raw table of large files.

    `opener` takes the folder of the reference seeds and returns the function that opens a file.
    `year` is the column by which the rows of a file are partitioned. In the layouts `coded`, each
    line is a record; those of `western` may be in another encoding than UTF-8 (`formats.western`);
    files of the layouts `whole_reports` always belong to this table.
    """

    opener: Callable[[Path], FileOpener]
    year: str
    coded: frozenset[str] = frozenset()
    western: frozenset[str] = frozenset()
    whole_reports: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LoadedFile:
    """The result of loading one file."""

    rows: int
    rejects: int
    years: tuple[int, ...]


@dataclass(frozen=True)
class _Target:
    """One file of a table, and the paths to which its rows are written."""

    entry: BulkTable
    file: SnapshotFile
    settings: Settings

    @property
    def stem(self) -> str:
        return f"{self.file.release_id}~{self.file.sha256[:12]}"

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint_of(self.entry, [self.file], self.settings.seeds)

    @property
    def rejects_file(self) -> Path:
        return rejects_file_of(self.settings.raw, self.entry.table, self.stem)

    def year_file(self, year: int) -> Path:
        folder = self.settings.raw / self.entry.table / f"{_YEAR_FOLDER}{year}"
        return folder / f"{self.stem}.parquet"

    def year_files(self) -> list[Path]:
        return sorted(
            (self.settings.raw / self.entry.table).glob(f"{_YEAR_FOLDER}*/{self.stem}.parquet")
        )


def load_bulk_table(
    entry: BulkTable, settings: Settings, on_progress: OnProgress = lambda name, done, total: None
) -> LoadResult:
    """Update the Parquet of a bulk table from its snapshots.

    Rows of removed files are deleted. A file that cannot be used has no rows, and one reject that
    says why; the others are not affected.

    Raises:
        NoRoom: the disk is full.
    """
    files: list[SnapshotFile] = []
    loaded: list[LoadedFile] = []
    written: list[str] = []
    unusable: dict[SnapshotFile, str] = {}
    with _only_loader(entry, settings):
        for file in _files_of(entry, settings):
            target = _Target(entry, file, settings)
            held = _held(target)
            try:
                _verify(file)
                loaded.append(held or _read(target, on_progress))
            except NoRoom:
                raise
            except SnapshotError as error:
                unusable[file] = str(error)
                continue
            files.append(file)
            if held is None:
                written.append(file.release_id)
        removed = _remove_vanished(entry, files, settings)
        for file, reason in unusable.items():
            path = _Target(entry, file, settings).rejects_file
            write_unusable(path, entry, file.release_id, file.snapshot_file, reason)
    ids = tuple(dict.fromkeys(file.release_id for file in files))
    return LoadResult(
        table=entry.table,
        rows=sum(one.rows for one in loaded),
        rejects=sum(one.rejects for one in loaded),
        releases=ids,
        written=tuple(dict.fromkeys(written)),
        unchanged=tuple(one for one in ids if one not in written),
        removed=removed,
        unusable={file.snapshot_file: reason for file, reason in unusable.items()},
    )


def load_bulk_file(
    entry: BulkTable,
    file: SnapshotFile,
    settings: Settings,
    on_progress: OnProgress = lambda name, done, total: None,
) -> LoadedFile:
    """Load one file of an existing release, or of one about to be added.

    If no release contains the file, the next load of the table removes its rows.

    Raises:
        SnapshotError: the file cannot be used, or the disk is full.
    """
    with _only_loader(entry, settings):
        target = _Target(entry, file, settings)
        return _held(target) or _read(target, on_progress)


def rejects_of(entry: BulkTable, file: SnapshotFile, settings: Settings) -> pl.DataFrame:
    """The rejects of a file that is loaded."""
    path = _Target(entry, file, settings).rejects_file
    return pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=REJECTS_SCHEMA)


def count_rows(
    entry: BulkTable, file: SnapshotFile, content: bytes, seeds: Path
) -> tuple[int, int]:
    """Return the numbers of usable and unusable rows in a file just received.

    Only a few blocks are in memory at once, and nothing is written.

    Raises:
        SnapshotError: the file cannot be used.
    """
    rows = rejects = 0
    first_reject = ""
    for parsed in _parsed(entry, file, io.BytesIO(content), seeds, lambda done: None):
        rows += parsed.frame.height
        rejects += parsed.rejects.height
        first_reject = first_reject or parsed.first_reject("line")
    if not rows:
        raise no_usable_row(file, first_reject)
    return rows, rejects


def _files_of(entry: BulkTable, settings: Settings) -> list[SnapshotFile]:
    """The files of the table in the order of their releases. Identical files are listed once."""
    files: dict[str, SnapshotFile] = {}
    for release in discover_releases(settings.snapshot_roots):
        for file in release.files_of(entry.table):
            if not file.is_empty:
                files.setdefault(file.sha256, file)
    return list(files.values())


def _verify(file: SnapshotFile) -> None:
    """Raise a SnapshotError for a file that differs from its sidecar."""
    try:
        found = sha256_of(file.path)
    except OSError as error:
        raise unreadable(file, error) from error
    if found != file.sha256:
        raise SnapshotError(
            f"{file.snapshot_file}: its sha256 is {found[:12]}… but the sidecar says"
            f" {file.sha256[:12]}…. A snapshot is never edited: restore the file, or store the"
            " changed bytes as a new release."
        )


# ---------------------------------------------------------------------------
# Reading a file
# ---------------------------------------------------------------------------


def _read(target: _Target, on_progress: OnProgress) -> LoadedFile:
    entry, file, settings = target.entry, target.file, target.settings
    check_layout(file, entry.layouts)
    size = file.path.stat().st_size
    try:
        with file.path.open("rb") as opened, _FileWriter(target) as writer:
            for parsed in _parsed(
                entry,
                file,
                opened,
                settings.seeds,
                lambda done: on_progress(file.snapshot_file, done, size),
            ):
                writer.add(parsed)
            if not writer.rows:
                raise no_usable_row(file, writer.first_reject)
            return writer.finish()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise NoRoom(
            f"{file.snapshot_file}: the disk is too full for its rows below {settings.raw}"
            f" ({error.strerror}). Free some space and run again: the earlier rows are untouched."
        ) from error


def _parsed(
    entry: BulkTable, file: SnapshotFile, opened: BinaryIO, seeds: Path, on_read: Progress
) -> Iterator[Parsed]:
    """Parse the blocks of a file in parallel, and return them in their order."""
    if is_workbook(opened.read(_SIGNATURE)):
        opened.seek(0)
        opened = io.BytesIO(entry.readable(opened.read(), file))
    opened.seek(0)
    blocks = read_blocks(
        opened,
        file.snapshot_file,
        is_coded=file.layout in entry.coded,
        is_western=file.layout in entry.western,
        on_read=on_read,
    )
    first_line = next(blocks).content.decode("utf-8-sig").rstrip("\r\n")
    parse = entry.opener(seeds)(first_line, file)
    waiting: deque[Future[Parsed]] = deque()
    with ThreadPoolExecutor(_READERS) as pool:
        try:
            for block in blocks:
                waiting.append(pool.submit(parse, block))
                # Meanwhile, this thread decompresses and writes.
                if len(waiting) > _READERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


class _FileWriter:
    """Writes the rows of one file to one Parquet file per year, and its rejects to one file.

    Files get their final names only when everything is written. Without `finish`, none is kept.
    """

    def __init__(self, target: _Target) -> None:
        self._target = target
        self._parts: dict[int, Part] = {}
        self._rejects: Part | None = None
        self.rows = 0
        self.first_reject = ""

    def __enter__(self) -> _FileWriter:
        return self

    def __exit__(self, *_: object) -> None:
        for part in self._all():
            part.drop()

    def add(self, parsed: Parsed) -> None:
        self.rows += parsed.frame.height
        schema, column = self._target.entry.schema, self._target.entry.year
        years = parsed.frame[column]
        # Nearly every block contains one year only and need not be split.
        is_one = parsed.frame.height and years.min() == years.max()
        frames = (
            [parsed.frame] if is_one else parsed.frame.partition_by(column, maintain_order=True)
        )
        for rows in frames:
            year = rows[0, column]
            if year not in self._parts:
                self._parts[year] = Part(self._target.year_file(year), schema)
            self._parts[year].add(self._with_lineage(rows, schema))
        if parsed.rejects.height:
            schema = pl.Schema(REJECTS_SCHEMA)
            self.first_reject = self.first_reject or parsed.first_reject("line")
            self._rejects = self._rejects or Part(self._target.rejects_file, schema)
            self._rejects.add(self._with_lineage(parsed.rejects, schema))

    def finish(self) -> LoadedFile:
        """Give all files their final names; the rejects first, since the rows refer to them."""
        rejects = 0 if self._rejects is None else self._rejects.rows
        years = tuple(sorted(self._parts))
        state = {
            FINGERPRINT: self._target.fingerprint,
            ROWS: str(self.rows),
            REJECTED: str(rejects),
            _YEARS: " ".join(str(year) for year in years),
        }
        for part in self._all():
            part.close(state)
        if self._rejects is None:
            self._target.rejects_file.unlink(missing_ok=True)
        for part in self._all():
            part.put_in_place()
        kept = {self._target.year_file(year) for year in years}
        for path in self._target.year_files():
            if path not in kept:
                path.unlink()
        return LoadedFile(self.rows, rejects, years)

    def _all(self) -> list[Part]:
        return [*([self._rejects] if self._rejects else []), *self._parts.values()]

    def _with_lineage(self, rows: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
        file = self._target.file
        constants = {
            "source_id": file.source_id,
            "table_name": file.table,
            "release_id": file.release_id,
            "snapshot_sha256": file.sha256,
            "snapshot_file": file.snapshot_file,
        }
        return rows.select(
            pl.lit(constants[column]).alias(column) if column in constants else pl.col(column)
            for column in schema
        )


# ---------------------------------------------------------------------------
# Loaded files
# ---------------------------------------------------------------------------


def _held(target: _Target) -> LoadedFile | None:
    """The earlier result for this file, if complete and still current."""
    paths = target.year_files()
    states = [state_of(path) for path in paths]
    if not states or any(state.get(FINGERPRINT) != target.fingerprint for state in states):
        return None
    years = tuple(int(year) for year in states[0][_YEARS].split())
    rejects = int(states[0][REJECTED])
    if (
        set(paths) != {target.year_file(year) for year in years}
        or (rejects > 0) != target.rejects_file.exists()
    ):
        return None
    return LoadedFile(int(states[0][ROWS]), rejects, years)


def _remove_vanished(
    entry: BulkTable, files: Sequence[SnapshotFile], settings: Settings
) -> tuple[str, ...]:
    kept = {_Target(entry, file, settings).stem for file in files}
    removed = set()
    for path in (settings.raw / entry.table).glob(f"{_YEAR_FOLDER}*/*.parquet"):
        if path.stem not in kept:
            path.unlink()
            removed.add(path.stem.rpartition("~")[0])
    for path in settings.raw.glob(rejects_pattern(entry.table)):
        if path.parent.name.partition("~")[2] not in kept:
            path.unlink()
    return tuple(sorted(removed))


@contextmanager
def _only_loader(entry: BulkTable, settings: Settings) -> Generator[None]:
    """Lock a table's folder, remove files left by a killed loader, and write the columns."""
    folder = settings.raw / entry.table
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        for unfinished in (
            *folder.glob(f"{_YEAR_FOLDER}*/*{TEMPORARY}"),
            *settings.raw.glob(rejects_pattern(entry.table, TEMPORARY)),
        ):
            unfinished.unlink()
        write_schemas(entry, settings.raw)
        yield
