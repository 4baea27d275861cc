"""The only door to DuckDB: connect, audit, publish.

Belongs here: every call of `duckdb.connect`, the audit that precedes a publication, and
the swap that makes a build the published warehouse. Does not belong here: what the
tables mean (SQL in `dbt/`), who asks for a build (`build.py`) or how Dagster shows it.

Every connection is an in-memory database to which the file is attached as `warehouse`.
DuckDB keeps one instance per path and process, so opening the published path directly
would hand out yesterday's file for as long as anyone in the process still holds it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.settings import Settings

CATALOG = "warehouse"
MARTS = "marts"
QUESTION_TAG = "question"
QUESTION_INPUT_TAG = "question_input"

# A test that only warns has said what its author wanted it to say; all else must pass.
GOOD_STATUSES = frozenset({"success", "pass", "warn"})
_READING_STATEMENTS = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN})


class WarehouseError(RuntimeError):
    """The warehouse cannot do what was asked; the message says what to do next."""


class WarehouseMissing(WarehouseError):
    """Nothing has been published yet."""


class QueryRefused(WarehouseError):
    """A query tried more than to read the published warehouse."""


class AuditFailed(WarehouseError):
    """A build is not fit to be published; `problems` says why, one sentence each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__(
            "The build was not published, the warehouse of before is still served:\n"
            + "\n".join(f"  - {problem}" for problem in problems)
        )


@dataclass(frozen=True)
class Publication:
    """The one row of `meta.publication`."""

    published_at: datetime
    run_id: str
    code_version: str
    input_hash: str
    content_hash: str
    as_of: date | None
    releases: Mapping[str, list[str]]


@dataclass(frozen=True)
class FinishedBuild:
    """What dbt left behind: a file, the plan it followed, and how each step ended.

    `results` maps a dbt unique id to its last run result.
    """

    file: Path
    run_id: str
    manifest: Mapping[str, Any]
    results: Mapping[str, Mapping[str, Any]]
    input_hash: str
    code_version: str


@dataclass(frozen=True)
class PublishOutcome:
    """`published` is false when the same content already stands there."""

    published: bool
    content_hash: str
    rows: Mapping[str, int]


# ---------------------------------------------------------------------------
# Connect
# ---------------------------------------------------------------------------


def connect_published(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open the published warehouse for reading; `marts.x` resolves without a prefix.

    Raises:
        WarehouseMissing: nothing has been published under this data home.
    """
    connection = connect_answering(settings)
    connection.execute(f"use {CATALOG}")
    return connection


def connect_answering(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open an empty scratch database with the published warehouse beside it, read-only.

    What is created lands in memory, so that a model can be answered again over other
    input without touching the file.

    Raises:
        WarehouseMissing: nothing has been published under this data home.
    """
    path = settings.warehouse
    if not path.is_file():
        raise WarehouseMissing(
            f"There is no published warehouse at {path}. Run `make build` to make one."
        )
    return _attach(path, read_only=True)


def connect_sandboxed(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open the published warehouse for a query that is not ours.

    No other file can be read, written or attached, nothing spills to disk, no extension
    is loaded and none of this can be switched back on. Use `execute_sandboxed` with it.

    Raises:
        WarehouseMissing: nothing has been published under this data home.
    """
    connection = connect_published(settings)
    connection.execute("set temp_directory = ''")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def execute_sandboxed(
    connection: duckdb.DuckDBPyConnection, query: str
) -> duckdb.DuckDBPyConnection:
    """Run a query that may only read; the connection then holds the last result.

    Raises:
        QueryRefused: the text is empty, does not parse, names something that is not
            there, or wants more than to read.
    """
    try:
        statements = connection.extract_statements(query)
        if not statements:
            raise QueryRefused("The query is empty. Write one, such as: from marts.claims")
        for statement in statements:
            # A pivot is split into a statement without text, which makes its value type,
            # and the select that was written.
            if statement.type in _READING_STATEMENTS or not statement.query:
                continue
            raise QueryRefused(
                f"{statement.type.name} is refused, since the warehouse is only read here. "
                "Write a select; to keep a result, let the command write it with --format."
            )
        return connection.execute(query)
    except duckdb.PermissionException as error:
        raise QueryRefused(
            f"{_first_line(error)}. Only the tables of the warehouse can be read here; "
            "`show all tables` lists them."
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise QueryRefused(
            f"{_first_line(error)}. Nothing is spilled to disk here: select fewer rows or columns."
        ) from error
    except duckdb.Error as error:
        raise QueryRefused(str(error)) from error


class PublishedReader:
    """A reader that stays open and follows each publication.

    A connection keeps the file it opened, also when another has taken its place; the
    inode tells when that has happened.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._inode: int | None = None
        self._connection: duckdb.DuckDBPyConnection | None = None

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor on what is published now.

        Raises:
            WarehouseMissing: nothing has been published under this data home.
        """
        try:
            inode = self._settings.warehouse.stat().st_ino
        except FileNotFoundError:
            inode = None
        if self._connection is None or inode != self._inode:
            self.close()
            self._connection = connect_published(self._settings)
            self._inode = inode
        return self._use_catalog(self._connection.cursor())

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def _use_catalog(cursor: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        # The default catalog belongs to a cursor, not to the connection it came from.
        cursor.execute(f"use {CATALOG}")
        return cursor


def read_publication(settings: Settings) -> Publication | None:
    """What is published now, or none; a file without the row counts as none."""
    try:
        connection = connect_published(settings)
    except WarehouseMissing:
        return None
    try:
        row = connection.execute(
            "select published_at, run_id, code_version, input_hash, content_hash, as_of, releases"
            " from meta.publication"
        ).fetchone()
    except duckdb.CatalogException:
        return None
    finally:
        connection.close()
    if row is None:
        return None
    return Publication(*row[:6], releases=json.loads(row[6]))


def exports_match(settings: Settings, content_hash: str) -> bool:
    """Whether the Parquet files beside the warehouse hold this very content."""
    exports = settings.exports
    return exports.is_dir() and exports.resolve().name == _exports_name(content_hash)


def _attach(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    mode = " (read_only)" if read_only else ""
    try:
        connection.execute(f"attach {_quoted(path)} as {CATALOG}{mode}")
    except duckdb.Error as error:
        connection.close()
        raise WarehouseError(
            f"{path} cannot be opened: {_first_line(error)}. Run `make build` to make it anew."
        ) from error
    return connection


# ---------------------------------------------------------------------------
# Audit
# ---------------------------------------------------------------------------


def audit(build: FinishedBuild) -> tuple[str, ...]:
    """Why this build may not be published; empty when nothing speaks against it.

    The plan is compared with the results, not the results alone read: a model that was
    never run, or a test that was never asked, is as bad as one that failed.
    """
    problems = []
    planned = [
        node
        for node in (*build.manifest["nodes"].values(), *build.manifest["unit_tests"].values())
        if _is_executed(node)
    ]
    if not any(node["resource_type"] == "model" for node in planned):
        problems.append("The plan has no model at all; is this the dbt project of this build?")
    for node in sorted(planned, key=lambda node: node["unique_id"]):
        result = build.results.get(node["unique_id"])
        if result is None:
            problems.append(f"{_spoken(node)} was never run.")
        elif result["status"] not in GOOD_STATUSES:
            message = (result.get("message") or "no message").strip().splitlines()[0]
            problems.append(f"{_spoken(node)} ended as {result['status']}: {message}")
    planned_names = {node["unique_id"] for node in planned}
    for name, result in sorted(build.results.items()):
        # Hooks are run but not planned as nodes; what they leave undone is missed later.
        if name not in planned_names and result["status"] not in GOOD_STATUSES:
            problems.append(f"{name} ended as {result['status']}: {result.get('message')}")
    if not build.file.is_file():
        return (*problems, f"{build.file} does not exist.")
    connection = _attach(build.file, read_only=True)
    try:
        present = {
            f"{schema}.{name}"
            for schema, name in connection.execute(
                "select table_schema, table_name from information_schema.tables"
                f" where table_catalog = '{CATALOG}'"
            ).fetchall()
        }
    finally:
        connection.close()
    for node in planned:
        relation = f"{node.get('schema')}.{node.get('alias')}"
        if node["resource_type"] in {"model", "seed"} and relation not in present:
            problems.append(f"{_spoken(node)} left no table {relation} in the build.")
    return tuple(problems)


def _is_executed(node: Mapping[str, Any]) -> bool:
    config = node.get("config", {})
    return (
        node["resource_type"] in {"model", "seed", "test", "unit_test"}
        and config.get("enabled", True)
        and config.get("materialized") != "ephemeral"
    )


def _spoken(node: Mapping[str, Any]) -> str:
    return f"{node['resource_type'].replace('_', ' ').capitalize()} {node['name']}"


# ---------------------------------------------------------------------------
# Publish
# ---------------------------------------------------------------------------


def publish(
    settings: Settings,
    build: FinishedBuild,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> PublishOutcome:
    """Audit a finished build and make it the published warehouse, or change nothing.

    Raises:
        AuditFailed: a step failed or was never run; what was published stays.
        WarehouseError: the build could not be closed cleanly.
    """
    problems = audit(build)
    if problems:
        raise AuditFailed(problems)
    content_hash, rows = describe_content(build.file)
    with publish_lock(settings):
        _remove_remains(settings)
        current = read_publication(settings)
        # What answers a question is stored beside the marts, so the same marts made by
        # other inputs are still worth a publication.
        if (
            current is not None
            and (current.content_hash, current.input_hash) == (content_hash, build.input_hash)
            and exports_match(settings, content_hash)
        ):
            return PublishOutcome(False, content_hash, rows)
        _write_meta(settings, build, content_hash, now())
        _checkpoint(build.file)
        exports = _write_exports(settings, build, content_hash)
        _swap_file(build.file, settings.warehouse)
        _swap_link(exports, settings.exports)
    return PublishOutcome(True, content_hash, rows)


def describe_content(file: Path) -> tuple[str, dict[str, int]]:
    """A hash over all marts, whatever the order of their rows, and the rows of each."""
    connection = _attach(file, read_only=True)
    try:
        digest = hashlib.sha256()
        rows: dict[str, int] = {}
        for table in _marts_tables(connection):
            columns = connection.execute(
                "select column_name, data_type from duckdb_columns()"
                " where database_name = ? and schema_name = ? and table_name = ?"
                " order by column_index",
                [CATALOG, MARTS, table],
            ).fetchall()
            # Sums do not depend on order and, unlike exclusive or, see a doubled row.
            count, low, high = _one_row(
                connection.execute(
                    "select count(*),"
                    " coalesce(sum(md5_number_lower(to_json(t)::varchar)::hugeint), 0),"
                    " coalesce(sum(md5_number_upper(to_json(t)::varchar)::hugeint), 0)"
                    f' from {CATALOG}.{MARTS}."{table}" as t'
                )
            )
            rows[table] = count
            digest.update(repr((table, columns, count, low, high)).encode())
        return digest.hexdigest(), rows
    finally:
        connection.close()


@contextmanager
def publish_lock(settings: Settings) -> Generator[None]:
    """One publication at a time; the kernel lets go of it when its holder dies."""
    settings.data_home.mkdir(parents=True, exist_ok=True)
    # The folder itself is locked, so that no lock file is left beside the data.
    folder = os.open(settings.data_home, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write_meta(
    settings: Settings, build: FinishedBuild, content_hash: str, published_at: datetime
) -> None:
    connection = _attach(build.file, read_only=False)
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
        models = question_models(build)
        if models:
            connection.executemany(
                "insert into meta.question_models values (?, ?, ?, ?, ?)", models
            )
        connection.execute(
            f"create or replace table meta.rejects as select * from read_parquet({rejects})"
        )
        for relation, sentence in _META_COMMENTS.items():
            connection.execute(f"comment on {relation} is '{sentence}'")
    finally:
        connection.close()


_META_COMMENTS = {
    "table meta.publication": "One row: what is published, when, by which run, from which data.",
    "column meta.publication.published_at": "When this file took the place of the one before.",
    "column meta.publication.run_id": "The run that built it.",
    "column meta.publication.code_version": "Package version, with the commit where known.",
    "column meta.publication.input_hash": "Hash of all a build reads: snapshots, SQL, parsers.",
    "column meta.publication.content_hash": "Hash over all marts, whatever their row order.",
    "column meta.publication.as_of": "The day whose knowledge is shown; null means all held.",
    "column meta.publication.releases": "The releases of each source that went in.",
    "table meta.question_models": "The models that answer a question, in the order to run them.",
    "table meta.rejects": "The raw rows that were refused, and why.",
}


def question_models(build: FinishedBuild) -> list[tuple[int, str, str, str, bool]]:
    """The models tagged as answering a question, each after those it reads from."""
    tagged = {
        unique_id: node
        for unique_id, node in build.manifest["nodes"].items()
        if node["resource_type"] == "model"
        and QUESTION_TAG in node["tags"]
        and node["config"]["materialized"] != "ephemeral"
    }
    ordered: list[str] = []

    def visit(unique_id: str) -> None:
        if unique_id in ordered:
            return
        for parent in sorted(_ancestors(build.manifest, unique_id) & tagged.keys()):
            visit(parent)
        ordered.append(unique_id)

    for unique_id in sorted(tagged):
        visit(unique_id)
    return [
        (
            ordinal,
            tagged[unique_id]["name"],
            build.results[unique_id]["relation_name"],
            build.results[unique_id]["compiled_code"],
            QUESTION_INPUT_TAG in tagged[unique_id]["tags"],
        )
        for ordinal, unique_id in enumerate(ordered, start=1)
    ]


def _ancestors(manifest: Mapping[str, Any], unique_id: str) -> set[str]:
    found: set[str] = set()
    waiting = list(manifest["parent_map"].get(unique_id, []))
    while waiting:
        parent = waiting.pop()
        if parent not in found:
            found.add(parent)
            waiting.extend(manifest["parent_map"].get(parent, []))
    return found


def _checkpoint(file: Path) -> None:
    connection = _attach(file, read_only=False)
    try:
        connection.execute(f"checkpoint {CATALOG}")
    finally:
        connection.close()
    if _wal(file).exists():
        raise WarehouseError(
            f"{_wal(file)} is left after the checkpoint, so {file.name} alone is not whole; "
            "close whatever else has the build open and build again."
        )


def _write_exports(settings: Settings, build: FinishedBuild, content_hash: str) -> Path:
    target = settings.data_home / _exports_name(content_hash)
    if target.is_dir():
        return target
    temporary = target.with_name(f"{target.name}.tmp-{uuid.uuid4().hex[:8]}")
    temporary.mkdir()
    connection = _attach(build.file, read_only=True)
    try:
        for table in _marts_tables(connection):
            file = temporary / f"{table}.parquet"
            connection.execute(
                f'copy {CATALOG}.{MARTS}."{table}" to {_quoted(file)} (format parquet,'
                f" kv_metadata {{content_hash: '{content_hash}', table_name: '{table}',"
                f" code_version: '{build.code_version}'}})"
            )
            _fsync(file)
    finally:
        connection.close()
    temporary.rename(target)
    _fsync(target.parent)
    return target


def _swap_file(source: Path, target: Path) -> None:
    temporary = target.with_name(f".{target.stem}.{uuid.uuid4().hex[:8]}.tmp")
    shutil.copyfile(source, temporary)
    _fsync(temporary)
    # A log beside the published name would be replayed into the new file.
    _wal(target).unlink(missing_ok=True)
    temporary.replace(target)
    _fsync(target.parent)


def _swap_link(folder: Path, link: Path) -> None:
    if link.is_dir() and not link.is_symlink():
        raise WarehouseError(
            f"{link} is a folder that no build made; move it away and build again."
        )
    before = link.resolve() if link.is_symlink() else None
    temporary = link.with_name(f".{link.name}.{uuid.uuid4().hex[:8]}.tmp")
    temporary.symlink_to(folder.name)
    temporary.replace(link)
    _fsync(link.parent)
    # The files of before stay for whoever is reading them; those before them go.
    for other in link.parent.glob(f"{link.name}.*"):
        if other.is_dir() and other not in {folder, before}:
            shutil.rmtree(other, ignore_errors=True)


def _remove_remains(settings: Settings) -> None:
    """Remove what a killed publication left; the lock says that nobody is writing it."""
    if not settings.data_home.is_dir():
        return
    for path in settings.data_home.glob(".*.tmp"):
        with suppress(FileNotFoundError):
            path.unlink()
    for folder in settings.data_home.glob(f"{settings.exports.name}.*.tmp-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _marts_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = ?"
        " order by table_name",
        [CATALOG, MARTS],
    ).fetchall()
    return [name for (name,) in rows]


def _exports_name(content_hash: str) -> str:
    return f"exports.{content_hash[:16]}"


def _parquet_glob(settings: Settings, table: str) -> str:
    return _quoted(settings.raw / table / "**" / "*.parquet")


def _one_row(connection: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    row = connection.fetchone()
    assert row is not None, "an aggregate over all rows gives one row"
    return row


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _wal(file: Path) -> Path:
    return file.with_name(file.name + ".wal")


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
