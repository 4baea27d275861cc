"""Bulk tables: files of millions of rows as typed Parquet, one per file and year.

A Parquet file is named after the release and the hash of its source file, and appears under that
name once it is complete and on disk. Bytes that several releases contain are read once, for the
first of them: `snapshots__files` lists the others.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.settings import Settings
from dagster_project.sources.blocks import Block, Progress, read_blocks, sha256_of
from dagster_project.sources.parsing import Parsed, constant_columns
from dagster_project.sources.partitions import FINGERPRINT, SCHEMA_FILE, state_of, write_if_changed
from dagster_project.sources.raw import (
    LINEAGE_SCHEMA,
    REJECTED,
    REJECTS_SCHEMA,
    REJECTS_TABLE,
    ROWS,
    LoadResult,
    Sign,
    check_layout,
    fingerprint_of,
    rejects_file_of,
)
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile, discover_releases

BlockParser = Callable[[Block], Parsed]
# From the header line of a file to the function that parses its blocks.
FileOpener = Callable[[str, SnapshotFile], BlockParser]
# Called with a file's name, the bytes read and the bytes in all.
OnProgress = Callable[[str, int, int], None]

# The rows that a Parquet reader loads at once.
ROWS_A_GROUP = 122_880
# Two cores parse; with more, unpacking would be the bottleneck.
_READERS = 2
_YEARS = "bilateral.years"
_YEAR_FOLDER = "year="
_TEMPORARY = ".tmp"


class NoRoom(SnapshotError):
    """The disk is full; the file itself is fine."""


@dataclass(frozen=True)
class BulkTable:
    """One raw table of large files.

    `opener` takes the folder of the reference seeds and returns the function that opens a file.
    `columns` are filled by its parser; loading adds the lineage. `year` is the column by which the
    rows of a file are partitioned. In the layouts `coded`, each line is a record; files of the
    layouts `whole_reports` always belong to this table.
    """

    source_id: str
    table: str
    description: str
    layouts: frozenset[str]
    opener: Callable[[Path], FileOpener]
    seeds: tuple[str, ...]
    columns: Mapping[str, pl.DataType]
    year: str
    calendar: str
    coded: frozenset[str] = frozenset()
    whole_reports: frozenset[str] = frozenset()
    layout_detectors: Mapping[str, Sign] = field(default_factory=dict, compare=False)

    @property
    def group(self) -> str:
        return self.source_id

    @property
    def kinds(self) -> tuple[str, ...]:
        return ("polars", "parquet")

    @property
    def schema(self) -> pl.Schema:
        """The columns of the Parquet files."""
        return pl.Schema({**LINEAGE_SCHEMA, **self.columns})


@dataclass(frozen=True)
class LoadedFile:
    """The result of loading one file."""

    rows: int
    rejects: int
    years: tuple[int, ...]


def load_bulk_table(
    entry: BulkTable, settings: Settings, on_progress: OnProgress = lambda name, done, total: None
) -> LoadResult:
    """Update the Parquet of a bulk table from its snapshots.

    A file that cannot be used keeps its previous rows and does not block the others; it is reported
    at the end. Rows of removed files are deleted.

    Raises:
        SnapshotError: files cannot be used, or the disk is full.
    """
    files = _files_of(entry, settings)
    loaded: dict[str, LoadedFile] = {}
    written: list[str] = []
    problems: list[SnapshotError] = []
    with _only_loader(entry, settings):
        _write_schemas(entry, settings)
        for file in files:
            held = _held(entry, file, settings)
            try:
                _verify(file)
                loaded[_stem(file)] = held or _read(entry, file, settings, on_progress)
            except NoRoom:
                raise
            except SnapshotError as error:
                problems.append(error)
                continue
            if held is None:
                written.append(file.release_id)
        removed = _remove_vanished(entry, files, settings)
    if problems:
        raise SnapshotError("\n".join(str(problem) for problem in problems))
    ids = tuple(dict.fromkeys(file.release_id for file in files))
    return LoadResult(
        table=entry.table,
        rows=sum(one.rows for one in loaded.values()),
        rejects=sum(one.rejects for one in loaded.values()),
        releases=ids,
        written=tuple(dict.fromkeys(written)),
        unchanged=tuple(one for one in ids if one not in written),
        removed=removed,
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
        _write_schemas(entry, settings)
        return _held(entry, file, settings) or _read(entry, file, settings, on_progress)


def count_rows(
    entry: BulkTable, file: SnapshotFile, content: bytes, seeds: Path
) -> tuple[int, int]:
    """The numbers of usable and unusable rows of a file just received.

    Only a few blocks are in memory at once; nothing is written.

    Raises:
        SnapshotError: the file cannot be used.
    """
    rows = rejects = 0
    first_reject = None
    for parsed in _parsed(entry, file, io.BytesIO(content), seeds, lambda done: None):
        rows += parsed.frame.height
        rejects += parsed.rejects.height
        first_reject = first_reject or _first_reject(parsed)
    if not rows:
        raise _no_row(file, first_reject)
    return rows, rejects


def _files_of(entry: BulkTable, settings: Settings) -> list[SnapshotFile]:
    """The files of the table in the order of their releases, the same bytes once."""
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
        raise SnapshotError(
            f"{file.snapshot_file}: the sidecar names this file but it cannot be read"
            f" ({error.strerror}). Restore it, or fetch the release again."
        ) from error
    if found != file.sha256:
        raise SnapshotError(
            f"{file.snapshot_file}: its sha256 is {found[:12]}… but the sidecar says"
            f" {file.sha256[:12]}…. A snapshot is never edited: restore the file, or store the"
            " changed bytes as a new release."
        )


# ---------------------------------------------------------------------------
# Reading a file
# ---------------------------------------------------------------------------


def _read(
    entry: BulkTable, file: SnapshotFile, settings: Settings, on_progress: OnProgress
) -> LoadedFile:
    check_layout(file, entry.layouts)
    with (
        file.path.open("rb") as opened,
        _writing(file, settings),
        _FileWriter(entry, file, settings) as writer,
    ):
        size = file.path.stat().st_size
        for parsed in _parsed(
            entry,
            file,
            opened,
            settings.seeds,
            lambda done: on_progress(file.snapshot_file, done, size),
        ):
            writer.add(parsed)
        if not writer.rows:
            raise _no_row(file, writer.first_reject)
        return writer.finish(fingerprint_of(entry, [file], settings.seeds))


def _parsed(
    entry: BulkTable, file: SnapshotFile, opened: BinaryIO, seeds: Path, on_read: Progress
) -> Iterator[Parsed]:
    """The blocks of a file, parsed side by side, in their order."""
    blocks = read_blocks(
        opened, file.snapshot_file, is_coded=file.layout in entry.coded, on_read=on_read
    )
    first_line = next(blocks).content.decode("utf-8-sig").rstrip("\r\n")
    parse = entry.opener(seeds)(first_line, file)
    waiting: deque[Future[Parsed]] = deque()
    with ThreadPoolExecutor(_READERS) as pool:
        try:
            for block in blocks:
                waiting.append(pool.submit(parse, block))
                # This thread meanwhile unpacks and writes.
                if len(waiting) > _READERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


def _first_reject(parsed: Parsed) -> str | None:
    if parsed.rejects.is_empty():
        return None
    first = parsed.rejects.row(0, named=True)
    return f"line {first['row_number']}: {first['reason']}"


def _no_row(file: SnapshotFile, first_reject: str | None) -> SnapshotError:
    why = f" ({first_reject})" if first_reject else ""
    return SnapshotError(
        f"{file.snapshot_file}: none of its rows can be used{why}. Correct the file or fetch"
        " it again."
    )


class _FileWriter:
    """Writes the rows of one file to one Parquet file per year, and its rejects to one file.

    Files get their final names only when everything is written; without `finish`, nothing stays.
    """

    def __init__(self, entry: BulkTable, file: SnapshotFile, settings: Settings) -> None:
        self._entry = entry
        self._file = file
        self._settings = settings
        self._parts: dict[int, _Part] = {}
        self._rejects: _Part | None = None
        self.rows = 0
        self.first_reject: str | None = None

    def __enter__(self) -> _FileWriter:
        return self

    def __exit__(self, *_: object) -> None:
        for part in self._all():
            part.drop()

    def add(self, parsed: Parsed) -> None:
        self.rows += parsed.frame.height
        for year, rows in _by_year(parsed.frame, self._entry.year):
            if year not in self._parts:
                path = _year_file(self._entry, self._file, self._settings, year)
                self._parts[year] = _Part(path, self._entry.schema)
            self._parts[year].add(self._with_lineage(rows, self._entry.schema))
        if parsed.rejects.height:
            self.first_reject = self.first_reject or _first_reject(parsed)
            if self._rejects is None:
                path = _rejects_file(self._entry, self._file, self._settings)
                self._rejects = _Part(path, pl.Schema(REJECTS_SCHEMA))
            self._rejects.add(self._with_lineage(parsed.rejects, pl.Schema(REJECTS_SCHEMA)))

    def finish(self, fingerprint: str) -> LoadedFile:
        """Give all files their final names; the rejects first, since the rows refer to them."""
        rejects = 0 if self._rejects is None else self._rejects.rows
        years = tuple(sorted(self._parts))
        state = {
            FINGERPRINT: fingerprint,
            ROWS: str(self.rows),
            REJECTED: str(rejects),
            _YEARS: " ".join(str(year) for year in years),
        }
        for part in self._all():
            part.close(state)
        if self._rejects is None:
            _rejects_file(self._entry, self._file, self._settings).unlink(missing_ok=True)
        for part in self._all():
            part.put_in_place()
        kept = {_year_file(self._entry, self._file, self._settings, year) for year in years}
        for path in _year_files(self._entry, self._file, self._settings):
            if path not in kept:
                path.unlink()
        return LoadedFile(self.rows, rejects, years)

    def _all(self) -> list[_Part]:
        return [*([self._rejects] if self._rejects else []), *self._parts.values()]

    def _with_lineage(self, rows: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
        constants = {
            "source_id": self._file.source_id,
            "table_name": self._file.table,
            "release_id": self._file.release_id,
            "snapshot_sha256": self._file.sha256,
            "snapshot_file": self._file.snapshot_file,
        }
        return rows.select(
            pl.lit(constants[column]).alias(column) if column in constants else pl.col(column)
            for column in schema
        )


def _by_year(frame: pl.DataFrame, column: str) -> Iterator[tuple[int, pl.DataFrame]]:
    years = frame[column]
    # Nearly every block is of one year and need not be split.
    parts = (
        [frame]
        if years.min() == years.max() and frame.height
        else frame.partition_by(column, maintain_order=True)
    )
    for rows in parts:
        yield rows[0, column], rows


class _Part:
    """One Parquet file being written; the temporary name does not end in .parquet."""

    def __init__(self, path: Path, schema: pl.Schema) -> None:
        self.path = path
        self.rows = 0
        self._temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}{_TEMPORARY}")
        self._waiting: list[pl.DataFrame] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer: pq.ParquetWriter | None = pq.ParquetWriter(
            self._temporary,
            _arrow(pl.DataFrame(schema=schema)).schema,
            compression="zstd",
            use_dictionary=[name for name, dtype in schema.items() if dtype == pl.String],
            # No reader filters row groups by text columns.
            write_statistics=[name for name, dtype in schema.items() if dtype != pl.String],
            store_decimal_as_integer=True,
            # Readers see plain text, whatever Arrow type was passed.
            store_schema=False,
        )

    def add(self, rows: pl.DataFrame) -> None:
        self.rows += rows.height
        self._waiting.append(rows)
        if sum(frame.height for frame in self._waiting) >= ROWS_A_GROUP:
            self._write(ROWS_A_GROUP)

    def close(self, state: Mapping[str, str]) -> None:
        """Afterwards all rows and the file's metadata are on disk."""
        self._write(1)
        if self._writer is not None:
            self._writer.add_key_value_metadata(dict(state))
            self._writer.close()
            self._writer = None
        _sync(self._temporary)

    def put_in_place(self) -> None:
        self._temporary.replace(self.path)
        _sync(self.path.parent)

    def drop(self) -> None:
        if self._writer is not None:
            # Closing writes the rest, which may fail on a full disk.
            with _ignoring_errors():
                self._writer.close()
        self._temporary.unlink(missing_ok=True)

    def _write(self, least: int) -> None:
        """Write whole row groups as long as `least` rows are left."""
        rows = pl.concat(self._waiting) if self._waiting else pl.DataFrame()
        while rows.height >= least and self._writer is not None:
            self._writer.write_table(_arrow(rows.head(ROWS_A_GROUP)), row_group_size=ROWS_A_GROUP)
            rows = rows.slice(ROWS_A_GROUP)
        self._waiting = [rows] if rows.height else []


def _arrow(rows: pl.DataFrame) -> pa.Table:
    """The rows with text as dictionaries, as in Parquet: a constant is one value."""
    texts = [name for name, dtype in rows.schema.items() if dtype == pl.String]
    constant = constant_columns(rows.select(texts))
    all_first = pa.array(np.zeros(rows.height, np.int32))
    columns = {}
    for column in rows:
        if column.name in constant and column.first() is not None:
            value = pa.array([column.first()], pa.large_string())
            columns[column.name] = pa.DictionaryArray.from_arrays(all_first, value, safe=False)
        elif column.name in texts:
            columns[column.name] = column.to_arrow().dictionary_encode()
        else:
            columns[column.name] = column.to_arrow()
    return pa.table(columns)


# ---------------------------------------------------------------------------
# What is there
# ---------------------------------------------------------------------------


def _stem(file: SnapshotFile) -> str:
    return f"{file.release_id}~{file.sha256[:12]}"


def _year_file(entry: BulkTable, file: SnapshotFile, settings: Settings, year: int) -> Path:
    return settings.raw / entry.table / f"{_YEAR_FOLDER}{year}" / f"{_stem(file)}.parquet"


def _year_files(entry: BulkTable, file: SnapshotFile, settings: Settings) -> Iterable[Path]:
    folders = sorted((settings.raw / entry.table).glob(f"{_YEAR_FOLDER}*"))
    return [path for folder in folders if (path := folder / f"{_stem(file)}.parquet").exists()]


def _rejects_file(entry: BulkTable, file: SnapshotFile, settings: Settings) -> Path:
    return rejects_file_of(settings.raw / REJECTS_TABLE, entry.table, _stem(file))


def _held(entry: BulkTable, file: SnapshotFile, settings: Settings) -> LoadedFile | None:
    """The earlier result for this file, if complete and still current."""
    paths = list(_year_files(entry, file, settings))
    states = [state_of(path) for path in paths]
    wanted = fingerprint_of(entry, [file], settings.seeds)
    if not states or any(state.get(FINGERPRINT) != wanted for state in states):
        return None
    years = tuple(int(year) for year in states[0][_YEARS].split())
    there = {path.parent.name for path in paths}
    rejects = int(states[0][REJECTED])
    if (
        there != {f"{_YEAR_FOLDER}{year}" for year in years}
        or (rejects > 0) != _rejects_file(entry, file, settings).exists()
    ):
        return None
    return LoadedFile(int(states[0][ROWS]), rejects, years)


def _write_schemas(entry: BulkTable, settings: Settings) -> None:
    """Write the columns of a table, so that it has them even without rows."""
    write_if_changed(settings.raw / entry.table / SCHEMA_FILE, pl.DataFrame(schema=entry.schema))
    write_if_changed(
        settings.raw / REJECTS_TABLE / SCHEMA_FILE, pl.DataFrame(schema=REJECTS_SCHEMA)
    )


def _remove_vanished(
    entry: BulkTable, files: Sequence[SnapshotFile], settings: Settings
) -> tuple[str, ...]:
    kept = {_stem(file) for file in files}
    removed = set()
    folder = settings.raw / entry.table
    for path in folder.glob(f"{_YEAR_FOLDER}*/*.parquet"):
        if path.stem not in kept:
            path.unlink()
            removed.add(path.stem)
    rejects = settings.raw / REJECTS_TABLE
    beginning = rejects_file_of(rejects, entry.table, "").parent.name
    for path in rejects.glob(f"{beginning}*/*.parquet"):
        if path.parent.name.removeprefix(beginning) not in kept:
            path.unlink()
    return tuple(sorted({stem.rpartition("~")[0] for stem in removed}))


@contextmanager
def _only_loader(entry: BulkTable, settings: Settings) -> Generator[None]:
    """Lock a table's folder, and remove what a killed loader left there.

    The kernel releases the lock when the process ends.
    """
    folder = settings.raw / entry.table
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        descriptor = os.open(folder, os.O_RDONLY)
        stack.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        rejects = settings.raw / REJECTS_TABLE
        beginning = rejects_file_of(rejects, entry.table, "").parent.name
        for place, pattern in ((folder, f"{_YEAR_FOLDER}*"), (rejects, f"{beginning}*")):
            for unfinished in place.glob(f"{pattern}/*{_TEMPORARY}"):
                unfinished.unlink()
        yield


@contextmanager
def _writing(file: SnapshotFile, settings: Settings) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise NoRoom(
            f"{file.snapshot_file}: the disk is too full for its rows below {settings.raw}"
            f" ({error.strerror}). Free some space and run again: the earlier rows are untouched."
        ) from error


@contextmanager
def _ignoring_errors() -> Generator[None]:
    try:
        yield
    except (OSError, pa.ArrowException):
        return


def _sync(path: Path) -> None:
    """Flush content to disk before its name appears."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
