"""The dbt project as assets, its tests as asset checks."""

import subprocess
from collections.abc import Container, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliInvocation, dbt_assets
from packaging.version import Version

from dagster_project.defs.resources import BUILD_POOL, BuildProgress
from dagster_project.publish.build_dir import BuildDir
from dagster_project.publish.children import child
from dagster_project.publish.dbt_project import (
    build_arguments,
    dbt_environment,
    dbt_executable,
    dbt_version,
    left_out,
    lend_parse,
)
from dagster_project.settings import Settings

OWNER = "team:bilateral"
DBT_MODELS = "dbt_models"
_TESTS = frozenset({"test", "unit_test"})
_EXECUTED = frozenset({"model", "seed"}) | _TESTS


class LayerTranslator(DagsterDbtTranslator):
    """Groups by subject, sources by the key of the raw asset that writes them."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey(["raw", dbt_resource_props["name"]])
        return dg.AssetKey([layer_of(dbt_resource_props), dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        if dbt_resource_props["resource_type"] == "model":
            return dbt_resource_props["fqn"][1]
        return layer_of(dbt_resource_props)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        return [OWNER]


def layer_of(dbt_resource_props: Mapping[str, Any]) -> str:
    """The schema a node is built in; sources that dbt only reads are raw."""
    if dbt_resource_props["resource_type"] == "source":
        return "raw"
    return dbt_resource_props["schema"]


def build_dbt_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """One asset definition over the whole project.

    The whole project is built whichever part is requested: each build starts from an empty file,
    and a part of a warehouse cannot be published.
    """

    @dbt_assets(
        manifest=manifest,
        name=DBT_MODELS,
        dagster_dbt_translator=LayerTranslator(),
        pool=BUILD_POOL,
    )
    def dbt_models(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        build_dir: dg.ResourceParam[BuildDir],
        progress: dg.ResourceParam[BuildProgress],
    ) -> Iterator[Any]:
        asked_for = {
            *context.selected_asset_keys,
            *context.selected_asset_check_keys,
        }
        # A retry skips the raw tables that the run before it loaded.
        build_dir.settle_inputs(settings, is_loaded=context.run.parent_run_id is None)
        with start_dbt(settings, build_dir, context, manifest) as invocation:
            total = _planned_steps(manifest, left_out(settings, manifest))
            for event in invocation.stream_raw_events():
                if event.is_result_event:
                    node = event.raw_event["data"]["node_info"]
                    if node.get("resource_type") in _EXECUTED:
                        progress.ended("models", node["node_name"], node["node_status"], total)
                    if (
                        node.get("resource_type") in _TESTS
                        and not context.selected_asset_check_keys
                    ):
                        # It would be shown as an observation of the model instead.
                        continue
                for yielded in event.to_default_asset_events(
                    manifest=manifest,
                    dagster_dbt_translator=invocation.dagster_dbt_translator,
                    context=context,
                    target_path=invocation.target_path,
                ):
                    if _key_of(context, yielded) in asked_for:
                        yield yielded

    return dbt_models


@contextmanager
def start_dbt(
    settings: Settings,
    build_dir: BuildDir,
    context: dg.AssetExecutionContext,
    manifest: Mapping[str, Any],
) -> Generator[DbtCliInvocation]:
    """Start `dbt build` into the file of this build; it has ended when the context ends.

    The invocation is made here and not by `DbtCliResource.cli`, which takes its environment from
    this process, starts dbt once more to get its version, and opens an adapter in this process that
    could keep the build file locked. Its own way to start dbt leaves it running if this process is
    stopped.
    """
    build_dir.clear()
    settings.world.mkdir(parents=True, exist_ok=True)
    lend_parse(settings, build_dir.target)
    with child(
        [str(dbt_executable()), *build_arguments(settings)],
        env={
            **dbt_environment(settings, target=build_dir.target),
            # This output is parsed here; the log for people is plain text.
            "DBT_LOG_FORMAT": "json",
            "DBT_LOG_FORMAT_FILE": "text",
            # Twenty lines of debugging a node are a tenth of what dbt itself costs. The SQL of a
            # failed node is next to the log.
            "DBT_LOG_LEVEL_FILE": "info",
        },
        # The working folder of dbt; the environment says where the project is.
        cwd=build_dir.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        yield DbtCliInvocation(
            process=process,
            manifest=manifest,
            dagster_dbt_translator=LayerTranslator(),
            project_dir=build_dir.folder,
            target_path=build_dir.target,
            raise_on_error=True,
            context=context,
            cli_version=Version(dbt_version()),
        )


def _planned_steps(manifest: Mapping[str, Any], without: Container[str]) -> int:
    nodes = [*manifest["nodes"].values(), *manifest["unit_tests"].values()]
    return sum(
        node["resource_type"] in _EXECUTED
        and node["unique_id"] not in without
        and node.get("config", {}).get("materialized") != "ephemeral"
        for node in nodes
    )


def _key_of(context: dg.AssetExecutionContext, event: Any) -> object:
    if isinstance(event, dg.Output):
        return context.asset_key_for_output(event.output_name)
    if isinstance(event, dg.AssetCheckResult):
        return dg.AssetCheckKey(event.asset_key, event.check_name)
    return event.asset_key
