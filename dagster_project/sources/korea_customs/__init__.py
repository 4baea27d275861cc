"""Korea Customs Service: trade by country, and by product and country, from the data portal.

`files` reads the replies of its two services, `downloads` the workbooks of its site; `requests`
plans what to fetch and classifies the replies. What a figure means for the marts is decided in
staging.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from dagster_project.sources.formats import shows
from dagster_project.sources.korea_customs.downloads import (
    LAYOUT,
    NAME_SEED,
    is_download,
    parse_download,
    read_names,
)
from dagster_project.sources.korea_customs.files import (
    BY_LAYOUT,
    COUNTRIES,
    COUNTRY_SEED,
    ITEMS,
    PARTNER_SEED,
    SCHEMA,
    SOURCE,
    TABLE,
    korea_customs_partners,
    parse_trade,
)
from dagster_project.sources.korea_customs.requests import KoreaCustoms
from dagster_project.sources.raw import FileParser, OwnTotal, SourceTable

CONNECTOR = KoreaCustoms()

_is_reply, _has_codes = shows("<response", "<expDlr>", starts="<"), shows("<hsCd>")


def _parser(seeds: Path) -> FileParser:
    names, partners = read_names(seeds), korea_customs_partners(seeds)
    return lambda content, file: (
        parse_download(content, file, names, partners)
        if file.layout == LAYOUT
        else parse_trade(content, file, partners)
    )


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id=SOURCE,
        table=TABLE,
        description="Korea's trade with each country by month or year, all products or by HS code:"
        " exports FOB, imports CIF, as the Korea Customs Service counts them.",
        layouts=frozenset({LAYOUT, *BY_LAYOUT}),
        layout_detectors={
            LAYOUT: is_download,
            COUNTRIES.layout: lambda content, name: (
                _is_reply(content, name) and not _has_codes(content, name)
            ),
            ITEMS.layout: lambda content, name: (
                _is_reply(content, name) and _has_codes(content, name)
            ),
        },
        parser=_parser,
        seeds=(COUNTRY_SEED, PARTNER_SEED, NAME_SEED),
        columns=SCHEMA,
        primary_key=("service", "country_code", "item_level", "hs_code", "year", "month", "flow"),
        values=("value_usd",),
        total=OwnTotal(
            level="item_level",
            value="total",
            amount="value_usd",
            by=("country_code", "year", "month", "flow"),
        ),
        period=pl.format(
            "{}-{}", pl.col("year"), pl.col("month").fill_null(12).cast(pl.String).str.zfill(2)
        ),
        calendar=CONNECTOR.about.calendar,
    ),
)
