"""The last step: audit the build and publish it as the warehouse."""

from collections.abc import Iterable

import dagster as dg

from dagster_project.defs.dbt import OWNER
from dagster_project.defs.resources import BUILD_POOL, BuildProgress
from dagster_project.publish.audit import AuditFailed
from dagster_project.publish.build_dir import BuildDir
from dagster_project.publish.fingerprint import input_hash
from dagster_project.publish.publication import publish
from dagster_project.settings import Settings

PUBLISHED = dg.AssetKey(["published", "warehouse"])


def build_publish_asset(settings: Settings, after: Iterable[dg.AssetKey]) -> dg.AssetsDefinition:
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
        build_dir: dg.ResourceParam[BuildDir],
        progress: dg.ResourceParam[BuildProgress],
    ) -> dg.MaterializeResult:
        if input_hash(settings) != build_dir.input_hash:
            raise AuditFailed(("The inputs changed during the build; build again.",))
        outcome = publish(settings, build_dir.finished())
        build_dir.mark_done()
        if not outcome.published:
            context.log.info("The same content is already published; nothing was replaced.")
        progress.ended("publish", "warehouse", "published" if outcome.published else "same", 1)
        return dg.MaterializeResult(
            metadata={
                "published": outcome.published,
                "content_hash": outcome.content_hash,
                "dagster/row_count": sum(outcome.rows.values()),
                "path": dg.MetadataValue.path(str(settings.warehouse)),
                "rows_by_table": dg.MetadataValue.json(dict(outcome.rows)),
            }
        )

    return warehouse
