"""What becomes of a file in the inbox: it waits, is taken, or is put aside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dagster_project.sources.release_diff import Comparison
from dagster_project.sources.snapshot import Release


class InboxError(ValueError):
    """A file that cannot be taken; the message says why and what to do."""


@dataclass(frozen=True)
class Imported:
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
class Scan:
    """What lies in the inbox, by name: ready to be taken, not yet, or not ours to touch."""

    ready: tuple[str, ...]
    waiting: tuple[str, ...]
    left_alone: tuple[str, ...]
