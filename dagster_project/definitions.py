"""Assembles the code location, nothing else."""

from __future__ import annotations

import dagster as dg

from dagster_project.defs.dbt import build_dbt_assets
from dagster_project.defs.fetch import build_fetch_assets
from dagster_project.defs.inbox import build_inbox_asset
from dagster_project.defs.jobs import build_jobs
from dagster_project.defs.publish import build_publish_asset
from dagster_project.defs.raw import build_raw_assets
from dagster_project.defs.resources import build_resources
from dagster_project.defs.schedules import build_schedules
from dagster_project.defs.sensors import build_sensors
from dagster_project.defs.site import build_site_asset
from dagster_project.publish.dbt_project import ensure_manifest, read_manifest
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import MARTS


def assemble(settings: Settings) -> dg.Definitions:
    dbt_models = build_dbt_assets(settings, read_manifest(ensure_manifest(settings)))
    return dg.Definitions(
        assets=[
            *build_fetch_assets(settings),
            build_inbox_asset(settings),
            *build_raw_assets(settings),
            dbt_models,
            # Everything else dbt builds feeds the marts, and a build may leave some of it out.
            build_publish_asset(
                settings, after=[key for key in dbt_models.keys if key.path[0] == MARTS]
            ),
            build_site_asset(settings),
        ],
        jobs=build_jobs(),
        schedules=build_schedules(settings),
        sensors=build_sensors(settings),
        resources=build_resources(settings),
    )


# Loaded on demand, so that importing this module reads no file and parses nothing.
@dg.definitions
def defs() -> dg.Definitions:
    return assemble(load_settings())
