"""Tests of fetch assets against replayed publishers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from fetch.homes import KEYS, home
from fetch.publishers import PUBLISHERS
from fetch.publishers.world import World
from fetch.replay_server import ReplayServer

from dagster_project.defs.fetch import build_fetch_assets, partitions_of
from dagster_project.defs.schedules import years_to_fetch
from dagster_project.fetch.client import RetryPolicy
from dagster_project.settings import Secret, Settings
from dagster_project.sources.catalog import CONNECTORS
from dagster_project.sources.snapshot import discover_releases

HEADER = "source_id,reporters,partners,level,products,flows,frequency,first\n"
AT_ONCE = RetryPolicy(attempts=2, scale=0.0)
WORLD = World(first="2010-01", last="2018-06")


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    with ReplayServer(keys=KEYS, world=WORLD) as server:
        yield server


@pytest.fixture
def at(server: ReplayServer, tmp_path: Path) -> Settings:
    made = home(tmp_path, "home", server.address)
    made.data_home.mkdir()
    return made


def subscribe(settings: Settings, *lines: str) -> None:
    text = HEADER + "".join(f"{line}\n" for line in lines)
    (settings.data_home / "subscriptions.csv").write_text(text, encoding="utf-8")


def run(
    settings: Settings, source_id: str, first: int | None = None, last: int | None = None
) -> dg.ExecuteInProcessResult:
    assets = {one.key.path[-1]: one for one in build_fetch_assets(AT_ONCE)}
    tags = {}
    if first is not None:
        tags = {
            "dagster/asset_partition_range_start": str(first),
            "dagster/asset_partition_range_end": str(last or first),
        }
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [assets[source_id]],
            instance=instance,
            resources={"settings": settings},
            tags=tags,
            raise_on_error=False,
        )


def shown(result: dg.ExecuteInProcessResult, source_id: str) -> Mapping[str, Any]:
    assert result.success
    events = result.asset_materializations_for_node(f"fetched__{source_id}")
    return {name: value.value for name, value in events[-1].metadata.items()}


def version(result: dg.ExecuteInProcessResult, source_id: str) -> str | None:
    events = result.asset_materializations_for_node(f"fetched__{source_id}")
    return events[-1].tags["dagster/data_version"]


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {one.check_name: one.passed for one in result.get_asset_check_evaluations()}


def failure(result: dg.ExecuteInProcessResult) -> tuple[str, Mapping[str, Any]]:
    assert not result.success
    [event] = [event for event in result.all_events if event.is_step_failure]
    told = event.step_failure_data.user_failure_data
    assert told is not None, event.step_failure_data.error
    return told.description or "", {k: v.value for k, v in told.metadata.items()}


def releases(settings: Settings) -> list[str]:
    return [path.name for path in sorted(settings.fetched_snapshots.glob("*/*"))]


@pytest.mark.slow
def test_years_are_asked_for_together_and_every_one_counts_as_done(
    at: Settings, server: ReplayServer
) -> None:
    subscribe(at, "us_census,USA,KOR,hs2,,import,M,2013-03")
    result = run(at, "us_census", 2012, 2017)
    events = result.asset_materializations_for_node("fetched__us_census")
    assert [event.partition for event in events] == [str(year) for year in range(2012, 2018)]
    asked = [identity for identity in server.asked if "I_COMMODITY" in identity]
    assert len(asked) == 1
    assert "from+2013-03+to+2017-12" in asked[0]
    metadata = shown(result, "us_census")
    [release] = metadata["releases"]
    assert releases(at) == [release]
    assert metadata["is_new"]
    assert metadata["rows_new"] == metadata["dagster/row_count"] > 500
    assert metadata["requests"] == len(server.asked)


@pytest.mark.slow
def test_nothing_new_adds_no_release(at: Settings) -> None:
    subscribe(at, "us_census,USA,KOR,hs2,,import,M,2016-01")
    before = run(at, "us_census", 2016)
    after = run(at, "us_census", 2016)
    metadata = shown(after, "us_census")
    assert version(after, "us_census") == version(before, "us_census")
    assert not metadata["is_new"]
    assert metadata["releases"] == []
    assert metadata["rows_new"] == metadata["rows_withdrawn"] == 0
    assert len(releases(at)) == 1


@pytest.mark.slow
def test_what_the_publisher_changed_is_counted(at: Settings, server: ReplayServer) -> None:
    subscribe(at, "us_census,USA,,hs2,,import,M,2012-01")
    before = run(at, "us_census", 2012, 2017)
    server.world = WORLD.later()
    after = run(at, "us_census", 2012, 2017)
    metadata = shown(after, "us_census")
    assert version(after, "us_census") != version(before, "us_census")
    assert metadata["is_new"]
    assert min(metadata[f"rows_{what}"] for what in ("new", "changed", "withdrawn")) > 0


@pytest.mark.slow
def test_a_source_of_few_requests_is_fetched_whole(at: Settings, server: ReplayServer) -> None:
    subscribe(at, "fred,USA,KOR,total,,,M,2010-01")
    assert partitions_of(CONNECTORS["fred"].about) is None
    metadata = shown(run(at, "fred"), "fred")
    assert metadata["requests"] == 1
    assert metadata["dagster/row_count"] > 150
    assert "2010-01" in str(server.asked)


@pytest.mark.slow
def test_only_its_own_subscriptions_are_asked_of_a_source(
    at: Settings, server: ReplayServer
) -> None:
    subscribe(
        at,
        "fred,USA,KOR,total,,,M,2010-01",
        "us_census,USA,KOR,hs2,,import,M,2016-01",
        "us_census,USA,CAN,hs2,,import,M,2016-01",
    )
    metadata = shown(run(at, "us_census", 2016), "us_census")
    assert [one.partition(":")[0] for one in metadata["subscriptions"]] == ["line 3", "line 4"]
    assert len(releases(at)) == 2
    assert not any("fredgraph" in identity for identity in server.asked)


def test_a_wrong_line_stops_everything_before_anything_is_sent(
    at: Settings, server: ReplayServer
) -> None:
    subscribe(at, "us_census,USA,KOR,hs2,,,M,2016-01", "us_census,USA,ZZZ,hs2,,,M,2016-01")
    said, _ = failure(run(at, "us_census", 2016))
    assert "subscriptions.csv, line 3" in said
    assert "ZZZ" in said
    assert server.asked == {}
    assert releases(at) == []


def test_a_source_without_subscription_is_named(at: Settings) -> None:
    subscribe(at)
    said, _ = failure(run(at, "us_census", 2016))
    assert "us_census" in said


def test_a_missing_key_is_named_with_its_variable(at: Settings, server: ReplayServer) -> None:
    subscribe(at, "bea_ita,USA,KOR,total,,,A,2010-01")
    said, _ = failure(run(replace(at, keys={}), "bea_ita"))
    assert "BILATERAL_KEY_BEA_ITA" in said
    assert "https://apps.bea.gov" in said
    assert server.asked == {}


def test_a_wrong_key_is_never_shown(at: Settings) -> None:
    subscribe(at, "us_census,USA,KOR,hs2,,,M,2016-01")
    wrong = replace(at, keys={**at.keys, "us_census": Secret("Planted+wrong/key==")})
    result = run(wrong, "us_census", 2016)
    said, _ = failure(result)
    assert "us_census" in said
    assert "Planted" not in "".join(str(event) for event in result.all_events)
    assert releases(at) == []


def test_a_spent_quota_names_the_day_to_continue_and_keeps_the_replies(
    at: Settings, server: ReplayServer
) -> None:
    subscribe(at, "us_census,USA,KOR,hs2,,,M,2016-01")
    without_key = replace(at, keys={})
    quota = at.fetching / "quota" / "us_census.json"
    quota.parent.mkdir(parents=True)
    today = datetime.now(UTC).date()
    limit = CONNECTORS["us_census"].about.limits.per_day
    assert limit is not None
    quota.write_text(json.dumps({"day": str(today), "taken": limit - 1, "next_turn": 0.0}))
    with ReplayServer(world=WORLD) as open_to_all:
        address = dict.fromkeys(at.addresses, open_to_all.address)
        said, metadata = failure(run(replace(without_key, addresses=address), "us_census", 2016))
    assert metadata["replies_stored"] == 1
    assert metadata["goes_on"] == str(today + timedelta(days=1))
    assert metadata["goes_on"] in said
    assert releases(at) == []


def test_a_publisher_that_is_down_leaves_everything_as_it_was(at: Settings) -> None:
    subscribe(at, "fred,USA,KOR,total,,,M,2010-01")
    nobody = replace(at, addresses=dict.fromkeys(at.addresses, "http://127.0.0.1:9"))
    said, _ = failure(run(nobody, "fred"))
    assert "fred" in said
    assert releases(at) == []


@pytest.mark.slow
def test_the_loss_of_a_tenth_of_the_rows_is_a_warning(at: Settings, server: ReplayServer) -> None:
    subscribe(at, "us_census,USA,,hs2,,import,M,2012-01")
    assert checks(run(at, "us_census", 2012, 2017))["no_row_loss"]
    # In another world another tenth of all amounts is absent.
    server.world = replace(WORLD, seed=2)
    result = run(at, "us_census", 2012, 2017)
    assert result.success
    assert not checks(result)["no_row_loss"]


@pytest.mark.slow
def test_an_empty_publisher_fails_the_run_and_names_the_command_that_confirms(
    at: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(at, "us_census,USA,KOR,hs2,,import,M,2016-01")
    run(at, "us_census", 2016)
    before = releases(at)
    monkeypatch.setattr(type(PUBLISHERS["us_census"]), "rows", lambda *_: [])
    told, metadata = failure(run(at, "us_census", 2016))
    assert "would be withdrawn" in told
    assert "bilateral fetch us_census" in told
    assert "--confirm" in told
    assert metadata["replies_stored"] > 0
    assert releases(at) == before


@pytest.mark.slow
def test_parts_that_do_not_add_up_are_a_warning(at: Settings) -> None:
    # In the replayed world, chapters and totals have nothing to do with each other.
    subscribe(
        at, "us_census,USA,KOR,total,,import,M,2016-01", "us_census,USA,KOR,hs2,,import,M,2016-01"
    )
    assert not checks(run(at, "us_census", 2016))["adds_up_to_its_totals"]


def test_a_missing_month_that_another_source_has_is_a_warning(at: Settings) -> None:
    subscribe(at, "fred,USA,KOR,total,,,M,2009-01")
    result = run(at, "fred")
    assert not checks(result)["is_complete"]


def test_sources_without_totals_are_not_judged_by_them(at: Settings) -> None:
    subscribe(at, "fred,USA,KOR,total,,,M,2010-01")
    assert set(checks(run(at, "fred"))) == {"no_row_loss", "is_complete"}


@pytest.mark.slow
def test_nothing_that_a_run_keeps_holds_a_key(at: Settings) -> None:
    subscribe(at, "us_census,USA,KOR,hs2,,,M,2016-01", "fred,USA,KOR,total,,,M,2010-01")
    result = run(at, "us_census", 2016)
    told = "".join(str(event) for event in result.all_events)
    assert "us_census" in told
    for key in KEYS.values():
        assert key not in told
        assert not any(
            key.encode() in path.read_bytes() for path in at.data_home.rglob("*") if path.is_file()
        )
    assert discover_releases([at.fetched_snapshots])


@pytest.mark.parametrize("source_id", sorted(CONNECTORS))
def test_partitions_run_from_the_first_year_to_this_one(source_id: str) -> None:
    about = CONNECTORS[source_id].about
    years = partitions_of(about)
    if about.by_year_from is None:
        assert years is None
        return
    assert years is not None
    keys = years.get_partition_keys()
    assert keys[0] == str(about.by_year_from)
    assert keys[-1] == str(datetime.now(UTC).year)
    tags = years_to_fetch(about, datetime.now(UTC).date(), 3)
    assert set(tags.values()) <= set(keys)
