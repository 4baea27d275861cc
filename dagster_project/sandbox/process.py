"""Run one query in a child process that can read the warehouse and change nothing.

The child opens the warehouse, runs the query, renders the result as bytes and sends them through
a pipe; it ends with the query. It is a fork, since a new interpreter would take longer than most
queries, so that this process should have no other threads.
"""

from __future__ import annotations

import gc
import io
import os
import select
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn

import duckdb

from dagster_project.sandbox.connection import Sandbox
from dagster_project.sandbox.kernel import (
    confine,
    end_with_parent,
    landlock_version,
    limit_memory,
)
from dagster_project.settings import Settings
from dagster_project.warehouse import QueryRefused, WarehouseError

if TYPE_CHECKING:
    from typing_extensions import Buffer

# Renders a result, on the child's side.
Render = Callable[[duckdb.DuckDBPyConnection, IO[bytes]], None]

# A message is its kind, its length and its content.
_HEADER = struct.Struct("!cI")
_DATA, _REFUSED, _OVERTAKEN, _DONE = b"D", b"R", b"O", b"."
_BUFFER = 1 << 16
# Libraries and time zones, which are loaded when they are first needed, and what the engine reads
# to choose its number of threads: it aborts if that exists and cannot be read.
_SYSTEM = (
    *("/usr", "/lib", "/lib64", "/etc/localtime", "/etc/ld.so.cache"),
    *("/proc/self/cgroup", "/proc/self/mountinfo", "/proc/cpuinfo", "/proc/meminfo"),
    *("/sys/fs/cgroup", "/sys/devices/system/cpu"),
)


@dataclass(frozen=True)
class Limits:
    """What one query may use: seconds, and bytes of memory and of temporary files."""

    seconds: float
    memory: int
    temporary: int


def ask(settings: Settings, query: str, limits: Limits, render: Render) -> Generator[bytes]:
    """Yield what `render` writes of the result of a query, as it comes.

    The child ends when the iterator is closed, or when an exception passes through it.

    Raises:
        WarehouseError: the query is refused, fails, crashes the engine or reaches a limit, or
            nothing has been published.
    """
    with tempfile.TemporaryDirectory(prefix="bilateral-sql-") as temporary:
        while True:
            with closing(_Child(settings, query, limits, render, Path(temporary))) as child:
                try:
                    yield from child.received(limits)
                except _Overtaken:
                    # What a process may read is decided once; another one follows the new name.
                    continue
                return


class _Overtaken(Exception):
    """Something was published before the warehouse was open, in a folder that cannot be read."""


class _Child:
    """A process that answers one query."""

    def __init__(
        self, settings: Settings, query: str, limits: Limits, render: Render, temporary: Path
    ) -> None:
        self._pipe, writing = os.pipe()
        self._status: int | None = None
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self._id = os.fork()
        if self._id == 0:
            _answer(parent, writing, settings, query, limits, render, temporary)
        os.close(writing)

    def received(self, limits: Limits) -> Iterator[bytes]:
        """The content of its messages, until the result is complete."""
        seconds_left = limits.seconds

        def read(size: int) -> bytes:
            # The time that the reader of this process takes is not the query's.
            nonlocal seconds_left
            content = b""
            while len(content) < size:
                started = time.monotonic()
                ready, _, _ = select.select([self._pipe], [], [], max(seconds_left, 0))
                seconds_left -= time.monotonic() - started
                if not ready:
                    raise QueryRefused(
                        f"The query was stopped after {limits.seconds:g} s: select less, or allow"
                        " more with --timeout."
                    )
                received = os.read(self._pipe, size - len(content))
                if not received:
                    raise QueryRefused(_ended(self._end()))
                content += received
            return content

        while True:
            kind, size = _HEADER.unpack(read(_HEADER.size))
            if kind == _DONE:
                return
            if kind == _OVERTAKEN:
                raise _Overtaken
            content = read(min(size, _BUFFER))
            if kind != _DATA:
                raise QueryRefused(content.decode(errors="replace"))
            yield content

    def close(self) -> None:
        self._end()
        os.close(self._pipe)

    def _end(self) -> int:
        """Kill it if it still runs; return how it ended."""
        if self._status is None:
            os.kill(self._id, signal.SIGKILL)
            _, self._status = os.waitpid(self._id, 0)
        return self._status


def _ended(status: int) -> str:
    """Why a child ended before its answer was complete."""
    if not os.WIFSIGNALED(status):
        return "The query ended without an answer. Write it in another way."
    number = os.WTERMSIG(status)
    if number == signal.SIGKILL:
        return "The query was killed, probably for want of memory: select less, or lower --memory."
    return (
        f"The query made the engine stop ({signal.Signals(number).name}); nothing was changed."
        " Write it in another way."
    )


def _answer(
    parent: int,
    writing: int,
    settings: Settings,
    query: str,
    limits: Limits,
    render: Render,
    temporary: Path,
) -> NoReturn:
    """Answer in the child: send the result or the reason why there is none, and end."""
    try:
        _isolate(parent, writing)
        publication = _folder_of(settings)
        options = _confine(settings, publication, limits, temporary)
        try:
            opened = Sandbox(settings, options)
        except WarehouseError as error:
            if _folder_of(settings) != publication:
                raise _Overtaken from error
            raise
        with opened as sandbox:
            result = sandbox.execute(query)
            stream = io.BufferedWriter(_Messages(writing), _BUFFER)
            with sandbox.refusals():
                render(result, stream)
            stream.flush()
            _send(writing, _DONE, b"")
    except _Overtaken:
        _send(writing, _OVERTAKEN, b"")
    except WarehouseError as error:
        _send(writing, _REFUSED, str(error).encode(errors="replace")[:_BUFFER])
    except MemoryError:
        _send(
            writing,
            _REFUSED,
            b"The query needs more memory than it may use: select less, or allow more with"
            b" --memory.",
        )
    except BaseException as error:
        reason = f"The query failed ({type(error).__name__}: {error})."
        _send(writing, _REFUSED, reason.encode(errors="replace")[:_BUFFER])
    finally:
        # Nothing of the parent is finished, flushed or closed here.
        os._exit(0)


def _isolate(parent: int, writing: int) -> None:
    """Keep nothing of the parent but its memory and the pipe."""
    end_with_parent(parent)
    # Ctrl-C goes to all processes of a terminal; the parent ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Objects of the parent are not collected: their threads are not in this process.
    gc.freeze()
    sys.dont_write_bytecode = True
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.closerange(3, writing)
    os.closerange(writing + 1, os.sysconf("SC_OPEN_MAX"))


def _folder_of(settings: Settings) -> Path:
    """Where the name of the warehouse leads: a folder that also has its record."""
    return settings.warehouse.resolve().parent


def _confine(
    settings: Settings, publication: Path, limits: Limits, temporary: Path
) -> dict[str, str]:
    """Set the limits of this process; return those of the engine."""
    limit_memory(limits.memory)
    options = {"memory_limit": _kibibytes(limits.memory)}
    libraries = {*_SYSTEM, sys.prefix, sys.base_prefix, *filter(None, sys.path)}
    readable = (publication, settings.raw, settings.world, *map(Path, libraries))
    # Without a kernel that keeps all writing there, nothing is written at all.
    is_kept = landlock_version() > 0
    confine(readable, temporary if is_kept else None, limits.temporary)
    if is_kept:
        options["temp_directory"] = str(temporary)
        options["max_temp_directory_size"] = _kibibytes(limits.temporary)
    return options


def _kibibytes(size: int) -> str:
    return f"{size // 1024}KiB"


class _Messages(io.RawIOBase):
    """A stream whose content is sent in messages."""

    def __init__(self, writing: int) -> None:
        self._writing = writing

    def writable(self) -> bool:
        return True

    def write(self, content: Buffer, /) -> int:
        part = memoryview(content).cast("B")[:_BUFFER]
        _send(self._writing, _DATA, bytes(part))
        return len(part)


def _send(writing: int, kind: bytes, content: bytes) -> None:
    message = _HEADER.pack(kind, len(content)) + content
    while message:
        message = message[os.write(writing, message) :]
