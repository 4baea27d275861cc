"""US Bureau of Economic Analysis: the International Transactions Accounts (dataset ITA).

Belongs here: the raw table of this publisher and the public names. Does not belong
here: requests (`planning`, `connector`), what a reply is (`envelope`, `replies`), its rows
(`transactions`), what an indicator or an area means for the marts (the seeds and the aligned
model).

Fields and errors follow the publisher's user guide and other clients. The parser was not tested on
real responses and is strict for that reason.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from dagster_project.sources.bea_ita.connector import Ita
from dagster_project.sources.bea_ita.dataset import CALENDAR, LAYOUT, SOURCE_ID, TABLE
from dagster_project.sources.bea_ita.replies import without_key
from dagster_project.sources.bea_ita.seeds import (
    AREA_SEED,
    INDICATOR_SEED,
    read_areas,
    read_indicators,
)
from dagster_project.sources.bea_ita.transactions import SCHEMA, parse_transactions
from dagster_project.sources.parsing import shows
from dagster_project.sources.raw import FileParser, SourceTable

__all__ = [
    "CONNECTOR",
    "LAYOUT",
    "SCHEMA",
    "TABLES",
    "parse_transactions",
    "read_areas",
    "read_indicators",
    "without_key",
]

_LAST_MONTH = pl.format("{}-{}", pl.col("year"), pl.col("last_month").cast(pl.String).str.zfill(2))


def _transactions_parser(seeds: Path) -> FileParser:
    areas, indicators = read_areas(seeds), tuple(read_indicators(seeds))
    return lambda content, file: parse_transactions(content, file, areas, indicators)


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id=SOURCE_ID,
        table=TABLE,
        description="US trade in goods and in services on the balance-of-payments basis, by area,"
        " year and quarter.",
        layouts=frozenset({LAYOUT}),
        layout_detectors={LAYOUT: shows('"BEAAPI"', '"Results"', starts="{")},
        parser=_transactions_parser,
        seeds=(AREA_SEED, INDICATOR_SEED),
        columns=SCHEMA,
        primary_key=("indicator", "area_or_country", "frequency", "time_period"),
        values=("value", "unit_multiplier"),
        period=_LAST_MONTH,
        calendar=CALENDAR,
    ),
)

CONNECTOR = Ita()
