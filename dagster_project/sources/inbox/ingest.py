"""Imports dropped files: each becomes a release, or the outcome says why not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.settings import Settings
from dagster_project.sources.bulk import NoRoom, OnProgress
from dagster_project.sources.catalog import CONNECTORS, SourceTable, load_table
from dagster_project.sources.inbox.article import ARTICLE, ArticleText, import_article
from dagster_project.sources.inbox.folder import (
    LONGEST_NAME,
    Imported,
    InboxError,
    Quarantined,
    State,
    StillWritten,
    UnknownLayout,
    check_unchanged,
    checked,
    keep_read,
    locked,
    quarantine,
    read_companion,
    read_head,
    remove,
    scan_folder,
    shown_name,
)
from dagster_project.sources.inbox.reader import Recognised, entry_of, load, parse, recognise
from dagster_project.sources.isolation import READER, Isolated, Limits, ReadingFailed
from dagster_project.sources.left_out import kind_of_rows, rows_left_out
from dagster_project.sources.parsing import read_seed
from dagster_project.sources.release_diff import Comparison, compare_with_held
from dagster_project.sources.snapshot import (
    SIDECAR,
    AddedRelease,
    FileChanged,
    FileOnDisk,
    NewFile,
    NewRelease,
    Release,
    SnapshotError,
    SnapshotFile,
    add_release,
    discover_releases,
    sync_release,
)

_SOURCE_SEED = "source_list.csv"
_UNCHANGED = "Drop the publisher's own file, unchanged; divide one that is too large."


ArticleReader = Callable[[Path, Mapping[str, Any], Isolated], ArticleText | None]


def _nobody(_name: str, _done: int, _size: int) -> None:
    """The default progress callback: does nothing."""


def ingest_ready(
    settings: Settings,
    now: datetime,
    on_progress: OnProgress = _nobody,
    read_article: ArticleReader | None = None,
) -> tuple[Imported | Quarantined, ...]:
    """Import every file that is ready, in order of modification time.

    Raises:
        SnapshotError: an existing release cannot be used, or the disk is full; files not imported
        yet stay in the inbox.
    """
    outcomes: list[Imported | Quarantined] = []
    with locked(settings.inbox):
        ready = [settings.inbox / name for name in scan_folder(settings.inbox, now).ready]
        if not ready:
            return ()
        ready.sort(key=lambda path: (path.lstat().st_mtime_ns, path.name))
        with Isolated(READER) as isolated:
            for place, path in enumerate(ready):
                # Of two files about the same data, that written later counts as the later release.
                moment = now.astimezone(UTC) + timedelta(microseconds=place)
                outcome = _outcome(path, settings, moment, isolated, on_progress, read_article)
                outcomes += [] if outcome is None else [outcome]
    return tuple(outcomes)


def _outcome(
    path: Path,
    settings: Settings,
    moment: datetime,
    isolated: Isolated,
    on_progress: OnProgress,
    read_article: ArticleReader | None,
) -> Imported | Quarantined | None:
    """Import one file of the inbox, and remove it or put it in quarantine; None leaves it."""
    try:
        stated = read_companion(path)
        taken, state = _ingest_one(
            path, settings, stated, moment, isolated, on_progress, read_article
        )
    except StillWritten:
        # The next scans wait for its end.
        return None
    except InboxError as error:
        return quarantine(path, str(error), moment)
    # The warehouse or the disk is at fault, not the file.
    except (SnapshotError, OSError):
        raise
    # Anything may be dropped, and one file must not keep back the others.
    except Exception as error:
        reason = f"importing it failed ({type(error).__name__}: {str(error)[:200]}). {_UNCHANGED}"
        return quarantine(path, reason, moment)
    if taken.release.folder.is_relative_to(settings.fetched_snapshots):
        sync_release(taken.release)
    if taken.layout == ARTICLE:
        keep_read(path, state, moment)
    else:
        remove(path, state)
    return taken


def ingest_named(
    path: Path,
    settings: Settings,
    stated: Mapping[str, str],
    now: datetime,
    on_progress: OnProgress = _nobody,
    isolated: Isolated | None = None,
    read_article: ArticleReader | None = None,
) -> Imported:
    """Import a file from any folder; it stays there, and is not checked for steadiness.

    Args:
        stated: as in `<name>.json` beside it, over which it takes precedence.
        isolated: the child process that reads it; without one, it gets a child of its own.
        read_article: what reads a text with trade figures; without it, only data are imported.

    Raises:
        InboxError: it cannot be imported.
        SnapshotError: an existing release cannot be used, or the disk is full.
    """
    with locked(settings.inbox):
        both = {**read_companion(path), **checked(stated, "what is stated")}
        with nullcontext(isolated) if isolated else Isolated(READER) as child:
            taken, _ = _ingest_one(
                path, settings, both, now.astimezone(UTC), child, on_progress, read_article
            )
    return taken


def _ingest_one(
    path: Path,
    settings: Settings,
    stated: Mapping[str, Any],
    moment: datetime,
    isolated: Isolated,
    on_progress: OnProgress,
    read_article: ArticleReader | None,
) -> tuple[Imported, State]:
    """Import one file; the outcome, and the state the file was in."""
    known_from = stated.get("known_from", moment.date())
    if known_from > moment.date():
        raise InboxError(
            f"known_from is {known_from}, a day in the future. State a day on which it was known."
        )
    held = discover_releases(settings.snapshot_roots)
    try:
        found = _recognised(path, stated, isolated)
    except UnknownLayout:
        # No data of a known publisher: perhaps an article.
        if read_article is None:
            raise
        _, state = read_head(path)
        article = read_article(path, stated, isolated)
        if article is None:
            raise
        check_unchanged(path, state)
        return import_article(path, state, article, settings, stated, held, moment)
    entry = entry_of(found.table)
    file = _described(path, found, stated, moment, settings)
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
        if isinstance(entry, SourceTable):
            frame, rejects = _read(isolated, file, parse, file, found.state, settings.seeds)
            rows = frame.height
            left_out = rows_left_out(frame, file, settings)
            if entry.values:
                load_table(entry, settings)
                files = {file.name: (frame, None)}
                comparison = compare_with_held(entry, settings, files, file.known_from)[file.name]
            if comparison is not None and comparison.changed and "known_from" not in stated:
                _refuse_what_looks_old(entry, settings, frame, comparison, path.name)
        elif release is None:
            rows, rejects = _read(
                isolated, file, load, file, found.state, settings, on_progress=on_progress
            )
        if comparison is None or comparison.has_news:
            added = _added(settings, file, stated, held, moment)
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
        found.layout,
        release,
        is_new,
        rows,
        rejects,
        comparison,
        {kind: rows} if kind else left_out,
    )
    return imported, found.state


def _recognised(path: Path, stated: Mapping[str, Any], isolated: Isolated) -> Recognised:
    size = path.stat().st_size if path.is_file() else 0
    try:
        return isolated.call(
            recognise, path, stated, limits=Limits.for_size(size), expected=(InboxError,)
        )
    except ReadingFailed as error:
        raise InboxError(f"opening it failed: {error}. {_UNCHANGED}") from error


def _read(
    isolated: Isolated,
    file: SnapshotFile,
    function: Callable[..., Any],
    *arguments: object,
    on_progress: OnProgress | None = None,
) -> Any:
    """What `function` reads in the child process.

    Raises:
        InboxError: the file cannot be used, or ended its reader.
        NoRoom: the disk is full.
    """
    try:
        return isolated.call(
            function,
            *arguments,
            limits=Limits.for_size(file.bytes),
            expected=(InboxError, NoRoom),
            on_progress=on_progress,
        )
    except ReadingFailed as error:
        raise InboxError(
            f"it looks like {file.layout}, but reading it failed ({error}). {_UNCHANGED}"
        ) from error


def _described(
    path: Path,
    found: Recognised,
    stated: Mapping[str, Any],
    moment: datetime,
    settings: Settings,
) -> SnapshotFile:
    known_from = stated.get("known_from", moment.date())
    source_id = entry_of(found.table).source_id
    # The same file may be imported into two tables.
    digest = hashlib.sha256(f"{found.table} {found.sha256}".encode()).hexdigest()
    return SnapshotFile(
        source_id=source_id,
        release_id=stated.get("release_id", f"{known_from:%Y-%m-%d}-{digest[:8]}"),
        known_from=known_from,
        table=found.table,
        name=_plain(path.name),
        layout=found.layout,
        # Every figure needs an address.
        address=stated.get("address") or _listed(source_id, settings.seeds).get("address") or None,
        sha256=found.sha256,
        bytes=found.state.size,
        composed_from=None,
        note=f"Imported as {shown_name(path.name)}"
        + ("" if "address" in stated else "; the address is that of the publisher's page"),
        path=path,
    )


def _listed(source_id: str, seeds: Path) -> Mapping[str, str]:
    """The entry of a source in the list of sources."""
    rows = read_seed(seeds, _SOURCE_SEED)
    return next((row for row in rows if row["source_id"] == source_id), {})


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
                content=FileOnDisk(file.path, file.sha256, file.bytes),
                note=file.note,
            ),
        ),
        retrieved_at=moment,
    )
    try:
        return add_release(settings.fetched_snapshots, new, held)
    except FileChanged as error:
        raise StillWritten from error
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
