"""How one release of a table follows another: the rows it adds, changes and withdraws.

A row is valid from its release until a later release contains its key again, or requests the part
of the table it belongs to (`Covers`) and does not find it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from dagster_project.settings import Settings
from dagster_project.sources.partitions import (
    FINGERPRINT,
    PART,
    PREFIX,
    SCHEMA_FILE,
    partition_file,
    state_of,
    write,
    write_if_changed,
)
from dagster_project.sources.snapshot import Covers, Release, discover_releases

if TYPE_CHECKING:
    from dagster_project.sources.raw import SourceTable

WITHDRAWN_TABLE = "snapshots__withdrawn"

WITHDRAWN_SCHEMA: dict[str, pl.DataType] = {
    "table_name": pl.String(),
    "release_id": pl.String(),
    "snapshot_file": pl.String(),
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "withdrawn_by": pl.String(),
    "withdrawn_on": pl.Date(),
}

_PLACE = ("release_id", "snapshot_file", "row_number", "column_name")
_ORDER = "_order"


@dataclass(frozen=True)
class Comparison:
    """Rows of one file compared with the last known ones.

    A file of a bulk table is compared as a whole: all of its rows are new, or all the same.
    """

    new: int
    changed: int
    withdrawn: int
    same: int

    @property
    def has_news(self) -> bool:
        return bool(self.new or self.changed or self.withdrawn)

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(
            self.new + other.new,
            self.changed + other.changed,
            self.withdrawn + other.withdrawn,
            self.same + other.same,
        )


def compare_with_held(
    entry: SourceTable,
    settings: Settings,
    files: Mapping[str, tuple[pl.DataFrame, Covers | None]],
    known_from: date,
) -> dict[str, Comparison]:
    """Compare each file's rows with what was known of the table on `known_from`.

    Rows of one fetch count together: a row requested by one file may arrive in another.

    Args:
        files: by name, the parsed rows and the requested part of the table. The
            raw Parquet of the table has to be up to date (`raw.load_table`).
    """
    known = known_rows(entry, settings, day=known_from)
    key = list(entry.primary_key)
    frames = [
        frame.select(*key, *entry.values, pl.lit(name).alias("_file"))
        for name, (frame, _) in files.items()
        if not frame.is_empty()
    ]
    if not frames:
        rows = known.clear().select(*key, *entry.values, pl.lit("").alias("_file")).collect()
    else:
        rows = pl.concat(frames).unique(key, keep="first", maintain_order=True)
    held = known.select(*key, *entry.values)
    beside = rows.lazy().join(
        held.with_columns(pl.lit(True).alias("_is_held")),
        on=key,
        how="left",
        nulls_equal=True,
        suffix="_held",
    )
    is_held = pl.col("_is_held").fill_null(False)
    differs = pl.any_horizontal(
        *(pl.col(value).ne_missing(pl.col(f"{value}_held")) for value in entry.values)
    )
    counted = (
        beside.group_by("_file")
        .agg(
            (~is_held).sum().alias("new"),
            (is_held & differs).sum().alias("changed"),
            (is_held & ~differs).sum().alias("same"),
        )
        .collect()
    )
    counts = {row["_file"]: row for row in counted.iter_rows(named=True)}
    covered = [covers for _, covers in files.values() if covers is not None]
    asked_by = sorted({column for covers in covered for column in covers.columns} - set(key))
    gone = (
        known.select(*key, *asked_by, *_period_column(entry))
        .filter(pl.any_horizontal(pl.lit(False), *(inside(covers) for covers in covered)))
        .join(rows.lazy().select(key), on=key, how="anti", nulls_equal=True)
        .collect()
    )
    result = {}
    for name, (_, covers) in files.items():
        count = counts.get(name, {"new": 0, "changed": 0, "same": 0})
        withdrawn = 0 if covers is None else gone.filter(inside(covers)).height
        result[name] = Comparison(count["new"], count["changed"], withdrawn, count["same"])
    return result


def _withdrawn_rows(
    entry: SourceTable,
    earlier: Sequence[tuple[Release, Path]],
    release: Release,
    partition: Path,
    ended: pl.DataFrame,
) -> pl.DataFrame:
    """The rows that `release` withdraws from those of the releases before it, in order."""
    covers = [file.covers for file in release.files_of(entry.table) if file.covers is not None]
    known = last_known(entry, earlier, ended, within=covers)
    brought = pl.scan_parquet(partition).select(entry.primary_key)
    gone = known.join(brought, on=list(entry.primary_key), how="anti", nulls_equal=True)
    row, column = _PLACE[:-1], _PLACE[-1]
    return (
        pl.concat(
            gone.select(
                pl.lit(entry.table).alias("table_name"),
                *row,
                pl.col(one).alias(column),
                pl.lit(release.release_id).alias("withdrawn_by"),
                pl.lit(release.known_from).alias("withdrawn_on"),
            )
            for one in (column, *entry.second_columns)
        )
        .drop_nulls(column)
        .sort(*_PLACE)
        .collect()
    )


def last_known(
    entry: SourceTable,
    releases: Sequence[tuple[Release, Path]],
    ended: pl.DataFrame,
    *,
    within: Sequence[Covers] | None = None,
    empty: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """The rows valid after these releases: the latest of each key, unless withdrawn.

    `within` restricts to parts of the table; `empty` is returned where there is no release.
    """
    frames = [
        pl.scan_parquet(path).with_columns(
            pl.lit(order, dtype=pl.Int32).alias(_ORDER), *_period_column(entry)
        )
        for order, (_, path) in enumerate(releases)
    ]
    if empty is not None:
        frames.append(
            empty.with_columns(pl.lit(-1, dtype=pl.Int32).alias(_ORDER), *_period_column(entry))
        )
    rows = pl.concat(frames)
    if within is not None:
        rows = rows.filter(pl.any_horizontal(*(inside(one) for one in within)))
    return (
        rows.sort(_ORDER)
        .unique(list(entry.primary_key), keep="last", maintain_order=True)
        .join(ended.lazy().select(*_PLACE), on=list(_PLACE), how="anti")
    )


def _period_column(entry: SourceTable) -> list[pl.Expr]:
    return [] if entry.period is None else [entry.period.alias("_period")]


def inside(covers: Covers) -> pl.Expr:
    """Whether a row of `last_known` is in the requested part of the table."""
    return pl.all_horizontal(
        pl.col("_period").is_between(pl.lit(covers.first), pl.lit(covers.last)),
        *(
            pl.col(column).cast(pl.String).is_in(list(values))
            for column, values in covers.equal.items()
        ),
        *(
            pl.any_horizontal(
                pl.lit(False), *(pl.col(column).str.starts_with(one) for one in values)
            )
            for column, values in covers.beginnings.items()
        ),
    )


def known_rows(
    entry: SourceTable,
    settings: Settings,
    *,
    day: date = date.max,
    without: Collection[str] = (),
    within: Sequence[Covers] | None = None,
) -> pl.LazyFrame:
    """The rows of a table that were valid on a day, ignoring the releases `without`."""
    folder, withdrawn = settings.raw / entry.table, settings.raw / WITHDRAWN_TABLE
    releases = _in_order(
        release
        for release in discover_releases(settings.snapshot_roots)
        if release.known_from <= day
        and release.files_of(entry.table)
        and release.release_id not in without
    )
    parts = [withdrawn / SCHEMA_FILE, *withdrawn.glob(f"{PREFIX}{entry.table}~*/{PART}")]
    ended = (
        pl.concat([pl.scan_parquet(part) for part in parts])
        .filter(pl.col("withdrawn_on") <= day, ~pl.col("withdrawn_by").is_in(list(without)))
        .collect()
    )
    return last_known(
        entry,
        [(release, partition_file(folder, release.release_id)) for release in releases],
        ended,
        within=within,
        empty=pl.scan_parquet(folder / SCHEMA_FILE),
    )


def write_withdrawn(entry: SourceTable, releases: Sequence[Release], raw: Path) -> None:
    """Update the record of which rows of a table later releases withdrew.

    Each part belongs to the withdrawing release. It is rewritten when that release, or an earlier
    one, has changed since.
    """
    folder = raw / WITHDRAWN_TABLE
    write_if_changed(folder / SCHEMA_FILE, pl.DataFrame(schema=WITHDRAWN_SCHEMA))
    kept: set[Path] = set()
    earlier: list[tuple[Release, Path]] = []
    ended = pl.DataFrame(schema=WITHDRAWN_SCHEMA)
    digest = hashlib.sha256()
    for release in _in_order(releases):
        partition = partition_file(raw / entry.table, release.release_id)
        state = state_of(partition)
        digest.update(f"{release.moment} {state.get(FINGERPRINT)}\n".encode())
        if earlier and any(file.covers for file in release.files_of(entry.table)):
            part = partition_file(folder, f"{entry.table}~{release.release_id}")
            kept.add(part)
            fingerprint = digest.hexdigest()
            if state_of(part).get(FINGERPRINT) != fingerprint:
                rows = _withdrawn_rows(entry, earlier, release, partition, ended)
                write(part, rows, {FINGERPRINT: fingerprint})
            ended = pl.concat([ended, pl.read_parquet(part)])
        earlier.append((release, partition))
    for part in folder.glob(f"{PREFIX}{entry.table}~*/{PART}"):
        if part not in kept:
            shutil.rmtree(part.parent, ignore_errors=True)


def _in_order(releases: Iterable[Release]) -> list[Release]:
    return sorted(releases, key=lambda release: release.moment)
