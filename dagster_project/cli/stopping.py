"""Work that Ctrl-C and SIGTERM stop at once, whatever it is doing."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn, TypeVar

import typer

from dagster_project.cli.terminal import print_error

_Result = TypeVar("_Result")

# Seconds for the work to clean up; what it leaves after that, the next build removes.
_GRACE = 10.0


class Stopped(Exception):
    """A signal stopped the work; printed, it is the name of the signal."""

    def __init__(self, number: int, *, is_running: bool) -> None:
        super().__init__("Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name)
        self._number = number
        self._is_running = is_running

    def end(self, message: str) -> NoReturn:
        """Print a sentence and end with 128 plus the number of the signal, as shells do."""
        print_error(message, title="Stopped")
        if self._is_running:
            # Waiting for a thread that does not react would hang.
            sys.stderr.flush()
            os._exit(128 + self._number)
        raise typer.Exit(128 + self._number)


class _Signal(BaseException):
    def __init__(self, number: int) -> None:
        self.number = number


def run_stoppable(
    work: Callable[[Callable[[], None]], _Result], end_children: Callable[[], None]
) -> _Result:
    """Run work in a thread, so that the main thread is free to react to a signal.

    The work is given a function that it calls often and that raises once a signal has come. Signal
    handlers set by libraries have no effect outside the main thread. `end_children` ends the
    processes that the work has started.

    Raises:
        Stopped: a signal came before the work was done.
    """
    stop, ended = threading.Event(), threading.Event()
    results: list[_Result] = []
    errors: list[BaseException] = []

    def check() -> None:
        if stop.is_set():
            raise InterruptedError("stopped by a signal")

    def run() -> None:
        try:
            results.append(work(check))
        except BaseException as error:
            errors.append(error)
        finally:
            ended.set()

    def react(number: int, _frame: FrameType | None) -> None:
        raise _Signal(number)

    handlers = {one: signal.signal(one, react) for one in (signal.SIGINT, signal.SIGTERM)}
    thread = threading.Thread(target=run, name="work", daemon=True)
    try:
        try:
            thread.start()
            # Not `join`: in Python 3.11 one that a signal interrupts takes the thread for ended.
            ended.wait()
        except _Signal as first:
            stop.set()
            try:
                end_children()
                ended.wait(_GRACE)
            except _Signal:
                pass
            # Work that was done anyway is not undone.
            if not results:
                raise Stopped(first.number, is_running=not ended.is_set()) from None
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
    if errors:
        raise errors[0]
    return results[0]
