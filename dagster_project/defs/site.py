"""The site, built after the warehouse it shows.

It is not part of a build: a build ends when the warehouse is published. A site that fails leaves
the warehouse and the previous site unchanged.
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
    # Separate processes render the pages.
    executor_def=dg.in_process_executor,
    description="Static pages of the published warehouse; the previous site stays until then.",
)


def build_site_asset(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        key=SITE,
        deps=[PUBLISHED],
        group_name="published",
        kinds={"html"},
        owners=[OWNER],
        description=(
            "Pages for the country pairs in the articles: each figure with its basis, its rows"
            " and its query. Written beside the previous site and swapped atomically."
        ),
    )
    def site(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        # Half a second of imports that a build does not need.
        from dagster_project.site.build import write_site

        written = write_site(settings)
        if not written.is_new:
            context.log.info("The pages are unchanged; nothing was replaced.")
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
    """Builds the site after a warehouse was published, also from the command line."""

    @dg.asset_sensor(
        asset_key=PUBLISHED,
        name="site_after_publication",
        job=MAKE_SITE,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Builds the pages of the published warehouse.",
    )
    def site_after_publication(
        context: dg.SensorEvaluationContext, event: dg.EventLogEntry
    ) -> dg.RunRequest | dg.SkipReason:
        done = event.asset_materialization
        is_new = done is None or bool(done.metadata["published"].value)
        if not is_new and settings.report.exists():
            return dg.SkipReason("The build produced the same content as before.")
        return dg.RunRequest(run_key=event.run_id)

    return site_after_publication
