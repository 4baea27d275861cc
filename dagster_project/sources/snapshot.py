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
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

from dagster_project.disk import fsync
from dagster_project.sources.sidecar import (
    DATED_ID,
    SIDECAR,
    Covers,
    Release,
    SnapshotError,
    SnapshotFile,
    read_release,
    scrub_address,
)

__all__ = [
    "SIDECAR",
    "AddedRelease",
    "Covers",
    "FileChanged",
    "FileOnDisk",
    "NewFile",
    "NewRelease",
    "Release",
    "SnapshotError",
    "SnapshotFile",
    "UnusableRelease",
    "add_release",
    "discover",
    "discover_releases",
    "locked",
    "read_release",
    "read_verified",
    "scrub_address",
    "sync_release",
    "unreadable",
]

# A release being written; see `_write_folder`.
_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{32}")
_PIECE = 1024 * 1024


class FileChanged(Exception):
    """A file had other bytes when it was copied than when it was read."""


@dataclass(frozen=True)
class FileOnDisk:
    """A file that is copied into a release, with its path and hash.

    A link would take no time, but a writer that still has the file open would change the release.
    """

    path: Path
    sha256: str
    bytes: int


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
        """Write the bytes to `path` and flush them; return their hash and number.

        Raises:
            FileChanged: a file on disk has no longer the bytes of its hash.
        """
        if isinstance(self.content, FileOnDisk):
            found = _copy(self.content, path)
        else:
            content = self._read()
            path.write_bytes(content)
            found = hashlib.sha256(content).hexdigest(), len(content)
        fsync(path)
        return found

    def _read(self) -> bytes:
        if isinstance(self.content, FileOnDisk):
            raise TypeError(f"{self.name} is copied, not read.")
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
class UnusableRelease:
    """A folder that is not used as a release, and why; both ids are names of folders."""

    source_id: str
    release_id: str
    reason: str


@dataclass(frozen=True)
class AddedRelease:
    """The release that contains the content, and whether it was added now."""

    release: Release
    is_new: bool


def read_verified(file: SnapshotFile) -> bytes:
    """The bytes of a file, checked against its sidecar.

    Raises:
        SnapshotError: the file is missing, or differs in size or hash.
    """
    try:
        content = file.path.read_bytes()
    except OSError as error:
        raise unreadable(file, error) from error
    found = hashlib.sha256(content).hexdigest()
    if len(content) != file.bytes or found != file.sha256:
        raise SnapshotError(
            f"{file.snapshot_file}: {len(content)} bytes with sha256 {found[:12]}… but the"
            f" sidecar says {file.bytes} bytes with {file.sha256[:12]}…. A snapshot is never"
            " edited: restore the file, or store the changed bytes as a new release."
        )
    return content


def unreadable(file: SnapshotFile, error: OSError) -> SnapshotError:
    return SnapshotError(
        f"{file.snapshot_file}: the sidecar names this file but it cannot be read"
        f" ({error.strerror}). Restore it, or fetch the release again."
    )


def discover_releases(roots: Iterable[Path]) -> tuple[Release, ...]:
    """Every usable release below the roots, ordered by source and moment.

    Raises:
        SnapshotError: there is none.
    """
    return discover(roots)[0]


def discover(roots: Iterable[Path]) -> tuple[tuple[Release, ...], tuple[UnusableRelease, ...]]:
    """Every release below the roots, ordered by source and moment, and the unusable ones.

    A release is unusable if its sidecar cannot be read, if an earlier root has it with other bytes,
    or if its dates contradict those of an earlier release. The others are not affected.

    Raises:
        SnapshotError: there is no usable release.
    """
    roots = tuple(roots)
    found: dict[tuple[str, str], Release] = {}
    unusable: list[UnusableRelease] = []
    for root in roots:
        for folder in _release_folders(root):
            try:
                release = read_release(folder)
                held = found.setdefault((release.source_id, release.release_id), release)
                if held is not release and _content(held) != _content(release):
                    raise SnapshotError(
                        f"{release.source_id}/{release.release_id}: stored in {held.folder} and in"
                        f" {folder} with different bytes. Give one of them a release id of its own."
                    )
            except SnapshotError as error:
                unusable.append(UnusableRelease(folder.parent.name, folder.name, str(error)))
    releases = sorted(found.values(), key=lambda one: (one.source_id, *one.moment))
    while (contradiction := _first_contradiction(releases)) is not None:
        newer, reason = contradiction
        releases.remove(newer)
        unusable.append(UnusableRelease(newer.source_id, newer.release_id, reason))
    if not releases:
        raise SnapshotError(
            f"No release below {' or '.join(str(root) for root in roots)}."
            " Restore data/snapshots from the repository."
            + "".join(f"\n{one.reason}" for one in unusable)
        )
    return tuple(releases), tuple(unusable)


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
        contradiction = _first_contradiction((*same_source, release))
        if contradiction is not None:
            raise SnapshotError(contradiction[1])
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


def _first_contradiction(releases: Iterable[Release]) -> tuple[Release, str] | None:
    """Within a table, a later dated id must not have been known earlier: the later one, and why."""
    by_table: defaultdict[tuple[str, str], list[Release]] = defaultdict(list)
    for release in releases:
        if DATED_ID.fullmatch(release.release_id):
            for table in {file.table for file in release.files}:
                by_table[release.source_id, table].append(release)
    for (source_id, table), dated in sorted(by_table.items()):
        dated.sort(key=lambda one: one.release_id)
        for older, newer in pairwise(dated):
            if newer.known_from < older.known_from:
                return newer, (
                    f"{source_id}/{newer.release_id}/{SIDECAR}: known_from {newer.known_from}"
                    f" lies before that of the older release {older.release_id}"
                    f" ({older.known_from}), table {table}. Correct known_from in one of the"
                    " two sidecars."
                )
    return None


def _write_folder(folder: Path, new: NewRelease) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.parent / f".{folder.name}.{uuid.uuid4().hex}"
    with locked(folder.parent):
        # What a killed writer left there.
        for unfinished in folder.parent.iterdir():
            if _UNFINISHED.fullmatch(unfinished.name):
                shutil.rmtree(unfinished, ignore_errors=True)
        temporary.mkdir()
        try:
            _fill_folder(temporary, new)
            fsync(temporary)
            temporary.rename(folder)
            fsync(folder.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Lock a folder; the kernel releases the lock when the process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
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
    fsync(folder / SIDECAR)


def _copy(file: FileOnDisk, path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with file.path.open("rb") as source, path.open("wb") as target:
        while piece := source.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            target.write(piece)
    if digest.hexdigest() != file.sha256:
        raise FileChanged(f"{file.path.name} changed while it was read.")
    return file.sha256, size


def sync_release(release: Release) -> None:
    """Flush a release to disk: its files, its sidecar and the folders that name them."""
    for file in release.files:
        fsync(file.path)
    fsync(release.folder / SIDECAR)
    for folder in (release.folder, release.folder.parent, release.folder.parent.parent):
        fsync(folder)
