"""US Census Bureau: US goods trade from its saved files and its International Trade API.

`country_file`, `seasonal`, `end_use` and `files` (the API) read them, `requests` turns a selection
into a plan and classifies the replies, `planning` divides a plan by the expected rows. What a
figure means for the marts is decided in staging.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from dagster_project.sources.parsing import LAST_MONTH, Parsed
from dagster_project.sources.raw import FileParser, OwnTotal, SourceTable
from dagster_project.sources.snapshot import SnapshotFile
from dagster_project.sources.us_census.country_file import (
    COUNTRY_FILE_COLUMNS,
    COUNTRY_FILE_LAYOUT,
    COUNTRY_FILE_SCHEMA,
    COUNTRY_FILE_TABLE,
    is_country_file,
    parse_country_file,
)
from dagster_project.sources.us_census.end_use import (
    CODE_SEED,
    END_USE_COLUMNS,
    END_USE_SCHEMA,
    END_USE_TABLE,
    LAYOUTS,
    parse_end_use,
    read_end_uses,
    shows_flow,
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
from dagster_project.sources.us_census.seasonal import (
    SEASONAL_COLUMNS,
    SEASONAL_LAYOUT,
    SEASONAL_SCHEMA,
    SEASONAL_TABLE,
    is_seasonal_file,
    parse_seasonal_file,
)

CONNECTOR = UsCensus()
_TRADE_API_KEY = (
    *("endpoint", "comm_lvl", "commodity_code", "domestic_foreign", "cty_code"),
    *("year", "month", "last_month", "variable"),
)


def _parser(
    parse: Callable[[bytes, SnapshotFile, Mapping[str, str]], Parsed],
) -> Callable[[Path], FileParser]:
    """A parser that needs the codes of partners only."""

    def with_codes(seeds: Path) -> FileParser:
        codes = census_codes(seeds)
        return lambda content, file: parse(content, file, codes)

    return with_codes


def _end_use_parser(seeds: Path) -> FileParser:
    codes, end_uses = census_codes(seeds), read_end_uses(seeds)
    return lambda content, file: parse_end_use(content, file, codes, end_uses)


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id=SOURCE,
        table=COUNTRY_FILE_TABLE,
        description="US goods trade with every partner and group by month and year:"
        " general imports at customs value, total exports FAS, not seasonally adjusted.",
        layouts=frozenset({COUNTRY_FILE_LAYOUT}),
        layout_detectors={COUNTRY_FILE_LAYOUT: is_country_file},
        headers={COUNTRY_FILE_LAYOUT: COUNTRY_FILE_COLUMNS},
        parser=_parser(parse_country_file),
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
        parser=_parser(parse_trade_api),
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
    SourceTable(
        source_id=SOURCE,
        table=SEASONAL_TABLE,
        description="US goods trade with the main partners by month, seasonally adjusted: general"
        " imports at customs value, total exports FAS.",
        layouts=frozenset({SEASONAL_LAYOUT}),
        layout_detectors={SEASONAL_LAYOUT: is_seasonal_file},
        headers={SEASONAL_LAYOUT: SEASONAL_COLUMNS},
        parser=_parser(parse_seasonal_file),
        seeds=(PARTNER_SEED,),
        columns=SEASONAL_SCHEMA,
        primary_key=("cty_code", "flow", "year", "month"),
        values=("value_usd",),
        period=LAST_MONTH,
        calendar=CONNECTOR.about.calendar,
    ),
    SourceTable(
        source_id=SOURCE,
        table=END_USE_TABLE,
        description="US goods trade by five-digit end-use, partner and year: general imports at"
        " customs value, total exports FAS, not seasonally adjusted.",
        layouts=frozenset(LAYOUTS),
        layout_detectors={layout: shows_flow(flow) for layout, flow in LAYOUTS.items()},
        headers=dict.fromkeys(LAYOUTS, END_USE_COLUMNS),
        parser=_end_use_parser,
        seeds=(PARTNER_SEED, CODE_SEED),
        columns=END_USE_SCHEMA,
        primary_key=("flow", "cty_code", "end_use_code", "year"),
        values=("value_usd",),
        period=LAST_MONTH,
        calendar=CONNECTOR.about.calendar,
    ),
)
