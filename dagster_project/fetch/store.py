"""Stores a fetch's replies and starting time on disk until the fetch is done."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from dagster_project.disk import fsync
from dagster_project.settings import Settings
from dagster_project.sources.connector import Chunk, Reply, Request, Selection

# A release represents one point in time; after two weeks the publisher may have revised.
_OLDEST = timedelta(days=14)

_JOB = "job.json"
_UNCONFIRMED = "unconfirmed"
_SUFFIX = ".reply"


def job_folder(settings: Settings, source_id: str, selection: Selection) -> Path:
    """One folder per selection of a source, so that the same command finds it again."""
    text = json.dumps(plain(selection), sort_keys=True)
    return settings.fetching / source_id / hashlib.sha256(text.encode()).hexdigest()[:12]


class Store:
    """The replies of one job, one file each: a line that names the request, then the bytes.

    A file appears complete or not at all. A reply to an earlier request of the same name counts as
    absent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def survey(self) -> Store:
        return Store(self.folder / "survey")

    def begin(self, selection: Selection, now: datetime) -> None:
        """Record when the job began, if not yet recorded; remove leftovers of a killed process."""
        self.survey.folder.mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.rglob(".*"):
            leftover.unlink()
        if not (self.folder / _JOB).exists():
            job = {"started_at": now.isoformat(), "selection": plain(selection)}
            write_whole(self.folder / _JOB, json.dumps(job, indent=2).encode() + b"\n")

    def is_stale(self, now: datetime) -> bool:
        """Whether the job is older than `_OLDEST`, or has no starting time."""
        if not self.folder.exists():
            return False
        try:
            job = json.loads((self.folder / _JOB).read_bytes())
            return now - datetime.fromisoformat(job["started_at"]) > _OLDEST
        except (OSError, ValueError, KeyError, TypeError):
            return True

    @property
    def is_unconfirmed(self) -> bool:
        """Whether all replies are there and wait for the user to confirm a fall in rows."""
        return (self.folder / _UNCONFIRMED).exists()

    def wait_for_confirmation(self, why: str) -> None:
        write_whole(self.folder / _UNCONFIRMED, why.encode() + b"\n")

    def read(self, chunk: Chunk) -> Reply | None:
        try:
            content = (self.folder / f"{chunk.name}{_SUFFIX}").read_bytes()
        except FileNotFoundError:
            return None
        line, _, body = content.partition(b"\n")
        try:
            head = json.loads(line)
            if head["request"] != _request_hash(chunk.request):
                return None
            return Reply(int(head["status"]), str(head["content_type"]), body)
        except (ValueError, KeyError, TypeError):
            return None

    def write(self, chunk: Chunk, reply: Reply) -> None:
        head = {
            "request": _request_hash(chunk.request),
            "status": reply.status,
            "content_type": reply.content_type,
        }
        content = json.dumps(head).encode() + b"\n" + reply.content
        write_whole(self.folder / f"{chunk.name}{_SUFFIX}", content)

    def count(self) -> int:
        return sum(1 for _ in self.folder.rglob(f"*{_SUFFIX}"))

    def remove(self) -> None:
        # Renamed first: an interrupted removal must not look like an unfinished job.
        if self.folder.exists():
            gone = self.folder.with_name(f".{self.folder.name}.{uuid.uuid4().hex}")
            self.folder.rename(gone)
            shutil.rmtree(gone)


def write_whole(file: Path, content: bytes, *, is_synced: bool = True) -> None:
    """Write a file atomically: if the process is killed, it is the old file or the new one.

    With `is_synced`, the same is true after a power cut.
    """
    temporary = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("wb") as handle:
            handle.write(content)
            if is_synced:
                handle.flush()
                os.fsync(handle.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    if is_synced:
        fsync(file.parent)


@contextmanager
def locked(file: Path, *, is_waited_for: bool = True) -> Generator[None]:
    """Lock a file; the kernel releases the lock when the process ends.

    Raises:
        BlockingIOError: another process has the lock, and it is not waited for.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX if is_waited_for else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def remove_abandoned(folder: Path, now: datetime) -> None:
    """Remove old jobs and the leftovers of interrupted removals."""
    for job in folder.iterdir():
        if job.is_dir() and (job.name.startswith(".") or Store(job).is_stale(now)):
            shutil.rmtree(job)


def stale_note(folder: Path) -> str:
    return (
        f"An unfinished fetch in {folder} began more than {_OLDEST.days} days ago, or does not"
        " say when. It is started again: one release must not mix data of two dates."
    )


def plain(selection: Selection) -> dict[str, object]:
    """The selection as JSON; the order of codes does not matter."""
    return {
        name: sorted(value) if isinstance(value, tuple) else str(value)
        for name, value in vars(selection).items()
    }


def _request_hash(request: Request) -> str:
    parts = (request.method, request.stored_address, (request.body or b"").hex())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
