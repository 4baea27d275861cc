"""Raw tables as assets, all made by one factory from the catalogue of sources."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from dagster_project.defs.dbt import OWNER
from dagster_project.defs.fetch import fetched_key
from dagster_project.defs.inbox import INBOX
from dagster_project.defs.resources import BuildProgress
from dagster_project.defs.schedules import freshness_of
from dagster_project.settings import Settings
from dagster_project.sources.catalog import (
    BULK,
    CATALOG,
    CONNECTORS,
    REJECTS_SCHEMA,
    SNAPSHOT_FILES_SCHEMA,
    BulkTable,
    LoadResult,
    SourceTable,
    load_entry,
    load_snapshot_index,
)
from dagster_project.sources.release_diff import WITHDRAWN_SCHEMA

SNAPSHOT_FILES = dg.AssetKey(["raw", "snapshots__files"])
SNAPSHOT_REJECTS = dg.AssetKey(["raw", "snapshots__rejects"])
SNAPSHOT_WITHDRAWN = dg.AssetKey(["raw", "snapshots__withdrawn"])


def raw_key(table: str) -> dg.AssetKey:
    return dg.AssetKey(["raw", table])


def build_raw_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Every table of the catalog, and the tables that describe the snapshots themselves."""
    entries = (*CATALOG, *BULK)
    tables = [build_raw_asset(settings, entry, len(entries)) for entry in entries]
    return [
        *tables,
        _snapshot_files(settings),
        _left_by_tables(
            settings,
            entries,
            SNAPSHOT_REJECTS,
            REJECTS_SCHEMA,
            "Rows rejected while raw tables were loaded, with the reason.",
        ),
        _left_by_tables(
            settings,
            CATALOG,
            SNAPSHOT_WITHDRAWN,
            WITHDRAWN_SCHEMA,
            "Rows that a later release of the same source requested and no longer found.",
        ),
    ]


def build_raw_asset(
    settings: Settings, entry: SourceTable | BulkTable, total: int
) -> dg.AssetsDefinition:
    """One raw table: Parquet under the raw folder, one folder per release or year."""

    # Where releases come from; raw tables load every release, fetched or imported.
    origins = [INBOX, *([fetched_key(entry.source_id)] if entry.source_id in CONNECTORS else [])]

    @dg.asset(
        key=raw_key(entry.table),
        deps=origins,
        group_name=entry.group,
        kinds=set(entry.kinds),
        owners=[OWNER],
        freshness_policy=freshness_of(entry.source_id),
        description=f"{entry.description}\n\nPublished: {entry.calendar}",
        metadata={"dagster/column_schema": table_schema(entry.schema)},
        check_specs=[
            dg.AssetCheckSpec(
                "has_rows", asset=raw_key(entry.table), description="A raw table is never empty."
            ),
            dg.AssetCheckSpec(
                "has_no_rejects",
                asset=raw_key(entry.table),
                description="Rejected rows are stored with their reason; good rows are loaded.",
            ),
        ],
    )
    def raw_table(
        context: dg.AssetExecutionContext, progress: dg.ResourceParam[BuildProgress]
    ) -> dg.MaterializeResult:
        percent = -1

        def tell(name: str, done: int, size: int) -> None:
            nonlocal percent
            if percent != (percent := 100 * done // size):
                file = name.rpartition("/")[2]
                progress.update("raw", f"{file} {percent} %", "reading", total)

        result = load_entry(entry, settings, tell)
        progress.ended("raw", entry.table, "written" if result.written else "unchanged", total)
        return dg.MaterializeResult(
            metadata=result_metadata(result), check_results=check_results(entry.table, result)
        )

    return raw_table


def result_metadata(result: LoadResult) -> dict[str, Any]:
    return {
        "dagster/row_count": result.rows,
        "rejects": result.rejects,
        "releases": list(result.releases),
        "releases_written": list(result.written),
        "releases_unchanged": list(result.unchanged),
    }


def check_results(table: str, result: LoadResult) -> Sequence[dg.AssetCheckResult]:
    return [
        dg.AssetCheckResult(
            asset_key=raw_key(table),
            check_name="has_rows",
            passed=result.rows > 0,
            metadata={"rows": result.rows},
        ),
        dg.AssetCheckResult(
            asset_key=raw_key(table),
            check_name="has_no_rejects",
            passed=result.rejects == 0,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"rejects": result.rejects},
        ),
    ]


def table_schema(schema: Mapping[str, pl.DataType]) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[dg.TableColumn(name, str(dtype)) for name, dtype in schema.items()]
    )


def _snapshot_files(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        key=SNAPSHOT_FILES,
        group_name="snapshots",
        kinds={"polars", "parquet"},
        owners=[OWNER],
        description="Every snapshot file, as its sidecar describes it.",
        metadata={"dagster/column_schema": table_schema(SNAPSHOT_FILES_SCHEMA)},
    )
    def snapshots__files() -> dg.MaterializeResult:
        return dg.MaterializeResult(
            metadata={"dagster/row_count": load_snapshot_index(settings).rows}
        )

    return snapshots__files


def _left_by_tables(
    settings: Settings,
    entries: Iterable[SourceTable | BulkTable],
    key: dg.AssetKey,
    schema: Mapping[str, pl.DataType],
    description: str,
) -> dg.AssetsDefinition:
    """A table of which each raw table writes its own part; the asset counts those rows."""

    @dg.asset(
        key=key,
        deps=[raw_key(entry.table) for entry in entries],
        group_name="snapshots",
        kinds={"polars", "parquet"},
        owners=[OWNER],
        description=description,
        metadata={"dagster/column_schema": table_schema(schema)},
    )
    def left_by_tables() -> dg.MaterializeResult:
        files = str(settings.raw / key.path[-1] / "**" / "*.parquet")
        rows = pl.scan_parquet(files).select(pl.len()).collect().item()
        return dg.MaterializeResult(metadata={"dagster/row_count": rows})

    return left_by_tables
