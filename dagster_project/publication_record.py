"""The record of a publication: what was published, and how its files are recognised.

It lies in the folder of the publication, beside the warehouse and the exports, so that all three
are replaced together. A build compares itself with the record and never opens the published file,
which another program may have locked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dagster_project.disk import fsync, sha256_of

RECORD = "publication.json"
_READ_ONLY = 0o444


@dataclass(frozen=True)
class FileState:
    """A published file: its hash, its size in bytes, and what any change to it changes too."""

    sha256: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    def looks_like(self, path: Path) -> bool:
        """Whether the file system says that the file is the same and untouched."""
        stat = path.stat()
        return (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino) == (
            *(self.size, self.mtime_ns, self.ctime_ns, self.inode),
        )


@dataclass(frozen=True)
class Record:
    """`publication` is the row of `meta.publication`; `world` are the files that its views read.

    `files` are the published files by their path below the folder.
    """

    publication: Mapping[str, Any]
    world: tuple[Path, ...]
    files: Mapping[str, FileState]

    def is_of(self, content_hash: str, input_hash: str) -> bool:
        return (content_hash, input_hash) == (
            self.publication["content_hash"],
            self.publication["input_hash"],
        )


def write_record(folder: Path, publication: Mapping[str, Any], world: Iterable[Path]) -> None:
    """Make all files of a publication read-only, flush them to disk and record their state."""
    files = {}
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        path.chmod(_READ_ONLY)
        fsync(path)
        stat = path.stat()
        files[str(path.relative_to(folder))] = FileState(
            sha256_of(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino
        )
    content = {
        "publication": publication,
        "world": sorted(str(path) for path in world),
        "files": {name: asdict(state) for name, state in files.items()},
    }
    record = folder / RECORD
    record.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
    record.chmod(_READ_ONLY)
    for path in (record, *(one for one in folder.rglob("*") if one.is_dir()), folder):
        fsync(path)


def read_record(folder: Path) -> Record | None:
    """The record in a folder; None if there is none that can be read."""
    try:
        content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return Record(
            publication=content["publication"],
            world=tuple(Path(path) for path in content["world"]),
            files={name: FileState(**state) for name, state in content["files"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def altered_files(
    folder: Path, record: Record | None, *, only: str | None = None, in_full: bool = False
) -> tuple[str, ...]:
    """The published files that are not as they were published, each with what is wrong.

    Without a record nothing shows what was published, which is as wrong. A file is read only if its
    size, times or inode differ, which is also so in a copied data home, or if `in_full` is set.
    `only` limits the check to one file.
    """
    if record is None:
        return (f"{RECORD}, the record of the publication, is missing or damaged",)
    if only is not None and only not in record.files:
        return (f"{RECORD}, the record of the publication, does not name {only}",)
    names = record.files if only is None else [only]
    found = [
        f"{name} {fault}"
        for name in names
        if (fault := _fault(folder / name, record.files[name], in_full=in_full))
    ]
    for name in names:
        # DuckDB would apply such a log to the file, and a reader see what it says.
        if (folder / f"{name}.wal").exists():
            found.append(f"{name}.wal has changes that somebody made to {name}")
    return tuple(found)


def _fault(path: Path, state: FileState, *, in_full: bool) -> str | None:
    try:
        if not in_full and state.looks_like(path):
            return None
        if path.stat().st_size != state.size:
            return f"has {path.stat().st_size} bytes instead of {state.size}"
        return None if sha256_of(path) == state.sha256 else "has other content"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
