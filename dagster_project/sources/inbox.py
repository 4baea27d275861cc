"""The inbox: files dropped into a folder become releases, or are put aside with the reason.

Belongs here: which files are ready, telling a file's layout, and what happens to it. Does
not belong here: what a layout looks like (`SourceTable.signs`), parsing (publisher modules),
storing a release (`snapshot`), when somebody looks (`defs/sensors.py`).

No file is lost: one leaves the inbox when its bytes are in a release or all its rows are
held, and is otherwise renamed into `quarantine/`. What a second file `<name>.json` beside it
states (`STATED`) stands for what would be assumed.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import json
import os
import re
import uuid
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.settings import Settings
from dagster_project.sources.catalog import CATALOG, CONNECTORS, SourceTable, load_table
from dagster_project.sources.reading import closest
from dagster_project.sources.snapshot import (
    SIDECAR,
    AddedRelease,
    NewFile,
    NewRelease,
    Release,
    SnapshotError,
    SnapshotFile,
    add_release,
    discover_releases,
)
from dagster_project.sources.succession import Comparison, compare_with_held

QUARANTINE = "quarantine"
STATED: Mapping[str, type] = {
    "table": str,
    "layout": str,
    "known_from": str,
    "release_id": str,
    "licence": str,
    "redistributable": bool,
    "address": str,
}

# A file that did not change for so long between two looks is taken to be whole.
STEADY = timedelta(seconds=10)
LARGEST = 1024 * 1024 * 1024

_SEEN = ".seen.json"
# Under these names browsers, editors and copying programs write what is not finished.
_TEMPORARY = re.compile(
    r"\..*|.*~|~\$.*|#.*#|.*\.(?:part|partial|crdownload|download|filepart|tmp|temp|swp|lock)",
    re.IGNORECASE,
)
_LONGEST_NAME = 150
_COMPANION = ".json"
_SOURCE_SEED = "source_list.csv"
_LARGEST_COMPANION = 64 * 1024
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class InboxError(ValueError):
    """A file that cannot be taken; the message says why and what to do."""


@dataclass(frozen=True)
class Taken:
    """A file whose content is in a release: a new one, or one that was held before."""

    name: str
    table: str
    layout: str
    release: Release
    is_new: bool
    rows: int
    rejects: int
    comparison: Comparison | None


@dataclass(frozen=True)
class Quarantined:
    """A file put aside; beside it stands `<its name>.reason.txt`."""

    name: str
    reason: str
    path: Path


@dataclass(frozen=True)
class Look:
    """What lies in the inbox, by name: ready to be taken, not yet, or not ours to touch."""

    ready: tuple[str, ...]
    waiting: tuple[str, ...]
    left_alone: tuple[str, ...]


@dataclass(frozen=True)
class _State:
    """What tells whether a file is still being written."""

    device: int
    inode: int
    size: int
    changed: int

    @classmethod
    def of(cls, found: os.stat_result) -> _State:
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def look(settings: Settings, now: datetime) -> Look:
    """See what lies in the inbox, and remember it for the next look. The folder is made."""
    with _held(settings.inbox):
        return _look(settings.inbox, now)


def take(settings: Settings, now: datetime) -> tuple[Taken | Quarantined, ...]:
    """Take every file that is ready, the one changed first before the others.

    Raises:
        SnapshotError: what is held already cannot be used; the inbox stays as it is.
    """
    outcomes: list[Taken | Quarantined] = []
    with _held(settings.inbox):
        ready = [settings.inbox / name for name in _look(settings.inbox, now).ready]
        ready.sort(key=lambda path: (path.lstat().st_mtime_ns, path.name))
        for place, path in enumerate(ready):
            # Of two files about the same, what was written later is the later word.
            moment = now.astimezone(UTC) + timedelta(microseconds=place)
            held = discover_releases(settings.snapshot_roots)
            try:
                outcomes.append(_take_one(path, settings, held, moment))
            except InboxError as error:
                outcomes.append(_put_aside(path, str(error), moment))
    return tuple(outcomes)


def _look(inbox: Path, now: datetime) -> Look:
    before = _read_seen(inbox / _SEEN)
    seen: dict[str, tuple[_State, datetime]] = {}
    left_alone: list[str] = []
    for entry in sorted(os.scandir(inbox), key=lambda one: one.name):
        if _TEMPORARY.fullmatch(entry.name) or entry.name == QUARANTINE:
            continue
        is_ours = entry.is_symlink() or entry.is_file(follow_symlinks=False)
        if not is_ours or _is_companion_alone(Path(entry.path)):
            left_alone.append(_shown(entry.name))
            continue
        state = _State.of(entry.stat(follow_symlinks=False))
        known, since = before.get(entry.name, (None, now))
        # A clock that was set back must not keep a file waiting for ever.
        seen[entry.name] = (state, min(since, now) if known == state else now)
    _write_seen(inbox / _SEEN, seen)
    steady = {name for name, (_, since) in seen.items() if now - since >= STEADY}
    files = [name for name in seen if not _is_companion(inbox / name)]
    ready = [name for name in files if {name, f"{name}{_COMPANION}"} & seen.keys() <= steady]
    return Look(
        ready=tuple(ready),
        waiting=tuple(_shown(name) for name in files if name not in ready),
        left_alone=tuple(left_alone),
    )


def _take_one(
    path: Path, settings: Settings, held: Sequence[Release], moment: datetime
) -> Taken | Quarantined:
    content, state = _read(path)
    stated = _read_companion(path)
    entry, layout = _recognised(content, path.name, stated)
    file = _described(path, content, entry, layout, stated, moment, settings.seeds)
    release = _holding(held, file)
    is_new, rows, rejects, comparison = False, 0, 0, None
    # The same bytes again are a slip, unless somebody says when the publisher went back to them.
    if release is None or "known_from" in stated:
        frame, rejects = _parsed(entry, content, file, settings.seeds)
        rows = frame.height
        comparison = _compared(entry, settings, file, frame)
        if comparison is None or comparison.has_news:
            added = _added(settings, file, content, stated, held, moment)
            release, is_new = added.release, added.is_new
        elif rejects:
            raise InboxError(
                f"all of its {rows} rows that can be used are held already, and {rejects} cannot"
                " be used. Correct those, or remove the file."
            )
        else:
            release = max(
                (one for one in held if one.files_of(entry.table)), key=lambda one: one.moment
            )
    _remove(path, state)
    return Taken(_shown(path.name), entry.table, layout, release, is_new, rows, rejects, comparison)


def _read(path: Path) -> tuple[bytes, _State]:
    """The bytes of a file, and the state they were read in."""
    if path.is_symlink():
        raise InboxError("a link, not a file: its target may change later. Drop a copy of it.")
    try:
        with path.open("rb") as opened:
            state = _State.of(os.fstat(opened.fileno()))
            if state.size > LARGEST:
                raise InboxError(
                    f"{state.size:,} bytes, more than the {LARGEST:,} that are read at once. Drop"
                    " it in parts."
                )
            content = opened.read()
    except OSError as error:
        raise InboxError(f"cannot be read ({error.strerror}). Correct its permissions.") from error
    if not content.strip():
        raise InboxError("the file is empty. Fetch it again.")
    return content, state


def _recognised(content: bytes, name: str, stated: Mapping[str, Any]) -> tuple[SourceTable, str]:
    """The one table and layout that a file has: as stated, or as it shows.

    Raises:
        InboxError: none, or several.
    """
    possible = [
        (entry, layout)
        for entry in CATALOG
        for layout in sorted(entry.layouts)
        if stated.get("table", entry.table) == entry.table
        and stated.get("layout", layout) == layout
    ]
    if not possible:
        raise InboxError(
            f"{name}{_COMPANION} states table {stated.get('table', '(any)')} and layout"
            f" {stated.get('layout', '(any)')}, which no table has. There are:\n"
            + _listed((entry, layout) for entry in CATALOG for layout in entry.layouts)
        )
    shown = [
        (entry, layout)
        for entry, layout in possible
        if len(possible) == 1 or (layout in entry.signs and entry.signs[layout](content, name))
    ]
    if len(shown) == 1:
        return shown[0]
    if shown:
        raise InboxError(
            f"it could be any of these, which look the same:\n{_listed(shown)}\nState which in"
            f' {name}{_COMPANION}: {{"layout": "…"}}, and drop both.'
        )
    raise InboxError(
        f"{_nature(content)} that looks like no layout that is read. These are:\n"
        f"{_listed(possible)}\nDrop the publisher's own file, unchanged, or state its layout in"
        f' {name}{_COMPANION}: {{"layout": "…"}}.'
    )


def _listed(layouts: Iterable[tuple[SourceTable, str]]) -> str:
    return "\n".join(sorted(f"  {layout} ({entry.table})" for entry, layout in layouts))


def _nature(content: bytes) -> str:
    """What a file is that has no known layout: often a publisher's way to say no."""
    head = content[:200].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page, as publishers send for a bad key or address,"
    return "a file"


def _described(
    path: Path,
    content: bytes,
    entry: SourceTable,
    layout: str,
    stated: Mapping[str, Any],
    moment: datetime,
    seeds: Path,
) -> SnapshotFile:
    known_from = stated.get("known_from", moment.date())
    sha256 = hashlib.sha256(content).hexdigest()
    return SnapshotFile(
        source_id=entry.source_id,
        release_id=stated.get("release_id", f"{known_from:%Y-%m-%d}-{sha256[:8]}"),
        known_from=known_from,
        table=entry.table,
        name=_plain(path.name),
        layout=layout,
        address=stated.get("address") or _page_of(entry.source_id, seeds),
        sha256=sha256,
        bytes=len(content),
        composed_from=None,
        note=f"Dropped into the inbox as {_shown(path.name)}"
        + ("" if "address" in stated else "; the address is that of the publisher's page"),
        path=path,
    )


def _page_of(source_id: str, seeds: Path) -> str | None:
    """Where the publisher offers its data: every figure has to lead to some address."""
    text = (seeds / _SOURCE_SEED).read_text(encoding="utf-8")
    pages = {row["source_id"]: row["address"] for row in csv.DictReader(io.StringIO(text))}
    return pages.get(source_id) or None


def _holding(held: Sequence[Release], file: SnapshotFile) -> Release | None:
    """The release in which these bytes are held already."""
    return next(
        (
            release
            for release in held
            if release.source_id == file.source_id
            for one in release.files_of(file.table)
            if one.sha256 == file.sha256
        ),
        None,
    )


def _parsed(
    entry: SourceTable, content: bytes, file: SnapshotFile, seeds: Path
) -> tuple[pl.DataFrame, int]:
    """Its good rows, and how many cannot be used.

    Raises:
        InboxError: no row can be used.
    """
    try:
        parsed = entry.parser(seeds)(content, file)
    except SnapshotError as error:
        raise InboxError(str(error).replace(file.snapshot_file, file.path.name)) from error
    # Anything may be dropped; what a parser did not foresee must not keep back other files.
    except Exception as error:
        raise InboxError(
            f"it looks like {file.layout}, but reading it failed ({type(error).__name__}:"
            f" {str(error)[:200]}). Drop the publisher's own file, unchanged."
        ) from error
    if parsed.frame.is_empty():
        first = parsed.rejects.row(0, named=True) if parsed.rejects.height else None
        why = f" (row {first['row_number']}: {first['reason']})" if first else ""
        raise InboxError(f"not one of its rows can be used{why}. Correct it and drop it again.")
    return parsed.frame, parsed.rejects.height


def _compared(
    entry: SourceTable, settings: Settings, file: SnapshotFile, frame: pl.DataFrame
) -> Comparison | None:
    """What is new in it; none where the rows of a table are not compared."""
    if not entry.values:
        return None
    load_table(entry, settings)
    files = {file.name: (frame, None)}
    return compare_with_held(entry, settings, files, file.known_from)[file.name]


def _added(
    settings: Settings,
    file: SnapshotFile,
    content: bytes,
    stated: Mapping[str, Any],
    held: Sequence[Release],
    moment: datetime,
) -> AddedRelease:
    licence, redistributable = _terms(file.source_id, stated, held)
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


def _terms(source_id: str, stated: Mapping[str, Any], held: Sequence[Release]) -> tuple[str, bool]:
    """Licence, and whether rows may be passed on: as stated, else those of the source."""
    if "licence" in stated:
        # Who states a licence of its own without saying so has not promised it.
        return stated["licence"], stated.get("redistributable", False)
    if source_id in CONNECTORS:
        terms = CONNECTORS[source_id].about.terms
        licence, redistributable = terms.licence, terms.is_redistributable
    else:
        before = [release for release in held if release.source_id == source_id]
        if not before:
            raise InboxError(
                f'nothing is held of {source_id} yet, so its licence has to be stated: {{"licence":'
                ' "…", "redistributable": true or false}.'
            )
        last = max(before, key=lambda one: one.moment)
        licence, redistributable = last.licence, last.redistributable
    return licence, stated.get("redistributable", redistributable)


def _is_companion(path: Path) -> bool:
    beside = path.with_name(path.name.removesuffix(_COMPANION))
    return beside != path and (beside.is_file() or beside.is_symlink())


def _is_companion_alone(path: Path) -> bool:
    """What is stated of a file that has not come yet."""
    if path.suffix != _COMPANION or _is_companion(path) or path.is_symlink():
        return False
    try:
        if path.stat().st_size > _LARGEST_COMPANION:
            return False
        stated = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(stated, dict) and bool(stated) and stated.keys() <= STATED.keys()


def _read_companion(path: Path) -> Mapping[str, Any]:
    """What is stated of a file; nothing where nothing stands beside it.

    Raises:
        InboxError: not JSON, an unknown field, or a value that cannot be used.
    """
    companion = path.with_name(path.name + _COMPANION)
    if not companion.is_file():
        return {}
    where = f"{companion.name} beside it"
    try:
        stated = json.loads(companion.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InboxError(f"{where} cannot be read as JSON ({error}). Correct it.") from error
    if not isinstance(stated, dict):
        raise InboxError(f"{where} must be a JSON object with some of {', '.join(STATED)}.")
    for field, value in stated.items():
        if field not in STATED:
            raise InboxError(f"{where} states {field!r}: {closest(field, STATED)}")
        if not isinstance(value, STATED[field]) or value == "":
            kind = "true or false" if STATED[field] is bool else "a text"
            raise InboxError(f"{where}: {field} must be {kind}.")
    if "known_from" in stated:
        try:
            stated["known_from"] = date.fromisoformat(stated["known_from"])
        except ValueError as error:
            raise InboxError(
                f"{where}: known_from is {stated['known_from']!r}; write a day, YYYY-MM-DD."
            ) from error
    if not _PLAIN_NAME.fullmatch(stated.get("release_id", "x")):
        raise InboxError(f"{where}: release_id must be letters, digits, '.', '_' and '-'.")
    return stated


def _remove(path: Path, state: _State) -> None:
    """Take away a file whose content is safe, if it is still the one that was read."""
    if _State.of(path.lstat()) == state:
        path.unlink()
        path.with_name(path.name + _COMPANION).unlink(missing_ok=True)


def _put_aside(path: Path, reason: str, moment: datetime) -> Quarantined:
    """The reason first: a file must not lie in quarantine without one."""
    folder = path.parent / QUARANTINE
    folder.mkdir(exist_ok=True)
    name = f"{moment:%Y%m%dT%H%M%S.%fZ}-{path.name[-_LONGEST_NAME:]}"
    text = f"{_shown(path.name)}: {reason}\n"
    (folder / f"{name}.reason.txt").write_text(text, encoding="utf-8")
    companion = path.with_name(path.name + _COMPANION)
    if companion.is_file():
        companion.rename(folder / f"{name}{_COMPANION}")
    path.rename(folder / name)
    return Quarantined(_shown(path.name), reason, folder / name)


def _plain(name: str) -> str:
    """A name that a release can hold."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip("._-")[-_LONGEST_NAME:].lstrip("._-")
    return f"dropped-{plain}" if plain in ("", SIDECAR) else plain


def _shown(name: str) -> str:
    """A name that can be printed, whatever bytes it is made of."""
    return os.fsencode(name).decode("utf-8", "replace")


def _read_seen(path: Path) -> dict[str, tuple[_State, datetime]]:
    """What the last look saw; nothing if that cannot be read, so that all files wait."""
    try:
        return {
            name: (_State(*state), datetime.fromisoformat(since))
            for name, (state, since) in json.loads(path.read_bytes()).items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write_seen(path: Path, seen: Mapping[str, tuple[_State, datetime]]) -> None:
    text = json.dumps(
        {name: (astuple(state), since.isoformat()) for name, (state, since) in seen.items()}
    )
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _held(inbox: Path) -> Generator[None]:
    """Hold the folder itself, so that nobody else looks or takes meanwhile."""
    inbox.mkdir(parents=True, exist_ok=True)
    handle = os.open(inbox, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
