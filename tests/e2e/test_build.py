"""Tests that a build ends in a publication or changes nothing."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest
from e2e.stand_in import identity, lay_small_project

from dagster_project.defs.publish import PUBLISHED
from dagster_project.defs.resources import BuildEvent
from dagster_project.defs.schedules import CALENDARS, Calendar, build_schedule
from dagster_project.publish.build import BuildFailed, BuildOutcome, run_build
from dagster_project.publish.publication import publish_lock
from dagster_project.settings import Settings
from dagster_project.warehouse import connect_published, read_publication

_BUILD = """
import sys
from pathlib import Path
from dagster_project.publish.build import run_build
from dagster_project.defs.schedules import CALENDARS, Calendar, build_schedule
from dagster_project.settings import Settings
root = Path(sys.argv[1])
print("started", flush=True)
outcome = run_build(Settings(root, root / "data", None), force=True)
print(outcome.content_hash)
"""


@pytest.fixture(scope="module")
def small(takes_long: None, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A small project that has been built once; each test leaves it published."""
    root = tmp_path_factory.mktemp("small project")
    lay_small_project(root)
    settings = Settings(root, root / "data", None)
    events: list[BuildEvent] = []
    outcome = run_build(settings, on_event=events.append)
    assert outcome.built
    assert outcome.published
    assert [event.name for event in events if event.stage == "publish"] == ["warehouse"]
    models = [event for event in events if event.stage == "models"]
    assert [(event.done, event.total) for event in models] == [(n, 4) for n in range(1, 5)]
    return settings


def build_again(settings: Settings, **wanted: bool) -> BuildOutcome:
    with dg.DagsterInstance.ephemeral() as instance:
        return run_build(settings, instance=instance, **wanted)


def rows(settings: Settings) -> int:
    connection = connect_published(settings)
    try:
        return connection.execute("select count(*) from marts.flows_by_year").fetchone()[0]
    finally:
        connection.close()


def folders(settings: Settings) -> list[Path]:
    return [path for path in settings.builds.iterdir() if path.is_dir()]


def test_the_run_is_recorded_in_the_instance_of_the_project(small: Settings) -> None:
    with dg.DagsterInstance.from_config(str(small.dagster_home)) as instance:
        published = read_publication(small)
        assert published is not None
        assert instance.get_run_by_id(published.run_id).status == dg.DagsterRunStatus.SUCCESS
        event = instance.get_latest_materialization_event(PUBLISHED)
        assert event.run_id == published.run_id
        metadata = event.asset_materialization.metadata
        assert metadata["content_hash"].value == published.content_hash
        # Only what sensors, freshness and people ask for: a test of dbt is no event here.
        [checks, models, starts] = (
            instance.all_logs(published.run_id, of_type=kind)
            for kind in (
                dg.DagsterEventType.ASSET_CHECK_EVALUATION,
                dg.DagsterEventType.ASSET_MATERIALIZATION,
                dg.DagsterEventType.RUN_START,
            )
        )
        assert {one.asset_check_evaluation.asset_key.path[0] for one in checks} == {"raw"}
        assert ["marts", "flows_by_year"] in [
            one.asset_materialization.asset_key.path for one in models
        ]
        assert len(starts) == 1


def test_a_second_build_does_nothing(small: Settings) -> None:
    before = identity(small)
    outcome = build_again(small)
    assert not outcome.built
    assert identity(small) == before


def test_a_forced_build_of_the_same_publishes_nothing_new(small: Settings) -> None:
    before = identity(small)
    outcome = build_again(small, force=True)
    assert outcome.built
    assert not outcome.published
    assert outcome.content_hash == read_publication(small).content_hash
    assert identity(small) == before
    assert folders(small) == []


def test_a_failed_test_is_named_and_publishes_nothing(small: Settings) -> None:
    model = small.dbt_project / "models" / "marts" / "flows_by_year.sql"
    good = model.read_text()
    before = identity(small)
    model.write_text(
        good.replace("select cty_code,", "select nullif(cty_code, '5800') as cty_code,")
    )
    try:
        with pytest.raises(BuildFailed) as failure:
            build_again(small)
        (problem,) = (
            said for said in failure.value.problems if "not_null_flows_by_year_cty_code" in said
        )
        # The rows that the test found, as far as there is anything in them.
        assert problem.endswith(" [null; null; null; null; null]")
        assert failure.value.log is not None
        assert failure.value.log.is_file()
        assert identity(small) == before
        # It is kept to be looked into, and it alone.
        with pytest.raises(BuildFailed):
            build_again(small)
        assert len(folders(small)) == 1
    finally:
        model.write_text(good)
    # Back on the inputs of what is published, nothing needs to be done.
    assert not build_again(small).built


def test_a_changed_model_runs_with_its_new_sql(small: Settings) -> None:
    model = small.dbt_project / "models" / "marts" / "flows_by_year.sql"
    good = model.read_text()
    all_rows = rows(small)
    model.write_text(good + "having sum(value_musd) > 0\nlimit 10\n")
    try:
        assert build_again(small).published
        assert rows(small) == 10
    finally:
        model.write_text(good)
    assert build_again(small).published
    assert rows(small) == all_rows
    assert folders(small) == []


def test_a_snapshot_altered_by_hand_is_left_out_and_named(small: Settings) -> None:
    snapshot = next(small.shipped_snapshots.glob("us_census/2017-01/country.csv"))
    good = snapshot.read_bytes()
    before = read_publication(small).content_hash
    snapshot.write_bytes(good.replace(b"5800", b"5801", 1))
    try:
        build_again(small)
        with connect_published(small) as connection:
            [(file, row, reason)] = connection.execute(
                "select snapshot_file, row_number, reason from meta.rejects"
            ).fetchall()
        assert (file, row) == ("us_census/2017-01", None)
        assert "us_census/2017-01/country.csv" in reason
    finally:
        snapshot.write_bytes(good)
    build_again(small)
    assert read_publication(small).content_hash == before


@pytest.mark.parametrize("calendar", CALENDARS, ids=lambda calendar: calendar.name)
def test_a_schedule_builds_only_when_an_input_has_changed(
    small: Settings, calendar: Calendar
) -> None:
    look = build_schedule(small, calendar)
    with dg.build_schedule_context() as context:
        found = look(context)
        assert isinstance(found, dg.SkipReason)
        assert calendar.expected in found.skip_message
        fetched = small.shipped_snapshots / "us_census" / "2099-01" / "country.csv"
        fetched.parent.mkdir()
        fetched.write_text("a release that has come")
        try:
            assert isinstance(look(context), dg.RunRequest)
        finally:
            shutil.rmtree(fetched.parent)


def _start(settings: Settings) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", _BUILD, str(settings.project_root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
        start_new_session=True,
    )


def test_two_builds_at_once_both_succeed(small: Settings) -> None:
    published = read_publication(small)
    builders = [_start(small), _start(small)]
    ended = [builder.communicate(timeout=180) for builder in builders]
    assert [builder.returncode for builder in builders] == [0, 0], ended
    hashes = {out.splitlines()[-1] for out, _ in ended}
    assert hashes == {published.content_hash}
    assert rows(small) > 0
    assert folders(small) == []


def test_a_killed_build_leaves_the_warehouse_served_and_no_lock(small: Settings) -> None:
    published = read_publication(small)
    dice = random.Random(20160101)
    for _ in range(4):
        builder = _start(small)
        builder.stdout.readline()
        time.sleep(dice.uniform(0.5, 7))
        os.killpg(builder.pid, signal.SIGKILL)
        builder.communicate()
        assert rows(small) > 0
    with publish_lock(small):
        pass
    assert len(folders(small)) <= 4
    outcome = build_again(small, force=True)
    assert outcome.content_hash == published.content_hash
    assert folders(small) == []
