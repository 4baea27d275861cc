"""Tests of schedules and sensors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from fetch.homes import home

from dagster_project.defs import sensors
from dagster_project.defs.fetch import INBOX
from dagster_project.defs.fetch import inbox as inbox_asset
from dagster_project.defs.jobs import BUILD_JOB
from dagster_project.defs.schedules import CALENDARS, build_schedules
from dagster_project.defs.sensors import build_after_news, inbox_sensor
from dagster_project.settings import Settings
from dagster_project.sources import inbox
from dagster_project.sources.catalog import CONNECTORS, SOURCES

HEADER = "source_id,reporters,partners,level,products,flows,frequency,first\n"
LINES = {source_id: f"{source_id},,KOR,total,,,M,2010-01\n" for source_id in CONNECTORS} | {
    "un_comtrade": "un_comtrade,USA,KOR,total,,,M,2010-01\n"
}


@pytest.fixture
def at(tmp_path: Path) -> Settings:
    made = home(tmp_path, "home", "http://127.0.0.1:9")
    made.data_home.mkdir()
    text = HEADER + "".join(LINES.values())
    (made.data_home / "subscriptions.csv").write_text(text, encoding="utf-8")
    return made


def tick(settings: Settings, name: str, moment: datetime) -> dg.RunRequest | dg.SkipReason:
    [schedule] = [one for one in build_schedules(settings) if one.name == name]
    context = dg.build_schedule_context(scheduled_execution_time=moment)
    result = schedule.evaluate_tick(context)
    if result.run_requests:
        [request] = result.run_requests
        return request
    return dg.SkipReason(result.skip_message)


def years(request: dg.RunRequest | dg.SkipReason) -> tuple[str, str]:
    assert isinstance(request, dg.RunRequest), request
    return (
        request.tags["dagster/asset_partition_range_start"],
        request.tags["dagster/asset_partition_range_end"],
    )


@pytest.mark.parametrize(
    ("name", "moment", "asked"),
    [
        ("fetch_us_census_ft900_monthly", datetime(2026, 5, 6, 12, tzinfo=UTC), ("2026", "2026")),
        # November and December come out in January and February.
        ("fetch_us_census_ft900_monthly", datetime(2027, 1, 7, 12, tzinfo=UTC), ("2026", "2027")),
        ("fetch_us_census_ft900_monthly", datetime(2027, 3, 5, 12, tzinfo=UTC), ("2026", "2027")),
        (
            "fetch_us_census_us_annual_revision",
            datetime(2026, 6, 4, 13, tzinfo=UTC),
            ("2023", "2026"),
        ),
        (
            "fetch_usitc_dataweb_us_annual_revision",
            datetime(2026, 6, 4, 13, tzinfo=UTC),
            ("2023", "2026"),
        ),
        ("fetch_un_comtrade_comtrade_daily", datetime(2026, 3, 1, 3, tzinfo=UTC), ("2024", "2026")),
        (
            "fetch_korea_customs_korea_monthly_first",
            datetime(2026, 5, 1, 2, tzinfo=UTC),
            ("2026", "2026"),
        ),
    ],
)
def test_a_tick_asks_for_the_years_that_may_have_changed(
    at: Settings, name: str, moment: datetime, asked: tuple[str, str]
) -> None:
    assert years(tick(at, name, moment)) == asked


def test_a_source_without_partitions_is_asked_for_all_of_it(at: Settings) -> None:
    request = tick(at, "fetch_fred_ft900_monthly", datetime(2026, 5, 6, 12, tzinfo=UTC))
    assert isinstance(request, dg.RunRequest)
    assert not [tag for tag in request.tags if "partition" in tag]


@pytest.mark.parametrize("source_id", sorted(CONNECTORS))
def test_only_a_source_that_needs_a_key_is_skipped_without_one(
    at: Settings, source_id: str
) -> None:
    keyless = replace(at, keys={})
    about = CONNECTORS[source_id].about
    names = [one.name for one in build_schedules(at) if one.name.startswith(f"fetch_{source_id}_")]
    assert names
    for name in names:
        outcome = tick(keyless, name, datetime(2026, 6, 4, 13, tzinfo=UTC))
        if about.key is None or not about.key.is_required:
            assert isinstance(outcome, dg.RunRequest)
        else:
            assert isinstance(outcome, dg.SkipReason)
            assert f"BILATERAL_KEY_{source_id.upper()}" in outcome.skip_message
            assert about.key.obtained_at in outcome.skip_message
            assert isinstance(tick(at, name, datetime(2026, 6, 4, 13, tzinfo=UTC)), dg.RunRequest)


def test_a_key_that_comes_later_is_seen_at_the_next_tick(at: Settings, tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    keyless = replace(at, keys={}, keys_file=keys)
    moment = datetime(2026, 6, 18, 12, tzinfo=UTC)
    assert isinstance(tick(keyless, "fetch_bea_ita_bea_quarterly", moment), dg.SkipReason)
    keys.write_text('bea_ita = "0123456789abcdef"\n')
    keys.chmod(0o600)
    assert isinstance(tick(keyless, "fetch_bea_ita_bea_quarterly", moment), dg.RunRequest)


def test_a_source_nobody_subscribed_to_is_skipped(at: Settings) -> None:
    (at.data_home / "subscriptions.csv").write_text(HEADER)
    outcome = tick(at, "fetch_fred_ft900_monthly", datetime(2026, 5, 6, 12, tzinfo=UTC))
    assert isinstance(outcome, dg.SkipReason)
    assert "fred" in outcome.skip_message


def test_each_calendar_of_a_source_exists_and_each_calendar_but_one_has_a_source() -> None:
    named = {name for source in SOURCES if source.connector for name in source.calendars}
    assert {calendar.name for calendar in CALENDARS} - named == {"daily_check"}
    assert named <= {calendar.name for calendar in CALENDARS}


@pytest.mark.slow
def test_the_inbox_is_imported_when_a_file_is_ready(at: Settings) -> None:
    def seen() -> tuple[int, str | None]:
        context = dg.build_sensor_context(resources={"settings": at})
        result = inbox_sensor.evaluate_tick(context)
        return len(result.run_requests or ()), result.skip_message

    assert seen()[0] == 0
    (at.inbox / "folder").mkdir()
    assert "folder" in str(seen()[1])
    (at.inbox / "notes.txt").write_text("dear all")
    assert "notes.txt" in str(seen()[1])
    # As if the first look had been a minute ago.
    state = json.loads((at.inbox / ".seen.json").read_text())
    state["notes.txt"][1] = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    (at.inbox / ".seen.json").write_text(json.dumps(state))
    assert seen() == (1, None)

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([inbox_asset], instance=instance, resources={"settings": at})
    assert result.success
    [event] = result.asset_materializations_for_node(INBOX.to_python_identifier())
    assert list(event.metadata["quarantined"].value) == ["notes.txt"]
    assert [check.passed for check in result.get_asset_check_evaluations()] == [False]
    assert len(list((at.inbox / inbox.QUARANTINE).iterdir())) == 2


@pytest.fixture
def ended() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def news(
    at: Settings, instance: dg.DagsterInstance, job_name: str
) -> dg.RunRequest | dg.SkipReason:
    @dg.op
    def nothing() -> None: ...

    job = dg.JobDefinition(
        name=job_name, graph_def=dg.GraphDefinition(job_name, node_defs=[nothing])
    )
    result = job.execute_in_process(instance=instance)
    context = dg.build_run_status_sensor_context(
        sensor_name="build_after_news",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_success_event(),
        resources={"settings": at},
    )
    outcome = build_after_news(context)
    assert isinstance(outcome, dg.RunRequest | dg.SkipReason)
    return outcome


def test_a_build_follows_a_run_that_changed_its_inputs(
    at: Settings, ended: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensors, "input_hash", lambda settings: "after")
    monkeypatch.setattr(sensors, "is_current", lambda settings, wanted: wanted == "before")
    request = news(at, ended, "fetch_fred")
    assert isinstance(request, dg.RunRequest)
    # Two runs that end together ask for one build.
    assert request.run_key == "after"
    assert isinstance(news(at, ended, "__ASSET_JOB"), dg.RunRequest)
    # A build that was overtaken must not chase itself.
    assert isinstance(news(at, ended, BUILD_JOB), dg.SkipReason)
    monkeypatch.setattr(sensors, "input_hash", lambda settings: "before")
    assert isinstance(news(at, ended, "fetch_fred"), dg.SkipReason)
