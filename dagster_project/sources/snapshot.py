"""Snapshots: the bytes of a publisher, one folder per release, described by a sidecar."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import uuid
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qsl, quote_plus, urlsplit, urlunsplit

SIDECAR = "sidecar.json"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# A release being written; see `_write_folder`.
_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{32}")
_DATED_ID = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01]))?")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_PRECISIONS = ("day", "month", "year")
_SECRET_PARAMETERS = frozenset(
    {"key", "subscription-key", "userid", "servicekey", "api_key", "apikey", "token"}
)
_SCRUBBED = "SCRUBBED"


class SnapshotError(ValueError):
    """A snapshot, or one of its files, cannot be used as a whole."""


@dataclass(frozen=True)
class Covers:
    """The part of a raw table that a request covers.

    Rows of earlier releases inside it that the new reply lacks were withdrawn by the publisher.
    `equal` gives the requested values by raw column, `beginnings` their beginnings; a column left
    out is not restricted. `first` and `last` are months (YYYY-MM), compared with
    `SourceTable.period`.
    """

    equal: Mapping[str, tuple[str, ...]]
    first: str
    last: str
    beginnings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def columns(self) -> frozenset[str]:
        """The columns that restrict the part, besides the period."""
        return frozenset(self.equal) | frozenset(self.beginnings)


@dataclass(frozen=True)
class SnapshotFile:
    """One file of a release, as its sidecar describes it.

    `snapshot_file` is the path below the snapshots root, as recorded in raw rows.
    """

    source_id: str
    release_id: str
    known_from: date
    table: str
    name: str
    layout: str
    address: str | None
    sha256: str
    bytes: int
    composed_from: str | None
    note: str | None
    path: Path
    covers: Covers | None = None

    @property
    def snapshot_file(self) -> str:
        return f"{self.source_id}/{self.release_id}/{self.name}"

    @property
    def is_empty(self) -> bool:
        """Whether the publisher had nothing for the request."""
        return self.bytes == 0 and self.covers is not None


@dataclass(frozen=True)
class Release:
    """What one publisher published as of one day.

    `known_from` is never too early: where only the month or the year is known
    (`known_from_precision`), it is the last possible day.
    """

    source_id: str
    release_id: str
    known_from: date
    known_from_precision: str
    retrieved_on: date
    licence: str
    redistributable: bool
    files: tuple[SnapshotFile, ...]
    folder: Path
    retrieved_at: datetime | None = None

    def files_of(self, table: str) -> tuple[SnapshotFile, ...]:
        return tuple(file for file in self.files if file.table == table)

    @property
    def moment(self) -> tuple[date, datetime, str]:
        """The sort key of a source's releases: on the same day, the one retrieved later wins."""
        at = self.retrieved_at or datetime.combine(self.retrieved_on, time.min, UTC)
        return self.known_from, at, self.release_id


@dataclass(frozen=True)
class FileOnDisk:
    """A file too large for memory, with its path and hash.

    It is linked into a release, which takes no space or time, and must not be written to
    afterwards. One that `stays`, since its owner may change it, is copied instead.
    """

    path: Path
    sha256: str
    bytes: int
    stays: bool = False


@dataclass(frozen=True)
class NewFile:
    """Bytes just received, with their entry for the sidecar.

    `content` may be a function that reads them, so that a release of many large files need not be
    in memory.
    """

    name: str
    table: str
    layout: str
    address: str | None
    content: bytes | Callable[[], bytes] | FileOnDisk
    composed_from: str | None = None
    note: str | None = None
    covers: Covers | None = None

    def sha256(self) -> str:
        if isinstance(self.content, FileOnDisk):
            return self.content.sha256
        return hashlib.sha256(self._read()).hexdigest()

    def put(self, path: Path) -> tuple[str, int]:
        """Write the bytes to `path` and flush them; return their hash and number."""
        if isinstance(self.content, FileOnDisk):
            _link_or_copy(self.content, path)
            found = self.content.sha256, self.content.bytes
        else:
            content = self._read()
            path.write_bytes(content)
            found = hashlib.sha256(content).hexdigest(), len(content)
        _sync(path)
        return found

    def _read(self) -> bytes:
        if isinstance(self.content, FileOnDisk):
            raise TypeError(f"{self.name} is too large to be read.")
        return self.content if isinstance(self.content, bytes) else self.content()


@dataclass(frozen=True)
class NewRelease:
    """A release about to be added; see `Release` for the meaning of its fields."""

    source_id: str
    release_id: str
    known_from: date
    known_from_precision: str
    retrieved_on: date
    licence: str
    redistributable: bool
    files: tuple[NewFile, ...]
    retrieved_at: datetime | None = None


@dataclass(frozen=True)
class AddedRelease:
    """The release that contains the content, and whether it was added now."""

    release: Release
    is_new: bool


def scrub_address(address: str) -> str:
    """Replace the value of every parameter that can contain a secret.

    Other parameters keep their order and spelling, so that the address still identifies the
    request.
    """
    parts = urlsplit(address)
    if not parts.query:
        return address
    kept = []
    for pair in parts.query.split("&"):
        parsed = parse_qsl(pair, keep_blank_values=True)
        name = parsed[0][0] if parsed else ""
        is_secret = name.lower() in _SECRET_PARAMETERS
        kept.append(f"{quote_plus(name)}={_SCRUBBED}" if is_secret else pair)
    return urlunsplit(parts._replace(query="&".join(kept)))


def read_verified(file: SnapshotFile) -> bytes:
    """The bytes of a file, checked against its sidecar.

    Raises:
        SnapshotError: the file is missing, or differs in size or hash.
    """
    try:
        content = file.path.read_bytes()
    except OSError as error:
        raise SnapshotError(
            f"{file.snapshot_file}: the sidecar names this file but it cannot be read"
            f" ({error.strerror}). Restore it, or fetch the release again."
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if len(content) != file.bytes or found != file.sha256:
        raise SnapshotError(
            f"{file.snapshot_file}: {len(content)} bytes with sha256 {found[:12]}… but the"
            f" sidecar says {file.bytes} bytes with {file.sha256[:12]}…. A snapshot is never"
            " edited: restore the file, or store the changed bytes as a new release."
        )
    return content


def discover_releases(roots: Iterable[Path]) -> tuple[Release, ...]:
    """Every release below the roots, ordered by source and moment.

    Raises:
        SnapshotError: no release at all, a sidecar that cannot be used, one release stored twice
        with different bytes, or releases whose dates contradict their ids.
    """
    roots = tuple(roots)
    found: dict[tuple[str, str], Release] = {}
    for root in roots:
        for folder in _release_folders(root):
            release = read_release(folder)
            key = (release.source_id, release.release_id)
            held = found.setdefault(key, release)
            if held is not release and _content(held) != _content(release):
                raise SnapshotError(
                    f"{release.source_id}/{release.release_id}: stored in {held.folder} and in"
                    f" {folder} with different bytes. Give one of them a release id of its own."
                )
    if not found:
        raise SnapshotError(
            f"No release below {' or '.join(str(root) for root in roots)}."
            " Restore data/snapshots from the repository."
        )
    releases = tuple(sorted(found.values(), key=lambda one: (one.source_id, *one.moment)))
    _check_order(releases)
    return releases


def read_release(folder: Path) -> Release:
    """Read and check the sidecar of one release folder; the files are not opened.

    Raises:
        SnapshotError: the sidecar is missing, is not JSON, lacks a field, contradicts the
            folder's place, or does not name exactly the files that are there.
    """
    source_id, release_id = folder.parent.name, folder.name
    where = f"{source_id}/{release_id}/{SIDECAR}"
    sidecar = _read_sidecar(folder / SIDECAR, where)
    for name, expected in (("source_id", source_id), ("release_id", release_id)):
        if _text(sidecar, name, where) != expected:
            raise SnapshotError(
                f"{where}: {name} is {sidecar[name]!r} but the folder is called"
                f" {expected!r}. Rename the folder or correct the sidecar."
            )
        if not _NAME.fullmatch(expected):
            raise SnapshotError(
                f"{where}: {name} {expected!r} must be letters, digits, '.', '_' and '-'."
            )
    precision = _text(sidecar, "known_from_precision", where)
    if precision not in _PRECISIONS:
        raise SnapshotError(
            f"{where}: known_from_precision is {precision!r}; write one of"
            f" {', '.join(_PRECISIONS)}."
        )
    redistributable = sidecar.get("redistributable")
    if not isinstance(redistributable, bool):
        raise SnapshotError(f"{where}: redistributable must be true or false.")
    entries = sidecar.get("files")
    if not isinstance(entries, list) or not entries:
        raise SnapshotError(f"{where}: files must list at least one file.")
    known_from = _date(sidecar, "known_from", where)
    release = Release(
        source_id=source_id,
        release_id=release_id,
        known_from=known_from,
        known_from_precision=precision,
        retrieved_on=_date(sidecar, "retrieved_on", where),
        licence=_text(sidecar, "licence", where),
        redistributable=redistributable,
        files=tuple(
            _read_file_entry(entry, f"{where}, file {number}", folder, known_from)
            for number, entry in enumerate(entries, start=1)
        ),
        folder=folder,
        retrieved_at=_moment(sidecar, "retrieved_at", where),
    )
    _check_dates(release, where)
    named = [file.name for file in release.files]
    for name in named:
        if named.count(name) > 1:
            raise SnapshotError(f"{where}: names {name} twice. Keep one entry per file.")
    present = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    unnamed = sorted(present - {SIDECAR} - set(named))
    if unnamed:
        raise SnapshotError(
            f"{where}: does not name {', '.join(unnamed)}. Describe the file there, or remove it"
            " from the folder."
        )
    return release


def add_release(root: Path, new: NewRelease, held: Sequence[Release]) -> AddedRelease:
    """Store a release below `root`; content that was already known adds nothing.

    A release may arrive late: it is ordered by the day it was known from, and later releases are
    unchanged. The folder appears complete: it is written beside its place and renamed.

    Raises:
        SnapshotError: no files, the id is used for other bytes, or the dates contradict each other
        or those of existing releases.
    """
    where = f"{new.source_id}/{new.release_id}"
    if not new.files:
        raise SnapshotError(f"{where}: a release needs at least one file.")
    content = {(file.table, file.name): file.sha256() for file in new.files}
    same_source = [release for release in held if release.source_id == new.source_id]
    before = _last_known(same_source, {table for table, _ in content}, new.known_from)
    if before is not None and _content(before) == content:
        return AddedRelease(before, is_new=False)
    for release in same_source:
        if release.release_id == new.release_id:
            if _content(release) == content:
                return AddedRelease(release, is_new=False)
            raise SnapshotError(
                f"{where}: this id already exists with other bytes. Releases are never"
                " edited: choose the id of the day the changed bytes were published."
            )
    folder = root / new.source_id / new.release_id
    _write_folder(folder, new)
    try:
        release = read_release(folder)
        _check_order((*same_source, release))
    except SnapshotError:
        shutil.rmtree(folder)
        raise
    return AddedRelease(release, is_new=True)


def _release_folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return [
        folder
        for source in sorted(root.iterdir())
        if source.is_dir() and not source.name.startswith(".")
        for folder in sorted(source.iterdir())
        if folder.is_dir() and not folder.name.startswith(".")
    ]


def _content(release: Release) -> dict[tuple[str, str], str]:
    return {(file.table, file.name): file.sha256 for file in release.files}


def _last_known(releases: Sequence[Release], tables: set[str], day: date) -> Release | None:
    """The latest release of these tables as of that day."""
    sharing = [
        release
        for release in releases
        if release.known_from <= day and tables & {file.table for file in release.files}
    ]
    return max(sharing, key=lambda one: one.moment, default=None)


def _check_dates(release: Release, where: str) -> None:
    """A release cannot be retrieved before it was known, nor known before the date in its id."""
    earliest = {
        "day": release.known_from,
        "month": release.known_from.replace(day=1),
        "year": release.known_from.replace(month=1, day=1),
    }[release.known_from_precision]
    if earliest > release.retrieved_on:
        raise SnapshotError(
            f"{where}: known_from {release.known_from} lies after retrieved_on"
            f" {release.retrieved_on}. Correct whichever is wrong."
        )
    named = _DATED_ID.fullmatch(release.release_id)
    if named and release.known_from < date(int(named[1]), int(named[2]), int(named[3] or 1)):
        raise SnapshotError(
            f"{where}: known_from {release.known_from} lies before the date in the release id"
            f" {release.release_id}. Correct whichever is wrong."
        )


def _check_order(releases: Iterable[Release]) -> None:
    """Within a table, a later dated id must not have been known earlier."""
    by_table: defaultdict[tuple[str, str], list[Release]] = defaultdict(list)
    for release in releases:
        if _DATED_ID.fullmatch(release.release_id):
            for table in {file.table for file in release.files}:
                by_table[release.source_id, table].append(release)
    for (source_id, table), dated in sorted(by_table.items()):
        dated.sort(key=lambda one: one.release_id)
        for older, newer in pairwise(dated):
            if newer.known_from < older.known_from:
                raise SnapshotError(
                    f"{source_id}/{newer.release_id}/{SIDECAR}: known_from {newer.known_from}"
                    f" lies before that of the older release {older.release_id}"
                    f" ({older.known_from}), table {table}. Correct known_from in one of the"
                    " two sidecars."
                )


def _read_sidecar(path: Path, where: str) -> Mapping[str, object]:
    try:
        sidecar = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise SnapshotError(
            f"{where}: missing. Every release folder needs a sidecar; fetch the release again."
        ) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SnapshotError(f"{where}: not JSON ({error}). Correct it.") from error
    if not isinstance(sidecar, dict):
        raise SnapshotError(f"{where}: must be a JSON object.")
    return sidecar


def _read_file_entry(entry: object, where: str, folder: Path, known_from: date) -> SnapshotFile:
    if not isinstance(entry, dict):
        raise SnapshotError(f"{where}: must be a JSON object.")
    name = _text(entry, "name", where)
    if not _NAME.fullmatch(name):
        raise SnapshotError(f"{where}: name {name!r} must be a plain file name.")
    size = entry.get("bytes")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise SnapshotError(f"{where}: bytes must be a whole number.")
    address = _optional_text(entry, "address", where)
    if address is not None and scrub_address(address) != address:
        raise SnapshotError(
            f"{where}: the address holds a key. Replace its value by {_SCRUBBED}, and have the"
            " publisher issue a new one if it was ever shared."
        )
    return SnapshotFile(
        source_id=folder.parent.name,
        release_id=folder.name,
        known_from=known_from,
        table=_text(entry, "table", where),
        name=name,
        layout=_text(entry, "layout", where),
        address=address,
        sha256=_text(entry, "sha256", where),
        bytes=size,
        composed_from=_optional_text(entry, "composed_from", where),
        note=_optional_text(entry, "note", where),
        path=folder / name,
        covers=_read_covers(entry, where),
    )


def _read_covers(entry: Mapping[str, object], where: str) -> Covers | None:
    covers = entry.get("covers")
    if covers is None:
        return None
    where = f"{where}, covers"
    if not isinstance(covers, dict):
        raise SnapshotError(f"{where}: must be an object with equal, first and last.")
    equal = _read_columns(covers.get("equal"), where)
    beginnings = _read_columns(covers.get("beginnings", {}), where)
    bounds = [_text(covers, bound, where) for bound in ("first", "last")]
    if not all(_MONTH.fullmatch(bound) for bound in bounds) or bounds[0] > bounds[1]:
        raise SnapshotError(f"{where}: first and last must be months, YYYY-MM, in this order.")
    return Covers(equal, *bounds, beginnings)


def _read_columns(columns: object, where: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(columns, dict):
        raise SnapshotError(f"{where}: must be an object with equal, first and last.")
    for column, values in columns.items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise SnapshotError(f"{where}: {column} must be a list of texts.")
    return {column: tuple(values) for column, values in columns.items()}


def _text(fields: Mapping[str, object], name: str, where: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise SnapshotError(f"{where}: {name} must be a non-empty text.")
    return value


def _optional_text(fields: Mapping[str, object], name: str, where: str) -> str | None:
    return None if fields.get(name) is None else _text(fields, name, where)


def _date(fields: Mapping[str, object], name: str, where: str) -> date:
    text = _text(fields, name, where)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SnapshotError(f"{where}: {name} is {text!r}; write it as YYYY-MM-DD.") from error


def _moment(fields: Mapping[str, object], name: str, where: str) -> datetime | None:
    text = _optional_text(fields, name, where)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise SnapshotError(
            f"{where}: {name} is {text!r}; write date, time and zone: 2026-11-22T08:30:00+00:00."
        )
    return moment.astimezone(UTC)


def _write_folder(folder: Path, new: NewRelease) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.parent / f".{folder.name}.{uuid.uuid4().hex}"
    with _only_writer(folder.parent):
        temporary.mkdir()
        try:
            _fill_folder(temporary, new)
            temporary.rename(folder)
            _sync(folder.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _only_writer(folder: Path) -> Generator[None]:
    """Lock a source's folder, and remove what a killed writer left there.

    The kernel releases the lock when the process ends.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for unfinished in folder.iterdir():
            if _UNFINISHED.fullmatch(unfinished.name):
                shutil.rmtree(unfinished, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


def _fill_folder(folder: Path, new: NewRelease) -> None:
    """The files, then the sidecar that describes them."""
    entries = []
    for file in new.files:
        sha256, size = file.put(folder / file.name)
        entries.append(
            {
                "name": file.name,
                "table": file.table,
                "layout": file.layout,
                "address": None if file.address is None else scrub_address(file.address),
                "sha256": sha256,
                "bytes": size,
                "composed_from": file.composed_from,
                "note": file.note,
                "covers": None if file.covers is None else asdict(file.covers),
            }
        )
    sidecar = {
        "source_id": new.source_id,
        "release_id": new.release_id,
        "known_from": new.known_from.isoformat(),
        "known_from_precision": new.known_from_precision,
        "retrieved_on": new.retrieved_on.isoformat(),
        "retrieved_at": None if new.retrieved_at is None else new.retrieved_at.isoformat(),
        "licence": new.licence,
        "redistributable": new.redistributable,
        "files": entries,
    }
    text = json.dumps(sidecar, indent=2, ensure_ascii=False) + "\n"
    (folder / SIDECAR).write_bytes(text.encode())
    _sync(folder / SIDECAR)


def _link_or_copy(file: FileOnDisk, path: Path) -> None:
    if not file.stays:
        try:
            os.link(file.path, path)
        except OSError:
            # Another disk, or one without hard links.
            pass
        else:
            return
    shutil.copyfile(file.path, path)


def _sync(path: Path) -> None:
    """Flush a release's content to disk before its name appears."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
