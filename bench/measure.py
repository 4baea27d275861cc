"""Seconds and peak memory of a command, as the kernel counted them."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY_SECONDS = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class BenchError(RuntimeError):
    """A measured command failed, so its time would be meaningless."""


@dataclass(frozen=True)
class Cost:
    """Wall seconds, CPU seconds, and the largest resident size of the process in megabytes.

    Where a process starts others, the largest single process counts, not the sum. `file_megabytes`
    is the size of the file it made, if any.
    """

    seconds: float
    cpu: float
    megabytes: float
    file_megabytes: float = 0.0
    failed: bool = False


@dataclass(frozen=True)
class Sample:
    """The resources a process had used, and its memory, at a moment."""

    at: float
    cpu: float
    megabytes: float


@dataclass(frozen=True)
class Watched:
    """A process that was sampled while it ran."""

    cost: Cost
    samples: tuple[Sample, ...]

    def between(self, started: float, ended: float) -> Cost:
        """The resources used between two moments, to some hundredths of a second."""
        inside = [one for one in self.samples if started <= one.at <= ended]
        before = [one for one in self.samples if one.at < started][-1:]
        seen = before + inside
        if not seen:
            return Cost(ended - started, 0.0, 0.0)
        peak = max(one.megabytes for one in inside or seen)
        return Cost(ended - started, seen[-1].cpu - seen[0].cpu, peak)


def measure(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    may_fail: bool = False,
) -> Cost:
    """Run a command to its end, its output thrown away.

    Raises:
        BenchError: it ended with an unexpected error; the message contains its last output.
    """
    return watch(command, env=env, cwd=cwd, may_fail=may_fail).cost


def watch(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    may_fail: bool = False,
) -> Watched:
    """Run a command to its end and sample it from time to time.

    Raises:
        BenchError: as of `measure`.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    samples: list[Sample] = []
    is_over = threading.Event()
    watcher = threading.Thread(target=_look, args=(process.pid, samples, is_over))
    watcher.start()
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    is_over.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 and not may_fail:
        raise BenchError(
            f"{' '.join(command)} ended with {process.returncode}:\n"
            + output.decode(errors="replace")[-2000:]
        )
    cost = Cost(
        seconds,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        failed=process.returncode != 0,
    )
    return Watched(cost, tuple(samples))


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each measure over several runs of the same."""
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.megabytes for cost in costs),
        statistics.median(cost.file_megabytes for cost in costs),
        any(cost.failed for cost in costs),
    )


def _look(pid: int, samples: list[Sample], is_over: threading.Event) -> None:
    while not is_over.wait(_EVERY_SECONDS):
        try:
            used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            held = Path(f"/proc/{pid}/statm").read_text().split()
        except OSError:
            return
        # The name, which may contain blanks, is removed with the two fields before it.
        cpu = (int(used[11]) + int(used[12])) / _TICKS
        samples.append(Sample(time.time(), cpu, int(held[1]) * _PAGE / 1024 / 1024))
