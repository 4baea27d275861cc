"""Plans the reports to request from USITC DataWeb and classifies its replies."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
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
    Refused,
    Reply,
    ReplyResult,
    Selection,
    SelectionError,
    SourceInfo,
    Terms,
    TryAgain,
)
from dagster_project.sources.parsing import closest, read_seed
from dagster_project.sources.snapshot import SnapshotError
from dagster_project.sources.usitc_dataweb.files import (
    ALL_COMMODITIES,
    CENSUS_SEED,
    SOURCE,
    WORLD,
    excerpt,
    read_measures,
    rows_of,
)
from dagster_project.sources.usitc_dataweb.reports import (
    LEVELS,
    OUR_ROWS,
    PUBLISHERS_ROWS,
    Country,
    Report,
    ReportChunk,
)

_OBTAINED_AT = "https://dataweb.usitc.gov/ (sign in, tab API; a token lasts about 180 days)"
_FLOWS = {"export": ("Export", "ForeignExp", "TotExp"), "import": ("Import", "GenImp")}
_FIRST_YEAR = 1989
_FIRST_NAICS_YEAR = 1997

# Other clients received reports silently truncated at this many rows.
_CUT_AT = (PUBLISHERS_ROWS, 300_000)
_NOTHING = re.compile(r"(?i)\bno (data|records|rows|results)\b")
_TOO_MUCH = re.compile(r"(?i)\b(20,?000|300,?000)\b|too many (rows|records)|row limit")


class DataWeb(Connector):
    """The connector of USITC DataWeb."""

    about = SourceInfo(
        source_id=SOURCE,
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
        key=KeyUse("bearer", "Authorization", is_required=True, obtained_at=_OBTAINED_AT),
        terms=Terms("US Government work in the public domain", is_redistributable=True),
        calendar="About the middle of the month, after the Census release for the month two"
        " earlier; the three prior years are restated each June.",
        verified=False,
        verified_against="exports of the page since 2025, as workbook and CSV; no reply of the API"
        " was seen",
        by_year_from=_FIRST_YEAR,
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
        _check(selection)
        countries = _asked_countries(selection.partners, seeds)
        whole = Report(
            level=selection.level,
            timeline="Annual" if selection.frequency == "A" else "Monthly",
            years=tuple(range(selection.first.year, selection.last.year + 1)),
            commodities=selection.products,
        )
        asked = [replace(whole, is_world=True)] if WORLD in selection.partners else []
        if countries or not asked:
            asked.append(replace(whole, countries=countries))
        reports: list[Report] = []
        fewest = 0
        for trade_type in (kind for flow in selection.flows for kind in _FLOWS[flow]):
            measures = tuple(
                one.code for one in read_measures(seeds) if one.trade_type == trade_type
            )
            for one in asked:
                report = replace(one, trade_type=trade_type, measures=measures)
                parts = report.within_limit()
                if parts[0].rows > OUR_ROWS and not report.codes and not report.countries:
                    raise SelectionError(
                        f"{SOURCE}: all partners have about {parts[0].rows:,} rows at level"
                        f" {selection.level}, a report at most {PUBLISHERS_ROWS:,}. Select partners"
                        " or a coarser level."
                    )
                reports += parts
                # Years divide only into whole years; chapters fill a reply nearly to its limit.
                fewest += ceil(report.rows / OUR_ROWS) if report.codes else len(parts)
        notes = []
        if (selection.first.month, selection.last.month) != (1, 12):
            notes.append("DataWeb returns whole years: more months than requested are fetched.")
        if selection.first.year < _first_year(selection.level):
            notes.append(f"NAICS begins in {_FIRST_NAICS_YEAR}.")
        chunks = tuple(report.chunk() for report in reports)
        return Plan(SOURCE, selection, chunks, len(chunks), fewest, tuple(notes))

    def classify_reply(self, chunk: Chunk, reply: Reply) -> ReplyResult:
        """A report, nothing, or why there is none; a truncated report becomes two smaller ones.

        Raises:
            TryAgain: the publisher loads data, or has not finished the report.
            Refused: the token, the request or the layout is wrong.
        """
        what = f"{SOURCE}, {chunk.name}"
        said = excerpt(reply.content[:2_000].decode("utf-8", "replace"))
        if "load mode" in said.casefold():
            raise TryAgain(
                f"{what}: {said!r}. DataWeb is unavailable while it loads data: try again later.",
                after_seconds=60,
            )
        if reply.status in (401, 403):
            raise Refused(
                f"{what}: status {reply.status}, {said!r}. The token is wrong or has expired: get a"
                f" new one at {_OBTAINED_AT}."
            )
        answer = _answer(reply, what, said)
        dto = answer.get("dto")
        problem = (dto.get("errors") if isinstance(dto, dict) else None) or next(
            (answer[field] for field in ("errors", "error", "message") if answer.get(field)), None
        )
        if problem and _NOTHING.search(str(problem)):
            return ReplyResult(content=b"")
        if problem and _TOO_MUCH.search(str(problem)):
            return _parted(chunk, what, excerpt(problem))
        if problem or reply.status != 200:
            raise Refused(
                f"{what}: status {reply.status}, {excerpt(problem or said)!r}. Correct the"
                " request: another level, partner or year."
            )
        if "dto" in answer and (dto is None or (isinstance(dto, dict) and dto.get("needMoreTime"))):
            raise TryAgain(
                f"{what}: the report is not finished. Send the same request again.",
                after_seconds=15,
            )
        if not isinstance(dto, dict) or not isinstance(dto.get("tables"), list):
            raise Refused(f"{what}: no report but {said!r}. The layout has changed.")
        try:
            sizes = [len(rows_of(table, what)) for table in dto["tables"]]
        except SnapshotError as error:
            raise Refused(str(error)) from error
        if max(sizes, default=0) in _CUT_AT:
            return _parted(chunk, what, f"{max(sizes)} rows, the most a report can have")
        return ReplyResult(content=reply.content if sum(sizes) else b"")


def _first_year(level: str) -> int:
    return _FIRST_NAICS_YEAR if LEVELS[level].classification == "NAIC" else _FIRST_YEAR


def _check(selection: Selection) -> None:
    level = LEVELS.get(selection.level)
    if level is None:
        raise SelectionError(
            f"{SOURCE} has no level {selection.level!r}: {closest(selection.level, LEVELS)}."
        )
    if set(selection.reporters) - {"USA"}:
        raise SelectionError(
            f"{SOURCE} reports only the trade of the United States, not of"
            f" {', '.join(selection.reporters)}."
        )
    if unknown := set(selection.flows) - set(_FLOWS):
        raise SelectionError(f"{SOURCE} has no flow {', '.join(sorted(unknown))}.")
    first = _first_year(selection.level)
    if selection.last.year < first or selection.first.year < _FIRST_YEAR:
        raise SelectionError(f"{SOURCE} begins in {first} at this level: select later years.")
    if selection.products and selection.level == ALL_COMMODITIES:
        raise SelectionError(f"{SOURCE}: the level total has no products; select hs2 or finer.")
    for code in selection.products:
        if not (code.isdecimal() and 2 <= len(code) <= int(level.granularity)):
            raise SelectionError(
                f"{SOURCE}: {code!r} is not a code of at most {level.granularity} digits, nor the"
                " first two or more of one."
            )


def _asked_countries(partners: Sequence[str], seeds: Path) -> tuple[Country, ...]:
    """The countries named among the partners; the world is none."""
    iso2 = {row["iso3"]: row["iso2"] for row in read_seed(seeds, "country_list.csv")}
    countries = {
        row["iso3"]: Country(
            row["census_code"],
            row["iso3"],
            f"{row['partner_name']} - {iso2[row['iso3']]} - {row['iso3']}",
        )
        for row in read_seed(seeds, CENSUS_SEED)
        if row["iso3"]
    }
    named = [partner for partner in dict.fromkeys(partners) if partner != WORLD]
    for partner in named:
        if partner not in countries:
            raise SelectionError(
                f"{SOURCE} has no partner {partner!r}: {closest(partner, countries)}."
            )
    return tuple(countries[partner] for partner in named)


def _parted(chunk: Chunk, what: str, why: str) -> ReplyResult:
    halves = chunk.report.halves() if isinstance(chunk, ReportChunk) else []
    if not halves:
        raise Refused(f"{what}: {why}, and the report cannot be divided. Select fewer products.")
    return ReplyResult(content=b"", more=tuple(one.chunk() for one in halves), is_whole=False)


def _answer(reply: Reply, what: str, said: str) -> Mapping[str, object]:
    try:
        answer = json.loads(reply.content)
    except ValueError as error:
        if reply.content.lstrip()[:1] in (b"", b"{"):
            raise TryAgain(
                f"{what}: the reply is truncated. Send the same request again."
            ) from error
        problem = f"{what}: status {reply.status}, {said!r} instead of a report. Check the token"
        if said.startswith("<"):
            raise TryAgain(
                f"{problem}, or try later: DataWeb returns web pages during maintenance."
            ) from error
        raise Refused(f"{problem} and the request.") from error
    if not isinstance(answer, dict):
        raise Refused(f"{what}: {said!r} instead of a report. The layout has changed.")
    return answer
