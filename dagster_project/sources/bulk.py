"""Bulk tables: files of millions of rows as typed Parquet, a file and year each.

A Parquet file is named for the release and the hash of the file its rows are of, and appears
under that name when it is whole and on the disk. Bytes that several releases hold are read once,
as those of the first: `snapshots__files` says which others have them.
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
# From the header line of a file to what reads its blocks.
FileOpener = Callable[[str, SnapshotFile], BlockParser]
# Told how many bytes of how many have been read of the file of that name.
OnProgress = Callable[[str, int, int], None]

# What a reader of Parquet takes up at once.
ROWS_A_GROUP = 122_880
# Two cores read; with more of them, unpacking is what all wait for.
_READERS = 2
_YEARS = "bilateral.years"
_YEAR_FOLDER = "year="
_TEMPORARY = ".tmp"


class NoRoom(SnapshotError):
    """The disk took no more: nothing is wrong with the file that was read."""


@dataclass(frozen=True)
class BulkTable:
    """One raw table of large files.

    `opener` takes the folder of reference seeds and gives what opens a file. `columns` are
    what its parser fills; loading adds the lineage. `year` is the column by which the rows of
    a file are kept apart. Of the layouts in `coded`, each line is a record; those in
    `whole_reports` come in no other files than such as belong here.
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
        """The columns as they stand in Parquet."""
        return pl.Schema({**LINEAGE_SCHEMA, **self.columns})


@dataclass(frozen=True)
class LoadedFile:
    """What one file gave."""

    rows: int
    rejects: int
    years: tuple[int, ...]


def load_bulk_table(
    entry: BulkTable, settings: Settings, on_progress: OnProgress = lambda name, done, total: None
) -> LoadResult:
    """Bring the Parquet of a bulk table up to date with its snapshots.

    A file that cannot be used leaves its rows of before as they are, and does not keep the others
    from being read; it is told at the end. Rows of files that are gone are removed.

    Raises:
        SnapshotError: files cannot be used, or there is no room for their rows.
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
    """Read one file, be it in a release yet or about to be.

    Without a release to hold the file, the next load of the table takes its rows away.

    Raises:
        SnapshotError: the file cannot be used, or there is no room for its rows.
    """
    with _only_loader(entry, settings):
        _write_schemas(entry, settings)
        return _held(entry, file, settings) or _read(entry, file, settings, on_progress)


def count_rows(
    entry: BulkTable, file: SnapshotFile, content: bytes, seeds: Path
) -> tuple[int, int]:
    """How many rows of a file that has just come can be used, and how many cannot.

    Of its rows no more are in memory than those of a few blocks; nothing is written.

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
    """Raises a SnapshotError for a file that is not what its sidecar promised."""
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
                # This thread unpacks and writes meanwhile.
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
        f"{file.snapshot_file}: not one of its rows can be used{why}. Correct the file or fetch"
        " it again."
    )


class _FileWriter:
    """The rows of one file on their way into a Parquet file a year, and its rejects into one.

    Nothing has its own name before all of it is written; left without `finish`, nothing stays.
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
        """Everything under its own name; the rejects first, of which the rows know."""
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
    # Nearly every block is of one year, and need not be taken apart.
    parts = (
        [frame]
        if years.min() == years.max() and frame.height
        else frame.partition_by(column, maintain_order=True)
    )
    for rows in parts:
        yield rows[0, column], rows


class _Part:
    """One Parquet file on its way; the temporary name does not end in .parquet."""

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
            # No reader skips rows by their text.
            write_statistics=[name for name, dtype in schema.items() if dtype != pl.String],
            store_decimal_as_integer=True,
            # Text is text to a reader, however it was handed over.
            store_schema=False,
        )

    def add(self, rows: pl.DataFrame) -> None:
        self.rows += rows.height
        self._waiting.append(rows)
        if sum(frame.height for frame in self._waiting) >= ROWS_A_GROUP:
            self._write(ROWS_A_GROUP)

    def close(self, state: Mapping[str, str]) -> None:
        """All rows and what the file says of itself are on the disk afterwards."""
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
            # Closing writes what is left, for which there may be no room.
            with _ignoring_errors():
                self._writer.close()
        self._temporary.unlink(missing_ok=True)

    def _write(self, least: int) -> None:
        """Whole groups of rows, as long as there are `least` left."""
        rows = pl.concat(self._waiting) if self._waiting else pl.DataFrame()
        while rows.height >= least and self._writer is not None:
            self._writer.write_table(_arrow(rows.head(ROWS_A_GROUP)), row_group_size=ROWS_A_GROUP)
            rows = rows.slice(ROWS_A_GROUP)
        self._waiting = [rows] if rows.height else []


def _arrow(rows: pl.DataFrame) -> pa.Table:
    """The rows with text as dictionaries, as Parquet holds it: that of a constant is one value."""
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
    """What was read of this file before, if all of it is there and would be read so again."""
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
    """A table without rows has its columns all the same."""
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
    """Hold a table's folder, whatever a killed loader left there taken away.

    The kernel lets go of it when the process dies.
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
            for begun in place.glob(f"{pattern}/*{_TEMPORARY}"):
                begun.unlink()
        yield


@contextmanager
def _writing(file: SnapshotFile, settings: Settings) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise NoRoom(
            f"{file.snapshot_file}: there is no room for its rows below {settings.raw}"
            f" ({error.strerror}). Make room and run again: what was there before is untouched."
        ) from error


@contextmanager
def _ignoring_errors() -> Generator[None]:
    try:
        yield
    except (OSError, pa.ArrowException):
        return


def _sync(path: Path) -> None:
    """What a name stands for must be on the disk before the name is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
