"""The site, after the warehouse it is made from.

It is no part of a build: a build is done when the warehouse is published, and a site that
fails leaves both the warehouse and the site of before as they are.
"""

import dagster as dg

from dagster_project.defs.dbt import OWNER
from dagster_project.defs.publish import PUBLISHED
from dagster_project.settings import Settings

SITE = dg.AssetKey(["report", "site"])
SITE_JOB = "make_site"

MAKE_SITE = dg.define_asset_job(
    SITE_JOB,
    selection=dg.AssetSelection.assets(SITE),
    # The pages are made by processes of their own.
    executor_def=dg.in_process_executor,
    description="Static pages of the published warehouse; the site of before stays until then.",
)


def build_site_asset(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        key=SITE,
        deps=[PUBLISHED],
        group_name="published",
        kinds={"html"},
        owners=[OWNER],
        description=(
            "The pages of the pairs that documents speak of: each figure with its basis, its rows"
            " and its query. Written beside the site of before and shown in one step."
        ),
    )
    def site(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        # Half a second of imports, which a build does without.
        from dagster_project.site.build import write_site

        written = write_site(settings)
        if not written.is_new:
            context.log.info("The pages are what they were; nothing was replaced.")
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(written.link / "index.html")),
                "pages": written.pages,
                "size": written.size,
                "content_hash": written.content_hash,
                "replaced": written.is_new,
            }
        )

    return site


def build_site_sensor(settings: Settings) -> dg.SensorDefinition:
    """Makes the site when a warehouse was published, also from the command line."""

    @dg.asset_sensor(
        asset_key=PUBLISHED,
        name="site_after_publication",
        job=MAKE_SITE,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Makes the pages of what was published.",
    )
    def site_after_publication(
        context: dg.SensorEvaluationContext, event: dg.EventLogEntry
    ) -> dg.RunRequest | dg.SkipReason:
        done = event.asset_materialization
        is_new = done is None or bool(done.metadata["published"].value)
        if not is_new and settings.report.exists():
            return dg.SkipReason("The build gave the same content as before.")
        return dg.RunRequest(run_key=event.run_id)

    return site_after_publication
