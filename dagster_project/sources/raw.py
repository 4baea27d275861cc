"""Raw: snapshots as typed Parquet, one folder per table, one partition per release."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

import polars as pl

from dagster_project.settings import Settings
from dagster_project.sources.blocks import unpacked
from dagster_project.sources.parsing import (
    Parsed,
    reject_duplicates,
    rejects_frame,
    without_later_periods,
)
from dagster_project.sources.partitions import (
    FINGERPRINT,
    PART,
    PREFIX,
    SCHEMA_FILE,
    partition_file,
    state_of,
    write,
    write_if_changed,
)
from dagster_project.sources.release_diff import write_withdrawn
from dagster_project.sources.snapshot import (
    Release,
    SnapshotError,
    SnapshotFile,
    discover,
    discover_releases,
    read_verified,
)
from dagster_project.sources.workbooks import readable

SNAPSHOT_FILES_TABLE = "snapshots__files"
REJECTS_TABLE = "snapshots__rejects"

LINEAGE_SCHEMA: dict[str, pl.DataType] = {
    "release_id": pl.String(),
    "snapshot_sha256": pl.String(),
    "snapshot_file": pl.String(),
}

REJECTS_SCHEMA: dict[str, pl.DataType] = {
    "source_id": pl.String(),
    "table_name": pl.String(),
    "release_id": pl.String(),
    "snapshot_file": pl.String(),
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "value": pl.String(),
    "reason": pl.String(),
}

SNAPSHOT_FILES_SCHEMA: dict[str, pl.DataType] = {
    "source_id": pl.String(),
    "release_id": pl.String(),
    "table_name": pl.String(),
    "snapshot_file": pl.String(),
    "layout": pl.String(),
    "address": pl.String(),
    "retrieved_on": pl.Date(),
    "known_from": pl.Date(),
    "known_from_precision": pl.String(),
    "retrieved_at": pl.Datetime("us"),
    "sha256": pl.String(),
    "bytes": pl.Int64(),
    "licence": pl.String(),
    "redistributable": pl.Boolean(),
    "covers": pl.String(),
    "composed_from": pl.String(),
    "note": pl.String(),
}

REJECTED = "bilateral.rejected"
ROWS = "bilateral.rows"
_FILE_LINEAGE = ("release_id", "snapshot_sha256", "snapshot_file", "row_number", "column_name")


FileParser = Callable[[bytes, SnapshotFile], Parsed]
# Whether a file's content and name match a layout.
Sign = Callable[[bytes, str], bool]


def _is_any(_content: bytes, _name: str) -> bool:
    return True


@dataclass(frozen=True)
class OwnTotal:
    """The rows of a table that are the publisher's own totals of its other rows.

    Totals have `value` in the column `level`. Rows with each other value form a set of parts whose
    `amount` adds up to the total with the same `by` columns.
    """

    level: str
    value: str
    amount: str
    by: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """What raw tables have in common, whether files are read whole (`SourceTable`) or not.

    The parser of a table reads the reference `seeds` and fills `columns`; loading adds the lineage.
    `layout_detectors` recognise, by layout, a file without a sidecar. `headers` are the columns of
    layouts with a fixed header, to name the nearest one to an unknown file.
    """

    source_id: str
    table: str
    description: str
    layouts: frozenset[str]
    seeds: tuple[str, ...]
    columns: Mapping[str, pl.DataType]
    calendar: str
    layout_detectors: Mapping[str, Sign] = field(default_factory=dict, compare=False)
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict, compare=False)

    def readable(self, content: bytes, file: SnapshotFile) -> bytes:
        """What the parser of a file's layout reads; see `workbooks.readable`.

        Raises:
            SnapshotError: a workbook that cannot be read, or without a sheet of the layout.
        """
        is_shown = self.layout_detectors.get(file.layout, _is_any)
        return readable(content, file.snapshot_file, file.layout, is_shown)

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


@dataclass(frozen=True, kw_only=True)
class SourceTable(RawTable):
    """One raw table.

    `parser` takes the folder of the reference seeds and returns the function that parses one file;
    callers use `file_parser`, which also reads workbooks. `primary_key` is unique within one
    release. A change in `values` makes a row new, and `period` gives a row's last month as YYYY-MM:
    both are used to find what is new in a later release. A row may give more figures than that of
    `column_name`: `second_columns` hold their columns in the file, or null. `total` describes the
    publisher's own totals, if any.
    """

    parser: Callable[[Path], FileParser]
    primary_key: tuple[str, ...]
    values: tuple[str, ...] = ()
    period: pl.Expr | None = field(default=None, compare=False)
    second_columns: tuple[str, ...] = ()
    total: OwnTotal | None = None

    def file_parser(self, seeds: Path) -> FileParser:
        """The parser of plain and packed files, and of the part of a workbook with the layout.

        It also rejects the rows of periods that were not over on the day a file was known from.
        """
        parse, period = self.parser(seeds), self.period

        def parse_file(content: bytes, file: SnapshotFile) -> Parsed:
            plain = unpacked(content, file.snapshot_file)
            parsed = parse(self.readable(plain, file), file)
            if period is None:
                return parsed
            return without_later_periods(parsed, period, file.known_from)

        return parse_file


@dataclass(frozen=True)
class LoadResult:
    """The result of loading a table; ids are those of releases.

    `unusable` says, by release or file, why it cannot be used; `releases` are the others.
    """

    table: str
    rows: int
    rejects: int
    releases: tuple[str, ...]
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    unusable: Mapping[str, str] = field(default_factory=dict)


def load_table(entry: SourceTable, settings: Settings) -> LoadResult:
    """Update the raw Parquet of one table from its snapshots.

    A release whose bytes, parser and reference codes are unchanged is not rewritten; a release
    removed from the snapshots is deleted. One that cannot be used has no rows, and one reject that
    says why; the others are not affected.
    """
    folder = settings.raw / entry.table
    rows = rejected = 0
    usable: list[Release] = []
    written: list[str] = []
    unusable: dict[str, str] = {}
    parse: FileParser | None = None
    write_schemas(entry, settings.raw)
    for release in discover_releases(settings.snapshot_roots):
        files = release.files_of(entry.table)
        if not files:
            continue
        fingerprint = fingerprint_of(entry, files, settings.seeds)
        state = state_of(partition_file(folder, release.release_id))
        rejects_file = rejects_file_of(settings.raw, entry.table, release.release_id)
        try:
            contents = [read_verified(file) for file in files]
            if (
                state.get(FINGERPRINT) == fingerprint
                and (state[REJECTED] == "0") != rejects_file.exists()
            ):
                rows, rejected = rows + int(state[ROWS]), rejected + int(state[REJECTED])
            else:
                parse = parse or entry.file_parser(settings.seeds)
                one = _parse_release(entry, release, files, contents, parse)
                _write_partition(entry, release.release_id, one, fingerprint, settings.raw)
                written.append(release.release_id)
                rows, rejected = rows + one.frame.height, rejected + one.rejects.height
            usable.append(release)
        except SnapshotError as error:
            unusable[release.release_id] = str(error)
    ids = [release.release_id for release in usable]
    removed = _remove_vanished(entry.table, settings.raw, ids)
    for release_id, reason in unusable.items():
        path = rejects_file_of(settings.raw, entry.table, release_id)
        write_unusable(path, entry, release_id, f"{entry.source_id}/{release_id}", reason)
    write_withdrawn(entry, usable, settings.raw)
    return LoadResult(
        table=entry.table,
        rows=rows,
        rejects=rejected,
        releases=tuple(ids),
        written=tuple(written),
        unchanged=tuple(release_id for release_id in ids if release_id not in written),
        removed=removed,
        unusable=unusable,
    )


def load_index(entries: Sequence[RawTable], settings: Settings) -> LoadResult:
    """Write the list of all files of all releases, and the releases that cannot be used.

    Raises:
        SnapshotError: there is no usable release.
    """
    releases, unusable = discover(settings.snapshot_roots)
    tables = {(entry.source_id, entry.table) for entry in entries}
    faults = [(one.source_id, one.release_id, one.reason) for one in unusable]
    for file in (file for release in releases for file in release.files):
        if (file.source_id, file.table) not in tables:
            reason = (
                f"{file.snapshot_file}: the sidecar says table {file.table!r}, which the"
                f" catalog does not have for {file.source_id}. Known:"
                f" {', '.join(table for _, table in sorted(tables))}."
            )
            faults.append((file.source_id, file.release_id, reason))
    index = pl.DataFrame(
        [
            _index_row(release, file)
            for release in releases
            for file in release.files
            if (file.source_id, file.table) in tables
        ],
        schema=SNAPSHOT_FILES_SCHEMA,
        orient="row",
    )
    listed = [
        {
            "source_id": source_id,
            "table_name": SNAPSHOT_FILES_TABLE,
            "release_id": release_id,
            "snapshot_file": f"{source_id}/{release_id}",
            "reason": reason,
        }
        for source_id, release_id, reason in faults
    ]
    rejects = pl.DataFrame(listed, schema=REJECTS_SCHEMA, orient="row")
    write_if_changed(rejects_file_of(settings.raw, SNAPSHOT_FILES_TABLE, ""), rejects)
    folder = settings.raw / SNAPSHOT_FILES_TABLE
    write_if_changed(folder / SCHEMA_FILE, index.clear())
    is_written = write_if_changed(folder / PART, index)
    ids = tuple(f"{release.source_id}/{release.release_id}" for release in releases)
    return LoadResult(
        table=SNAPSHOT_FILES_TABLE,
        rows=index.height,
        rejects=0,
        releases=ids,
        written=ids if is_written else (),
        unchanged=() if is_written else ids,
        removed=(),
        unusable={f"{source_id}/{release_id}": reason for source_id, release_id, reason in faults},
    )


def _index_row(release: Release, file: SnapshotFile) -> dict[str, object]:
    row = {
        **vars(release),
        **vars(file),
        "table_name": file.table,
        "snapshot_file": file.snapshot_file,
        "retrieved_at": release.moment[1].replace(tzinfo=None),
        "covers": None if file.covers is None else json.dumps(asdict(file.covers)),
    }
    return {column: row[column] for column in SNAPSHOT_FILES_SCHEMA}


def _parse_release(
    entry: SourceTable,
    release: Release,
    files: Sequence[SnapshotFile],
    contents: Sequence[bytes],
    parse: FileParser,
) -> Parsed:
    frames = [pl.DataFrame(schema=entry.schema)]
    rejects = [rejects_frame().with_columns(pl.lit("").alias(name) for name in LINEAGE_SCHEMA)]
    for file, content in zip(files, contents, strict=True):
        check_layout(file, entry.layouts)
        if file.is_empty:
            continue
        result = parse(content, file)
        if result.frame.is_empty():
            raise no_usable_row(file, result.first_reject())
        lineage = (
            pl.lit(release.release_id).alias("release_id"),
            pl.lit(file.sha256).alias("snapshot_sha256"),
            pl.lit(file.snapshot_file).alias("snapshot_file"),
        )
        frames.append(result.frame.with_columns(lineage).select(list(entry.schema)))
        rejects.append(result.rejects.with_columns(lineage))
    frame, duplicates = reject_duplicates(
        pl.concat(frames), list(entry.primary_key), list(_FILE_LINEAGE)
    )
    listed = (
        pl.concat([*rejects, duplicates.select(rejects[0].columns)])
        .with_columns(source_id=pl.lit(entry.source_id), table_name=pl.lit(entry.table))
        .select(list(REJECTS_SCHEMA))
        .sort("snapshot_file", "row_number", maintain_order=True)
    )
    return Parsed(frame, listed)


def check_layout(file: SnapshotFile, layouts: frozenset[str]) -> None:
    if file.layout not in layouts:
        raise SnapshotError(
            f"{file.snapshot_file}: the sidecar says layout {file.layout!r}, which"
            f" {file.table} does not read. Known: {', '.join(sorted(layouts))}."
        )


def no_usable_row(file: SnapshotFile, first_reject: str) -> SnapshotError:
    return SnapshotError(
        f"{file.snapshot_file}: none of its rows can be used{first_reject}. Correct the file or"
        " fetch it again."
    )


def fingerprint_of(entry: RawTable, files: Sequence[SnapshotFile], seeds: Path) -> str:
    """A hash of everything the partition's content depends on."""
    parts = {
        "code": code_hash(),
        "files": [
            (file.snapshot_file, file.layout, file.sha256, f"{file.known_from}") for file in files
        ],
        "seeds": [(name, _hash_of(seeds / name)) for name in entry.seeds],
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@lru_cache(maxsize=1)
def code_hash() -> str:
    """A hash of this package, so that a changed parser is never mistaken for an old one.

    It includes the version of Polars, which writes the bytes.
    """
    digest = hashlib.sha256(pl.__version__.encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "absent"


def rejects_file_of(raw: Path, table: str, release_id: str) -> Path:
    return raw / REJECTS_TABLE / f"{PREFIX}{table}~{release_id}" / PART


def rejects_pattern(table: str, ending: str = ".parquet") -> str:
    """The rejects of every release of a table, below the raw folder."""
    return f"{REJECTS_TABLE}/{PREFIX}{table}~*/*{ending}"


def write_schemas(entry: RawTable, raw: Path) -> None:
    """Write the columns of a table and of the rejects, which so exist even without rows."""
    write_if_changed(raw / entry.table / SCHEMA_FILE, pl.DataFrame(schema=entry.schema))
    write_if_changed(raw / REJECTS_TABLE / SCHEMA_FILE, pl.DataFrame(schema=REJECTS_SCHEMA))


def _write_partition(
    entry: SourceTable, release_id: str, parsed: Parsed, fingerprint: str, raw: Path
) -> None:
    """Write the rejects first: the partition's own file marks both as complete."""
    rejects_file = rejects_file_of(raw, entry.table, release_id)
    if parsed.rejects.is_empty():
        shutil.rmtree(rejects_file.parent, ignore_errors=True)
    else:
        write(rejects_file, parsed.rejects, {})
    state = {
        FINGERPRINT: fingerprint,
        REJECTED: str(parsed.rejects.height),
        ROWS: str(parsed.frame.height),
    }
    write(partition_file(raw / entry.table, release_id), parsed.frame, state)


def write_unusable(path: Path, entry: RawTable, release_id: str, name: str, reason: str) -> None:
    """Write the reject of a release, or a file of it, that cannot be used: it has no row number."""
    rejects = pl.DataFrame(
        [
            {
                "source_id": entry.source_id,
                "table_name": entry.table,
                "release_id": release_id,
                "snapshot_file": name,
                "reason": reason,
            }
        ],
        schema=REJECTS_SCHEMA,
        orient="row",
    )
    write_if_changed(path, rejects)


def _remove_vanished(table: str, raw: Path, ids: Sequence[str]) -> tuple[str, ...]:
    there = {path.name.removeprefix(PREFIX) for path in (raw / table).glob(f"{PREFIX}*")}
    removed = tuple(sorted(there - set(ids)))
    for release_id in removed:
        shutil.rmtree(partition_file(raw / table, release_id).parent, ignore_errors=True)
    kept = {rejects_file_of(raw, table, release_id).parent.name for release_id in ids}
    for folder in (raw / REJECTS_TABLE).glob(f"{PREFIX}{table}~*"):
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)
    return removed
