"""The only door to DuckDB: every connection is opened here.

Every connection is an in-memory database to which the file is attached as `warehouse`.
DuckDB keeps one instance per path and process, so opening the published path directly
would hand out yesterday's file for as long as anyone in the process still holds it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from dagster_project.settings import Settings

CATALOG = "warehouse"
MARTS = "marts"
# What the commands ask with and answer from.
QUESTIONS = "questions"
# What the views among the marts are made of.
STEPS = "intermediate"

_READING_STATEMENTS = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN})


class WarehouseError(RuntimeError):
    """The warehouse cannot do what was asked; the message says what to do next."""


class WarehouseMissing(WarehouseError):
    """Nothing has been published yet."""


class QueryRefused(WarehouseError):
    """A query tried more than to read the published warehouse."""


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
    return open_file(path, read_only=True)


def connect_sandboxed(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open the published warehouse for a query that is not ours.

    No file but those its views read can be read, written or attached, nothing spills to disk,
    no extension is loaded and none of this can be switched back on. Use `execute_sandboxed`
    with it.

    Raises:
        WarehouseMissing: nothing has been published under this data home.
    """
    connection = connect_published(settings)
    connection.execute("set temp_directory = ''")
    # The world's trade stands in files of its own, which views of the warehouse read.
    connection.execute(f"set allowed_directories = [{quoted(settings.world)}]")
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
    except (duckdb.PermissionException, duckdb.IOException) as error:
        if _is_about_the_world(connection, error):
            raise QueryRefused(
                "The files of the world's trade are not where they were when the warehouse was"
                f" published ({_first_line(error)}). Run `bilateral build` to make them anew."
            ) from error
        if isinstance(error, duckdb.IOException):
            raise QueryRefused(str(error)) from error
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


def _is_about_the_world(connection: duckdb.DuckDBPyConnection, error: duckdb.Error) -> bool:
    try:
        row = connection.execute(
            f"select bool_or(contains(?, file)) from {CATALOG}.by_year.files", [str(error)]
        ).fetchone()
    except duckdb.Error:
        return False
    return row is not None and bool(row[0])


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


def world_files(warehouse: Path) -> set[Path]:
    """The files that the views of a warehouse read."""
    connection = open_file(warehouse, read_only=True)
    try:
        rows = connection.execute(f"select file from {CATALOG}.by_year.files").fetchall()
    except duckdb.CatalogException:
        return set()
    finally:
        connection.close()
    return {Path(file) for (file,) in rows}


def world_stands(settings: Settings) -> bool:
    """Whether the files that the published views read are there; not so in a moved data home."""
    return all(
        file.parent == settings.world and file.is_file() for file in world_files(settings.warehouse)
    )


def tables_of(connection: duckdb.DuckDBPyConnection, schema: str = MARTS) -> list[str]:
    """The names of the tables of a schema in an attached file, without its views."""
    rows = connection.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = ?"
        " order by table_name",
        [CATALOG, schema],
    ).fetchall()
    return [name for (name,) in rows]


def exports_match(settings: Settings, content_hash: str, input_hash: str) -> bool:
    """Whether the Parquet files beside the warehouse hold this very content."""
    exports = settings.exports
    return exports.is_dir() and exports.resolve().name == exports_name(content_hash, input_hash)


def open_file(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """An in-memory database with one file attached as `warehouse`.

    Raises:
        WarehouseError: it is no DuckDB file, or another process writes to it.
    """
    connection = duckdb.connect()
    # It would be drawn into the answer of a long query.
    connection.execute("set enable_progress_bar = false")
    mode = " (read_only)" if read_only else ""
    try:
        connection.execute(f"attach {quoted(path)} as {CATALOG}{mode}")
    except duckdb.Error as error:
        connection.close()
        raise WarehouseError(
            f"{path} cannot be opened: {_first_line(error)}. Run `make build` to make it anew."
        ) from error
    return connection


def usual_memory() -> str:
    """What the engine takes of this machine's memory if nobody says how much."""
    with duckdb.connect() as connection:
        [(amount,)] = connection.execute("select current_setting('memory_limit')").fetchall()
    return amount


def exports_name(content_hash: str, input_hash: str) -> str:
    """The folder of the Parquet files of this content, under the terms of these inputs."""
    digest = hashlib.sha256(f"{content_hash} {input_hash}".encode()).hexdigest()
    return f"exports.{digest[:16]}"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")


def quoted(path: Path) -> str:
    """A path as SQL text."""
    return "'" + str(path).replace("'", "''") + "'"
