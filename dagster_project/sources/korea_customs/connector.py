"""Connector for the Korea Customs Service: trade by country, and by product and country."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

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
    SelectionError,
    SourceInfo,
    Terms,
)
from dagster_project.sources.korea_customs.planning import (
    asked_countries,
    chunk_of,
    parts_of,
    windows,
)
from dagster_project.sources.korea_customs.replies import classify_reply
from dagster_project.sources.korea_customs.services import (
    COUNTRIES,
    FLOWS,
    HOST,
    ITEMS,
    LEVELS,
    SOURCE,
)


class KoreaCustoms(Connector):
    """The two services of Korea Customs that give trade by country."""

    @property
    def about(self) -> SourceInfo:
        return SourceInfo(
            source_id=SOURCE,
            title="Korea Customs Service, trade statistics of the public data portal",
            gives="Korea's exports FOB and imports CIF by country and month in US dollars, all"
            " products together or by HS heading, subheading and ten-digit code",
            coverage="Reporter KOR; partners are countries, without a world total. Months up to"
            " the previous one; unpublished months are absent.",
            levels=("total", *LEVELS.values()),
            hosts=(urlsplit(HOST).netloc,),
            limits=Limits(per_second=2.0, per_day=None, per_day_with_key=10_000),
            key=KeyUse(
                place="query",
                name="serviceKey",
                is_required=True,
                obtained_at=f"{COUNTRIES.page} and {ITEMS.page}",
            ),
            terms=Terms("Korea Open Government Licence: no restriction on use", True),
            calendar="About the 15th of the month, for the previous month; corrections of"
            " declarations change earlier months.",
            verified=True,
            verified_against="one recorded reply by country; none by product was seen",
            by_year_from=2000,
            notes=(
                "One key serves both services, but access to each is requested on its own page."
                " Keep the decoded form of the key (without %).",
                "10,000 requests a day is the limit of a development key, for each service.",
                "For a code of 2, 4 or 6 digits the product service returns rows of 4, 6 or 10"
                " digits, so there are no chapter rows; without a code it returns all ten-digit"
                " rows of one country.",
                "Months in which a country does not trade have no row. Weights and numbers of"
                " declarations are not read.",
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
        """One request per twelve months, and per code or country that cannot share one.

        A service returns all countries in one reply: only a single partner is requested separately.
        """
        countries = asked_countries(selection, seeds)
        if selection.frequency != "M":
            raise SelectionError(
                f"{SOURCE}: gives months only. Select frequency M; twelve months make a year."
            )
        if selection.first > selection.last:
            raise SelectionError(
                f"{SOURCE}: the first month {selection.first:%Y-%m} is after the last,"
                f" {selection.last:%Y-%m}. Change their order."
            )
        parts = tuple(parts_of(selection, countries))
        chunks = tuple(
            chunk_of(part, first, last)
            for first, last in windows(selection.first, selection.last)
            for part in parts
        )
        notes = []
        if len(countries) > 1 and not any(part.country for part in parts):
            notes.append("A reply contains every country: more than requested is stored.")
        if set(selection.flows) != set(FLOWS.values()):
            notes.append("A reply contains exports and imports: both are stored.")
        return Plan(
            source_id=SOURCE,
            selection=selection,
            chunks=chunks,
            expected_requests=len(chunks),
            fewest=len(chunks),
            notes=tuple(notes),
        )

    def classify_reply(self, chunk: Chunk, reply: Reply) -> ReplyResult:
        return classify_reply(chunk, reply)
