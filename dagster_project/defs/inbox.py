"""The inbox as an asset: each run shows what happened to the files in it."""

from datetime import UTC, datetime

import dagster as dg

from dagster_project.defs.dbt import OWNER
from dagster_project.settings import Settings
from dagster_project.sources.inbox import QUARANTINE, Imported, Quarantined, ingest_ready, scan

INBOX = dg.AssetKey(["fetched", "inbox"])
INBOX_POOL = "inbox"
_NO_QUARANTINED_FILES = "no_quarantined_files"


def build_inbox_asset(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        key=INBOX,
        group_name="fetched",
        kinds={"file"},
        owners=[OWNER],
        pool=INBOX_POOL,
        description=(
            "Files dropped into the inbox folder of the data home. A file whose layout is known "
            "becomes a release of its source; any other is quarantined with the reason."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                _NO_QUARANTINED_FILES,
                asset=INBOX,
                description="Every file of this run was imported.",
            )
        ],
    )
    def inbox(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        outcomes = ingest_ready(settings, datetime.now(UTC))
        imported = [one for one in outcomes if isinstance(one, Imported)]
        quarantined = [one for one in outcomes if isinstance(one, Quarantined)]
        for one in quarantined:
            context.log.warning(f"{one.name}: {one.reason}")
        waiting = list(scan(settings, datetime.now(UTC)).waiting)
        if waiting:
            context.log.info(
                f"Not imported yet, perhaps still being written: {', '.join(waiting)}."
            )
        return dg.MaterializeResult(
            metadata={
                "folder": dg.MetadataValue.path(str(settings.inbox)),
                "imported": [_summary(one) for one in imported],
                "releases": [
                    f"{one.release.source_id}/{one.release.release_id}"
                    for one in imported
                    if one.is_new
                ],
                "dagster/row_count": sum(one.rows for one in imported if one.is_new),
                "waiting": waiting,
                "quarantined": {one.name: one.reason for one in quarantined},
            },
            check_results=[
                dg.AssetCheckResult(
                    asset_key=INBOX,
                    check_name=_NO_QUARANTINED_FILES,
                    passed=not quarantined,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={
                        "quarantined": len(quarantined),
                        "quarantine": dg.MetadataValue.path(str(settings.inbox / QUARANTINE)),
                    },
                )
            ],
        )

    return inbox


def _summary(one: Imported) -> str:
    release = f"{one.release.source_id}/{one.release.release_id}"
    if not one.is_new:
        return f"{one.name}: already in {release}; nothing added"
    rejects = f", {one.rejects} cannot be used" if one.rejects else ""
    return f"{one.name}: {one.rows} rows of {one.table} as {release}{rejects}"
