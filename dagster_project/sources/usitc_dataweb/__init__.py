"""USITC DataWeb, version 2 of its API: reports of US trade by flow, partner and product.

Belongs here: the raw table of this publisher and the public names. Does not belong here: available
options (`service`, `seeds`), requests (`report`, `planning`, `connector`), the classification of
replies (`replies`), their rows (`tables`, `trade`), the meaning of a measure for the marts (the
seed of measures and the aligned model).

A reply does not repeat the requested flow, so each flow has its own layout. Addresses and fields
follow the documentation and other clients. The parser was not tested on real responses and is
strict for that reason.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from dagster_project.sources.parsing import shows
from dagster_project.sources.raw import FileParser, OwnTotal, SourceTable
from dagster_project.sources.usitc_dataweb.connector import DataWeb
from dagster_project.sources.usitc_dataweb.seeds import (
    CENSUS_SEED,
    MEASURE_SEED,
    PARTNER_SEED,
    read_measures,
    read_partners,
)
from dagster_project.sources.usitc_dataweb.service import (
    ALL_COMMODITIES,
    CALENDAR,
    SOURCE_ID,
    TABLE,
    TRADE_TYPES,
)
from dagster_project.sources.usitc_dataweb.trade import SCHEMA, parse_report

__all__ = [
    "CONNECTOR",
    "SCHEMA",
    "TABLES",
    "TRADE_TYPES",
    "parse_report",
    "read_measures",
    "read_partners",
]

_LAST_MONTH = pl.format("{}-{}", pl.col("year"), pl.col("last_month").cast(pl.String).str.zfill(2))


def _sign(trade_type: str) -> Callable[[bytes, str], bool]:
    """A detector for reports; only a file name that begins as ours do tells the flow."""
    is_report = shows('"dto"', '"tables"', starts="{")

    def is_shown(content: bytes, name: str) -> bool:
        said = name.partition("_")[0]
        is_other = said in TRADE_TYPES.values() and said != trade_type
        return is_report(content, name) and not is_other

    return is_shown


def _report_parser(seeds: Path) -> FileParser:
    measures, partners = read_measures(seeds), read_partners(seeds)
    return lambda content, file: parse_report(content, file, measures, partners)


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id=SOURCE_ID,
        table=TABLE,
        description="US trade as DataWeb reports it, one row per figure: domestic exports, foreign"
        " exports and their total, imports for consumption and general imports.",
        layouts=frozenset(TRADE_TYPES),
        layout_detectors={layout: _sign(kind) for layout, kind in TRADE_TYPES.items()},
        parser=_report_parser,
        seeds=(MEASURE_SEED, PARTNER_SEED, CENSUS_SEED),
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
        period=_LAST_MONTH,
        calendar=CALENDAR,
    ),
)

CONNECTOR = DataWeb()
