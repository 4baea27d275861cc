"""Raw tables as assets, all made by one factory from the catalogue of sources."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from dagster_project.defs.dbt import OWNER
from dagster_project.defs.fetch import INBOX, fetched_key
from dagster_project.defs.resources import BuildProgress
from dagster_project.defs.schedules import freshness_of
from dagster_project.disk import sha256_of
from dagster_project.publish.build_dir import raw_lock
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
from dagster_project.sources.partitions import FINGERPRINT, state_of
from dagster_project.sources.release_diff import WITHDRAWN_SCHEMA

SNAPSHOT_FILES = dg.AssetKey(["raw", "snapshots__files"])
SNAPSHOT_REJECTS = dg.AssetKey(["raw", "snapshots__rejects"])
SNAPSHOT_WITHDRAWN = dg.AssetKey(["raw", "snapshots__withdrawn"])
UNUSABLE_CHECK = "has_no_unusable_release"


def raw_key(table: str) -> dg.AssetKey:
    return dg.AssetKey(["raw", table])


def build_raw_assets() -> list[dg.AssetsDefinition]:
    """Every table of the catalog, and the tables that describe the snapshots themselves."""
    entries = (*CATALOG, *BULK)
    return [
        *(build_raw_asset(entry, len(entries)) for entry in entries),
        snapshots__files,
        _left_by_tables(
            entries,
            SNAPSHOT_REJECTS,
            REJECTS_SCHEMA,
            "Rows rejected while raw tables were loaded, with the reason.",
        ),
        _left_by_tables(
            CATALOG,
            SNAPSHOT_WITHDRAWN,
            WITHDRAWN_SCHEMA,
            "Rows that a later release of the same source requested and no longer found.",
        ),
    ]


def build_raw_asset(entry: SourceTable | BulkTable, total: int) -> dg.AssetsDefinition:
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
                "has_rows",
                asset=raw_key(entry.table),
                blocking=True,
                description="A raw table with releases has rows; without, no build uses it.",
            ),
            dg.AssetCheckSpec(
                "has_no_rejects",
                asset=raw_key(entry.table),
                description="Rejected rows are stored with their reason; good rows are loaded.",
            ),
            _unusable_spec(raw_key(entry.table)),
        ],
    )
    def raw_table(
        settings: dg.ResourceParam[Settings], progress: dg.ResourceParam[BuildProgress]
    ) -> dg.MaterializeResult:
        percent = -1

        def tell(name: str, done: int, size: int) -> None:
            nonlocal percent
            if percent != (percent := 100 * done // size):
                file = name.rpartition("/")[2]
                progress.update("raw", f"{file} {percent} %", "reading", total)

        with raw_lock(settings, alone=False):
            result = load_entry(entry, settings, tell)
        progress.ended("raw", entry.table, "written" if result.written else "unchanged", total)
        return dg.MaterializeResult(
            data_version=_data_version(settings.raw / entry.table),
            metadata=result_metadata(result),
            check_results=check_results(entry.table, result),
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
            # A source without releases is not a fault; a release that gives no rows is.
            severity=(
                dg.AssetCheckSeverity.ERROR if result.releases else dg.AssetCheckSeverity.WARN
            ),
            metadata={"rows": result.rows},
        ),
        dg.AssetCheckResult(
            asset_key=raw_key(table),
            check_name="has_no_rejects",
            passed=result.rejects == 0,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"rejects": result.rejects},
        ),
        _unusable_result(raw_key(table), result),
    ]


def _unusable_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        UNUSABLE_CHECK,
        asset=key,
        description="A release that cannot be used is left out; the others are loaded.",
    )


def _unusable_result(key: dg.AssetKey, result: LoadResult) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=UNUSABLE_CHECK,
        passed=not result.unusable,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"unusable": dict(result.unusable)},
    )


def table_schema(schema: Mapping[str, pl.DataType]) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[dg.TableColumn(name, str(dtype)) for name, dtype in schema.items()]
    )


@dg.asset(
    key=SNAPSHOT_FILES,
    group_name="snapshots",
    kinds={"polars", "parquet"},
    owners=[OWNER],
    description="Every snapshot file, as its sidecar describes it.",
    metadata={"dagster/column_schema": table_schema(SNAPSHOT_FILES_SCHEMA)},
    check_specs=[_unusable_spec(SNAPSHOT_FILES)],
)
def snapshots__files(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
    with raw_lock(settings, alone=False):
        result = load_snapshot_index(settings)
    return dg.MaterializeResult(
        data_version=_data_version(settings.raw / SNAPSHOT_FILES.path[-1]),
        metadata={"dagster/row_count": result.rows},
        check_results=[_unusable_result(SNAPSHOT_FILES, result)],
    )


def _left_by_tables(
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
    def left_by_tables(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
        folder = settings.raw / key.path[-1]
        rows = pl.scan_parquet(str(folder / "**" / "*.parquet")).select(pl.len()).collect().item()
        return dg.MaterializeResult(
            data_version=_data_version(folder), metadata={"dagster/row_count": rows}
        )

    return left_by_tables


def _data_version(folder: Path) -> dg.DataVersion:
    """A hash over the files of a raw table.

    A file names the inputs it was made from, so that it need not be read; the small tables that
    describe snapshots do not.
    """
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.parquet")):
        content = state_of(file).get(FINGERPRINT) or sha256_of(file)
        digest.update(f"{file.relative_to(folder)} {content}\n".encode())
    return dg.DataVersion(digest.hexdigest())
