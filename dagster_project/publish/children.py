"""Child processes that end together with the process that started them.

Each child leads a process group, so that what it starts itself ends with it. On Linux the kernel
ends a child whose parent was killed; elsewhere it ends when it next writes to the closed pipe.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

# Seconds between SIGTERM and SIGKILL.
_GRACE = 5.0

# Run by the child before it becomes the program: 1 is PR_SET_PDEATHSIG of Linux. The parent may
# have died before the call, so its id is checked again.
_END_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, int(signal.SIGTERM), 0, 0, 0)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""

_children: set[subprocess.Popen] = set()
_lock = threading.Lock()
_is_ending = threading.Event()


@contextmanager
def child(arguments: Sequence[str], **options: Any) -> Generator[subprocess.Popen]:
    """Start a program, given by its full path, and end it when the context exits.

    Raises:
        InterruptedError: this process is being stopped.
    """
    if sys.platform == "linux":
        parent = str(os.getpid())
        arguments = [sys.executable, "-ISc", _END_WITH_PARENT, parent, *arguments]
    with _lock:
        if _is_ending.is_set():
            raise InterruptedError("stopped by a signal")
        process = subprocess.Popen(arguments, process_group=0, **options)
        _children.add(process)
    try:
        yield process
    finally:
        _end(process)
        with _lock:
            _children.discard(process)


def end_children() -> None:
    """End all running children, from any thread, and start no more: this process is ending."""
    with _lock:
        _is_ending.set()
        children = list(_children)
    for process in children:
        _end(process)


def _end(process: subprocess.Popen) -> None:
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    # What the child started may outlive it.
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
