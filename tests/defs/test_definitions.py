"""Tests of the code location: asset keys match, schedules and sensors are on."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator

import dagster as dg
import pytest
import yaml

from dagster_project.definitions import assemble
from dagster_project.defs.dbt import OWNER
from dagster_project.defs.jobs import BUILD_JOB, SITE_JOB
from dagster_project.defs.publish import PUBLISHED, SITE
from dagster_project.defs.resources import BUILD_POOL
from dagster_project.defs.schedules import CALENDARS
from dagster_project.settings import PROJECT_ROOT, load_settings
from dagster_project.sources.catalog import BULK, CATALOG, CONNECTORS


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return assemble(load_settings())


@pytest.fixture(scope="module")
def graph(defs: dg.Definitions) -> dg.AssetGraph:
    return defs.resolve_asset_graph()


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(PROJECT_ROOT / ".dagster")) as instance:
        yield instance


def test_the_code_location_validates(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


@pytest.mark.slow
def test_importing_the_definitions_opens_no_project_file() -> None:
    script = (
        "import sys\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(str(args[0]))"
        " if event == 'open' else None)\n"
        "import dagster_project.definitions\n"
        f"root = {str(PROJECT_ROOT)!r}\n"
        "touched = [path for path in opened if path.startswith((root + '/dbt', root + '/data',"
        " root + '/.dagster/'))]\n"
        "print(len(opened)); print(touched)\n"
    )
    count, touched = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert int(count) > 100  # the hook was heard
    assert touched == "[]"


def test_no_asset_is_external(graph: dg.AssetGraph) -> None:
    assert sorted(graph.external_asset_keys) == []


def test_every_raw_table_of_the_catalog_is_an_asset_that_dbt_reads(graph: dg.AssetGraph) -> None:
    assert len(CATALOG) > 0
    for entry in (*CATALOG, *BULK):
        node = graph.get(dg.AssetKey(["raw", entry.table]))
        assert node.group_name == entry.group
        assert {child.path[0] for child in node.child_keys} & {"staging"}, entry.table


def test_the_publication_comes_after_every_mart(graph: dg.AssetGraph) -> None:
    marts = {key for key in graph.get_all_asset_keys() if key.path[0] == "marts"}
    assert len(marts) > 3
    assert marts <= graph.get(PUBLISHED).parent_keys


def test_every_asset_has_owner_group_kind_and_description(graph: dg.AssetGraph) -> None:
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert list(node.owners) == [OWNER], key
        assert node.group_name not in {None, "default"}, key
        assert node.kinds, key
        assert node.description, key


def test_every_mart_and_raw_table_shows_its_columns(graph: dg.AssetGraph) -> None:
    for key in graph.get_all_asset_keys():
        if key.path[0] in {"raw", "marts"}:
            schema = graph.get(key).metadata["dagster/column_schema"]
            assert len(getattr(schema, "schema", schema).columns) > 0, key


def test_dbt_tests_are_asset_checks(graph: dg.AssetGraph) -> None:
    checked = {key.asset_key.path[0] for key in graph.asset_check_keys}
    assert {"staging", "intermediate", "marts"} <= checked


def test_a_build_stays_in_one_process_and_in_the_pool(defs: dg.Definitions) -> None:
    job = defs.resolve_job_def(BUILD_JOB)
    assert job.executor_def is dg.in_process_executor
    pools = {node.name: node.definition.pool for node in job.nodes}
    assert pools["dbt_models"] == BUILD_POOL
    assert pools[PUBLISHED.to_python_identifier()] == BUILD_POOL


def test_the_committed_instance_limits_the_pool_and_watches_runs(
    instance: dg.DagsterInstance,
) -> None:
    pool = instance.get_concurrency_config().pool_config
    assert pool.default_pool_limit == 1
    assert pool.pool_granularity.value == "run"
    assert instance.run_monitoring_enabled
    assert instance.run_monitoring_max_runtime_seconds > 0
    assert instance.run_launcher.supports_check_run_worker_health
    assert instance.run_monitoring_poll_interval_seconds <= 20
    assert instance.run_monitoring_start_timeout_seconds <= 60
    assert instance.run_retries_enabled
    assert not instance.telemetry_enabled


def test_every_schedule_and_sensor_is_on(defs: dg.Definitions) -> None:
    repository = defs.get_repository_def()
    schedules, sensors = repository.schedule_defs, repository.sensor_defs
    assert len(schedules) > len(CALENDARS)
    assert {one.default_status for one in schedules} == {dg.DefaultScheduleStatus.RUNNING}
    assert {sensor.name for sensor in sensors} == {
        "inbox",
        "build_after_news",
        "site_after_publication",
    }
    assert {one.default_status for one in sensors} == {dg.DefaultSensorStatus.RUNNING}


def test_every_calendar_builds_and_every_source_is_fetched_by_one(defs: dg.Definitions) -> None:
    jobs = {one.name: one.job_name for one in defs.get_repository_def().schedule_defs}
    assert {name for name, job in jobs.items() if job == BUILD_JOB} == {
        calendar.name for calendar in CALENDARS
    }
    assert {job for job in jobs.values() if job != BUILD_JOB} == {
        f"fetch_{source_id}" for source_id in CONNECTORS
    }


def test_a_build_asks_nobody(defs: dg.Definitions, graph: dg.AssetGraph) -> None:
    built = defs.resolve_job_def(BUILD_JOB).asset_layer.selected_asset_keys
    left_out = graph.get_all_asset_keys() - built
    fetched = {dg.AssetKey(["fetched", name]) for name in (*CONNECTORS, "inbox")}
    assert left_out == fetched | {SITE}


def test_the_site_is_made_alone_and_after_the_publication(
    defs: dg.Definitions, graph: dg.AssetGraph
) -> None:
    assert graph.get(SITE).parent_keys == {PUBLISHED}
    assert graph.get(SITE).child_keys == set()
    assert defs.resolve_job_def(SITE_JOB).asset_layer.selected_asset_keys == {SITE}


def test_raw_tables_come_from_the_fetch_of_their_source(graph: dg.AssetGraph) -> None:
    for entry in (*CATALOG, *BULK):
        fetched = set(graph.get(dg.AssetKey(["raw", entry.table])).parent_keys)
        expected = {"inbox", entry.source_id} & {"inbox", *CONNECTORS}
        assert fetched == {dg.AssetKey(["fetched", name]) for name in expected}, entry.table


def test_fetches_of_one_source_share_a_pool_and_have_a_day_for_it(defs: dg.Definitions) -> None:
    pools = set()
    for source_id in CONNECTORS:
        job = defs.resolve_job_def(f"fetch_{source_id}")
        [node] = job.nodes
        pools.add(node.definition.pool)
        assert float(job.tags[dg.MAX_RUNTIME_SECONDS_TAG]) > 3600
    assert len(pools) == len(CONNECTORS)
    assert None not in pools


def test_every_fetched_table_has_a_freshness_policy(graph: dg.AssetGraph) -> None:
    with_policy = {
        entry.source_id
        for entry in CATALOG
        if graph.get(dg.AssetKey(["raw", entry.table])).freshness_policy
    }
    assert with_policy == set(CONNECTORS)


def test_workspace_and_project_name_the_same_code_location() -> None:
    workspace = yaml.safe_load((PROJECT_ROOT / "workspace.yaml").read_text())
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    assert workspace == {
        "load_from": [
            {
                "python_module": {
                    "module_name": project["code_location_target_module"],
                    "location_name": project["code_location_name"],
                }
            }
        ]
    }
    assert project["code_location_target_module"].startswith(project["root_module"] + ".")
