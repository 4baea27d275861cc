"""Assembles the code location, nothing else."""

from __future__ import annotations

import dagster as dg

from dagster_project.defs.dbt import build_dbt_assets
from dagster_project.defs.fetch import build_fetch_assets, inbox
from dagster_project.defs.jobs import build_jobs
from dagster_project.defs.publish import build_publish_asset, site
from dagster_project.defs.raw import build_raw_assets
from dagster_project.defs.resources import BuildProgress, build_dir
from dagster_project.defs.schedules import build_schedules
from dagster_project.defs.sensors import build_after_news, inbox_sensor, site_after_publication
from dagster_project.publish.dbt_project import ensure_manifest, read_manifest
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import MARTS


def assemble(settings: Settings) -> dg.Definitions:
    dbt_models = build_dbt_assets(read_manifest(ensure_manifest(settings)))
    return dg.Definitions(
        assets=[
            *build_fetch_assets(),
            inbox,
            *build_raw_assets(),
            dbt_models,
            # Everything else dbt builds feeds the marts, and a build may leave some of it out.
            build_publish_asset(after=[key for key in dbt_models.keys if key.path[0] == MARTS]),
            site,
        ],
        jobs=build_jobs(),
        schedules=build_schedules(settings),
        sensors=[inbox_sensor, build_after_news, site_after_publication],
        resources={"settings": settings, "build_dir": build_dir, "progress": BuildProgress()},
    )


# Loaded on demand, so that importing this module reads no file and parses nothing.
@dg.definitions
def defs() -> dg.Definitions:
    return assemble(load_settings())
