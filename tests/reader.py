"""A reader beside whatever a test does to what it reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType


class Reader(threading.Thread):
    """Calls a function again and again, half of the time; use as a context manager.

    The other half is for what else this process does, such as serving replies. Every kind of
    failure is one too many, and all are kept in `errors`.
    """

    def __init__(self, read: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._read = read
        self._stop_asked = threading.Event()
        self.errors: list[str] = []
        self.reads = 0

    def __enter__(self) -> Reader:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop_asked.set()
        self.join()

    def run(self) -> None:
        pause = 0.0
        while not self._stop_asked.wait(pause):
            began = time.monotonic()
            try:
                self._read()
                self.reads += 1
            except Exception as error:
                self.errors.append(repr(error))
            pause = time.monotonic() - began
