"""Connector for reports of USITC DataWeb."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from pathlib import Path

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
from dagster_project.sources.usitc_dataweb.planning import (
    asked_partners,
    checked_level,
    within_limit,
)
from dagster_project.sources.usitc_dataweb.replies import classify_reply
from dagster_project.sources.usitc_dataweb.report import Report
from dagster_project.sources.usitc_dataweb.seeds import read_countries, read_measures
from dagster_project.sources.usitc_dataweb.service import (
    CALENDAR,
    FIRST_NAICS_YEAR,
    FIRST_YEAR,
    FLOWS,
    LEVELS,
    OBTAINED_AT,
    OUR_ROWS,
    SOURCE_ID,
)


class DataWeb(Connector):
    """The connector of USITC DataWeb."""

    about = SourceInfo(
        source_id=SOURCE_ID,
        title="USITC DataWeb",
        gives="US trade on every basis of the Census figures: domestic exports, re-exports and"
        " their total, general imports and imports for consumption, at customs value and CIF,"
        " with calculated duty.",
        coverage="The United States with every country, by month and year, from 1989 (NAICS from"
        " 1997).",
        levels=tuple(LEVELS),
        hosts=("datawebws.usitc.gov",),
        # The publisher gives no rate limit; clients with two requests per second were refused.
        limits=Limits(per_second=0.2, per_day=None, per_day_with_key=None, timeout_seconds=600),
        key=KeyUse(
            place="bearer",
            name="Authorization",
            is_required=True,
            obtained_at=OBTAINED_AT,
        ),
        terms=Terms("US Government work in the public domain", is_redistributable=True),
        calendar=CALENDAR,
        verified=False,
        verified_against="documentation and other clients; no reply was seen",
        by_year_from=FIRST_YEAR,
        notes=(
            "A report covers whole years.",
            "The same figures as those of the US Census Bureau, from another service.",
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
        """One report per flow, divided only where it would have too many rows.

        Raises:
            SelectionError: a reporter other than the United States, an unknown partner, level or
            code, or years before the first.
        """
        level = checked_level(selection)
        countries, is_world = asked_partners(selection.partners, read_countries(seeds))
        whole = Report(
            trade_type="",
            measures=(),
            level=selection.level,
            timeline="Annual" if selection.frequency == "A" else "Monthly",
            years=tuple(range(selection.first.year, selection.last.year + 1)),
            commodities=selection.products,
        )
        reports = []
        fewest = 0
        for flow in selection.flows:
            for trade_type in FLOWS[flow]:
                measures = tuple(
                    one.code for one in read_measures(seeds) if one.trade_type == trade_type
                )
                one_flow = replace(whole, trade_type=trade_type, measures=measures)
                asked = [replace(one_flow, is_world=True)] if is_world else []
                if countries is not None:
                    asked.append(replace(one_flow, countries=countries))
                for report in asked:
                    parts = within_limit(report)
                    reports.extend(parts)
                    # Years divide only into whole years; chapters fill a reply nearly to its limit.
                    fewest += ceil(report.rows / OUR_ROWS) if report.codes else len(parts)
        is_whole = (selection.first.month, selection.last.month) == (1, 12)
        notes = (
            ()
            if is_whole
            else ("DataWeb returns whole years: more months than requested are fetched.",)
        )
        if level.classification == "NAIC" and selection.first.year < FIRST_NAICS_YEAR:
            notes = (*notes, f"NAICS begins in {FIRST_NAICS_YEAR}.")
        return Plan(
            source_id=SOURCE_ID,
            selection=selection,
            chunks=tuple(report.chunk() for report in reports),
            expected_requests=len(reports),
            fewest=fewest,
            notes=notes,
        )

    def classify_reply(self, chunk: Chunk, reply: Reply) -> ReplyResult:
        return classify_reply(chunk, reply)
