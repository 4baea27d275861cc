"""Decides when the writer of a dropped file is done.

A file that a process has open for writing waits. Where the kernel says that none has, or a rename
or the date that copying programs set last shows the end, a short rest is enough. Elsewhere, as on a
network share, the file must have rested for longer and be complete for its kind; after an hour it
is read as it is, and the parser of its layout says what is missing.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import stat
import zipfile
from datetime import timedelta
from pathlib import Path

from dagster_project.sources.blocks import GZIP, unpacked_parts
from dagster_project.sources.formats import ARCHIVE
from dagster_project.sources.snapshot import SnapshotError

# Programs write every few seconds while they are not waiting for a network.
STEADY = timedelta(seconds=10)
# A transfer that is interrupted resumes within minutes, or its program gives up.
QUIET = timedelta(minutes=10)
ABANDONED = timedelta(hours=1)

# What is examined of a file for its end: as much as takes about a second.
_EXAMINED = 64 * 1024 * 1024
_PIECE = 1024 * 1024
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ROOT = re.compile(rb"<([A-Za-z_][\w:.-]*)[\s>/]")


def is_done(path: Path, found: os.stat_result, rested: timedelta) -> bool:
    """Whether a file that has not changed for the time `rested` can be read."""
    if rested < STEADY:
        return False
    if not stat.S_ISREG(found.st_mode):
        return True
    is_written = is_open_for_writing(path)
    if is_written is not None:
        return not is_written
    # Writing sets both times. A rename, or the date that copying programs set last, sets only this.
    is_finished = found.st_ctime_ns > found.st_mtime_ns
    return is_finished or rested >= ABANDONED or (rested >= QUIET and is_complete(path))


def is_open_for_writing(path: Path) -> bool | None:
    """Whether any process of this machine has a file open for writing; None if nobody can say.

    Linux grants a lease for reading only while nobody has. It grants none to other users than the
    file's, on network shares, or for a file that cannot be read.
    """
    set_lease = getattr(fcntl, "F_SETLEASE", None)
    if set_lease is None:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        # Who opens it for writing meanwhile waits until it is closed here. The kernel tells us by a
        # signal, which by default would end this process.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, set_lease, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False


def is_complete(path: Path) -> bool:
    """Whether a file ends as files of its kind do; one too large to examine does not."""
    try:
        with path.open("rb") as opened:
            head = opened.read(len(ARCHIVE))
        if head.startswith(ARCHIVE):
            return zipfile.is_zipfile(path)
        if head.startswith(GZIP):
            return _ends_gzip(path)
        return _ends_text(path)
    except OSError:
        # The reader says what is wrong with it.
        return True


def _ends_gzip(path: Path) -> bool:
    """Whether all members are complete, by their check sums."""
    examined = 0
    try:
        with path.open("rb") as opened:
            for part in unpacked_parts(opened, path.name):
                examined += len(part)
                if examined > _EXAMINED:
                    return False
    except SnapshotError:
        return False
    return True


def _ends_text(path: Path) -> bool:
    with path.open("rb") as opened:
        text = opened.read(_EXAMINED + 1)
    if len(text) > _EXAMINED:
        return False
    begin = text.removeprefix(b"\xef\xbb\xbf").lstrip()[:_PIECE]
    if begin.startswith((b"{", b"[")):
        bare = _TEXT.sub(b"", text)
        return (
            b'"' not in bare
            and bare.count(b"{") == bare.count(b"}")
            and bare.count(b"[") == bare.count(b"]")
        )
    if begin.startswith(b"<"):
        root = _ROOT.search(begin)
        end = text.rstrip()[-_PIECE:]
        return root is None or end.endswith((b"</" + root[1] + b">", b"/>"))
    return text.endswith(b"\n")
