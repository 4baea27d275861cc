"""What is served is what was published, whole and readable, whatever others do to the file."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb
import pytest
from e2e.stand_in import identity
from reader import Reader
from typer.testing import CliRunner

from dagster_project.cli import app
from dagster_project.publication_record import RECORD, read_record
from dagster_project.publish import publication
from dagster_project.publish.audit import FinishedBuild
from dagster_project.publish.build import run_build, served_run, what_is_served
from dagster_project.publish.fingerprint import is_current
from dagster_project.publish.publication import publish
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.warehouse import (
    WarehouseAltered,
    WarehouseError,
    WarehouseLocked,
    altered,
    connect_answering,
    connect_published,
    published_record,
    read_publication,
)

Build = Callable[..., FinishedBuild]

_KILLS = int(os.environ.get("BILATERAL_KILLS", "5"))
_HASH = "select decode(value) from parquet_kv_metadata(?) where decode(key) = 'content_hash'"


def generation_of(settings: Settings) -> int:
    with connect_published(settings) as connection:
        return connection.execute("select max(generation) from marts.figures").fetchone()[0]


def hashes_served(settings: Settings) -> set[str]:
    """The content hash of the warehouse and that of the exports, as a stranger reads them."""
    with connect_published(settings) as connection:
        warehouse = connection.execute("select content_hash from meta.publication").fetchone()[0]
    # A connection to what is published reads no other file.
    with duckdb.connect() as connection:
        file = str(settings.exports / "figures.parquet")
        exports = connection.execute(_HASH, [file]).fetchone()[0]
    return {warehouse, exports}


def names(settings: Settings) -> set[str]:
    """What is in the data home, without the digests."""
    return {path.name.split(".")[0] for path in settings.data_home.iterdir()}


def change_a_figure(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("update marts.figures set usd = 666 where figure_id = 7")


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may write to a read-only file")


def test_published_files_cannot_be_written_by_their_owner(settings: Settings, build: Build) -> None:
    publish(settings, build())
    files = [path for path in settings.published.resolve().rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o444}
    assert {"warehouse.duckdb", "figures.parquet", RECORD} <= {path.name for path in files}


@pytest.mark.slow
@as_root
def test_a_changed_warehouse_is_refused_named_and_replaced(
    settings: Settings, build: Build
) -> None:
    publish(settings, build(input_hash="same"))
    assert is_current(settings, "same")
    change_a_figure(settings)
    with pytest.raises(WarehouseAltered, match="bilateral build"):
        connect_published(settings)
    assert [one.split()[0] for one in altered(settings)] == ["warehouse.duckdb"]
    assert not is_current(settings, "same")
    assert publish(settings, build(input_hash="same")).published
    assert is_current(settings, "same")
    with connect_published(settings) as connection:
        assert connection.execute(
            "select usd from marts.figures where figure_id = 7"
        ).fetchall() == [(10.5,)]


@pytest.mark.slow
@as_root
def test_changed_exports_are_replaced(settings: Settings, build: Build) -> None:
    publish(settings, build(input_hash="same"))
    (settings.exports / "figures.parquet").write_bytes(b"PAR1")
    assert not is_current(settings, "same")
    assert generation_of(settings) == 1
    assert publish(settings, build(input_hash="same")).published
    assert altered(settings) == ()


@pytest.mark.slow
@as_root
@pytest.mark.parametrize("options", [[], ["--verify"], ["--format", "json"]])
def test_status_names_a_changed_file_and_ends_with_2(
    settings: Settings, build: Build, options: list[str]
) -> None:
    publish(settings, build())
    change_a_figure(settings)
    result = CliRunner().invoke(
        app, ["status", *options], env={"BILATERAL_DATA_HOME": str(settings.data_home)}
    )
    assert result.exit_code == 2
    assert "warehouse.duckdb has " in result.output


def remove_record(folder: Path) -> None:
    (folder / RECORD).unlink()


def damage_record(folder: Path) -> None:
    (folder / RECORD).chmod(0o644)
    (folder / RECORD).write_text("{}")


def record_of_no_file(folder: Path) -> None:
    (folder / RECORD).chmod(0o644)
    content = json.loads((folder / RECORD).read_text())
    (folder / RECORD).write_text(json.dumps({**content, "files": {}}))


@pytest.mark.slow
@pytest.mark.parametrize("change", [remove_record, damage_record, record_of_no_file])
def test_a_publication_without_its_record_is_refused_named_and_replaced(
    settings: Settings, build: Build, change: Callable[[Path], None]
) -> None:
    publish(settings, build(input_hash="same"))
    change(settings.published.resolve())
    for connect in (connect_published, connect_answering):
        with pytest.raises(WarehouseAltered, match=RECORD):
            connect(settings)
    figures = ["figures", "--reporter", "USA", "--partner", "KOR", "--period", "2016"]
    for command in (["status"], ["sql", "select 1"], figures):
        result = CliRunner().invoke(
            app, command, env={"BILATERAL_DATA_HOME": str(settings.data_home)}
        )
        assert result.exit_code == 2
        assert RECORD in result.stderr
        assert result.stdout == ""
    assert not is_current(settings, "same")
    assert "refuse" in what_is_served(settings, served_run(settings))
    assert publish(settings, build(input_hash="same")).published
    assert is_current(settings, "same")
    assert generation_of(settings) == 1


@pytest.mark.slow
def test_a_file_from_elsewhere_is_read_with_a_note(settings: Settings, build: Build) -> None:
    publish(settings, build())
    served = settings.warehouse.read_bytes()
    settings.warehouse.unlink()
    settings.warehouse.write_bytes(served)
    shutil.rmtree(settings.published.resolve())
    query = ["sql", "select max(generation) as g from marts.figures", "--format", "csv"]
    result = CliRunner().invoke(app, query, env={"BILATERAL_DATA_HOME": str(settings.data_home)})
    assert (result.exit_code, result.stdout) == (0, "g\n1\n")
    assert result.stderr.startswith("Note: ")
    assert "record" in result.stderr
    publish(settings, build(generation=2))
    result = CliRunner().invoke(app, query, env={"BILATERAL_DATA_HOME": str(settings.data_home)})
    assert (result.exit_code, result.stdout, result.stderr) == (0, "g\n2\n", "")


def refused_for_a_user(settings: Settings, said: Connection) -> None:
    """Root may write everywhere, so become another user."""
    if os.geteuid() == 0:
        os.setuid(65534)
    try:
        run_build(settings)
    except WarehouseError as error:
        said.send(str(error))
    said.close()


def test_a_build_by_a_user_who_may_not_write_is_refused_with_the_folders() -> None:
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name), Path(name) / "data", Path(name) / "dbt"]
        for folder in folders[1:]:
            folder.mkdir()
        for folder in folders:
            folder.chmod(0o555)
        heard, said = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(
            target=refused_for_a_user, args=(Settings(folders[0], folders[1], None), said)
        )
        process.start()
        said.close()
        message = heard.recv()
        process.join()
        folders[0].chmod(0o755)
    for written in ("data", "dbt/target", ".dagster"):
        assert f"{name}/{written}" in message
    assert process.exitcode == 0


@pytest.mark.parametrize("name", ["years [1]", "why?", "a*"])
def test_a_data_home_that_duckdb_reads_as_a_pattern_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(WarehouseError, match="BILATERAL_DATA_HOME"):
        run_build(Settings(PROJECT_ROOT, tmp_path / name, None))


@contextmanager
def opened_for_writing(settings: Settings) -> Generator[subprocess.Popen[str]]:
    """The file as any program opens it by default."""
    command = "import sys, duckdb; held = duckdb.connect(sys.argv[1]); print('open'); input()"
    process = subprocess.Popen(
        [sys.executable, "-uc", command, str(settings.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "open\n"
    try:
        yield process
    finally:
        process.communicate("\n")


@pytest.mark.slow
@as_root
def test_a_lock_is_named_and_the_next_build_does_without_it(
    settings: Settings, build: Build
) -> None:
    publish(settings, build(input_hash="same"))
    with opened_for_writing(settings) as holder:
        with pytest.raises(WarehouseLocked, match=rf"python.*\(process {holder.pid}\)"):
            connect_published(settings)
        assert read_publication(settings).input_hash == "same"
        assert not is_current(settings, "same")
        assert publish(settings, build(input_hash="same")).published
        assert generation_of(settings) == 1
        assert is_current(settings, "same")


@pytest.mark.slow
def test_a_file_of_an_earlier_version_is_replaced_with_its_exports(
    settings: Settings, build: Build
) -> None:
    publish(settings, build())
    earlier = settings.data_home / "exports.0123456789abcdef"
    shutil.copytree(settings.exports, earlier)
    served = settings.warehouse.read_bytes()
    settings.warehouse.unlink()
    settings.warehouse.write_bytes(served)
    settings.exports.unlink()
    settings.exports.symlink_to(earlier.name)
    shutil.rmtree(settings.published.resolve())
    settings.published.unlink()
    assert generation_of(settings) == 1
    publish(settings, build(generation=2))
    assert generation_of(settings) == 2
    assert len(hashes_served(settings)) == 1
    publish(settings, build(generation=3))
    assert not earlier.exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["exports", "published", "warehouse.duckdb"])
def test_a_folder_of_somebody_else_is_refused_before_anything_is_replaced(
    settings: Settings, build: Build, name: str
) -> None:
    if name == "exports":
        publish(settings, build())
        settings.exports.unlink()
    theirs = settings.data_home / name
    theirs.mkdir(parents=True)
    (theirs / "thesis.txt").write_text("years of work")
    before = published_record(settings)
    with pytest.raises(WarehouseError, match=name):
        publish(settings, build(generation=2))
    assert published_record(settings) == before
    assert (theirs / "thesis.txt").read_text() == "years of work"
    assert not list(settings.data_home.glob("published.*.tmp"))


@pytest.mark.slow
@pytest.mark.parametrize("step", ["copyfile", "write_exports", "write_record"])
def test_a_full_disk_leaves_the_publication_and_nothing_else(
    settings: Settings, build: Build, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(settings, build())
    before, kept = identity(settings), names(settings)
    folders = len(list(settings.data_home.iterdir()))

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    where = shutil if step == "copyfile" else publication
    with monkeypatch.context() as patched:
        patched.setattr(where, step, full)
        with pytest.raises(OSError, match="No space"):
            publish(settings, build(generation=2))
    assert identity(settings) == before
    assert names(settings) == kept
    assert len(list(settings.data_home.iterdir())) == folders
    assert publish(settings, build(generation=2)).published


_ENDLESS = """
import sys
from pathlib import Path
from e2e.stand_in import make_build
from dagster_project.publish.publication import publish
from dagster_project.settings import PROJECT_ROOT, Settings
settings = Settings(PROJECT_ROOT, Path(sys.argv[1]), None)
builds = [
    make_build(settings, generation=generation, run_id=f"run{generation}")
    for generation in (1000, 1001)
]
print("started", flush=True)
while True:
    for build in builds:
        publish(settings, build)
"""


@pytest.mark.slow
def test_a_killed_publication_never_serves_exports_of_another(
    settings: Settings, build: Build
) -> None:
    publish(settings, build())
    dice = random.Random(20170712)

    def read() -> None:
        """Read by the stable names; warehouse and exports must be of one build."""
        before = settings.published.readlink()
        hashes = hashes_served(settings)
        # Two names are read one after the other: a publication may lie between.
        assert len(hashes) == 1 or settings.published.readlink() != before

    mixed = 0
    with Reader(read) as reader:
        for _ in range(_KILLS):
            process = subprocess.Popen(
                [sys.executable, "-c", _ENDLESS, str(settings.data_home)],
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
            process.stdout.readline()
            time.sleep(dice.uniform(0, 0.6))
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            mixed += len(hashes_served(settings)) != 1
            assert altered(settings) == ()
    assert (mixed, reader.errors) == (0, [])
    assert reader.reads > 5
    publish(settings, build(generation=2))
    publish(settings, build(generation=3))
    assert generation_of(settings) == 3
    left = sorted(settings.data_home.glob("*published*"))
    # The link, the publication, and the one before for those who still read it.
    assert len(left) == 3
    assert all(read_record(one) for one in left)
