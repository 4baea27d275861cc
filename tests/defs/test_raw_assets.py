"""Tests of raw assets: the version of their data, and the check that stops a build."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from sources.source_files import country_bytes, country_row, write_release

from dagster_project.defs import raw
from dagster_project.defs.raw import build_raw_asset, raw_key
from dagster_project.defs.resources import BuildProgress
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources.catalog import LoadResult, table_named

COUNTRY = table_named("us_census__country_file")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    project = tmp_path / "project"
    shutil.copytree(PROJECT_ROOT / "dbt" / "seeds", project / "dbt" / "seeds")
    return Settings(project, tmp_path / "home", None)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@dg.asset(deps=[raw_key(COUNTRY.table)])
def reader() -> None:
    """Stands for the models that read the table."""


def load(settings: Settings, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [build_raw_asset(COUNTRY, 1), reader],
        instance=instance,
        resources={"settings": settings, "progress": BuildProgress()},
        raise_on_error=False,
    )


def version(settings: Settings, instance: dg.DagsterInstance) -> str | None:
    assert load(settings, instance).success
    event = instance.get_latest_materialization_event(raw_key(COUNTRY.table))
    assert event is not None
    assert event.asset_materialization is not None
    return event.asset_materialization.tags["dagster/data_version"]


def put(settings: Settings, release_id: str, value: str) -> None:
    content = country_bytes(country_row("2015", "5800", "Korea, South", IJAN=value, IYR=value))
    files = {"country.csv": (COUNTRY.table, "census_country_file", content)}
    known_from = f"{release_id}-28"
    write_release(settings.shipped_snapshots, "us_census", release_id, files, known_from=known_from)


@pytest.mark.slow
def test_the_data_version_of_a_raw_table_follows_its_files(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    put(settings, "2017-01", "10.5")
    before = version(settings, instance)
    assert version(settings, instance) == before
    # The same files elsewhere, or parsed again, are the same data.
    shutil.rmtree(settings.raw)
    assert version(settings, instance) == before
    put(settings, "2017-02", "10.6")
    assert version(settings, instance) != before


@pytest.mark.parametrize(("releases", "goes_on"), [(("2017-01",), False), ((), True)])
def test_releases_without_a_row_stop_a_build_and_no_release_does_not(
    settings: Settings,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    releases: tuple[str, ...],
    goes_on: bool,
) -> None:
    empty = LoadResult(COUNTRY.table, 0, 0, releases, releases, (), ())
    monkeypatch.setattr(raw, "load_entry", lambda *_: empty)
    result = load(settings, instance)
    failed = [one.check_name for one in result.get_asset_check_evaluations() if not one.passed]
    assert failed == ["has_rows"]
    assert result.success is goes_on
    assert bool(result.asset_materializations_for_node("reader")) is goes_on


def test_a_release_that_cannot_be_used_is_a_warning(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    unusable = {"2017-02": "country.csv has lost its second half"}
    partly = LoadResult(COUNTRY.table, 12, 0, ("2017-01",), ("2017-01",), (), (), unusable)
    monkeypatch.setattr(raw, "load_entry", lambda *_: partly)
    result = load(settings, instance)
    [failed] = [one for one in result.get_asset_check_evaluations() if not one.passed]
    assert failed.check_name == "has_no_unusable_release"
    assert failed.severity is dg.AssetCheckSeverity.WARN
    assert failed.metadata["unusable"].value == unusable
    assert result.success
