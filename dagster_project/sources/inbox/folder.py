"""The inbox folder: finds complete files, reads what is stated about them, and moves them out."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from dagster_project.display import for_terminal, one_line
from dagster_project.settings import Settings
from dagster_project.sources import snapshot
from dagster_project.sources.formats import LARGEST
from dagster_project.sources.inbox.readiness import is_done, is_open_for_writing
from dagster_project.sources.parsing import closest
from dagster_project.sources.release_diff import Comparison
from dagster_project.sources.snapshot import Release

QUARANTINE = "quarantine"
# Articles whose figures are in a release; their words are not.
READ = "read"

LONGEST_NAME = 150
# File systems allow 255 bytes, and quarantine adds a moment and an ending.
_LONGEST_NAME_BYTES = 200
_SEEN = ".seen.json"
# The bytes used to detect a layout.
_HEAD = 64 * 1024

# Names that browsers, editors and copying programs give to unfinished files.
_TEMPORARY = re.compile(
    r"\..*|.*~|~\$.*|#.*#|.*\.(?:part|partial|crdownload|download|filepart|tmp|temp|swp|lock)",
    re.IGNORECASE,
)

# What the companion `<name>.json` may state about the file beside it.
STATED: Mapping[str, type] = {
    "table": str,
    "layout": str,
    "known_from": str,
    "published_on": str,
    "release_id": str,
    "licence": str,
    "redistributable": bool,
    "address": str,
}

COMPANION = ".json"
_LARGEST_COMPANION = 64 * 1024
_LONGEST_TEXT = 2000
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class InboxError(ValueError):
    """A file that cannot be imported; the message says why and what to do."""


class UnknownLayout(InboxError):
    """A file that has the layout of no raw table."""


class StillWritten(InboxError):
    """A file that changed while it was read."""

    def __init__(
        self, said: str = "it changed while it was read. Drop it when it is complete."
    ) -> None:
        super().__init__(said)


@dataclass(frozen=True)
class Imported:
    """A file whose content is in a release: a new one or an earlier one.

    `left_out` counts the usable rows that become no figure, by reason.
    """

    name: str
    table: str
    layout: str
    release: Release
    is_new: bool
    rows: int
    rejects: int
    comparison: Comparison | None
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Quarantined:
    """A file moved to quarantine, with `<its name>.reason.txt` beside it."""

    name: str
    reason: str
    path: Path


@dataclass(frozen=True)
class Scan:
    """The names in the inbox: ready to be imported, not ready yet, or left alone."""

    ready: tuple[str, ...]
    waiting: tuple[str, ...]
    left_alone: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """Shows whether a file is still being written."""

    device: int
    inode: int
    size: int
    changed: int

    @classmethod
    def of(cls, found: os.stat_result) -> State:
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def scan(settings: Settings, now: datetime) -> Scan:
    """List the inbox, and remember it for the next scan. Creates the folder."""
    with locked(settings.inbox):
        return scan_folder(settings.inbox, now)


def scan_folder(inbox: Path, now: datetime) -> Scan:
    before = _read_seen(inbox / _SEEN)
    seen: dict[str, tuple[State, datetime]] = {}
    found: dict[str, os.stat_result] = {}
    left_alone: list[str] = []
    for entry in sorted(os.scandir(inbox), key=lambda one: one.name):
        if _TEMPORARY.fullmatch(entry.name) or entry.name in (QUARANTINE, READ):
            continue
        is_ours = entry.is_symlink() or entry.is_file(follow_symlinks=False)
        if not is_ours or is_companion_alone(Path(entry.path)):
            left_alone.append(shown_name(entry.name))
            continue
        try:
            found[entry.name] = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            # It was renamed or removed just now.
            continue
        state = State.of(found[entry.name])
        known, since = before.get(entry.name, (None, now))
        # A clock that was set back must not keep a file waiting forever.
        seen[entry.name] = (state, min(since, now) if known == state else now)
    _write_seen(inbox / _SEEN, seen)
    done = {
        name for name, (_, since) in seen.items() if is_done(inbox / name, found[name], now - since)
    }
    files = [name for name in seen if not is_companion(inbox / name)]
    ready = [name for name in files if {name, f"{name}{COMPANION}"} & seen.keys() <= done]
    return Scan(
        ready=tuple(ready),
        waiting=tuple(shown_name(name) for name in files if name not in ready),
        left_alone=tuple(left_alone),
    )


def read_head(path: Path) -> tuple[bytes, State]:
    """The beginning of a file, and the state it was read in."""
    if path.is_symlink():
        raise InboxError("a link, not a file: its target may change later. Drop a copy of it.")
    try:
        with path.open("rb") as opened:
            head, state = opened.read(_HEAD), State.of(os.fstat(opened.fileno()))
    except OSError as error:
        raise _unreadable(error) from error
    if not head.strip():
        raise InboxError("the file is empty. Fetch it again.")
    return head, state


def read_whole(path: Path, state: State) -> bytes:
    """All bytes of a file, if it is unchanged since `state`."""
    if state.size > LARGEST:
        raise InboxError(
            f"{state.size:,} bytes, more than the {LARGEST:,} that are read at once. Divide it, or"
            " import it into a bulk table, which is read in blocks."
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(error) from error
    check_unchanged(path, state)
    return content


def _unreadable(error: OSError) -> InboxError:
    if isinstance(error, IsADirectoryError):
        return InboxError("a folder, not a file. Name the files in it.")
    advice = {FileNotFoundError: "Check its name.", PermissionError: "Correct its permissions."}
    after = advice.get(type(error), "Copy it again, or fetch it again.")
    return InboxError(f"cannot be read ({error.strerror}). {after}")


def check_unchanged(path: Path, state: State) -> None:
    """Raise StillWritten for a file that has changed."""
    if not is_unchanged(path, state):
        raise StillWritten


def is_unchanged(path: Path, state: State) -> bool:
    """Whether a file is still there, and in this state."""
    try:
        return State.of(path.lstat()) == state
    except FileNotFoundError:
        return False


def keep_read(path: Path, state: State, moment: datetime) -> None:
    """Move an article whose figures are stored out of the inbox, if it is the one that was read."""
    if is_unchanged(path, state) and not is_open_for_writing(path):
        folder = path.parent / READ
        folder.mkdir(exist_ok=True)
        path.rename(folder / f"{moment:%Y%m%dT%H%M%S.%fZ}-{path.name[-LONGEST_NAME:]}")
        with suppress(OSError):
            _companion_of(path).unlink()


def remove(path: Path, state: State) -> None:
    """Remove a file whose content is stored, if it is still the one that was read."""
    if is_unchanged(path, state) and not is_open_for_writing(path):
        path.unlink()
        with suppress(OSError):
            _companion_of(path).unlink()


def quarantine(path: Path, reason: str, moment: datetime) -> Quarantined:
    """Write the reason first: no file may be in quarantine without one."""
    folder = path.parent / QUARANTINE
    folder.mkdir(exist_ok=True)
    end = os.fsdecode(os.fsencode(path.name[-LONGEST_NAME:])[-_LONGEST_NAME_BYTES:])
    name = f"{moment:%Y%m%dT%H%M%S.%fZ}-{end}"
    reason = for_terminal(reason)
    text = f"{shown_name(path.name)}: {reason}\n"
    (folder / f"{name}.reason.txt").write_text(text, encoding="utf-8")
    companion = _companion_of(path)
    if _is_file(companion):
        companion.rename(folder / f"{name}{COMPANION}")
    path.rename(folder / name)
    return Quarantined(shown_name(path.name), reason, folder / name)


def shown_name(name: str) -> str:
    """A printable name, whatever bytes and characters it contains."""
    return one_line(os.fsencode(name).decode("utf-8", "replace"))


def _read_seen(path: Path) -> dict[str, tuple[State, datetime]]:
    """The result of the last scan; empty if unreadable, so that all files wait."""
    try:
        return {
            name: (State(*state), datetime.fromisoformat(since))
            for name, (state, since) in json.loads(path.read_bytes()).items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write_seen(path: Path, seen: Mapping[str, tuple[State, datetime]]) -> None:
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
def locked(inbox: Path) -> Generator[None]:
    """Lock the folder, so that no other process scans or imports meanwhile."""
    inbox.mkdir(parents=True, exist_ok=True)
    with snapshot.locked(inbox):
        yield


def is_companion(path: Path) -> bool:
    if path.name == COMPANION:
        return False
    beside = path.with_name(path.name.removesuffix(COMPANION))
    return beside != path and (_is_file(beside) or beside.is_symlink())


def _companion_of(path: Path) -> Path:
    return path.with_name(path.name + COMPANION)


def _is_file(path: Path) -> bool:
    """Like `Path.is_file`, also for a name that is too long for the file system."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_companion_alone(path: Path) -> bool:
    """Whether a companion's file has not arrived yet."""
    if path.suffix != COMPANION or is_companion(path) or path.is_symlink():
        return False
    try:
        if path.stat().st_size > _LARGEST_COMPANION:
            return False
        stated = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(stated, dict) and bool(stated) and stated.keys() <= STATED.keys()


def read_companion(path: Path) -> Mapping[str, Any]:
    """What the companion states about a file; empty without a companion.

    Raises:
        InboxError: not JSON, or what `checked` refuses.
    """
    companion = _companion_of(path)
    if not _is_file(companion):
        return {}
    where = f"{shown_name(companion.name)} beside it"
    try:
        if companion.stat().st_size > _LARGEST_COMPANION:
            raise InboxError(f"{where} has more than {_LARGEST_COMPANION:,} bytes. Correct it.")
        stated = json.loads(companion.read_bytes())
    except InboxError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise InboxError(f"{where} cannot be read as JSON ({error}). Correct it.") from error
    if not isinstance(stated, dict):
        raise InboxError(f"{where} must be a JSON object with some of {', '.join(STATED)}.")
    return checked(stated, where)


def checked(stated: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """The stated fields, checked, with the day as a date.

    Raises:
        InboxError: an unknown field, or a value that cannot be used.
    """
    found = dict(stated)
    for name, value in found.items():
        if name not in STATED:
            raise InboxError(f"{where} states {name!r}: {closest(name, STATED)}")
        if not isinstance(value, STATED[name]) or value == "":
            kind = "true or false" if STATED[name] is bool else "a text"
            raise InboxError(f"{where}: {name} must be {kind}.")
        if isinstance(value, str) and (not value.isprintable() or len(value) > _LONGEST_TEXT):
            raise InboxError(
                f"{where}: {name} must be one line of printable text, of at most"
                f" {_LONGEST_TEXT:,} characters."
            )
    for name in ("known_from", "published_on"):
        if name not in found:
            continue
        try:
            found[name] = date.fromisoformat(found[name])
        except ValueError as error:
            raise InboxError(
                f"{where}: {name} is {stated[name]!r}; write a day, YYYY-MM-DD."
            ) from error
    if not _PLAIN_NAME.fullmatch(found.get("release_id", "x")):
        raise InboxError(f"{where}: release_id must be letters, digits, '.', '_' and '-'.")
    return found
