"""Publish an audited build: write metadata and exports, and replace the warehouse atomically."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.disk import fsync
from dagster_project.publication_record import write_record
from dagster_project.publish.audit import AuditFailed, FinishedBuild, audit
from dagster_project.publish.dbt_project import keys_by_node, left_out, question_models
from dagster_project.publish.exports import write_exports
from dagster_project.publish.links import (
    ReplaceRefused,
    beside,
    point,
    remove_folders_of,
    remove_unlinked,
    replace_link,
    require_managed_link,
)
from dagster_project.settings import Settings
from dagster_project.warehouse import (
    CATALOG,
    MARTS,
    QUESTIONS,
    STEPS,
    WarehouseError,
    is_served,
    open_file,
    published_record,
    quoted,
    tables_of,
    world_files,
)

_TEMPORARY = ".tmp"


@dataclass(frozen=True)
class PublishOutcome:
    """`published` is false if the same content is already published."""

    published: bool
    content_hash: str
    rows: Mapping[str, int]


def publish(
    settings: Settings,
    build: FinishedBuild,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> PublishOutcome:
    """Audit a finished build and make it the published warehouse, or change nothing.

    Raises:
        AuditFailed: a step failed or never ran; the published warehouse stays.
        WarehouseError: the build could not be closed cleanly.
    """
    problems = audit(build, left_out(settings, build.manifest))
    if problems:
        raise AuditFailed(problems)
    content_hash, rows = describe_content(build.file)
    with publish_lock(settings):
        require_free_names(settings)
        _remove_remains(settings)
        # The SQL of the parameterised models is stored beside the marts, so the same marts from
        # other inputs are published again.
        if is_served(settings, content_hash, build.input_hash):
            return PublishOutcome(False, content_hash, rows)
        publication = _write_meta(settings, build, content_hash, now())
        _checkpoint(build.file)
        world = world_files(build.file)
        for file in world:
            fsync(file)
        served = published_record(settings)
        folder = _write_folder(settings, build, publication, world)
        # This one rename publishes; the other links lead through this one.
        replace_link(folder, settings.published)
        _point_names(settings)
        _remove_world_remains(settings, world | {*(served.world if served else ())})
    return PublishOutcome(True, content_hash, rows)


def require_free_names(settings: Settings) -> None:
    """Refuse to publish where something else has a name that a publication needs.

    Raises:
        WarehouseError: says what to move away.
    """
    try:
        require_managed_link(settings.published)
        require_managed_link(settings.exports, within=Path(settings.published.name))
    except ReplaceRefused as error:
        raise WarehouseError(str(error)) from error
    if settings.warehouse.is_dir():
        raise WarehouseError(f"{settings.warehouse} is a folder; move it away and run this again.")


def describe_content(file: Path) -> tuple[str, dict[str, int]]:
    """A hash over the tables of marts, questions and intermediate, and the rows of each.

    Marts that are views are hashed through the tables they read.
    """
    connection = open_file(file, read_only=True)
    try:
        digest = hashlib.sha256()
        rows: dict[str, int] = {}
        tables = [
            (schema, name)
            for schema in (MARTS, QUESTIONS, STEPS)
            for name in tables_of(connection, schema)
        ]
        for schema, table in tables:
            columns = connection.execute(
                "select column_name, data_type from duckdb_columns()"
                " where database_name = ? and schema_name = ? and table_name = ?"
                " order by column_index",
                [CATALOG, schema, table],
            ).fetchall()
            # Sums do not depend on order and, unlike exclusive or, detect a duplicate row. Two
            # hashes of 64 bits, over the columns forwards and backwards, rule out collisions.
            forwards = [_hashable(name, data_type) for name, data_type in columns]
            count, low, high = _one_row(
                connection.execute(
                    "select count(*),"
                    f" coalesce(sum(hash({', '.join(forwards)}, 0)::hugeint), 0),"
                    f" coalesce(sum(hash({', '.join(reversed(forwards))}, 1)::hugeint), 0)"
                    f' from {CATALOG}.{schema}."{table}"'
                )
            )
            if schema == MARTS:
                rows[table] = count
            digest.update(repr((table, columns, count, low, high)).encode())
        return digest.hexdigest(), rows
    finally:
        connection.close()


def _hashable(column: str, data_type: str) -> str:
    """A column as an input of `hash`, which treats an empty list and null as equal."""
    is_nested = data_type.endswith("]") or data_type.startswith(("STRUCT", "MAP", "UNION"))
    return f'to_json("{column}")' if is_nested else f'"{column}"'


@contextmanager
def publish_lock(settings: Settings) -> Generator[None]:
    """Allow one publication at a time; the kernel releases the lock when the process ends."""
    settings.data_home.mkdir(parents=True, exist_ok=True)
    # Lock the folder itself, so that no lock file remains beside the data.
    folder = os.open(settings.data_home, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write_meta(
    settings: Settings, build: FinishedBuild, content_hash: str, published_at: datetime
) -> Mapping[str, Any]:
    """Describe the publication in the build; return its one row."""
    connection = open_file(build.file, read_only=False)
    try:
        connection.execute(f"use {CATALOG}")
        connection.execute("create schema if not exists meta")
        files = _parquet_glob(settings, "snapshots__files")
        rejects = _parquet_glob(settings, "snapshots__rejects")
        releases = _one_row(
            connection.execute(
                "select coalesce(map_from_entries(list((source_id, release_ids)"
                " order by source_id)), map {})::json::varchar"
                " from (select source_id, list(distinct release_id order by release_id)"
                f" as release_ids from read_parquet({files}) group by source_id)"
            )
        )[0]
        connection.execute(
            "create or replace table meta.publication (published_at timestamptz not null,"
            " run_id varchar not null, code_version varchar not null,"
            " input_hash varchar not null, content_hash varchar not null, as_of date,"
            " releases json not null)"
        )
        connection.execute(
            "insert into meta.publication values (?, ?, ?, ?, ?, ?, ?)",
            [
                published_at,
                build.run_id,
                build.code_version,
                build.input_hash,
                content_hash,
                settings.as_of,
                releases,
            ],
        )
        connection.execute(
            "create or replace table meta.question_models (ordinal integer primary key,"
            " model_name varchar not null, relation_name varchar not null,"
            " compiled_sql varchar not null, is_input boolean not null)"
        )
        models = question_models(build.manifest, build.results)
        if models:
            connection.executemany(
                "insert into meta.question_models values (?, ?, ?, ?, ?)", models
            )
        connection.execute(
            "create or replace table meta.keys (table_name varchar not null,"
            " key_columns varchar[] not null)"
        )
        nodes = build.manifest["nodes"]
        keys = [
            (nodes[unique_id]["name"], columns)
            for unique_id, columns in sorted(keys_by_node(build.manifest).items())
            if nodes[unique_id]["schema"] == MARTS
        ]
        if keys:
            connection.executemany("insert into meta.keys values (?, ?)", keys)
        connection.execute(
            f"create or replace table meta.rejects as select * from read_parquet({rejects})"
        )
        for relation, sentence in _META_COMMENTS.items():
            connection.execute(f"comment on {relation} is '{sentence}'")
        return {
            "published_at": published_at,
            "run_id": build.run_id,
            "code_version": build.code_version,
            "input_hash": build.input_hash,
            "content_hash": content_hash,
            "as_of": settings.as_of,
            "releases": json.loads(releases),
        }
    finally:
        connection.close()


_META_COMMENTS = {
    "table meta.publication": "One row: what is published, when, by which run, from which data.",
    "column meta.publication.published_at": "When this file replaced the previous one.",
    "column meta.publication.run_id": "The run that built it.",
    "column meta.publication.code_version": "Package version, with the commit where known.",
    "column meta.publication.input_hash": "Hash of all inputs: source files, SQL, parsers.",
    "column meta.publication.content_hash": "Hash over all marts, independent of row order.",
    "column meta.publication.as_of": "The as-of date; null means the latest data.",
    "column meta.publication.releases": "The releases of each source in this build.",
    "table meta.question_models": "The parameterised models behind the commands, in run order.",
    "table meta.keys": "The key columns of each mart, tested by the build.",
    "table meta.rejects": "The rejected source rows, with reasons.",
}


def _checkpoint(file: Path) -> None:
    connection = open_file(file, read_only=False)
    try:
        connection.execute(f"checkpoint {CATALOG}")
    finally:
        connection.close()
    if _wal(file).exists():
        raise WarehouseError(
            f"{_wal(file)} remains after the checkpoint, so {file.name} alone is incomplete. "
            "Close any other program that has the build open, and build again."
        )


def _remove_world_remains(settings: Settings, read: set[Path]) -> None:
    """Remove unused year files older than a day; newer ones may belong to a build."""
    latest = time.time() - 24 * 3600
    for file in settings.world.glob("*.parquet"):
        if file not in read and file.stat().st_mtime < latest:
            file.unlink(missing_ok=True)


def _write_folder(
    settings: Settings, build: FinishedBuild, publication: Mapping[str, Any], world: set[Path]
) -> Path:
    """Write warehouse, exports and their record into a new folder, complete or not at all."""
    folder = beside(settings.published, uuid.uuid4().hex)
    temporary = folder.with_name(f"{folder.name}{_TEMPORARY}")
    exports = temporary / settings.exports.name
    try:
        exports.mkdir(parents=True)
        shutil.copyfile(build.file, temporary / settings.warehouse.name)
        write_exports(
            build.file,
            exports,
            _parquet_glob(settings, "snapshots__files"),
            {name: publication[name] for name in ("content_hash", "code_version")},
        )
        write_record(temporary, publication, world)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    fsync(folder.parent)
    return folder


def _point_names(settings: Settings) -> None:
    """Point the names that readers use through the publication link, if they do not yet."""
    for link in (settings.warehouse, settings.exports):
        target = Path(settings.published.name) / link.name
        if not link.is_symlink() or link.readlink() != target:
            point(link, target)
    # A log beside the link, or one left by an older version that published the file itself.
    _wal(settings.warehouse).unlink(missing_ok=True)


def _remove_remains(settings: Settings) -> None:
    """Remove what a killed publication left; the lock ensures that none is running."""
    for path in settings.data_home.glob(".*.tmp"):
        with suppress(FileNotFoundError):
            path.unlink()
    for folder in settings.data_home.glob(f"{settings.published.name}.*{_TEMPORARY}"):
        shutil.rmtree(folder, ignore_errors=True)
    remove_unlinked(settings.published)
    if settings.exports.resolve().parent == settings.published.resolve():
        # Left by an older version that published exports separately.
        remove_folders_of(settings.exports)


def _parquet_glob(settings: Settings, table: str) -> str:
    return quoted(settings.raw / table / "**" / "*.parquet")


def _one_row(connection: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    row = connection.fetchone()
    assert row is not None, "an aggregate over all rows gives one row"
    return row


def _wal(file: Path) -> Path:
    return file.with_name(file.name + ".wal")
