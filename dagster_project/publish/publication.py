"""Publish an audited build: write metadata and exports, and replace the warehouse atomically."""

from __future__ import annotations

import fcntl
import hashlib
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

from dagster_project.publish.audit import AuditFailed, FinishedBuild, audit
from dagster_project.publish.dbt_project import keys_by_node, left_out, question_models
from dagster_project.publish.exports import write_exports
from dagster_project.publish.links import ReplaceRefused, fsync, replace_link
from dagster_project.settings import Settings
from dagster_project.warehouse import (
    CATALOG,
    MARTS,
    QUESTIONS,
    STEPS,
    WarehouseError,
    exports_match,
    exports_name,
    open_file,
    quoted,
    read_publication,
    tables_of,
    world_files,
    world_files_exist,
)


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
        _remove_remains(settings)
        current = read_publication(settings)
        # The SQL of the parameterised models is stored beside the marts, so the same marts from
        # other inputs are published again.
        if (
            current is not None
            and (current.content_hash, current.input_hash) == (content_hash, build.input_hash)
            and exports_match(settings, content_hash, build.input_hash)
            and world_files_exist(settings)
        ):
            return PublishOutcome(False, content_hash, rows)
        _write_meta(settings, build, content_hash, now())
        _checkpoint(build.file)
        world = world_files(build.file)
        for file in world:
            fsync(file)
        served = world_files(settings.warehouse) if current is not None else set()
        exports = _write_exports(settings, build, content_hash)
        _replace_file(build.file, settings.warehouse)
        try:
            replace_link(exports, settings.exports)
        except ReplaceRefused as error:
            raise WarehouseError(str(error)) from error
        _remove_world_remains(settings, world | served)
    return PublishOutcome(True, content_hash, rows)


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
) -> None:
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
    """Remove unused files of years that are a day old; newer ones may belong to a build."""
    latest = time.time() - 24 * 3600
    for file in settings.world.glob("*.parquet"):
        if file not in read and file.stat().st_mtime < latest:
            file.unlink(missing_ok=True)


def _write_exports(settings: Settings, build: FinishedBuild, content_hash: str) -> Path:
    target = settings.data_home / exports_name(content_hash, build.input_hash)
    if target.is_dir():
        return target
    temporary = target.with_name(f"{target.name}.tmp-{uuid.uuid4().hex[:8]}")
    temporary.mkdir()
    write_exports(
        build.file,
        temporary,
        _parquet_glob(settings, "snapshots__files"),
        {"content_hash": content_hash, "code_version": build.code_version},
    )
    for file in temporary.iterdir():
        fsync(file)
    temporary.rename(target)
    fsync(target.parent)
    return target


def _replace_file(source: Path, target: Path) -> None:
    temporary = target.with_name(f".{target.stem}.{uuid.uuid4().hex[:8]}.tmp")
    shutil.copyfile(source, temporary)
    fsync(temporary)
    # DuckDB would replay an old write-ahead log into the new file.
    _wal(target).unlink(missing_ok=True)
    temporary.replace(target)
    fsync(target.parent)


def _remove_remains(settings: Settings) -> None:
    """Remove what a killed publication left; the lock ensures that no other is running."""
    if not settings.data_home.is_dir():
        return
    for path in settings.data_home.glob(".*.tmp"):
        with suppress(FileNotFoundError):
            path.unlink()
    for folder in settings.data_home.glob(f"{settings.exports.name}.*.tmp-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _parquet_glob(settings: Settings, table: str) -> str:
    return quoted(settings.raw / table / "**" / "*.parquet")


def _one_row(connection: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    row = connection.fetchone()
    assert row is not None, "an aggregate over all rows gives one row"
    return row


def _wal(file: Path) -> Path:
    return file.with_name(file.name + ".wal")
