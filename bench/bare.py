"""Runs statements in bare DuckDB, one process each: the baseline of the world stages.

Usage: python -m bench.bare DATABASE MEMORY < SQL, where DATABASE and MEMORY may be empty.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import duckdb


def main(database: str, memory: str, sql: str) -> None:
    connection = duckdb.connect()
    connection.execute("set threads = 2; set enable_progress_bar = false")
    if memory:
        connection.execute(f"set memory_limit = '{memory}'")
    if database:
        connection.execute(f"attach '{database}' as warehouse (read_only)")
        connection.execute("use warehouse")
        # As where the models are made.
        connection.execute("set disabled_optimizers = 'build_side_probe_side'")
    started, used = time.perf_counter(), _cpu()
    connection.execute(sql).fetchall()
    cost = {
        "seconds": time.perf_counter() - started,
        "cpu": _cpu() - used,
        "megabytes": _peak_kilobytes() / 1024,
    }
    sys.stdout.write(json.dumps(cost))


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_kilobytes() -> int:
    """Peak memory; the kernel's `ru_maxrss` would include the parent process's memory."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.stdin.read())
