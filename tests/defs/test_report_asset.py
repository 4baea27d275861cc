"""Tests that the site follows each publication, and that its failure harms nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.defs.publish import PUBLISHED, SITE, site
from dagster_project.defs.sensors import site_after_publication
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.site import build as sites


@pytest.fixture
def at(tmp_path: Path) -> Settings:
    return Settings(PROJECT_ROOT, tmp_path, None)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def published(instance: dg.DagsterInstance, *, is_new: bool) -> None:
    @dg.asset(key=PUBLISHED)
    def warehouse() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"published": is_new})

    assert dg.materialize([warehouse], instance=instance).success


def requested(at: Settings, instance: dg.DagsterInstance, cursor: str | None) -> tuple[int, str]:
    sensor = site_after_publication
    defs = dg.Definitions(assets=[site], sensors=[sensor], resources={"settings": at})
    context = dg.build_sensor_context(
        instance=instance,
        cursor=cursor,
        definitions=defs,
        sensor_name=sensor.name,
        resources={"settings": at},
    )
    result = sensor.evaluate_tick(context)
    return len(result.run_requests or ()), str(result.cursor)


def test_every_publication_is_followed_once(at: Settings, instance: dg.DagsterInstance) -> None:
    assert requested(at, instance, None)[0] == 0
    published(instance, is_new=True)
    count, cursor = requested(at, instance, None)
    assert count == 1
    assert requested(at, instance, cursor)[0] == 0
    published(instance, is_new=True)
    assert requested(at, instance, cursor)[0] == 1


def test_the_same_content_is_followed_only_where_no_site_is(
    at: Settings, instance: dg.DagsterInstance
) -> None:
    published(instance, is_new=False)
    assert requested(at, instance, None)[0] == 1
    at.report.mkdir()
    assert requested(at, instance, None)[0] == 0


def test_the_asset_shows_what_was_made(
    at: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sites.Site(at.report, pages=42, size=9, is_new=True, content_hash="abc")
    monkeypatch.setattr(sites, "write_site", lambda settings: made if settings is at else None)
    result = dg.materialize([site], instance=instance, resources={"settings": at})
    [event] = result.asset_materializations_for_node(SITE.to_python_identifier())
    assert event.metadata["path"].value == str(at.report / "index.html")
    assert event.metadata["pages"].value == 42
    assert event.metadata["content_hash"].value == "abc"


def test_a_site_that_fails_leaves_the_warehouse(at: Settings, instance: dg.DagsterInstance) -> None:
    at.warehouse.write_bytes(b"no database, and not to be touched")
    result = dg.materialize(
        [site], instance=instance, resources={"settings": at}, raise_on_error=False
    )
    assert not result.success
    assert at.warehouse.read_bytes() == b"no database, and not to be touched"
    assert [path.name for path in at.data_home.iterdir()] == [at.warehouse.name]
