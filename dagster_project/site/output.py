"""The folder of a site: written completely beside its link, then published in one step."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dagster_project.disk import fsync
from dagster_project.publish.links import (
    beside,
    points_to,
    replace_link,
    require_managed_link,
)
from dagster_project.site.context import File


@dataclass(frozen=True)
class Placed:
    """The content behind the link, and whether it changed."""

    is_new: bool
    content_hash: str


def place(link: Path, files: Iterable[File]) -> Placed:
    """Write all files into a new folder and point the link to it.

    Concurrent runs write separate folders; the last one is published.

    Raises:
        ReplaceRefused: something else is at the path of the link.
    """
    files = sorted(files, key=lambda one: one.path)
    paths = [one.path for one in files]
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise ValueError(f"Two files of a site have one address: {', '.join(twice)}")
    content_hash = _hash(files)
    folder = beside(link, content_hash)
    link.parent.mkdir(parents=True, exist_ok=True)
    with _locked(link.parent):
        require_managed_link(link)
        _remove_remains(link)
        if _holds(folder, files):
            is_new = not points_to(link, folder)
            if is_new:
                replace_link(folder, link)
            return Placed(is_new, content_hash)
        temporary = link.with_name(f".{link.name}.{uuid.uuid4().hex[:8]}.making")
        temporary.mkdir()
        # The lock keeps other runs from removing it as a leftover of a killed run.
        descriptor = _lock(temporary)
    try:
        _write(temporary, files)
        with _locked(link.parent):
            # Another run may have published the same content in the meantime.
            if not _holds(folder, files):
                _remove_other(folder)
                temporary.rename(folder)
                fsync(link.parent)
            replace_link(folder, link)
    finally:
        os.close(descriptor)
        shutil.rmtree(temporary, ignore_errors=True)
    return Placed(True, content_hash)


def _hash(files: Sequence[File]) -> str:
    digest = hashlib.sha256()
    for one in files:
        content = one.content.encode()
        digest.update(f"{one.path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _holds(folder: Path, files: Sequence[File]) -> bool:
    """Whether a folder has exactly these files: one may have been edited or removed."""
    try:
        return folder.is_dir() and all(
            (folder / one.path).read_bytes() == one.content.encode() for one in files
        )
    except OSError:
        return False


def _write(folder: Path, files: Sequence[File]) -> None:
    for one in files:
        target = folder / one.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(one.content.encode())
        fsync(target)
    for inner in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        fsync(inner)


def _remove_other(folder: Path) -> None:
    """Remove a folder of this name with other content."""
    if folder.exists():
        aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.making")
        folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def _remove_remains(link: Path) -> None:
    """Remove leftovers of killed runs; a folder being written is locked by its writer."""
    for folder in link.parent.glob(f".{link.name}.*.making"):
        with suppress(OSError):
            descriptor = _lock(folder, wait=False)
            try:
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
    for loose in link.parent.glob(f".{link.name}.*.tmp"):
        if loose.is_symlink():
            loose.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    """One holder at a time; the kernel releases the lock when the holder dies."""
    descriptor = _lock(folder)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(folder: Path, *, wait: bool = True) -> int:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
