"""The inbox as an asset: each run shows what became of the files that lay there."""

from datetime import UTC, datetime

import dagster as dg

from dagster_project.defs.dbt import OWNER
from dagster_project.settings import Settings
from dagster_project.sources.inbox import QUARANTINE, Quarantined, Taken, look, take

INBOX = dg.AssetKey(["fetched", "inbox"])
INBOX_POOL = "inbox"
_NOTHING_PUT_ASIDE = "no_quarantined_files"


def build_inbox_asset(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        key=INBOX,
        group_name="fetched",
        kinds={"file"},
        owners=[OWNER],
        pool=INBOX_POOL,
        description=(
            "Files dropped into the inbox folder of the data home. One whose layout is known "
            "becomes a release of its source; any other is put aside with the reason."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                _NOTHING_PUT_ASIDE, asset=INBOX, description="Every file of this run was taken."
            )
        ],
    )
    def inbox(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        outcomes = take(settings, datetime.now(UTC))
        taken = [one for one in outcomes if isinstance(one, Taken)]
        put_aside = [one for one in outcomes if isinstance(one, Quarantined)]
        for one in put_aside:
            context.log.warning(f"{one.name}: {one.reason}")
        waiting = list(look(settings, datetime.now(UTC)).waiting)
        if waiting:
            context.log.info(
                f"FetchedDatasets, and taken at the next look if steady: {', '.join(waiting)}."
            )
        return dg.MaterializeResult(
            metadata={
                "folder": dg.MetadataValue.path(str(settings.inbox)),
                "taken": [_told(one) for one in taken],
                "releases": [
                    f"{one.release.source_id}/{one.release.release_id}"
                    for one in taken
                    if one.is_new
                ],
                "dagster/row_count": sum(one.rows for one in taken if one.is_new),
                "waiting": waiting,
                "put_aside": {one.name: one.reason for one in put_aside},
            },
            check_results=[
                dg.AssetCheckResult(
                    asset_key=INBOX,
                    check_name=_NOTHING_PUT_ASIDE,
                    passed=not put_aside,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={
                        "put_aside": len(put_aside),
                        "quarantine": dg.MetadataValue.path(str(settings.inbox / QUARANTINE)),
                    },
                )
            ],
        )

    return inbox


def _told(one: Taken) -> str:
    release = f"{one.release.source_id}/{one.release.release_id}"
    if not one.is_new:
        return f"{one.name}: held already by {release}; nothing added"
    rejects = f", {one.rejects} cannot be used" if one.rejects else ""
    return f"{one.name}: {one.rows} rows of {one.table} as {release}{rejects}"
