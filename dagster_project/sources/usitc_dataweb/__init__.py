"""USITC DataWeb, version 2 of its API: reports of US trade by flow, partner and product.

`files` reads the reports of the API, `exports` and `query` the workbooks that its page gives for
download; `requests` plans what to fetch and classifies the replies, `reports` says what one request
is. The meaning of a measure for the marts is in the seed of measures and the aligned model.

A reply does not repeat the requested flow, so each flow has its own layout. Addresses and fields
follow the documentation and other clients. The parser was not tested on real responses and is
strict for that reason.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dagster_project.sources.formats import shows
from dagster_project.sources.parsing import LAST_MONTH
from dagster_project.sources.raw import FileParser, OwnTotal, SourceTable
from dagster_project.sources.usitc_dataweb.exports import (
    DATA_TYPE_SEED,
    LAYOUT,
    parse_export,
    read_data_types,
)
from dagster_project.sources.usitc_dataweb.files import (
    ALL_COMMODITIES,
    CENSUS_SEED,
    MEASURE_SEED,
    PARTNER_SEED,
    SCHEMA,
    SOURCE,
    TABLE,
    TRADE_TYPES,
    parse_report,
    read_measures,
    read_partners,
)
from dagster_project.sources.usitc_dataweb.requests import DataWeb
from dagster_project.sources.usitc_dataweb.sheets import is_export

CONNECTOR = DataWeb()


def _sign(trade_type: str) -> Callable[[bytes, str], bool]:
    """A detector for reports; only a file name that begins as ours do tells the flow."""
    is_report = shows('"dto"', '"tables"', starts="{")

    def is_shown(content: bytes, name: str) -> bool:
        said = name.partition("_")[0]
        is_other = said in TRADE_TYPES.values() and said != trade_type
        return is_report(content, name) and not is_other

    return is_shown


def _parser(seeds: Path) -> FileParser:
    measures, partners = read_measures(seeds), read_partners(seeds)
    data_types = read_data_types(seeds)
    return lambda content, file: (
        parse_export(content, file, data_types, partners)
        if file.layout == LAYOUT
        else parse_report(content, file, measures, partners)
    )


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id=SOURCE,
        table=TABLE,
        description="US trade as DataWeb reports it, one row per figure: domestic exports, foreign"
        " exports and their total, imports for consumption and general imports.",
        layouts=frozenset({LAYOUT, *TRADE_TYPES}),
        layout_detectors={
            LAYOUT: is_export,
            **{layout: _sign(kind) for layout, kind in TRADE_TYPES.items()},
        },
        parser=_parser,
        seeds=(MEASURE_SEED, DATA_TYPE_SEED, PARTNER_SEED, CENSUS_SEED),
        columns=SCHEMA,
        primary_key=(
            "trade_type",
            "dataweb_measure",
            "timeline",
            "partner_code",
            "commodity_level",
            "commodity_code",
            "year",
            "month",
        ),
        values=("value_usd",),
        total=OwnTotal(
            level="commodity_level",
            value=ALL_COMMODITIES,
            amount="value_usd",
            by=("trade_type", "dataweb_measure", "timeline", "partner_code", "year", "month"),
        ),
        period=LAST_MONTH,
        calendar=CONNECTOR.about.calendar,
    ),
)
