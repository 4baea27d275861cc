"""A build that is stopped or killed leaves no process, no run in the pool and nothing half done."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration
from e2e.stand_in import identity, lay_small_project

from dagster_project.defs.resources import BuildEvent
from dagster_project.defs.run_history import open_instance
from dagster_project.defs.workers import (
    WORKER_TAG,
    fail_dead_runs,
    is_dead,
    process_identity,
)
from dagster_project.publish.build import run_build
from dagster_project.publish.build_dir import is_building
from dagster_project.settings import Settings
from dagster_project.warehouse import connect_published

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

# The command as it is, on another project.
_BUILD = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
print("started", flush=True)
from pathlib import Path
from dagster_project.cli import app, building
from dagster_project.settings import Settings
root = Path(sys.argv[1])
building.load_settings = lambda: Settings(root, root / "data", None)
app(["build", "--force"])
"""


@pytest.fixture(scope="module")
def small(takes_long: None, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("it's small")
    lay_small_project(root)
    settings = Settings(root, root / "data", None)
    assert run_build(settings).published
    return settings


def start(settings: Settings) -> subprocess.Popen[str]:
    builder = subprocess.Popen(
        [sys.executable, "-c", _BUILD, str(settings.project_root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "400"},
    )
    assert builder.stdout.readline() == "started\n"
    return builder


def working_on(settings: Settings) -> list[int]:
    """The processes of dbt in a folder of a build."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if settings.builds in (process / "cwd").resolve().parents:
                found.append(int(process.name))
        except OSError:
            continue
    return found


def wait_for(true: object, seconds: float = 300) -> None:
    assert callable(true)
    latest = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < latest, "waited in vain"
        time.sleep(0.05)


def folders(settings: Settings) -> list[Path]:
    return [path for path in settings.builds.iterdir() if path.is_dir()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_dbt_too_and_says_so_in_one_sentence(
    small: Settings, number: signal.Signals
) -> None:
    before = identity(small)
    builder = start(small)
    wait_for(lambda: working_on(small))
    sent = time.monotonic()
    builder.send_signal(number)
    _, said = builder.communicate(timeout=120)
    assert time.monotonic() - sent < 60
    assert builder.returncode == 128 + number
    assert "Traceback" not in said
    [sentence] = [line for line in said.splitlines() if line.startswith("Stopped: ")]
    assert "the previous warehouse is still being served" in sentence
    assert working_on(small) == []
    assert not is_building(small)
    assert identity(small) == before
    with open_instance(small) as instance:
        [latest] = instance.get_runs(limit=1)
        # A slow machine may leave it to the next build.
        assert latest.is_finished or is_dead(instance, latest)


@pytest.mark.parametrize("seconds", [1.0, 3.0])
def test_a_signal_at_any_other_time_does_too(small: Settings, seconds: float) -> None:
    before = identity(small)
    builder = start(small)
    time.sleep(seconds)
    builder.send_signal(signal.SIGTERM)
    _, said = builder.communicate(timeout=120)
    # A signal during the first imports ends the process as any other.
    assert builder.returncode in {128 + signal.SIGTERM, -signal.SIGTERM}
    assert "Traceback" not in said
    assert working_on(small) == []
    assert identity(small) == before


def unfinished(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    return [run for run in instance.get_runs() if not run.is_finished]


@pytest.mark.parametrize("by", ["daemon", "next build"])
def test_the_run_of_a_killed_build_is_failed(small: Settings, by: str) -> None:
    builder = start(small)
    wait_for(lambda: working_on(small))
    with dg.DagsterInstance.from_config(str(small.dagster_home)) as instance:
        [run] = unfinished(instance)
        assert run.tags[WORKER_TAG] == f"{run.run_id} {process_identity(builder.pid)}"
        daemon = SimpleNamespace(instance=instance, create_request_context=lambda: None)
        quiet = logging.getLogger("test")
        # A living process is left alone.
        assert list(execute_run_monitoring_iteration(daemon, quiet)) == [None]
        assert [one.run_id for one in unfinished(instance)] == [run.run_id]
        builder.kill()
        builder.communicate()
        # Its child does not go on alone.
        wait_for(lambda: not working_on(small), seconds=60)
        if by == "daemon":
            assert list(execute_run_monitoring_iteration(daemon, quiet)) == [None]
            assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE
        outcome = run_build(small, force=True)
        assert outcome.built
        assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE
        assert unfinished(instance) == []
    assert folders(small) == []


def tagged(instance: dg.DagsterInstance, worker: str) -> dg.DagsterRun:
    """A started run; `RUN` in the tag stands for its id."""
    run_id = str(uuid.uuid4())
    return instance.create_run_for_job(
        dg.JobDefinition(name="work", graph_def=dg.GraphDefinition("work")),
        run_id=run_id,
        tags={WORKER_TAG: worker.replace("RUN", run_id)},
        status=dg.DagsterRunStatus.STARTED,
    )


def test_a_run_of_another_boot_or_a_reused_process_id_is_dead() -> None:
    boot, started, process_id = process_identity(os.getpid()).split()
    with dg.DagsterInstance.ephemeral() as instance:
        dead = {
            tagged(instance, worker).run_id
            for worker in (
                f"RUN another {started} {process_id}",
                f"RUN {boot} 1 {process_id}",
                f"RUN ended {2**22 - 1}",
            )
        }
        living = {
            tagged(instance, f"RUN {boot} {started} {process_id}").run_id,
            # Of the run that it retries, and none yet of its own.
            tagged(instance, f"{uuid.uuid4()} {boot} 1 {process_id}").run_id,
        }
        assert set(fail_dead_runs(instance)) == dead
        assert {run.run_id for run in unfinished(instance)} == living


def add_file(settings: Settings, release: str) -> None:
    """What an import adds; without a sidecar it is rejected, and the build is not."""
    folder = settings.fetched_snapshots / "us_census" / release
    folder.mkdir(parents=True)
    (folder / "country.csv").write_text("a release that has come")


def test_releases_that_arrive_during_a_build_do_not_fail_it(small: Settings) -> None:
    seen: set[str] = set()

    def during(event: BuildEvent) -> None:
        if event.stage not in seen:
            seen.add(event.stage)
            add_file(small, f"2099-0{len(seen)}")

    try:
        outcome = run_build(small, force=True, on_event=during)
        # The one that came while models were made waits; the one before is part of it.
        assert seen == {"raw", "models", "publish"}
        assert outcome.published
        assert outcome.is_overtaken
        with connect_published(small) as connection:
            rejected = connection.execute(
                "select snapshot_file from meta.rejects order by all"
            ).fetchall()
        assert rejected == [("us_census/2099-01",)]
        assert run_build(small).built
    finally:
        for release in ("2099-01", "2099-02", "2099-03"):
            shutil.rmtree(small.fetched_snapshots / "us_census" / release)
        assert not run_build(small, force=True).is_overtaken
