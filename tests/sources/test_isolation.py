"""Tests of the child process that reads files: any end of it is told, and the next call works."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Generator

import pytest

from dagster_project.sources.isolation import MB, WORN, Isolated, Limits, ReadingFailed

LIMITS = Limits(cpu_seconds=2, wall_seconds=30, memory=512 * MB)
ROOMY = Limits(cpu_seconds=10, wall_seconds=60, memory=2 * WORN)
IMPATIENT = Limits(cpu_seconds=2, wall_seconds=1, memory=512 * MB)


class ExpectedError(Exception):
    """An error that the caller knows."""


def echo(value: object) -> object:
    return value


def raise_expected() -> None:
    raise ExpectedError("row 3")


def divide() -> float:
    return 1 / int("0")


def panic() -> None:
    class PanicError(BaseException):
        pass

    raise PanicError("unforeseen")


def abort() -> None:
    os.abort()


def leave() -> None:
    os._exit(7)


def fill_memory() -> int:
    return len(bytearray(3 * LIMITS.memory))


def fill_memory_piece_by_piece() -> int:
    return len([bytearray(MB) for _ in range(3 * LIMITS.memory // MB)])


def fill_memory_once() -> int:
    return len(b"x" * (WORN + MB))


def compute() -> None:
    while True:
        pass


def sleep() -> None:
    time.sleep(60)


def count(*, on_progress: Callable[[int], None]) -> str:
    for done in range(3):
        on_progress(done)
    return "done"


@pytest.fixture(scope="module")
def isolated() -> Generator[Isolated]:
    with Isolated() as child:
        yield child


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "fact"),
    [
        (divide, "ZeroDivisionError"),
        (panic, "PanicError: unforeseen"),
        (abort, "SIGABRT"),
        (leave, "exit code 7"),
        (fill_memory, "512 MB"),
        (fill_memory_piece_by_piece, "512 MB"),
        (compute, "2 CPU seconds"),
    ],
)
def test_the_end_of_a_child_is_told_and_the_next_call_works(
    isolated: Isolated, function: Callable[[], object], fact: str
) -> None:
    with pytest.raises(ReadingFailed, match=fact):
        isolated.call(function, limits=LIMITS)
    assert isolated.call(echo, "next", limits=LIMITS) == "next"


@pytest.mark.slow
def test_a_child_that_waits_for_ever_is_ended(isolated: Isolated) -> None:
    with pytest.raises(ReadingFailed, match="1 seconds"):
        isolated.call(sleep, limits=IMPATIENT)
    assert isolated.call(echo, "next", limits=LIMITS) == "next"


def test_one_child_answers_all_calls_of_a_batch() -> None:
    with Isolated() as child:
        process = child.call(os.getpid, limits=LIMITS)
        assert process != os.getpid()
        with pytest.raises(ExpectedError, match="row 3"):
            child.call(raise_expected, limits=LIMITS, expected=(ExpectedError,))
        seen: list[int] = []
        assert child.call(count, limits=LIMITS, on_progress=seen.append) == "done"
        assert seen == [0, 1, 2]
        assert child.call(os.getpid, limits=LIMITS) == process
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.mark.slow
def test_a_child_is_replaced_for_its_own_memory_and_not_for_that_of_its_parent() -> None:
    parents = b"x" * (WORN + MB)
    with Isolated() as child:
        process = child.call(os.getpid, limits=ROOMY)
        assert child.call(os.getpid, limits=ROOMY) == process
        assert child.call(fill_memory_once, limits=ROOMY) == len(parents)
        assert child.call(os.getpid, limits=ROOMY) != process


def test_ctrl_c_ends_the_parent_and_not_the_child() -> None:
    with Isolated() as child:
        process = child.call(os.getpid, limits=LIMITS)
        os.kill(process, signal.SIGINT)
        assert child.call(os.getpid, limits=LIMITS) == process


def test_a_larger_file_may_take_longer() -> None:
    small, large = Limits.for_size(100), Limits.for_size(500 * MB)
    assert (small.cpu_seconds, large.cpu_seconds) == (10, 3010)
    assert large.wall_seconds > large.cpu_seconds
    assert small.memory == large.memory
