"""The only module that opens DuckDB files.

Every connection is an in-memory database with the file attached as `warehouse`. DuckDB keeps one
instance per path and process, so opening the published path directly would return the previous
file while anything in the process still has it open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from dagster_project.publication_record import Record, altered_files, read_record
from dagster_project.query_policy import NotAllowed, Policy
from dagster_project.settings import Settings

CATALOG = "warehouse"
MARTS = "marts"
# The parameterised models behind the commands.
QUESTIONS = "questions"
# The models that the views among the marts read.
STEPS = "intermediate"

# The lock of a program that opened the file for writing, in the words of DuckDB.
_LOCKED = re.compile(r"Conflicting lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")


class WarehouseError(RuntimeError):
    """The warehouse cannot answer; the message says what to do next."""


class WarehouseMissing(WarehouseError):
    """Nothing has been published yet."""


class WarehouseLocked(WarehouseError):
    """Another program has the file open for writing, so DuckDB lets nobody read it."""


class WarehouseAltered(WarehouseError):
    """The file is not the one that was published."""


class QueryRefused(WarehouseError):
    """A query failed, or tried to do more than read the published warehouse."""


class WarehouseRefused(WarehouseError):
    """The SQL stored in a file does more than read, or is not that of this code."""


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


def connect_published(
    settings: Settings, options: Mapping[str, str] | None = None
) -> duckdb.DuckDBPyConnection:
    """Open the published warehouse for reading; `marts.x` resolves without a prefix.

    Raises:
        WarehouseMissing: nothing has been published under this data home.
        WarehouseRefused: a view or macro of it does more than read.
    """
    connection = connect_answering(settings, options)
    connection.execute(f"use {CATALOG}")
    return connection


def connect_answering(
    settings: Settings, options: Mapping[str, str] | None = None
) -> duckdb.DuckDBPyConnection:
    """Open an empty scratch database with the published warehouse attached, read-only.

    New tables are in memory, so that a model can run again on other input without changing the
    file. The file may come from anyone: its views can read only the raw rows and the files of world
    trade, nothing can be attached, no extension loads, and no SQL can change this. `options` are
    further settings of the engine.

    Raises:
        WarehouseMissing: nothing has been published under this data home.
        WarehouseLocked: another program has it open for writing.
        WarehouseAltered: it was changed after it was published.
        WarehouseRefused: a view or macro of it does more than read.
    """
    while True:
        # The real file: its folder says which publication it belongs to.
        file = settings.warehouse.resolve()
        try:
            return _open_published(settings, file, options)
        except WarehouseError:
            # Two publications may have passed since the name was read.
            if settings.warehouse.resolve() == file:
                raise


def _open_published(
    settings: Settings, file: Path, options: Mapping[str, str] | None
) -> duckdb.DuckDBPyConnection:
    if not file.is_file():
        raise WarehouseMissing(
            f"There is no published warehouse at {settings.warehouse}. Run `make build` to build"
            " one."
        )
    altered = _reasons_to_refuse(settings, file)
    # A program that still writes explains a changed file better than its bytes do.
    connection = open_file(file, read_only=True)
    if altered:
        connection.close()
        raise WarehouseAltered(
            f"The published warehouse was changed after it was published: {altered[0]}"
            f" ({file.parent}). Run `bilateral build` to publish it again."
        )
    try:
        with closing(Policy(connection)) as policy:
            policy.check_stored(CATALOG)
    except NotAllowed as error:
        connection.close()
        raise WarehouseRefused(
            f"{file} is refused: {error} Run `bilateral build --force` to build it again."
        ) from error
    except duckdb.Error as error:
        connection.close()
        raise WarehouseError(_unreadable(file, error)) from error
    for name, value in (options or {}).items():
        connection.execute(f"set {name} = {literal(value)}")
    folders = ", ".join(quoted(folder) for folder in (settings.world, settings.raw))
    connection.execute(f"set allowed_directories = [{folders}]")
    # Variables of Python are no tables.
    connection.execute("set global python_enable_replacements = false")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


class PublishedReader:
    """A reader that stays open across publications.

    A connection keeps the file it opened even after a replacement; a changed inode shows that there
    is a new file.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._inode: int | None = None
        self._connection: duckdb.DuckDBPyConnection | None = None

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor on the currently published warehouse.

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
        # The default catalog is a property of the cursor, not of its connection.
        cursor.execute(f"use {CATALOG}")
        return cursor


def read_publication(settings: Settings) -> Publication | None:
    """The current publication; None if there is none, or a file without its metadata."""
    if (record := published_record(settings)) is not None:
        row = dict(record.publication)
        row["published_at"] = datetime.fromisoformat(row["published_at"])
        row["as_of"] = date.fromisoformat(row["as_of"]) if row["as_of"] else None
        return Publication(**row)
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


def published_record(settings: Settings) -> Record | None:
    """The record of what is served; None if it is a file without one, or there is no file."""
    return read_record(settings.warehouse.resolve().parent)


def altered(settings: Settings, *, in_full: bool = False) -> tuple[str, ...]:
    """The published files that are not as they were published, each with what is wrong.

    `in_full` reads every file; otherwise only those that look changed are read.
    """
    folder = settings.warehouse.resolve().parent
    return altered_files(folder, read_record(folder), in_full=in_full)


def is_unrecorded(settings: Settings) -> bool:
    """Whether what is served is a file that came without a record.

    It is of an earlier version, or from elsewhere: it is read, and nothing shows whether it was
    changed.
    """
    file = settings.warehouse.resolve()
    return (
        file.is_file()
        and not _is_of_publication(settings, file)
        and read_record(file.parent) is None
    )


def is_refused(settings: Settings) -> bool:
    """Whether readers refuse what is served, because it was changed after it was published."""
    file = settings.warehouse.resolve()
    return file.is_file() and bool(_reasons_to_refuse(settings, file))


def _reasons_to_refuse(settings: Settings, file: Path) -> tuple[str, ...]:
    record = read_record(file.parent)
    if record is None and not _is_of_publication(settings, file):
        return ()
    return altered_files(file.parent, record, only=file.name)


def _is_of_publication(settings: Settings, file: Path) -> bool:
    """Whether a file lies in a folder that a publication made, which always has a record."""
    return file.parent.name.startswith(f"{settings.published.name}.")


def is_served(settings: Settings, content_hash: str, input_hash: str) -> bool:
    """Whether this content is served, as it was published, complete and for everybody to read."""
    file = settings.warehouse.resolve()
    record = read_record(file.parent)
    return (
        record is not None
        and record.is_of(content_hash, input_hash)
        and settings.exports.resolve().parent == file.parent
        and file.name in record.files
        and not altered_files(file.parent, record)
        and all(path.parent == settings.world and path.is_file() for path in record.world)
        and _is_readable(file)
    )


def _is_readable(file: Path) -> bool:
    """Whether no other program has the file open for writing, and so could change it later."""
    try:
        open_file(file, read_only=True).close()
    except WarehouseError:
        return False
    return True


def tables_of(connection: duckdb.DuckDBPyConnection, schema: str = MARTS) -> list[str]:
    """The names of the tables of a schema in the attached file, without views."""
    rows = connection.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = ?"
        " order by table_name",
        [CATALOG, schema],
    ).fetchall()
    return [name for (name,) in rows]


def open_file(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """An in-memory database with one file attached as `warehouse`.

    Raises:
        WarehouseLocked: another program has it open for writing.
        WarehouseError: it is not a DuckDB file, or it may not be read.
    """
    connection = duckdb.connect()
    # A progress bar would appear in the output of a long query.
    connection.execute("set enable_progress_bar = false")
    mode = " (read_only)" if read_only else ""
    try:
        connection.execute(f"attach {quoted(path)} as {CATALOG}{mode}")
    except duckdb.Error as error:
        connection.close()
        if (lock := _LOCKED.search(str(error))) is not None:
            raise WarehouseLocked(
                f"{path} is open for writing in {lock['program']} (process {lock['pid']}), so"
                " nobody can read it. Close it there, or open it read-only in that program"
                " (duckdb.connect(path, read_only=True)). `bilateral build` replaces the file and"
                " does not wait for that."
            ) from error
        raise WarehouseError(_unreadable(path, error)) from error
    return connection


def _unreadable(path: Path, error: duckdb.Error) -> str:
    return f"{path} cannot be opened: {first_line(error)}. Run `make build` to build it again."


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")


def quoted(path: Path) -> str:
    """Quote a path as an SQL literal."""
    return literal(str(path))


def literal(text: str) -> str:
    """Quote a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
