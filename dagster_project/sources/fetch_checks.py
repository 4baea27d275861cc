"""Checks a fetch against earlier rows, against the publisher's totals and for completeness."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path

import polars as pl

from dagster_project.settings import Settings
from dagster_project.sources.raw import SourceTable
from dagster_project.sources.release_diff import inside, known_rows
from dagster_project.sources.snapshot import Covers

# Publishers withdraw single rows with every revision; above this share a fetch warns.
BIG_FALL = 0.05
# Suppressed and rounded parts leave a total a little above its parts.
TOLERANCE = 0.001

_MONTHS = tuple(f"{month:02d}" for month in range(1, 13))
_QUARTERS, _YEARS = ("03", "06", "09", "12"), ("12",)


_EVERY_SOURCE = "*"


@dataclass(frozen=True)
class AllowedFall:
    """How many rows of one request a release may withdraw without being confirmed.

    A fall is large above both `share` of the rows known before, a fraction of one, and `rows`.
    """

    share: float
    rows: int

    def is_large(self, before: int, lost: int) -> bool:
        return lost > self.rows and lost > self.share * before


@lru_cache(maxsize=1)
def _allowed_falls() -> dict[str, AllowedFall]:
    """The falls of `row_falls.csv`, which gives the reason for each, by source."""
    with (Path(__file__).parent / "row_falls.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["source_id"]: AllowedFall(float(row["share"]), int(row["rows"]))
            for row in csv.DictReader(file)
        }


def allowed_fall(source_id: str) -> AllowedFall:
    falls = _allowed_falls()
    return falls.get(source_id, falls[_EVERY_SOURCE])


@dataclass(frozen=True)
class RowLoss:
    """How many of the earlier rows in the requested part are gone."""

    before: int
    lost: int

    @property
    def is_large(self) -> bool:
        return self.lost > BIG_FALL * self.before


@dataclass(frozen=True)
class TotalsCheck:
    """Totals compared with their parts, and those that differ from the sum of their parts."""

    compared: int
    wrong: pl.DataFrame


def find_row_loss(
    entry: SourceTable, settings: Settings, asked: Sequence[Covers], new: Collection[str]
) -> RowLoss:
    """How many earlier rows the releases `new` withdrew."""
    if not asked:
        return RowLoss(0, 0)
    before = (
        known_rows(entry, settings, within=asked, without=new).select(entry.primary_key).collect()
    )
    after = known_rows(entry, settings, within=asked).select(entry.primary_key).collect()
    lost = before.join(after, on=list(entry.primary_key), how="anti", nulls_equal=True)
    return RowLoss(before.height, lost.height)


def compare_totals(entry: SourceTable, settings: Settings, asked: Sequence[Covers]) -> TotalsCheck:
    """Compare the publisher's own totals with their parts, all within the requested part.

    A total may come from another request, or an earlier one.

    Raises:
        ValueError: the publisher has no totals in this table.
    """
    total = entry.total
    if total is None:
        raise ValueError(f"{entry.table} has no totals of its publisher.")
    by = list(total.by)
    level = pl.col(total.level).cast(pl.String)
    amount = pl.col(total.amount).cast(pl.Float64)
    if not asked:
        return TotalsCheck(0, pl.DataFrame())
    parts = (
        known_rows(entry, settings, within=asked)
        .filter(level != total.value)
        .group_by(*by, level.alias("parts_level"))
        .agg(amount.sum().alias("parts"))
    )
    totals = (
        known_rows(entry, settings)
        .filter(level == total.value, amount.is_not_null())
        .group_by(by)
        .agg(amount.first().alias("total"))
    )
    beside = parts.join(totals, on=by, how="inner", nulls_equal=True).collect()
    allowed = pl.max_horizontal(pl.lit(1.0), TOLERANCE * pl.col("total").abs())
    wrong = beside.filter((pl.col("parts") - pl.col("total")).abs() > allowed)
    return TotalsCheck(beside.height, wrong.sort(*by, "parts_level"))


def find_missing(entry: SourceTable, settings: Settings, asked: Sequence[Covers]) -> list[str]:
    """What was requested and is absent, in words; unpublished periods are not missing.

    A month counts as published when the table has a row of it, or of a later month, of the same
    kind: a year is represented by its December, a quarter by its last month.
    """
    if not asked:
        return []
    columns = sorted({column for covers in asked for column in covers.columns})
    rows = known_rows(entry, settings, within=asked).select(*columns, "_period").unique().collect()
    if rows.is_empty():
        return [f"{entry.table}: none of the requested data is there"]
    newest = str(rows["_period"].max())
    brought = [rows.filter(inside(covers)) for covers in asked]
    latest = _latest_of_each_kind(brought)
    missing: list[str] = []
    for covers, part in zip(asked, brought, strict=True):
        if part.is_empty():
            if covers.first <= newest:
                missing.append(f"{entry.table}: nothing for {_describe(covers)}")
            continue
        for column, values in covers.equal.items():
            there = set(part[column].cast(pl.String).unique())
            for value in (value for value in values if value not in there):
                missing.append(f"{entry.table}: no {column} {value} for {_describe(covers)}")
        kind = _kind(part)
        first, last = str(part["_period"].min()), min(covers.last, latest[kind])
        due = {period for period in _periods(first[:4], last[:4], kind) if first <= period <= last}
        for period in sorted(due - set(part["_period"])):
            missing.append(f"{entry.table}: no {period} for {_describe(covers)}")
    return missing


def _kind(rows: pl.DataFrame) -> tuple[str, ...]:
    """The months in which periods end: only December for years, all for months."""
    found = set(rows["_period"].str.slice(5, 2))
    return next(months for months in (_YEARS, _QUARTERS, _MONTHS) if found <= set(months))


def _latest_of_each_kind(brought: Iterable[pl.DataFrame]) -> dict[tuple[str, ...], str]:
    latest: dict[tuple[str, ...], str] = {}
    for rows in (rows for rows in brought if rows.height):
        last = str(rows["_period"].max())
        latest[_kind(rows)] = max(latest.get(_kind(rows), last), last)
    return latest


def _periods(first_year: str, last_year: str, months: Sequence[str]) -> set[str]:
    years = range(int(first_year), int(last_year) + 1)
    return {f"{year}-{month}" for year, month in product(years, months)}


def _describe(covers: Covers) -> str:
    words = [f"{column} {', '.join(values[:5])}" for column, values in covers.equal.items()]
    words += [f"{column} {', '.join(values[:5])}…" for column, values in covers.beginnings.items()]
    return "; ".join([*words, f"{covers.first} to {covers.last}"])
