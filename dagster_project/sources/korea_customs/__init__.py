"""Korea Customs Service: trade by country, and by product and country, from the data portal.

Belongs here: the raw table of this publisher and the public names. Does not belong
here: the two services (`services`), requests (`planning`, `connector`), what a reply is
(`replies`) and its rows (`trade`), what a figure means for the marts (staging).
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from dagster_project.sources.korea_customs.connector import KoreaCustoms
from dagster_project.sources.korea_customs.partners import (
    COUNTRY_SEED,
    PARTNER_SEED,
    korea_customs_partners,
)
from dagster_project.sources.korea_customs.services import (
    BY_LAYOUT,
    COUNTRIES,
    ITEMS,
    SOURCE,
    TABLE,
)
from dagster_project.sources.korea_customs.trade import SCHEMA, parse_trade
from dagster_project.sources.parsing import shows
from dagster_project.sources.raw import FileParser, OwnTotal, SourceTable

__all__ = ["CONNECTOR", "SCHEMA", "TABLES", "korea_customs_partners", "parse_trade"]


CONNECTOR = KoreaCustoms()


def _trade_parser(seeds: Path) -> FileParser:
    partners = korea_customs_partners(seeds)
    return lambda content, file: parse_trade(content, file, partners)


_is_reply, _has_codes = shows("<response", "<expDlr>", starts="<"), shows("<hsCd>")

TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id=SOURCE,
        table=TABLE,
        description="Korea's trade with each country by month, all products or by HS code:"
        " exports FOB, imports CIF, as the Korea Customs Service counts them.",
        layouts=frozenset(BY_LAYOUT),
        layout_detectors={
            COUNTRIES.layout: lambda content, name: (
                _is_reply(content, name) and not _has_codes(content, name)
            ),
            ITEMS.layout: lambda content, name: (
                _is_reply(content, name) and _has_codes(content, name)
            ),
        },
        parser=_trade_parser,
        seeds=(COUNTRY_SEED, PARTNER_SEED),
        columns=SCHEMA,
        primary_key=("service", "country_code", "item_level", "hs_code", "year", "month", "flow"),
        values=("value_usd",),
        total=OwnTotal(
            level="item_level",
            value="total",
            amount="value_usd",
            by=("country_code", "year", "month", "flow"),
        ),
        period=pl.format("{}-{}", pl.col("year"), pl.col("month").cast(pl.String).str.zfill(2)),
        calendar=CONNECTOR.about.calendar,
    ),
)
