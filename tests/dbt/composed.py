"""Releases of made-up figures: repeated, changed and changed back, withdrawn, given twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import polars as pl

FIRST_DAY = date(2020, 1, 1)
YEAR = (date(2016, 1, 1), date(2016, 12, 31))
MONTHS = tuple(
    (date(2016, m, 1), date(2016 + m // 12, m % 12 + 1, 1) - timedelta(1)) for m in range(1, 13)
)
# A group of two codes, either of which may have no trade.
PAIR = "pair"
GROUPS = {"total:total": (("total", "total"),), PAIR: (("hs2", "01"), ("hs2", "02"))}
# The tables of each source and half the last digit of each, in US dollars.
TABLES = {
    "us_census": {"us_census__country_file": 500, "us_census__trade_api": 5},
    "un_comtrade": {"un_comtrade__trade": 50},
}
_AMOUNTS = (10_000, 20_000, 30_000)


@dataclass(frozen=True, order=True)
class Series:
    compiler: str
    partner: str
    flow: str
    concept: str
    valuation: str
    seasonal_adjustment: str = "nsa"


EXPORTS = Series("USA", "KOR", "export", "total", "fas")
RE_EXPORTS = Series("USA", "KOR", "export", "re_export", "fas")
IMPORTS = Series("USA", "KOR", "import", "general", "customs")
PARTNER_EXPORTS = Series("KOR", "USA", "export", "total", "fob")
PARTNER_IMPORTS = Series("KOR", "USA", "import", "general", "cif")
SERIES = (EXPORTS, RE_EXPORTS, IMPORTS, PARTNER_EXPORTS, PARTNER_IMPORTS)


@dataclass(frozen=True, order=True)
class Release:
    """Releases of a source are in the order of these fields."""

    source: str
    day: date
    hour: int
    release_id: str


@dataclass(frozen=True)
class Figure:
    """One row of one release; a row of the same key in the same table and release is a copy."""

    row_number: int
    release: Release
    table: str
    series: Series
    product: tuple[str, str]
    period: tuple[date, date]
    value: int
    half: int
    unit: str
    withdrawn_by: Release | None = None

    @property
    def key(self) -> tuple[Series, tuple[str, str], tuple[date, date]]:
        return self.series, self.product, self.period


@dataclass(frozen=True)
class Size:
    """How much is composed; hypothesis shrinks these."""

    seed: int
    releases: int
    days: int
    series: int


def compose(size: Size) -> list[Figure]:
    """The figures of all releases of all sources."""
    chance = random.Random(size.seed)
    figures: list[Figure] = []
    rows = iter(range(1, 1_000_000))
    series = chance.sample(SERIES, size.series)
    for source, tables in TABLES.items():
        # The name of a release says nothing about its day.
        names = chance.sample("abcdefgh", size.releases)
        releases = sorted(
            Release(source, FIRST_DAY + timedelta(chance.randint(0, size.days)), hour, name)
            for hour, name in enumerate(names)
        )
        for table, half in tables.items():
            for one in series:
                # What one table alone gives, by period alone, goes a way of its own.
                if chance.random() < 0.4:
                    continue
                periods = _periods(chance)
                for product in (("total", "total"), ("hs2", "01"), ("hs2", "02")):
                    for together in periods:
                        figures += _history(
                            chance, rows, releases, table, half, one, product, together
                        )
    return figures


def _periods(chance: random.Random) -> list[tuple[tuple[date, date], ...]]:
    """Periods that a publisher gives or leaves out together: most months are, or no year of
    months would be complete."""
    by_year, by_month = chance.choice(((True, False), (False, True), (True, True)))
    return [*([(YEAR,)] if by_year else []), *([MONTHS[:1], MONTHS[1:]] if by_month else [])]


def _history(
    chance: random.Random,
    rows: Iterator[int],
    releases: list[Release],
    table: str,
    half: int,
    series: Series,
    product: tuple[str, str],
    periods: tuple[tuple[date, date], ...],
) -> Iterator[Figure]:
    """One row per period from each release of a table that gives it."""
    said: list[Figure] = []
    value = chance.choice(_AMOUNTS)
    for release in releases:
        step = chance.random()
        if step < 0.12:
            continue
        if step < 0.24:
            # It was expected, and is gone.
            yield from (replace(f, withdrawn_by=release) for f in said)
            said = []
            continue
        yield from said
        if step < 0.5:
            value = chance.choice(_AMOUNTS)
        unit = "USD" if chance.random() < 0.95 else "USD th"
        copies = [(value, half)]
        if chance.random() < 0.1:
            copies.append((chance.choice((value, *_AMOUNTS)), chance.choice((half, half // 5))))
        said = [
            Figure(next(rows), release, table, series, product, period, amount, margin, unit)
            for period in periods
            for amount, margin in copies
        ]
    yield from said


def tables_of(figures: list[Figure]) -> dict[str, pl.DataFrame]:
    """What the core reads, by model."""
    files = {(f.release, f.table) for f in figures}
    return {
        "int_trade__figures_unioned": pl.DataFrame(
            [_unioned(f) for f in figures], schema=_UNIONED, strict=True
        ),
        "stg_snapshots__files": pl.DataFrame(
            [
                {
                    "source_id": release.source,
                    "release_id": release.release_id,
                    "table_name": table,
                    "snapshot_file": _file(release, table),
                    "known_from": release.day,
                    "known_from_precision": "day",
                    "retrieved_at": datetime(
                        release.day.year, release.day.month, release.day.day, release.hour
                    ),
                }
                for release, table in sorted(files)
            ],
            schema=_FILES,
        ),
        "stg_snapshots__withdrawn": pl.DataFrame(
            [
                {
                    "table_name": f.table,
                    "release_id": f.release.release_id,
                    "snapshot_file": _file(f.release, f.table),
                    "row_number": f.row_number,
                    "column_name": f.series.flow,
                    "withdrawn_by_release_id": f.withdrawn_by.release_id,
                    "withdrawn_on": f.withdrawn_by.day,
                }
                for f in figures
                if f.withdrawn_by
            ],
            schema=_WITHDRAWN,
        ),
        "stg_published__figures": pl.DataFrame(schema=_PUBLISHED),
        "sector_codes": pl.DataFrame(
            [(PAIR, *code) for code in GROUPS[PAIR]],
            schema=["product_group", "product_system", "product_code"],
            orient="row",
        ),
        "figures_requested": pl.DataFrame(
            [
                (*pair, "goods", definition, *period)
                for pair in (("USA", "KOR"), ("KOR", "USA"))
                for definition in GROUPS
                for period in (YEAR, *MONTHS[:3])
            ],
            schema=_CELLS,
            orient="row",
        ),
        "int_claims__cells": pl.DataFrame(schema=_CELLS),
        "int_bridges__cells": pl.DataFrame(schema=_CELLS),
    }


def _file(release: Release, table: str) -> str:
    return f"{release.source}/{release.release_id}/{table}.csv"


def _unioned(figure: Figure) -> dict[str, object]:
    series = figure.series
    return {
        "source_id": figure.release.source,
        "raw_table": figure.table,
        "release_id": figure.release.release_id,
        "snapshot_file": _file(figure.release, figure.table),
        "row_number": figure.row_number,
        "column_name": series.flow,
        "reporter_iso3": series.compiler,
        "partner_code": series.partner,
        "is_aggregate": False,
        "trade_kind": "goods",
        "flow": series.flow,
        "measure": "trade_value",
        f"{series.flow}_concept": series.concept,
        f"{series.flow}_valuation": series.valuation,
        "account_basis": "census",
        "seasonal_adjustment": series.seasonal_adjustment,
        "product_system": figure.product[0],
        "product_code": figure.product[1],
        "period_start": figure.period[0],
        "period_end": figure.period[1],
        "reported_value": figure.value,
        "reported_unit": figure.unit,
        "value_usd": figure.value,
        "rounding_margin_usd": figure.half,
    }


_MONEY = pl.Decimal(24, 3)
_UNIONED: dict[str, pl.DataType] = {
    "source_id": pl.String(),
    "raw_table": pl.String(),
    "release_id": pl.String(),
    "snapshot_file": pl.String(),
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "reporter_iso3": pl.String(),
    "partner_code": pl.String(),
    "is_aggregate": pl.Boolean(),
    "trade_kind": pl.String(),
    "flow": pl.String(),
    "measure": pl.String(),
    "export_concept": pl.String(),
    "import_concept": pl.String(),
    "export_valuation": pl.String(),
    "import_valuation": pl.String(),
    "account_basis": pl.String(),
    "seasonal_adjustment": pl.String(),
    "product_system": pl.String(),
    "product_code": pl.String(),
    "product_edition": pl.String(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
    "reported_value": _MONEY,
    "reported_unit": pl.String(),
    "value_usd": _MONEY,
    "rounding_margin_usd": _MONEY,
}
_FILES: dict[str, pl.DataType] = {
    "source_id": pl.String(),
    "release_id": pl.String(),
    "table_name": pl.String(),
    "snapshot_file": pl.String(),
    "snapshot_sha256": pl.String(),
    "address": pl.String(),
    "licence": pl.String(),
    "known_from": pl.Date(),
    "known_from_precision": pl.String(),
    "retrieved_at": pl.Datetime(),
}
_WITHDRAWN: dict[str, pl.DataType] = {
    "table_name": pl.String(),
    "release_id": pl.String(),
    "snapshot_file": pl.String(),
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "withdrawn_by_release_id": pl.String(),
    "withdrawn_on": pl.Date(),
}
_PUBLISHED: dict[str, pl.DataType] = {
    "publisher": pl.String(),
    "published": pl.String(),
    "known_from": pl.Date(),
    "known_from_earliest": pl.Date(),
    "known_from_precision": pl.String(),
}
_CELLS: dict[str, pl.DataType] = {
    "reporter_iso3": pl.String(),
    "partner_code": pl.String(),
    "trade_kind": pl.String(),
    "product_group": pl.String(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
}
