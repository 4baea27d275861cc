"""Reads one file: which layout it has, and its rows. `ingest` runs this in a child process.

Nothing here writes a release or moves a file, and a table is named, since its parsers cannot be
sent to another process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.disk import sha256_of
from dagster_project.settings import Settings
from dagster_project.sources.bulk import BulkTable, NoRoom, OnProgress, load_bulk_file, rejects_of
from dagster_project.sources.catalog import BULK, CATALOG, SourceTable
from dagster_project.sources.formats import is_workbook
from dagster_project.sources.inbox.detection import Entry, detect_layout
from dagster_project.sources.inbox.folder import (
    COMPANION,
    InboxError,
    State,
    check_unchanged,
    read_head,
    read_whole,
)
from dagster_project.sources.parsing import Parsed, too_late
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile


@dataclass(frozen=True)
class Recognised:
    """The table and layout of a file, its hash, and the state in which it was read."""

    table: str
    layout: str
    sha256: str
    state: State


def recognise(path: Path, stated: Mapping[str, Any]) -> Recognised:
    """Detect the layout of a file.

    Raises:
        InboxError: it cannot be read, or has no layout.
        StillWritten: it changed meanwhile.
    """
    head, state = read_head(path)
    # Only a whole workbook can be opened.
    shown = read_whole(path, state) if is_workbook(head) else head
    entry, layout = detect_layout(shown, state.size, path.name, stated)
    sha256 = sha256_of(path)
    check_unchanged(path, state)
    return Recognised(entry.table, layout, sha256, state)


def entry_of(table: str) -> Entry:
    return next(entry for entry in (*CATALOG, *BULK) if entry.table == table)


def parse(file: SnapshotFile, state: State, seeds: Path) -> tuple[pl.DataFrame, int]:
    """The usable rows of a file, and the number of unusable ones.

    Raises:
        InboxError: no row can be used, or it was not known as early as stated.
        StillWritten: it changed meanwhile.
    """
    entry = entry_of(file.table)
    if not isinstance(entry, SourceTable):
        raise TypeError(f"{file.table} is read in blocks.")
    try:
        parsed = entry.file_parser(seeds)(read_whole(file.path, state), file)
    except SnapshotError as error:
        raise InboxError(_said(error, file)) from error
    _refuse_a_day_too_early(parsed.rejects, _rows_of_a_period(entry, parsed), file)
    if parsed.frame.is_empty():
        raise InboxError(
            f"none of its rows can be used{parsed.first_reject()}. Correct it and drop it again."
        )
    return parsed.frame, parsed.rejects.height


def load(
    file: SnapshotFile, state: State, settings: Settings, *, on_progress: OnProgress
) -> tuple[int, int]:
    """The numbers of usable and unusable rows of a file, loaded before its release is added.

    Raises:
        InboxError: the file cannot be used, or was not known as early as stated.
        StillWritten: it changed meanwhile.
        NoRoom: the disk is full.
    """
    entry = entry_of(file.table)
    if not isinstance(entry, BulkTable):
        raise TypeError(f"{file.table} is read whole.")
    try:
        loaded = load_bulk_file(entry, file, settings, on_progress)
    except NoRoom:
        raise
    except SnapshotError as error:
        check_unchanged(file.path, state)
        raise InboxError(_said(error, file)) from error
    check_unchanged(file.path, state)
    rejects = rejects_of(entry, file, settings)
    _refuse_a_day_too_early(rejects, loaded.rows / len(loaded.years), file)
    return loaded.rows, loaded.rejects


def _rows_of_a_period(entry: SourceTable, parsed: Parsed) -> float:
    """How many rows of a file usually have figures of one period."""
    if entry.period is None or parsed.frame.is_empty():
        return 0
    rows = parsed.frame.group_by(entry.period.alias("_last")).agg(pl.col("row_number").n_unique())
    return rows.select(pl.median("row_number")).item()


def _refuse_a_day_too_early(rejects: pl.DataFrame, usual: float, file: SnapshotFile) -> None:
    """Refuse a file with a whole period that was not over on the day it was known from.

    A few rows of a later period are rejects like others: the rows are wrong, not the day. Half as
    many as a period of this file has, `usual`, are the period itself.

    Raises:
        InboxError: the day is too early.
    """
    late = rejects.filter(pl.col("reason") == too_late(file.known_from))
    periods = late.group_by("value").agg(pl.col("row_number").n_unique().alias("rows"))
    whole = periods.filter(pl.col("rows") * 2 >= usual)
    if whole.is_empty():
        return
    last = whole["value"].max()
    row = late.filter(pl.col("value") == last).row(0, named=True)
    column = f", column {row['column_name']}" if row["column_name"] else ""
    raise InboxError(
        f"the file has figures of {last} (row {row['row_number']}{column}); known from"
        f" {file.known_from} is too early. State the day on which they were published"
        f' (--known-from, or {{"known_from": "YYYY-MM-DD"}} in {file.path.name}{COMPANION}), or'
        " correct the rows."
    )


def _said(error: SnapshotError, file: SnapshotFile) -> str:
    """What is wrong with a file, without its name: the caller adds it."""
    said = str(error)
    for beginning in (f"{file.snapshot_file}: ", f"{file.snapshot_file}, "):
        said = said.removeprefix(beginning)
    return said.replace(file.snapshot_file, file.path.name)
