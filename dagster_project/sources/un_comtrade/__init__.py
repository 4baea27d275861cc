"""UN Comtrade: trade as each country reported it to the United Nations.

Belongs here: the raw tables of this publisher. Its area codes, its rows and their checks are in
`trade`, downloads in `downloads`, other replies in `replies`, requests in `connector` and
`planning`.
"""

from __future__ import annotations

from pathlib import Path

from dagster_project.sources.bulk import BulkTable, FileOpener
from dagster_project.sources.raw import FileParser, OwnTotal, SourceTable
from dagster_project.sources.un_comtrade import downloads, replies, trade
from dagster_project.sources.un_comtrade.connector import BULK_TABLE, CONNECTOR
from dagster_project.sources.un_comtrade.trade import AREA_SEED, COUNTRY_SEED, read_areas

__all__ = ["BULK_TABLES", "CONNECTOR", "TABLES"]

_CALENDAR = "Continuously, as countries report; a year is fairly complete by the following autumn."


def _trade_parser(seeds: Path) -> FileParser:
    areas = read_areas(seeds)
    return lambda content, file: (
        trade.parse_reply(content, file, areas)
        if file.layout == trade.LAYOUT
        else downloads.parse_download(content, file, areas)
    )


def _bulk_opener(seeds: Path) -> FileOpener:
    areas = read_areas(seeds)
    return lambda first_line, file: downloads.download_reader(
        first_line, file, areas, trade.BULK_SCHEMA
    )


def _metadata_parser(seeds: Path) -> FileParser:
    areas = read_areas(seeds)
    return lambda content, file: replies.parse_metadata(content, file, areas)


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id="un_comtrade",
        table="un_comtrade__trade",
        description="Trade as each country reported it to the United Nations.",
        layouts=frozenset({trade.LAYOUT, *downloads.LAYOUTS}),
        layout_detectors={trade.LAYOUT: trade.SIGN, **downloads.SIGNS},
        headers=downloads.HEADERS,
        parser=_trade_parser,
        seeds=(COUNTRY_SEED, AREA_SEED),
        columns=trade.SCHEMA,
        primary_key=trade.PRIMARY_KEY,
        values=trade.VALUES,
        second_columns=("fob_column_name",),
        total=OwnTotal(
            level="aggr_level",
            value="0",
            amount="primary_value",
            # Only aggregates are marked, not their parts.
            by=tuple(
                column for column in trade.PRIMARY_KEY if column not in ("cmd_code", "is_aggregate")
            ),
        ),
        period=trade.LAST_MONTH,
        calendar=_CALENDAR,
    ),
    SourceTable(
        source_id="un_comtrade",
        table="un_comtrade__reporting",
        description="Trade system and valuation by reporter and period.",
        layouts=frozenset({replies.METADATA_LAYOUT}),
        layout_detectors={replies.METADATA_LAYOUT: replies.METADATA_SIGN},
        parser=_metadata_parser,
        seeds=(COUNTRY_SEED, AREA_SEED),
        columns=replies.METADATA_SCHEMA,
        primary_key=replies.METADATA_KEY,
        values=replies.METADATA_VALUES,
        period=trade.LAST_MONTH,
        calendar=_CALENDAR,
    ),
)

BULK_TABLES: tuple[BulkTable, ...] = (
    BulkTable(
        source_id="un_comtrade",
        table=BULK_TABLE,
        description="Whole reports of countries to the United Nations, for reconciling both sides.",
        layouts=frozenset(downloads.LAYOUTS),
        coded=frozenset(name for name, layout in downloads.LAYOUTS.items() if layout.is_coded),
        western=frozenset(
            name for name, layout in downloads.LAYOUTS.items() if not layout.is_coded
        ),
        whole_reports=frozenset({replies.FILE_LAYOUT}),
        layout_detectors=downloads.SIGNS,
        opener=_bulk_opener,
        seeds=(COUNTRY_SEED, AREA_SEED),
        columns=trade.BULK_SCHEMA,
        year="ref_year",
        calendar=_CALENDAR,
    ),
)
