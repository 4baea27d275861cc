"""`make dev`: Dagster's daemon and the guarded web interface, started and stopped together."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

from dagster_project.ui.guard import LOOPBACK
from dagster_project.ui.webserver import WORKSPACE

_CHECKED_EVERY = 0.5
# A daemon that is told to stop finishes what its threads are doing.
_STOPS_WITHIN = 30.0


class _Stop(Exception):
    """A signal told this process to stop."""


def main(port: int) -> int:
    """Run both processes until one ends or a signal comes; the exit code is 1 if one ended."""
    commands = (
        [sys.executable, "-m", "dagster_project.ui.webserver", "--port", str(port)],
        [sys.executable, "-m", "dagster._daemon", "run", "-w", str(WORKSPACE)],
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    # Sessions of their own: Ctrl-C reaches this process alone, which then stops them in order.
    running = [
        subprocess.Popen(command, cwd=WORKSPACE.parent, start_new_session=True)
        for command in commands
    ]
    print(f"Dagster UI on http://{LOOPBACK}:{port}; press Ctrl-C to stop.", flush=True)  # noqa: T201
    try:
        while all(process.poll() is None for process in running):
            time.sleep(_CHECKED_EVERY)
    except _Stop:
        _end(running)
        print("Stopped.", flush=True)  # noqa: T201
        return 0
    _end(running)
    print("Stopped, since one of its processes ended.", file=sys.stderr)  # noqa: T201
    return 1


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise _Stop


def _end(running: Sequence[subprocess.Popen[bytes]]) -> None:
    """Stop the processes and what they started: code servers and runs."""
    for process in running:
        process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + _STOPS_WITHIN
    for process in running:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
    for process in running:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3000)
    sys.exit(main(parser.parse_args().port))
