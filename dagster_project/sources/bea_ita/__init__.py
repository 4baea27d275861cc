"""US Bureau of Economic Analysis: the International Transactions Accounts (dataset ITA).

Belongs here: the raw table of this publisher and its requests. Does not belong here: what a reply
is and its rows (`replies`), the tables for download (`tables`), what an indicator or an area means
for the marts (the seeds and the aligned model).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from dagster_project.sources.bea_ita import tables
from dagster_project.sources.bea_ita.replies import (
    ALL,
    AREA_SEED,
    INDICATOR_SEED,
    OBTAINED_AT,
    QUARTERS,
    SCHEMA,
    SOURCE_ID,
    Area,
    classify_reply,
    parse_transactions,
    read_areas,
    read_indicators,
    without_key,
)
from dagster_project.sources.bea_ita.tables import is_tables, parse_tables, read_table_names
from dagster_project.sources.connector import (
    Available,
    Chunk,
    Connector,
    KeyUse,
    Limits,
    Plan,
    Reply,
    ReplyResult,
    Request,
    Selection,
    SelectionError,
    SourceInfo,
    Terms,
)
from dagster_project.sources.formats import shows
from dagster_project.sources.parsing import closest
from dagster_project.sources.raw import FileParser, SourceTable
from dagster_project.sources.snapshot import Covers

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

TABLE = "bea_ita__transactions"
LAYOUT = "bea_ita_v1"
_CALENDAR = (
    "Quarterly, some eleven weeks after the quarter; each June the accounts are restated for"
    " several years."
)
_FIRST_YEAR = 1960
_ALL_COUNTRIES = "AllCountries"
_ADDRESS = "https://apps.bea.gov/api/data"


class Ita(Connector):
    """The connector of BEA's International Transactions Accounts."""

    about = SourceInfo(
        source_id=SOURCE_ID,
        title="BEA International Transactions Accounts",
        gives="US exports and imports of goods and of services on the balance-of-payments basis.",
        coverage="The United States with some ninety countries and groups of them, by year and"
        " quarter, from 1960 (most countries from 1999).",
        levels=("total",),
        hosts=("apps.bea.gov",),
        # 100 requests, 100 MB and 30 errors per minute; more block a user for an hour.
        limits=Limits(
            per_second=1.5,
            per_day=None,
            per_day_with_key=None,
            max_bytes=50 * 1024 * 1024,
            timeout_seconds=120,
        ),
        key=KeyUse(place="query", name="UserID", is_required=True, obtained_at=OBTAINED_AT),
        terms=Terms("US Government work in the public domain", is_redistributable=True),
        calendar=_CALENDAR,
        verified=False,
        verified_against="the tables for download of 2025; no reply of the API was seen",
        notes=(
            "There are no monthly figures: frequency M returns quarters, seasonally adjusted and"
            " not.",
            "Goods are FOB in both directions; services have one valuation.",
        ),
    )

    def plan(
        self,
        selection: Selection,
        seeds: Path,
        *,
        has_key: bool,
        known: tuple[Available, ...] = (),
    ) -> Plan:
        """One request per indicator or one per area, whichever are fewer.

        The publisher takes a list of indicators for one country, or a list of areas for one
        indicator, but never both; the world counts as a list of areas.

        Raises:
            SelectionError: a reporter other than the United States, an unknown partner, products,
            or years before the accounts begin.
        """
        _check_selection(selection)
        areas = _asked_areas(selection.partners, read_areas(seeds))
        indicators = tuple(
            indicator
            for indicator, flow in read_indicators(seeds).items()
            if flow in selection.flows
        )
        single = tuple(area for area in areas if area not in (ALL, _ALL_COUNTRIES))
        others = tuple(area for area in areas if area in (ALL, _ALL_COUNTRIES))
        by_area: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
            *((indicators, (area,)) for area in single),
            *(((indicator,), others) for indicator in indicators if others),
        ]
        by_indicator = [((indicator,), areas) for indicator in indicators]
        chunks = tuple(
            _chunk_of(selection, *asked) for asked in min(by_indicator, by_area, key=len)
        )
        notes = ()
        if selection.frequency == "M":
            notes = (
                "BEA publishes quarters, no months: whole quarters are fetched, QSA and QNSA.",
            )
        return Plan(
            source_id=SOURCE_ID,
            selection=selection,
            chunks=chunks,
            expected_requests=len(chunks),
            fewest=min(len(by_indicator), len(by_area)),
            notes=notes,
        )

    def classify_reply(self, chunk: Chunk, reply: Reply) -> ReplyResult:
        return classify_reply(chunk, reply)


def _check_selection(selection: Selection) -> None:
    if set(selection.reporters) - {"USA"}:
        raise SelectionError(
            f"{SOURCE_ID} reports only the trade of the United States, not of"
            f" {', '.join(selection.reporters)}."
        )
    if selection.level != "total" or selection.products:
        raise SelectionError(
            f"{SOURCE_ID} has only total goods and services: select the level total, without"
            " products."
        )
    if unknown := set(selection.flows) - {"export", "import"}:
        raise SelectionError(f"{SOURCE_ID} has no flow {', '.join(sorted(unknown))}.")
    if selection.first.year < _FIRST_YEAR:
        raise SelectionError(f"{SOURCE_ID} begins in {_FIRST_YEAR}: select later years.")


def _asked_areas(partners: Sequence[str], areas: Mapping[str, Area]) -> tuple[str, ...]:
    """The publisher's codes of the partners; all areas where none is named."""
    by_partner = {area.partner_code: area.code for area in areas.values() if area.is_current}
    for partner in partners:
        if partner not in by_partner:
            raise SelectionError(
                f"{SOURCE_ID} does not publish {partner!r} separately:"
                f" {closest(partner, by_partner)}."
            )
    return tuple(dict.fromkeys(by_partner[partner] for partner in partners)) or (ALL,)


def _chunk_of(selection: Selection, indicators: Sequence[str], areas: Sequence[str]) -> Chunk:
    first, last = selection.first, selection.last
    years = range(first.year, last.year + 1)
    frequencies = ("A",) if selection.frequency == "A" else QUARTERS
    named = tuple(areas)
    if len(areas) > 4:
        digest = hashlib.sha256(" ".join(areas).encode()).hexdigest()[:8]
        named = (f"{areas[0]}-to-{areas[-1]}-{len(areas)}-areas-{digest}",)
    shown = (*indicators, *named, *frequencies, f"{first.year}-{last.year}")
    equal = {"indicator": tuple(indicators), "frequency": frequencies}
    if ALL not in areas:
        equal["area_or_country"] = tuple(areas)
    return Chunk(
        name=f"{'_'.join(shown)}.json",
        table=TABLE,
        layout=LAYOUT,
        request=Request(
            address=_ADDRESS,
            parameters=(
                ("method", "GetData"),
                ("datasetname", "ITA"),
                ("Indicator", ",".join(indicators)),
                ("AreaOrCountry", ",".join(areas)),
                ("Frequency", ",".join(frequencies)),
                ("Year", ",".join(str(year) for year in years)),
                ("ResultFormat", "JSON"),
            ),
            accept=("application/json",),
        ),
        covers=Covers(equal, f"{first.year}-01", f"{last.year}-12"),
        expected_rows=len(indicators)
        * (100 if ALL in areas else len(areas))
        * len(years)
        * (1 if selection.frequency == "A" else 8),
    )


def _transactions_parser(seeds: Path) -> FileParser:
    areas, indicators = read_areas(seeds), tuple(read_indicators(seeds))
    names = read_table_names(seeds)
    return lambda content, file: (
        parse_tables(content, file, names)
        if file.layout == tables.LAYOUT
        else parse_transactions(content, file, areas, indicators)
    )


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id=SOURCE_ID,
        table=TABLE,
        description="US trade in goods and in services on the balance-of-payments basis, by area,"
        " year and quarter, with the world also by month.",
        layouts=frozenset({LAYOUT, tables.LAYOUT}),
        layout_detectors={
            LAYOUT: shows('"BEAAPI"', '"Results"', starts="{"),
            tables.LAYOUT: is_tables,
        },
        parser=_transactions_parser,
        seeds=(AREA_SEED, INDICATOR_SEED),
        columns=SCHEMA,
        primary_key=("indicator", "area_or_country", "frequency", "time_period"),
        values=("value", "unit_multiplier"),
        period=pl.format(
            "{}-{}", pl.col("year"), pl.col("last_month").cast(pl.String).str.zfill(2)
        ),
        calendar=_CALENDAR,
    ),
)

CONNECTOR = Ita()
