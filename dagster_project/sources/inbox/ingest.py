"""Imports dropped files: each becomes a release, or the outcome says why not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.settings import Settings
from dagster_project.sources.blocks import sha256_of
from dagster_project.sources.bulk import BulkTable, NoRoom, OnProgress, load_bulk_file, rejects_of
from dagster_project.sources.catalog import CONNECTORS, SourceTable, load_table
from dagster_project.sources.inbox.detection import detect_layout
from dagster_project.sources.inbox.folder import (
    COMPANION,
    LONGEST_NAME,
    Imported,
    InboxError,
    Quarantined,
    State,
    check_unchanged,
    checked,
    locked,
    quarantine,
    read_companion,
    read_head,
    read_whole,
    remove,
    scan_folder,
    shown_name,
)
from dagster_project.sources.left_out import kind_of_rows, rows_left_out
from dagster_project.sources.parsing import Parsed, read_seed, too_late
from dagster_project.sources.reading import is_workbook
from dagster_project.sources.release_diff import Comparison, compare_with_held
from dagster_project.sources.snapshot import (
    SIDECAR,
    AddedRelease,
    FileOnDisk,
    NewFile,
    NewRelease,
    Release,
    SnapshotError,
    SnapshotFile,
    add_release,
    discover_releases,
)

_SOURCE_SEED = "source_list.csv"


def _nobody(_name: str, _done: int, _size: int) -> None:
    """The default progress callback: does nothing."""


def ingest_ready(
    settings: Settings, now: datetime, on_progress: OnProgress = _nobody
) -> tuple[Imported | Quarantined, ...]:
    """Import every file that is ready, in order of modification time.

    Raises:
        SnapshotError: an existing release cannot be used, or the disk is full; files not imported
        yet stay in the inbox.
    """
    outcomes: list[Imported | Quarantined] = []
    with locked(settings.inbox):
        ready = [settings.inbox / name for name in scan_folder(settings.inbox, now).ready]
        ready.sort(key=lambda path: (path.lstat().st_mtime_ns, path.name))
        for place, path in enumerate(ready):
            # Of two files about the same data, the one written later counts as the later release.
            moment = now.astimezone(UTC) + timedelta(microseconds=place)
            try:
                stated = read_companion(path)
                taken, state = _ingest_one(path, settings, stated, moment, on_progress, stays=False)
                remove(path, state)
                outcomes.append(taken)
            except InboxError as error:
                outcomes.append(quarantine(path, str(error), moment))
    return tuple(outcomes)


def ingest_named(
    path: Path,
    settings: Settings,
    stated: Mapping[str, str],
    now: datetime,
    on_progress: OnProgress = _nobody,
) -> Imported:
    """Import a file from any folder; it stays there, and is not checked for steadiness.

    Args:
        stated: as in `<name>.json` beside it, over which it takes precedence.

    Raises:
        InboxError: it cannot be imported.
        SnapshotError: an existing release cannot be used, or the disk is full.
    """
    with locked(settings.inbox):
        both = {**read_companion(path), **checked(stated, "what is stated")}
        taken, _ = _ingest_one(path, settings, both, now.astimezone(UTC), on_progress, stays=True)
    return taken


def _ingest_one(
    path: Path,
    settings: Settings,
    stated: Mapping[str, Any],
    moment: datetime,
    on_progress: OnProgress,
    *,
    stays: bool,
) -> tuple[Imported, State]:
    """Import one file; the outcome, and the state the file was in."""
    known_from = stated.get("known_from", moment.date())
    if known_from > moment.date():
        raise InboxError(
            f"known_from is {known_from}, a day in the future. State a day on which it was known."
        )
    held = discover_releases(settings.snapshot_roots)
    head, state = read_head(path)
    # Only a whole workbook can be opened.
    shown = read_whole(path, state) if is_workbook(head) else head
    entry, layout = detect_layout(shown, state.size, path.name, stated)
    # A file of a bulk table may be of any size.
    content = (
        FileOnDisk(path, sha256_of(path), state.size, stays)
        if isinstance(entry, BulkTable)
        else read_whole(path, state)
    )
    file = _described(path, content, state.size, entry, layout, stated, moment, settings)
    release = next(
        (
            one
            for one in held
            if one.source_id == file.source_id
            and file.sha256 in {there.sha256 for there in one.files_of(file.table)}
        ),
        None,
    )
    is_new, rows, rejects, comparison = False, 0, 0, None
    left_out: dict[str, int] = {}
    # The same bytes again are a mistake, unless it is stated when the publisher reverted to them.
    if release is None or "known_from" in stated:
        if isinstance(entry, BulkTable):
            if release is None:
                rows, rejects = _load(entry, file, settings, on_progress)
            check_unchanged(path, state)
        elif isinstance(content, bytes):
            frame, rejects = _parsed(entry, content, file, settings.seeds)
            rows = frame.height
            left_out = rows_left_out(frame, file, settings)
            if entry.values:
                load_table(entry, settings)
                files = {file.name: (frame, None)}
                comparison = compare_with_held(entry, settings, files, file.known_from)[file.name]
            if comparison is not None and comparison.changed and "known_from" not in stated:
                _refuse_what_looks_old(entry, settings, frame, comparison, path.name)
        if comparison is None or comparison.has_news:
            added = _added(settings, file, content, stated, held, moment)
            release, is_new = added.release, added.is_new
        elif rejects:
            raise InboxError(
                f"all {rows} usable rows are already in the warehouse, and {rejects} cannot be"
                " used. Correct those, or remove the file."
            )
        else:
            release = max(
                (one for one in held if one.files_of(entry.table)), key=lambda one: one.moment
            )
    kind = kind_of_rows(entry.table, settings)
    imported = Imported(
        shown_name(path.name),
        entry.table,
        layout,
        release,
        is_new,
        rows,
        rejects,
        comparison,
        {kind: rows} if kind else left_out,
    )
    return imported, state


def _described(
    path: Path,
    content: bytes | FileOnDisk,
    size: int,
    entry: SourceTable | BulkTable,
    layout: str,
    stated: Mapping[str, Any],
    moment: datetime,
    settings: Settings,
) -> SnapshotFile:
    known_from = stated.get("known_from", moment.date())
    sha256 = content.sha256 if isinstance(content, FileOnDisk) else _sha256(content)
    # The same file may be imported into two tables.
    digest = _sha256(f"{entry.table} {sha256}".encode())
    return SnapshotFile(
        source_id=entry.source_id,
        release_id=stated.get("release_id", f"{known_from:%Y-%m-%d}-{digest[:8]}"),
        known_from=known_from,
        table=entry.table,
        name=_plain(path.name),
        layout=layout,
        # Every figure needs an address.
        address=stated.get("address")
        or _listed(entry.source_id, settings.seeds).get("address")
        or None,
        sha256=sha256,
        bytes=size,
        composed_from=None,
        note=f"Imported as {shown_name(path.name)}"
        + ("" if "address" in stated else "; the address is that of the publisher's page"),
        path=path,
    )


def _listed(source_id: str, seeds: Path) -> Mapping[str, str]:
    """The entry of a source in the list of sources."""
    rows = read_seed(seeds, _SOURCE_SEED)
    return next((row for row in rows if row["source_id"] == source_id), {})


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _load(
    entry: BulkTable, file: SnapshotFile, settings: Settings, on_progress: OnProgress
) -> tuple[int, int]:
    """The numbers of usable and unusable rows of a file, loaded before its release is added.

    Raises:
        InboxError: the file cannot be used, or was not known as early as stated.
    """
    try:
        loaded = load_bulk_file(entry, file, settings, on_progress)
    except NoRoom:
        raise
    except SnapshotError as error:
        raise InboxError(_said(error, file)) from error
    rejects = rejects_of(entry, file, settings)
    _refuse_a_day_too_early(rejects, loaded.rows / len(loaded.years), file)
    return loaded.rows, loaded.rejects


def _parsed(
    entry: SourceTable, content: bytes, file: SnapshotFile, seeds: Path
) -> tuple[pl.DataFrame, int]:
    """The usable rows of a file, and the number of unusable ones.

    Raises:
        InboxError: no row can be used, or it was not known as early as stated.
    """
    try:
        parsed = entry.file_parser(seeds)(content, file)
    except SnapshotError as error:
        raise InboxError(_said(error, file)) from error
    # Anything may be dropped; an unexpected parser failure must not block other files.
    except Exception as error:
        raise InboxError(
            f"it looks like {file.layout}, but reading it failed ({type(error).__name__}:"
            f" {str(error)[:200]}). Drop the publisher's own file, unchanged."
        ) from error
    _refuse_a_day_too_early(parsed.rejects, _rows_of_a_period(entry, parsed), file)
    if parsed.frame.is_empty():
        raise InboxError(
            f"none of its rows can be used{parsed.first_reject()}. Correct it and drop it again."
        )
    return parsed.frame, parsed.rejects.height


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


def _refuse_what_looks_old(
    entry: SourceTable,
    settings: Settings,
    frame: pl.DataFrame,
    comparison: Comparison,
    name: str,
) -> None:
    """Refuse a file that ends earlier and has other figures: it may be an older release.

    Imported as today's release, it would replace what the publisher has revised since.

    Raises:
        InboxError: the file may be an older release.
    """
    if entry.period is None:
        return
    last = pl.col("_last").max()
    of_file = frame.select(entry.period.alias("_last")).select(last).item()
    parts = settings.raw / entry.table / "**" / "*.parquet"
    of_table = (
        pl.scan_parquet(parts, hive_partitioning=False)
        .select(entry.period.alias("_last"))
        .select(last)
        .collect()
        .item()
    )
    if of_table is not None and of_file < of_table:
        raise InboxError(
            f"it runs to {of_file} while {entry.table} runs to {of_table}, and"
            f" {comparison.changed} of its figures differ from the warehouse: it may be an older"
            f' release. State in {name}.json the date it was known from: {{"known_from":'
            ' "YYYY-MM-DD"}, and drop both.'
        )


def _added(
    settings: Settings,
    file: SnapshotFile,
    content: bytes | FileOnDisk,
    stated: Mapping[str, Any],
    held: Sequence[Release],
    moment: datetime,
) -> AddedRelease:
    licence, redistributable = _terms(file.source_id, stated, held, settings.seeds)
    new = NewRelease(
        source_id=file.source_id,
        release_id=file.release_id,
        known_from=file.known_from,
        known_from_precision="day",
        retrieved_on=moment.date(),
        licence=licence,
        redistributable=redistributable,
        files=(
            NewFile(
                name=file.name,
                table=file.table,
                layout=file.layout,
                address=file.address,
                content=content,
                note=file.note,
            ),
        ),
        retrieved_at=moment,
    )
    try:
        return add_release(settings.fetched_snapshots, new, held)
    except SnapshotError as error:
        raise InboxError(str(error)) from error


def _terms(
    source_id: str, stated: Mapping[str, Any], held: Sequence[Release], seeds: Path
) -> tuple[str, bool]:
    """Licence, and whether rows may be redistributed: as stated, else those of the source."""
    if "licence" in stated:
        # A stated licence permits redistribution only where that is stated too.
        return stated["licence"], stated.get("redistributable", False)
    if source_id in CONNECTORS:
        terms = CONNECTORS[source_id].about.terms
        licence, redistributable = terms.licence, terms.is_redistributable
    else:
        before = [release for release in held if release.source_id == source_id]
        if before:
            last = max(before, key=lambda one: one.moment)
            licence, redistributable = last.licence, last.redistributable
        elif listed := _listed(source_id, seeds):
            licence, redistributable = listed["licence"], listed["is_redistributable"] == "true"
        else:
            raise InboxError(
                f'there is no data of {source_id} yet, so state its licence: {{"licence":'
                ' "…", "redistributable": true or false}.'
            )
    return licence, stated.get("redistributable", redistributable)


def _plain(name: str) -> str:
    """A file name that a release can contain."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip("._-")[-LONGEST_NAME:].lstrip("._-")
    return f"dropped-{plain}" if plain in ("", SIDECAR) else plain
