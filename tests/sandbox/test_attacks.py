"""No statement changes a file, crashes the engine or ends in a traceback."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from sandbox.statements import directed

from dagster_project.cli.writing import QueryFormat, renderer
from dagster_project.publication_record import RECORD, read_record, write_record
from dagster_project.query_policy import Policy
from dagster_project.questions.replay import Replay
from dagster_project.sandbox.kernel import landlock_version
from dagster_project.sandbox.process import Limits, ask
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.warehouse import QueryRefused, WarehouseAltered, WarehouseRefused

LIMITS = Limits(seconds=20, memory=10**9, temporary=10**8)

needs_landlock = pytest.mark.skipif(landlock_version() == 0, reason="the kernel has no Landlock")


def state(*folders: Path) -> dict[str, tuple[int, ...]]:
    """What changes when a file is written, replaced, renamed or removed."""
    return {
        str(path): (found.st_ino, found.st_mode, found.st_size, found.st_ctime_ns)
        for folder in folders
        for path in (folder, *sorted(folder.rglob("*")))
        if (found := path.lstat())
    }


def run(settings: Settings, statement: str) -> str:
    """The result as CSV, or why there is none."""
    try:
        rows = ask(settings, statement, LIMITS, renderer(QueryFormat.csv, 10_000))
        return b"".join(rows).decode()
    except QueryRefused as error:
        return f"Error: {error}"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.csv").write_text("secret\n424242\n")
    return folder


@pytest.fixture
def paths(published_small: Settings, outside: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files inside and outside the data home, there and not there."""
    home = published_small.data_home
    working = outside / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    shutil.copy(published_small.raw / "snapshots__files" / "part-0.parquet", outside)
    published_small.world.mkdir(exist_ok=True)
    return [
        str(path)
        for path in (
            *(published_small.warehouse, f"{published_small.warehouse}.wal", home / "new.duckdb"),
            *(published_small.raw / "snapshots__files" / "part-0.parquet", published_small.raw),
            *(
                published_small.raw / "new",
                published_small.world / "new.parquet",
                home / "raw/../x",
            ),
            *(outside / "secret.csv", outside / "new.csv", outside / "part-0.parquet", outside),
            *("new.csv", "../secret.csv", f"file://{outside}/secret.csv", outside / "it's.csv"),
        )
    ]


def changed_by(settings: Settings, outside: Path, statements: Iterator[str]) -> list[str]:
    """The statements after which the disk was not as before, and those that told the secret."""
    guilty = []
    before = state(settings.data_home, outside)
    for statement in statements:
        answer = run(settings, statement)
        after = state(settings.data_home, outside)
        if after != before or "424242" in answer or "Traceback" in answer:
            guilty.append(f"{statement} => {answer[:200]}")
            before = after
    return guilty


@pytest.mark.slow
def test_directed_statements_change_no_file(
    published_small: Settings, outside: Path, paths: list[str], statements: int
) -> None:
    assert changed_by(published_small, outside, directed(statements, 1, paths)) == []


@pytest.mark.slow
@needs_landlock
def test_the_kernel_alone_keeps_statements_from_changing_a_file(
    published_small: Settings,
    outside: Path,
    paths: list[str],
    statements: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Policy, "check", lambda self, text: None)
    # The engine itself writes where it may read.
    writes = f"copy (select 'gone' as a) to '{published_small.raw}/new.csv' (format csv)"
    assert "Permission denied" in run(published_small, writes)
    assert changed_by(published_small, outside, directed(statements, 2, paths)) == []


@pytest.mark.parametrize("form", ["csv", "blob"])
def test_an_explained_copy_does_not_replace_the_warehouse(
    published_small: Settings, form: str
) -> None:
    before = state(published_small.data_home)
    answer = run(
        published_small,
        f"explain analyze copy (select 'gone'::blob) to '{published_small.warehouse}'"
        f" (format {form}, use_tmp_file false)",
    )
    assert answer.startswith("Error: COPY")
    assert state(published_small.data_home) == before


@pytest.mark.parametrize(
    ("has_a_record", "refused", "reason"),
    [(True, WarehouseRefused, "answers"), (False, WarehouseAltered, RECORD)],
)
def test_a_forged_warehouse_is_not_run(
    published_small: Settings,
    tmp_path: Path,
    *,
    has_a_record: bool,
    refused: type[Exception],
    reason: str,
) -> None:
    written = tmp_path / "written.csv"
    file = published_small.warehouse.resolve()
    record = read_record(file.parent)
    assert record
    (file.parent / RECORD).unlink()
    file.chmod(0o644)
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "update meta.question_models set compiled_sql ="
            f" 'select 1; copy (select 1) to ''{written}'''"
        )
    # A stranger's file comes with a record of its own, or without one.
    if has_a_record:
        write_record(file.parent, record.publication, record.world)
    with pytest.raises(refused, match=reason):
        Replay(published_small)
    assert not written.exists()


_WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|^(rename|unlink|mkdir|rmdir|truncate|link)")
_SIGNAL = re.compile(r"--- (SIG\w+) ")
# A parent is told of the end of its child.
_EXPECTED_SIGNALS = {"SIGCHLD"}


@pytest.mark.slow
@needs_landlock
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_random_statements_open_nothing_for_writing(
    published_small: Settings, tmp_path: Path, statements: int
) -> None:
    log = tmp_path / "calls"
    calls = "open,openat,openat2,creat,truncate,rename,renameat,renameat2,unlink,unlinkat,mkdir"
    calls += ",mkdirat,rmdir,link,linkat,symlink,symlinkat,execve,connect,bind"
    finished = subprocess.run(
        [
            *("strace", "-f", "--seccomp-bpf", "-e", f"trace={calls}", "-o", str(log)),
            *(sys.executable, "-B", str(Path(__file__).with_name("runner.py"))),
            *(str(published_small.data_home), "3", str(statements)),
        ],
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(finished.stdout)
    assert found["wrong"] == []
    assert sum(found["outcomes"].values()) == statements
    # The grammar finds both sides.
    assert min(found["outcomes"].values()) > statements / 20
    temporary = f'"{tempfile.gettempdir()}/bilateral-sql-'
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    first = lines[0].split(maxsplit=1)[0]
    signals = {match[1] for line in lines if (match := _SIGNAL.search(line))}
    assert signals - _EXPECTED_SIGNALS == set()
    writing = [
        line
        for line in lines
        if not line.startswith(f"{first} ")
        and _WRITING.search(line.split(maxsplit=1)[1])
        and temporary not in line
        and '"/dev/null"' not in line
    ]
    assert writing == []
    # Only the first process was started by a file.
    assert sum("execve(" in line for line in lines) == 1
