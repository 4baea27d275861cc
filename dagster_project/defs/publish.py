"""The last step: audit the build and publish it as the warehouse; then the site that shows it.

The site is not part of a build: a build ends when the warehouse is published. A site that fails
leaves the warehouse and the previous site unchanged.
"""

from collections.abc import Iterable

import dagster as dg

from dagster_project.defs.dbt import OWNER
from dagster_project.defs.resources import BUILD_POOL, BuildProgress
from dagster_project.publish.build_dir import BuildDir
from dagster_project.publish.fingerprint import input_hash
from dagster_project.publish.publication import publish
from dagster_project.settings import Settings

PUBLISHED = dg.AssetKey(["published", "warehouse"])
SITE = dg.AssetKey(["report", "site"])


def build_publish_asset(after: Iterable[dg.AssetKey]) -> dg.AssetsDefinition:
    """The published warehouse, downstream of everything dbt builds."""

    @dg.asset(
        key=PUBLISHED,
        deps=sorted(after),
        group_name="published",
        kinds={"duckdb", "parquet"},
        owners=[OWNER],
        pool=BUILD_POOL,
        description=(
            "The published warehouse file, with the marts as Parquet beside it. Published "
            "from a build only when every model was built and every test passed; "
            "replaced atomically, so that readers never wait and never see half of it."
        ),
    )
    def warehouse(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        build_dir: dg.ResourceParam[BuildDir],
        progress: dg.ResourceParam[BuildProgress],
    ) -> dg.MaterializeResult:
        found = input_hash(settings)
        build_dir.require_same_code(found)
        is_overtaken = found != build_dir.input_hash
        if is_overtaken:
            context.log.info("Releases arrived during the build; the next build includes them.")
        outcome = publish(settings, build_dir.finished())
        build_dir.mark_done()
        if not outcome.published:
            context.log.info("The same content is already published; nothing was replaced.")
        progress.ended("publish", "warehouse", "published" if outcome.published else "same", 1)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(outcome.content_hash),
            metadata={
                "published": outcome.published,
                "is_overtaken": is_overtaken,
                "content_hash": outcome.content_hash,
                "dagster/row_count": sum(outcome.rows.values()),
                "path": dg.MetadataValue.path(str(settings.warehouse)),
                "rows_by_table": dg.MetadataValue.json(dict(outcome.rows)),
            },
        )

    return warehouse


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
def site(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult:
    # Half a second of imports that a build does not need.
    from dagster_project.site.build import write_site

    written = write_site(settings)
    if not written.is_new:
        context.log.info("The pages are unchanged; nothing was replaced.")
    return dg.MaterializeResult(
        data_version=dg.DataVersion(written.content_hash),
        metadata={
            "path": dg.MetadataValue.path(str(written.link / "index.html")),
            "pages": written.pages,
            "size": written.size,
            "content_hash": written.content_hash,
            "replaced": written.is_new,
        },
    )
