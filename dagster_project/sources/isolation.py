"""Runs functions that read files in a child process with limits of time and memory.

Whatever a file does to its reader, an exception, a signal, an abort or too much of something, ends
that child alone, and the caller learns why. The child is a guard against faults, not a sandbox: it
runs as the same user and may read and write the same files.

Nothing here imports Polars, so that a child starts while its parent still imports.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

MB = 1024 * 1024

# What a child that reads dropped files imports.
READER = "dagster_project.sources.inbox.reader"

# Read whole, 60 MB of CSV take 0.8 GB, 50 MB of JSON 1.8 GB, a sheet of 8 million cells 0.7 GB.
# Bulk tables, which are read in blocks, take less than 1 GB for any file.
MOST_MEMORY = 2048 * MB
# Files of 1 MB take up to 2 CPU seconds, packed sheets of a million rows 3 for each MB.
CPU_SECONDS, CPU_SECONDS_PER_MB = 10, 6
# A machine that is busy with other work reads several times slower.
WALL_PER_CPU_SECOND = 6
# A child imports Polars and the parsers, in about a second.
_LONGEST_START = 120
# A child that once took so much might not give it back, and is replaced.
WORN = 512 * MB

OnProgress = Callable[..., None]
Result = TypeVar("Result")


class ReadingFailed(Exception):
    """The function raised an unexpected error, or its process was ended; the message says how."""


@dataclass(frozen=True)
class Limits:
    """What one call may take, in seconds and bytes."""

    cpu_seconds: int
    wall_seconds: int
    memory: int = MOST_MEMORY

    @classmethod
    def for_size(cls, size: int) -> Limits:
        """The limits for a file of this many bytes."""
        cpu_seconds = CPU_SECONDS + CPU_SECONDS_PER_MB * (size // MB)
        return cls(cpu_seconds, cpu_seconds * WALL_PER_CPU_SECOND)


class Isolated:
    """Calls functions in a child process, which starts at once and is replaced after a failure.

    Use as a context manager: its end ends the child. `imports` are the modules that the child
    imports while it waits.
    """

    def __init__(self, *imports: str) -> None:
        self._imports = imports
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> Isolated:
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop()

    def call(
        self,
        function: Callable[..., Result],
        *arguments: object,
        limits: Limits,
        expected: tuple[type[Exception], ...] = (),
        on_progress: OnProgress | None = None,
    ) -> Result:
        """What `function(*arguments)` returns in the child.

        Function, arguments and result are pickled. With `on_progress`, the function gets a keyword
        argument of this name, a function whose calls reach the given one.

        Raises:
            ReadingFailed: an error that is not of an `expected` type, or a limit.
        """
        connection = self._connection or self._start()
        try:
            kind, said = self._answer(
                connection,
                (function, arguments, limits, expected, on_progress is not None),
                limits,
                on_progress,
            )
        except EOFError:
            raise ReadingFailed(_end_of(self._stop(), limits)) from None
        except BaseException:
            self._stop()
            raise
        if kind == "raised":
            raise said
        if kind == "failed":
            self._stop()
            raise ReadingFailed(said)
        result, peak = said
        if peak > WORN:
            self._stop()
        return result

    def _answer(
        self,
        connection: Connection,
        job: tuple[object, ...],
        limits: Limits,
        on_progress: OnProgress | None,
    ) -> tuple[str, Any]:
        """What kind of answer a job gets, and the answer."""
        # One that has ended is noticed when it is read from.
        with suppress(BrokenPipeError):
            connection.send(job)
        deadline = time.monotonic() + _LONGEST_START
        while connection.poll(max(deadline - time.monotonic(), 0)):
            kind, said = connection.recv()
            if kind == "ready":
                deadline = time.monotonic() + limits.wall_seconds
            elif kind == "progress" and on_progress is not None:
                on_progress(*said)
            else:
                return kind, said
        return "failed", (
            f"it takes more than {limits.wall_seconds:,} seconds, the most for a file of its size"
        )

    def _start(self) -> Connection:
        spawn = multiprocessing.get_context("spawn")
        self._connection, theirs = spawn.Pipe()
        self._process = spawn.Process(
            target=_serve, args=(theirs, self._imports), name="reader", daemon=True
        )
        self._process.start()
        theirs.close()
        return self._connection

    def _stop(self) -> int:
        """End the child; its exit code, negative for a signal."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if process is None or connection is None:
            return 0
        # One that is at its end still says how it ended.
        with suppress(OSError):
            if not connection.poll():
                process.kill()
        connection.close()
        process.join(1)
        if process.is_alive():
            process.kill()
            process.join()
        return process.exitcode or 0


def _end_of(code: int, limits: Limits) -> str:
    if code == -signal.SIGXCPU:
        return f"it takes more than {limits.cpu_seconds:,} CPU seconds, the most for its size"
    if code < 0:
        return (
            f"its reader was ended by {signal.Signals(-code).name}, as happens if it needs more"
            f" than the {limits.memory // MB:,} MB of memory that one file may take"
        )
    return f"its reader ended with exit code {code}"


# ---------------------------------------------------------------------------
# The child
# ---------------------------------------------------------------------------


def _serve(connection: Connection, imports: tuple[str, ...]) -> None:
    """Answer calls until the parent is gone."""
    # The parent ends this process; Ctrl-C reaches both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a library prints when it aborts is no message for the user.
    silent = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silent, descriptor)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name in imports:
        importlib.import_module(name)
    while True:
        try:
            function, arguments, limits, expected, has_progress = connection.recv()
        except EOFError:
            return
        connection.send(("ready", None))
        _limit(limits)
        try:
            said = _outcome(connection, function, arguments, expected, has_progress)
            connection.send(said)
        except MemoryError:
            connection.send(("failed", _too_large(limits)))


def _outcome(
    connection: Connection,
    function: Callable[..., object],
    arguments: tuple[object, ...],
    expected: tuple[type[Exception], ...],
    has_progress: bool,
) -> tuple[str, object]:
    lock = threading.Lock()

    def on_progress(*said: object) -> None:
        with lock:
            connection.send(("progress", said))

    try:
        result = function(*arguments, **({"on_progress": on_progress} if has_progress else {}))
    except expected as error:
        return "raised", error
    except MemoryError:
        raise
    # A panic of Polars is no Exception.
    except BaseException as error:
        return "failed", f"{type(error).__name__}: {str(error)[:200]}"
    return "returned", (result, _peak())


def _limit(limits: Limits) -> None:
    """Set the limits of the next call, which the kernel enforces.

    RLIMIT_DATA counts what a process may write to: unlike RLIMIT_AS, neither libraries nor address
    space that is only reserved. macOS does not enforce it; there, time alone is limited.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + limits.cpu_seconds
    _, hardest = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (_least(seconds, hardest), hardest))
    _, hardest = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_least(limits.memory, hardest), hardest))


def _least(wanted: int, hardest: int) -> int:
    return wanted if hardest == resource.RLIM_INFINITY else min(wanted, hardest)


def _too_large(limits: Limits) -> str:
    return f"it needs more than the {limits.memory // MB:,} MB of memory that one file may take"


def _peak() -> int:
    """The most memory that this process has had, in bytes.

    Linux counts the memory that the parent had at the start in `ru_maxrss`, so that every child of
    a large parent would look worn; VmHWM is its own. Not every system that runs Linux programs has
    it.
    """
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with suppress(OSError), Path("/proc/self/status").open(encoding="utf-8") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
