"""Outcomes of a file in the inbox: it waits, is imported, or is quarantined."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dagster_project.sources.release_diff import Comparison
from dagster_project.sources.snapshot import Release


class InboxError(ValueError):
    """A file that cannot be imported; the message says why and what to do."""


@dataclass(frozen=True)
class Imported:
    """A file whose content is in a release: a new one or an earlier one."""

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
