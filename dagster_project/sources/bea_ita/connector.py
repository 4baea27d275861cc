"""Connector for BEA's International Transactions Accounts."""

from __future__ import annotations

from pathlib import Path

from dagster_project.sources.bea_ita.dataset import (
    ALL,
    ALL_COUNTRIES,
    CALENDAR,
    OBTAINED_AT,
    SOURCE_ID,
)
from dagster_project.sources.bea_ita.planning import asked_areas, check_selection, chunk_of
from dagster_project.sources.bea_ita.replies import classify_reply
from dagster_project.sources.bea_ita.seeds import read_areas, read_indicators
from dagster_project.sources.connector import (
    Available,
    Chunk,
    Connector,
    KeyUse,
    Limits,
    Plan,
    Reply,
    ReplyResult,
    Selection,
    SourceInfo,
    Terms,
)


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
        calendar=CALENDAR,
        verified=False,
        verified_against="the user guide and other clients; no reply was seen",
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
        check_selection(selection)
        areas = asked_areas(selection.partners, read_areas(seeds))
        indicators = tuple(
            indicator
            for indicator, flow in read_indicators(seeds).items()
            if flow in selection.flows
        )
        single = tuple(area for area in areas if area not in (ALL, ALL_COUNTRIES))
        others = tuple(area for area in areas if area in (ALL, ALL_COUNTRIES))
        by_area: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
            *((indicators, (area,)) for area in single),
            *(((indicator,), others) for indicator in indicators if others),
        ]
        by_indicator = [((indicator,), areas) for indicator in indicators]
        chunks = tuple(chunk_of(selection, *asked) for asked in min(by_indicator, by_area, key=len))
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
