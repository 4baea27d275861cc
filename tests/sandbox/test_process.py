"""One query is bounded, ends with its reader, and a crash of it is a sentence."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import IO

import duckdb
import pytest
from e2e.stand_in import make_build

from dagster_project.cli.writing import QueryFormat, renderer
from dagster_project.publish.links import point, replace_link
from dagster_project.publish.publication import publish
from dagster_project.sandbox import process
from dagster_project.sandbox.kernel import confine, landlock_version
from dagster_project.sandbox.process import Limits, ask
from dagster_project.settings import Settings
from dagster_project.warehouse import QueryRefused

LIMITS = Limits(seconds=30, memory=10**9, temporary=10**9)
ENDLESS = (
    "select count(*) from range(10000000) a, range(10000000) b where hash(a.range, b.range) = 1"
)


def csv(settings: Settings, query: str, limits: Limits = LIMITS, rows: int = 10**6) -> str:
    return b"".join(ask(settings, query, limits, renderer(QueryFormat.csv, rows))).decode()


def children() -> int:
    return len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_the_result_comes_back(published_small: Settings) -> None:
    assert csv(published_small, "select count(*) as n from marts.figures") == "n\n2000\n"


@pytest.mark.slow
def test_a_long_result_comes_in_parts(published_small: Settings) -> None:
    render = renderer(QueryFormat.csv, 10**7)
    parts = list(ask(published_small, "from range(200000) t(a)", LIMITS, render))
    assert max(map(len, parts)) <= 1 << 16
    assert b"".join(parts).decode().split() == ["a", *map(str, range(200_000))]


@pytest.mark.slow
def test_the_time_is_bounded(published_small: Settings) -> None:
    started = time.monotonic()
    with pytest.raises(QueryRefused, match="--timeout"):
        csv(published_small, ENDLESS, replace(LIMITS, seconds=1))
    assert time.monotonic() - started < 10


@pytest.mark.slow
def test_the_memory_is_bounded(published_small: Settings) -> None:
    limits = replace(LIMITS, memory=10**8, temporary=10**7)
    with pytest.raises(QueryRefused, match=r"--memory"):
        csv(
            published_small,
            "select count(*) from (from range(9000000) order by hash(range))",
            limits,
        )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds all memory of a process")
def test_memory_that_the_engine_does_not_count_is_bounded(published_small: Settings) -> None:
    # Each text is 2 GB, whatever the limit of the engine.
    query = " || ".join(f"max(repeat('x', 2000000000 + {number}))" for number in range(3))
    with pytest.raises(QueryRefused):
        csv(published_small, f"select length({query})", replace(LIMITS, memory=10**8))


@pytest.mark.slow
@pytest.mark.skipif(landlock_version() == 0, reason="queries spill only where the kernel confines")
def test_a_query_spills_to_its_own_folder(published_small: Settings) -> None:
    query = "select count(*) from (from range(9000000) t(a) order by hash(a), hash(a + 1))"
    limits = replace(LIMITS, memory=10**8, seconds=120)
    assert csv(published_small, query, limits).splitlines()[1] == "9000000"
    with pytest.raises(QueryRefused, match="--temp-space"):
        csv(published_small, query, replace(limits, temporary=10**7))


@pytest.mark.slow
def test_rows_are_bounded(published_small: Settings) -> None:
    assert csv(published_small, "from range(10)", rows=10).count("\n") == 11
    for form in (QueryFormat.csv, QueryFormat.json, QueryFormat.parquet):
        with pytest.raises(QueryRefused, match=r"--max-rows"):
            list(ask(published_small, "from range(11)", LIMITS, renderer(form, 10)))


def test_a_crash_is_a_sentence(published_small: Settings) -> None:
    def crash(result: duckdb.DuckDBPyConnection, stream: IO[bytes]) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    with pytest.raises(QueryRefused, match="SIGSEGV"):
        list(ask(published_small, "select 1", LIMITS, crash))


def test_an_unexpected_error_is_a_sentence(published_small: Settings) -> None:
    def fail(result: duckdb.DuckDBPyConnection, stream: IO[bytes]) -> None:
        raise RuntimeError("a fault in the code")

    with pytest.raises(QueryRefused, match="RuntimeError: a fault in the code"):
        list(ask(published_small, "select 1", LIMITS, fail))


def test_a_reader_that_stops_ends_the_query(published_small: Settings) -> None:
    before = children()
    with closing(
        ask(published_small, "from range(100000000)", LIMITS, renderer(QueryFormat.csv, 10**9))
    ) as parts:
        next(parts)
        assert children() == before + 1
    assert children() == before


@pytest.mark.slow
def test_nothing_temporary_is_left(
    published_small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(process.tempfile, "tempdir", str(folder))
    csv(published_small, "select 1")
    with pytest.raises(QueryRefused):
        csv(published_small, ENDLESS, replace(LIMITS, seconds=0.5))
    assert list(folder.iterdir()) == []


def test_without_a_warehouse_the_next_step_is_named(published_small: Settings) -> None:
    published_small.warehouse.unlink()
    with pytest.raises(QueryRefused, match="make build"):
        csv(published_small, "select 1")


@pytest.mark.slow
def test_a_publication_just_before_the_file_is_opened_is_the_one_that_answers(
    published_small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = published_small.published.resolve()
    publish(published_small, make_build(published_small, generation=2))
    second = published_small.published.resolve()
    replace_link(first, published_small.published)
    started = published_small.data_home / "started"

    def overtaken(readable: Iterable[Path], temporary: Path | None, size: int) -> None:
        """The folder that may be read is known, and is no longer the one that the link names."""
        with started.open("a") as counted:
            counted.write("x")
        point(published_small.published, Path(second.name))
        confine(readable, temporary, size)

    monkeypatch.setattr(process, "confine", overtaken)
    assert csv(published_small, "select max(generation) as g from marts.figures") == "g\n2\n"
    # Without Landlock every folder can be read, and the first process answers.
    assert len(started.read_text()) == (2 if landlock_version() else 1)


FORBIDDEN: dict[str, Callable[[Path], object]] = {
    "write": lambda folder: (folder / "new").write_text("x"),
    "append": lambda folder: (folder / "kept").open("a"),
    "truncate": lambda folder: os.truncate(folder / "kept", 0),
    "replace": lambda folder: (folder / "kept").rename(folder / "other"),
    "remove": lambda folder: (folder / "kept").unlink(),
    "make a folder": lambda folder: (folder / "made").mkdir(),
    "link": lambda folder: (folder / "linked").symlink_to("kept"),
    "read elsewhere": lambda folder: Path("/etc/passwd").read_text(),
    "run": lambda folder: os.execv("/bin/true", ["true"]),
    "connect": lambda folder: socket.create_connection(("127.0.0.1", 9), timeout=1),
    "signal": lambda folder: os.kill(os.getppid(), 0),
}
# Which version of Landlock came with each; the others are in the first.
_SINCE = {"truncate": 3, "connect": 4, "signal": 6}


@pytest.mark.parametrize("action", list(FORBIDDEN))
def test_a_confined_process_changes_nothing(tmp_path: Path, action: str) -> None:
    if landlock_version() < _SINCE.get(action, 1):
        pytest.skip(f"Landlock {landlock_version()} of this kernel does not cover: {action}")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / "kept").write_text("kept")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            confine([Path("/usr"), tmp_path], temporary, 10_000)
            (temporary / "written").write_text("x" * 10_000)
            assert (tmp_path / "kept").read_text() == "kept"
            FORBIDDEN[action](tmp_path)
        except PermissionError:
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (temporary / "written").stat().st_size == 10_000
    assert {path.name for path in tmp_path.iterdir()} == {"kept", "temporary"}


def test_without_landlock_no_file_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagster_project.sandbox.kernel.landlock_version", lambda: 0)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            confine([], None, 10_000)
            (tmp_path / "new").write_text("x")
        except OSError:
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_query_without_landlock_is_answered(
    published_small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("kernel", "process"):
        monkeypatch.setattr(f"dagster_project.sandbox.{module}.landlock_version", lambda: 0)
    assert csv(published_small, "select 1 as a") == "a\n1\n"


@pytest.mark.slow
def test_ctrl_c_says_cancelled(published_small: Settings) -> None:
    command = subprocess.Popen(
        [sys.executable, "-m", "dagster_project.cli", "sql", ENDLESS],
        env={**os.environ, "BILATERAL_DATA_HOME": str(published_small.data_home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    tasks = Path(f"/proc/{command.pid}/task/{command.pid}/children")
    deadline = time.monotonic() + 30
    while not tasks.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(command.pid, signal.SIGINT)
    _, errors = command.communicate(timeout=30)
    assert command.returncode == 130
    assert errors.startswith("Cancelled: ")
    assert len(errors.splitlines()) == 1
