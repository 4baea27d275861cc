"""Seconds and peak memory of a command, as the kernel counted them.

Belongs here: running a process and reading its cost. Does not belong here: which
processes are worth it (`__main__.py`).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class BenchError(RuntimeError):
    """A measured command failed, so that its time would mean nothing."""


@dataclass(frozen=True)
class Cost:
    """Wall seconds, and the largest resident size of the process in megabytes.

    Of a process that starts others, the largest single process counts, not their sum.
    """

    seconds: float
    megabytes: float


def measure(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Cost:
    """Run a command to its end, its output thrown away.

    Raises:
        BenchError: it ended with an error; the last of what it said is in the message.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode != 0:
        raise BenchError(
            f"{' '.join(command)} ended with {process.returncode}:\n"
            + output.decode(errors="replace")[-2000:]
        )
    return Cost(seconds, usage.ru_maxrss / 1024)


def median(command: Sequence[str], *, runs: int, env: Mapping[str, str] | None = None) -> Cost:
    """The median of several runs; the first, which warms the disk, is not counted."""
    measure(command, env=env)
    costs = [measure(command, env=env) for _ in range(runs)]
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.megabytes for cost in costs),
    )
