"""The catalog of raw tables: one entry a table of a publisher, and the door of the package.

Belongs here: what a table is called, which layouts feed it, who parses it, its columns,
key and publication calendar. Does not belong here: parsing (publisher modules) and
writing (`raw`). A new source is an entry here and a parser module beside it.
"""

from __future__ import annotations

from pathlib import Path

from dagster_project.settings import Settings
from dagster_project.sources import articles, published, un_comtrade, us_census
from dagster_project.sources.raw import (
    REJECTS_SCHEMA,
    SNAPSHOT_FILES_SCHEMA,
    FileParser,
    LoadResult,
    SourceTable,
    load_index,
    load_table,
)

__all__ = [
    "CATALOG",
    "REJECTS_SCHEMA",
    "SNAPSHOT_FILES_SCHEMA",
    "LoadResult",
    "SourceTable",
    "load_all",
    "load_snapshot_index",
    "load_table",
    "table_named",
]


def _country_file_parser(seeds: Path) -> FileParser:
    codes = us_census.census_codes(seeds)
    return lambda content, file: us_census.parse_country_file(content, file, codes)


def _trade_api_parser(seeds: Path) -> FileParser:
    codes = us_census.census_codes(seeds)
    return lambda content, file: us_census.parse_trade_api(content, file, codes)


def _comtrade_parser(seeds: Path) -> FileParser:
    areas = un_comtrade.comtrade_areas(seeds)
    return lambda content, file: un_comtrade.parse_trade(content, file, areas)


def _published_parser(seeds: Path) -> FileParser:
    words = articles.vocabulary_from_seeds(seeds)
    return lambda content, file: published.parse_figures(
        content, file, words.reporters, words.units
    )


def _claims_parser(seeds: Path) -> FileParser:
    words = articles.vocabulary_from_seeds(seeds)
    return lambda content, file: articles.parse_claims(content, file.snapshot_file, words)


def _documents_parser(_seeds: Path) -> FileParser:
    return lambda content, file: articles.parse_documents(content, file.snapshot_file)


CATALOG: tuple[SourceTable, ...] = (
    SourceTable(
        source_id="us_census",
        table="us_census__country_file",
        description="US goods trade with every partner and group by month and year:"
        " general imports at customs value, total exports FAS, not seasonally adjusted.",
        layouts=frozenset({us_census.COUNTRY_FILE_LAYOUT}),
        parser=_country_file_parser,
        seeds=(us_census.PARTNER_SEED,),
        columns=us_census.COUNTRY_FILE_SCHEMA,
        primary_key=("cty_code", "flow", "year", "month", "last_month"),
        calendar="With FT-900, about the 5th of the month, for the month two"
        " before; the three prior years are restated each June.",
    ),
    SourceTable(
        source_id="us_census",
        table="us_census__trade_api",
        description="US goods trade by product, partner and month from the International"
        " Trade API: values, charges and calculated duty.",
        layouts=frozenset(us_census.API_LAYOUTS),
        parser=_trade_api_parser,
        seeds=(us_census.PARTNER_SEED,),
        columns=us_census.TRADE_API_SCHEMA,
        primary_key=(
            "endpoint",
            "comm_lvl",
            "commodity_code",
            "cty_code",
            "year",
            "month",
            "last_month",
            "variable",
        ),
        calendar="With FT-900, about the 5th of the month, for the month two"
        " before; the three prior years are restated each June.",
    ),
    SourceTable(
        source_id="un_comtrade",
        table="un_comtrade__trade",
        description="Trade as each country reported it to the United Nations.",
        layouts=frozenset({un_comtrade.LAYOUT}),
        parser=_comtrade_parser,
        seeds=(un_comtrade.COUNTRY_SEED,),
        columns=un_comtrade.SCHEMA,
        primary_key=(
            "type_code",
            "freq_code",
            "period",
            "reporter_code",
            "flow_code",
            "partner_code",
            "partner2_code",
            "classification_code",
            "cmd_code",
            "customs_code",
            "mot_code",
        ),
        calendar="Continuously, as countries report; a year is fairly complete"
        " by the following autumn.",
    ),
    SourceTable(
        source_id="published",
        table="published__figures",
        description="Rounded figures known only as printed, each with the page it stands on.",
        layouts=frozenset({published.LAYOUT}),
        parser=_published_parser,
        seeds=articles.VOCABULARY_SEEDS,
        columns=published.SCHEMA,
        primary_key=(
            "publisher",
            "dataset_or_page",
            "published",
            "reporter",
            "partner",
            "trade_kind",
            "measure",
            "export_concept",
            "import_concept",
            "valuation",
            "account_basis",
            "period",
        ),
        calendar="When a figure is added by hand.",
    ),
    SourceTable(
        source_id="articles",
        table="articles__claims",
        description="The trade figures that articles print, one claim a row.",
        layouts=frozenset({articles.CLAIMS_LAYOUT}),
        parser=_claims_parser,
        seeds=articles.VOCABULARY_SEEDS,
        columns=articles.CLAIMS_SCHEMA,
        primary_key=("claim_id",),
        calendar="When a claim is added by hand.",
    ),
    SourceTable(
        source_id="articles",
        table="articles__documents",
        description="The articles that claims were read from.",
        layouts=frozenset({articles.DOCUMENTS_LAYOUT}),
        parser=_documents_parser,
        seeds=(),
        columns=articles.DOCUMENTS_SCHEMA,
        primary_key=("document_id",),
        calendar="When an article is added by hand.",
    ),
)


def table_named(table: str) -> SourceTable:
    """The entry of a table.

    Raises:
        KeyError: no such table; the message lists those there are.
    """
    for entry in CATALOG:
        if entry.table == table:
            return entry
    raise KeyError(f"No raw table {table!r}; the catalog has {[e.table for e in CATALOG]}.")


def load_snapshot_index(settings: Settings) -> LoadResult:
    """Write the list of every file of every release; see `raw.load_index`."""
    return load_index(CATALOG, settings)


def load_all(settings: Settings) -> tuple[LoadResult, ...]:
    """Load every table of the catalog, and the list of snapshots first.

    The list goes first because it refuses a sidecar whose table or layout nobody reads.
    """
    index = load_snapshot_index(settings)
    return (index, *(load_table(entry, settings) for entry in CATALOG))
