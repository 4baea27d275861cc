"""US Census Bureau: the country file and the International Trade API.

Belongs here: the raw tables of this publisher and the public names. Does not
belong here: the layouts (`country_file`, `trade_api`), requests (`connector`), what a figure
means for the marts (staging), where Parquet is written (`raw`).
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from dagster_project.sources.raw import FileParser, OwnTotal, SourceTable
from dagster_project.sources.us_census.connector import UsCensus
from dagster_project.sources.us_census.country_file import (
    COUNTRY_FILE_LAYOUT,
    COUNTRY_FILE_SCHEMA,
    is_country_file,
    parse_country_file,
)
from dagster_project.sources.us_census.partners import PARTNER_SEED, census_codes
from dagster_project.sources.us_census.trade_api import (
    ALL,
    API_LAYOUTS,
    TRADE_API_SCHEMA,
    parse_trade_api,
)

__all__ = [
    "CONNECTOR",
    "COUNTRY_FILE_SCHEMA",
    "TABLES",
    "TRADE_API_SCHEMA",
    "census_codes",
    "parse_country_file",
    "parse_trade_api",
]

CONNECTOR = UsCensus()

_CALENDAR = (
    "With FT-900, about the 5th of the month, for the month two earlier; the three prior years"
    " are restated each June."
)
_LAST_MONTH = pl.format("{}-{}", pl.col("year"), pl.col("last_month").cast(pl.String).str.zfill(2))


def _country_file_parser(seeds: Path) -> FileParser:
    codes = census_codes(seeds)
    return lambda content, file: parse_country_file(content, file, codes)


def _trade_api_parser(seeds: Path) -> FileParser:
    codes = census_codes(seeds)
    return lambda content, file: parse_trade_api(content, file, codes)


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id="us_census",
        table="us_census__country_file",
        description="US goods trade with every partner and group by month and year:"
        " general imports at customs value, total exports FAS, not seasonally adjusted.",
        layouts=frozenset({COUNTRY_FILE_LAYOUT}),
        layout_detectors={COUNTRY_FILE_LAYOUT: is_country_file},
        parser=_country_file_parser,
        seeds=(PARTNER_SEED,),
        columns=COUNTRY_FILE_SCHEMA,
        primary_key=("cty_code", "flow", "year", "month", "last_month"),
        values=("value_musd",),
        period=_LAST_MONTH,
        calendar=_CALENDAR,
    ),
    SourceTable(
        source_id="us_census",
        table="us_census__trade_api",
        description="US goods trade by product, partner and month from the International"
        " Trade API: domestic and foreign exports, imports by concept and valuation,"
        " charges and calculated duty.",
        layouts=frozenset(API_LAYOUTS),
        layout_detectors={name: layout.is_shown for name, layout in API_LAYOUTS.items()},
        parser=_trade_api_parser,
        seeds=(PARTNER_SEED,),
        columns=TRADE_API_SCHEMA,
        primary_key=(
            "endpoint",
            "comm_lvl",
            "commodity_code",
            "domestic_foreign",
            "cty_code",
            "year",
            "month",
            "last_month",
            "variable",
        ),
        values=("value_usd",),
        total=OwnTotal(
            level="comm_lvl",
            value=ALL,
            amount="value_usd",
            by=(
                "endpoint",
                "domestic_foreign",
                "cty_code",
                "year",
                "month",
                "last_month",
                "variable",
            ),
        ),
        period=_LAST_MONTH,
        calendar=_CALENDAR,
    ),
)
