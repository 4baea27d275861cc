"""US Census Bureau: US goods trade from its country file and its International Trade API.

`files` reads both, `requests` turns a selection into a plan and classifies the replies, `planning`
divides a plan by the expected rows. What a figure means for the marts is decided in staging.
"""

from __future__ import annotations

from pathlib import Path

from dagster_project.sources.parsing import LAST_MONTH
from dagster_project.sources.raw import FileParser, OwnTotal, SourceTable
from dagster_project.sources.us_census.country_file import (
    COUNTRY_FILE_LAYOUT,
    COUNTRY_FILE_SCHEMA,
    COUNTRY_FILE_TABLE,
    is_country_file,
    parse_country_file,
)
from dagster_project.sources.us_census.files import (
    ALL,
    API_LAYOUTS,
    PARTNER_SEED,
    SOURCE,
    TRADE_API_SCHEMA,
    TRADE_API_TABLE,
    census_codes,
    parse_trade_api,
)
from dagster_project.sources.us_census.requests import UsCensus

CONNECTOR = UsCensus()
_TRADE_API_KEY = (
    *("endpoint", "comm_lvl", "commodity_code", "domestic_foreign", "cty_code"),
    *("year", "month", "last_month", "variable"),
)


def _country_file_parser(seeds: Path) -> FileParser:
    codes = census_codes(seeds)
    return lambda content, file: parse_country_file(content, file, codes)


def _trade_api_parser(seeds: Path) -> FileParser:
    codes = census_codes(seeds)
    return lambda content, file: parse_trade_api(content, file, codes)


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id=SOURCE,
        table=COUNTRY_FILE_TABLE,
        description="US goods trade with every partner and group by month and year:"
        " general imports at customs value, total exports FAS, not seasonally adjusted.",
        layouts=frozenset({COUNTRY_FILE_LAYOUT}),
        layout_detectors={COUNTRY_FILE_LAYOUT: is_country_file},
        parser=_country_file_parser,
        seeds=(PARTNER_SEED,),
        columns=COUNTRY_FILE_SCHEMA,
        primary_key=("cty_code", "flow", "year", "month", "last_month"),
        values=("value_musd",),
        period=LAST_MONTH,
        calendar=CONNECTOR.about.calendar,
    ),
    SourceTable(
        source_id=SOURCE,
        table=TRADE_API_TABLE,
        description="US goods trade by product, partner and month from the International"
        " Trade API: domestic and foreign exports, imports by concept and valuation,"
        " charges and calculated duty.",
        layouts=frozenset(API_LAYOUTS),
        layout_detectors={name: layout.is_shown for name, layout in API_LAYOUTS.items()},
        parser=_trade_api_parser,
        seeds=(PARTNER_SEED,),
        columns=TRADE_API_SCHEMA,
        primary_key=_TRADE_API_KEY,
        values=("value_usd",),
        total=OwnTotal(
            level="comm_lvl",
            value=ALL,
            amount="value_usd",
            by=tuple(name for name in _TRADE_API_KEY if name not in ("comm_lvl", "commodity_code")),
        ),
        period=LAST_MONTH,
        calendar=CONNECTOR.about.calendar,
    ),
)
