"""The rows of a data home after fetches, computed independently from its files.

A row is known from the release that brought it until a later one brings its key again or withdraws
it; a row of a whole report until a later release brings a file of the same name. Nothing here uses
the product's own implementation of these rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dagster_project.settings import Settings
from dagster_project.sources import catalog
from dagster_project.sources.bulk import BulkTable
from dagster_project.sources.snapshot import Release, discover_releases, read_verified

_PLACE = ("release_id", "snapshot_file", "row_number", "column_name")
# A report of UN Comtrade.
_REPORT = ("freq_code", "period", "reporter_code")


@dataclass(frozen=True)
class Counts:
    new: int
    changed: int
    withdrawn: int
    same: int


def releases_of(settings: Settings, source_id: str) -> list[Release]:
    """The releases of a source, oldest first, each file of them as its sidecar says."""
    if not (settings.fetched_snapshots / source_id).is_dir():
        return []
    releases = [
        release
        for release in discover_releases(settings.snapshot_roots)
        if release.source_id == source_id
    ]
    for release in releases:
        for file in release.files:
            read_verified(file)
    return releases


def held_rows(settings: Settings, table: str) -> pl.DataFrame:
    """The rows of a raw table that hold after all releases."""
    entry = catalog.table_named(table)
    releases = releases_of(settings, entry.source_id)
    if not releases:
        return pl.DataFrame(schema=entry.schema)
    catalog.load_entry(entry, settings)
    if isinstance(entry, BulkTable):
        return _rows_of_reports(settings, table, releases)
    parts = [
        pl.read_parquet(part)
        for release in sorted(releases, key=lambda one: one.moment)
        for part in (settings.raw / table / f"release_id={release.release_id}").glob("*.parquet")
    ]
    withdrawn = [
        pl.read_parquet(part)
        for part in (settings.raw / "snapshots__withdrawn").glob(f"*{table}~*/*.parquet")
    ]
    rows = pl.concat(parts).unique(list(entry.primary_key), keep="last", maintain_order=True)
    if not withdrawn:
        return rows
    return rows.join(pl.concat(withdrawn), on=list(_PLACE), how="anti")


def _rows_of_reports(settings: Settings, table: str, releases: list[Release]) -> pl.DataFrame:
    last = {
        file.name: file.sha256
        for release in sorted(releases, key=lambda one: one.moment)
        for file in release.files_of(table)
    }
    rows = pl.read_parquet(settings.raw / table / "**" / "*.parquet", hive_partitioning=False)
    return rows.filter(pl.col("snapshot_sha256").is_in(list(last.values())))


def as_printed(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows in an order of their own, so that two frames can be compared."""
    return frame.sort(frame.columns, nulls_last=True)


def compared(before: pl.DataFrame, after: pl.DataFrame, table: str) -> Counts:
    """What became of the rows of one truth in the next."""
    entry = catalog.table_named(table)
    if isinstance(entry, BulkTable):
        return _compared_whole(before, after)
    values = [name for name in entry.values if name in before.columns]
    key = [name for name in before.columns if name not in values]
    both = before.join(after, on=key, how="inner", nulls_equal=True, suffix="_after")
    is_same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_after")) for name in values)
    same = both.filter(is_same).height
    return Counts(
        new=after.join(before, on=key, how="anti", nulls_equal=True).height,
        changed=both.height - same,
        withdrawn=before.join(after, on=key, how="anti", nulls_equal=True).height,
        same=same,
    )


def _compared_whole(before: pl.DataFrame, after: pl.DataFrame) -> Counts:
    """The rows of reports that say anything else, and of those that are the same to the row."""
    reports = {
        name: {
            report: as_printed(rows)
            for report, rows in frame.partition_by(*_REPORT, as_dict=True).items()
        }
        for name, frame in (("before", before), ("after", after))
    }
    same = sum(
        rows.height
        for report, rows in reports["after"].items()
        if report in reports["before"] and rows.equals(reports["before"][report])
    )
    return Counts(new=after.height - same, changed=0, withdrawn=0, same=same)


def leftovers(settings: Settings) -> Iterator[Path]:
    """Files that only a fetch under way has: replies of a job, and halves of anything."""
    for path in settings.data_home.rglob("*"):
        relative = path.relative_to(settings.data_home)
        is_hidden = any(part.startswith(".") for part in relative.parts)
        if path.is_file() and (is_hidden or path.suffix in (".reply", ".tmp", ".part")):
            yield relative
