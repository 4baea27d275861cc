"""Connector for the US Census Bureau: the country file and the International Trade API.

A selection of all goods fetches the country file, which has every partner and month since 1985 in
one request, and from the API what that file lacks: domestic and foreign exports, imports by concept
and valuation, charges and duty. Every other level is only in the API. Exports are requested in
total, domestic and foreign: the total is a published figure with its own row, not our sum.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from math import ceil
from pathlib import Path

from dagster_project.sources.connector import (
    Available,
    Chunk,
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
from dagster_project.sources.parsing import closest, read_seed
from dagster_project.sources.us_census.levels import LEVELS, Level
from dagster_project.sources.us_census.partners import ALL_COUNTRIES, codes_of
from dagster_project.sources.us_census.planning import (
    API_ADDRESS,
    FIRST_YEAR,
    JSON,
    Slice,
    country_file_chunk,
    plan_slice,
    time_predicate,
)
from dagster_project.sources.us_census.replies import KEY_ADDRESS, classify_reply

SOURCE = "us_census"

_API_FIRST = date(2010, 1, 1)
_DIRECTIONS = {"export": "exports", "import": "imports"}
_PER_DAY = 500
_SOURCE_SEED = "source_list.csv"

ABOUT = SourceInfo(
    source_id=SOURCE,
    title="US Census Bureau: country file and International Trade API",
    gives="US goods trade with every partner: exports in total, domestic and foreign; general"
    " imports and imports for consumption at customs value and CIF, charges, calculated duty.",
    coverage="Months and years. All goods since 1985; by product since January 2010.",
    levels=tuple(LEVELS),
    hosts=("api.census.gov", "www.census.gov"),
    limits=Limits(per_second=2.0, per_day=_PER_DAY, per_day_with_key=None),
    key=KeyUse("query", "key", is_required=False, obtained_at=KEY_ADDRESS),
    terms=Terms("US Government work in the public domain", is_redistributable=True),
    calendar="With FT-900, about the 5th of the month, for the month two earlier; the three prior"
    " years are restated each June.",
    verified=True,
    verified_against="API replies recorded from 2020 to 2026, and country files since 2017",
    by_year_from=FIRST_YEAR,
    notes=(
        "Without a key about 500 requests a day are answered; the publisher may require one at"
        " any time.",
        "By product, only countries and the total of all are requested; groups of countries"
        " are available for all goods.",
        "End-use codes have one or five digits.",
    ),
)


class UsCensus:
    """See `Connector`."""

    @property
    def about(self) -> SourceInfo:
        return ABOUT

    def survey(self, selection: Selection, seeds: Path) -> tuple[Chunk, ...]:
        """All goods with all countries by month: a few rows that show which months are
        published."""
        _check(selection, seeds)
        first = max(selection.first, _API_FIRST)
        if first > selection.last:
            return ()
        direction = _DIRECTIONS[selection.flows[-1]]
        asked = Slice("total", LEVELS["total"], direction, (ALL_COUNTRIES,), is_annual=False)
        periods = [f"{first:%Y-%m}", f"{selection.last:%Y-%m}"]
        parameters = (
            ("get", asked.variables[0]),
            ("time", time_predicate(periods)),
            ("CTY_CODE", ALL_COUNTRIES),
        )
        name = f"survey_{direction}_{periods[0]}_{periods[-1]}.json"
        request = Request(API_ADDRESS + asked.layout.endpoint, parameters, accept=JSON)
        return (Chunk(name, "us_census__trade_api", asked.layout_name, request, None),)

    def available(self, replies: Mapping[str, bytes]) -> tuple[Available, ...]:
        found = []
        for content in replies.values():
            if not content:
                continue
            header, *rows = json.loads(content)
            months = sorted(row[header.index("time")] for row in rows)
            totals = json.dumps(sorted(rows)).encode()
            found.append(
                Available(
                    name="us_census__trade_api",
                    first=months[0],
                    last=months[-1],
                    release_key=hashlib.sha256(totals).hexdigest()[:16],
                )
            )
        return tuple(found)

    def plan(
        self,
        selection: Selection,
        seeds: Path,
        *,
        has_key: bool,
        known: tuple[Available, ...] = (),
    ) -> Plan:
        """The fewest requests for the selection; see the module docstring for level total."""
        level = _check(selection, seeds)
        partners = codes_of(seeds, selection.partners)
        periods, notes = _periods(selection, known)
        chunks = [country_file_chunk()] if selection.level == "total" else []
        fewest = len(chunks)
        for flow in selection.flows if periods else ():
            asked = Slice(
                selection.level,
                level,
                _DIRECTIONS[flow],
                partners,
                selection.frequency == "A",
            )
            planned, least = plan_slice(asked, selection.products, periods)
            chunks += planned
            fewest += least
        if not has_key and len(chunks) > _PER_DAY:
            notes.append(
                f"{len(chunks)} requests take {ceil(len(chunks) / _PER_DAY)} days without a key;"
                f" with one there is no daily limit: {KEY_ADDRESS}"
            )
        return Plan(SOURCE, selection, tuple(chunks), len(chunks), fewest, tuple(notes))

    def classify_reply(self, chunk: Chunk, reply: Reply) -> ReplyResult:
        return classify_reply(chunk, reply)


def _check(selection: Selection, seeds: Path) -> Level:
    """The level of a selection that can be served.

    Raises:
        SelectionError: another reporter, an unknown level, flow or product, a period before the
        first.
    """
    reporter = _reporter(seeds)
    if set(selection.reporters) - {reporter}:
        raise SelectionError(
            f"{SOURCE}: reports only the trade of {reporter}, not of"
            f" {', '.join(selection.reporters)}. Leave the reporter out, or give it as partner."
        )
    if selection.level not in LEVELS:
        raise SelectionError(
            f"{SOURCE}: no level {selection.level!r}; {closest(selection.level, LEVELS)}."
        )
    if not selection.flows or set(selection.flows) - set(_DIRECTIONS):
        raise SelectionError(
            f"{SOURCE}: flows are {' and '.join(_DIRECTIONS)}, not {selection.flows!r}."
        )
    level = LEVELS[selection.level]
    longest = max(level.code_lengths, default=0)
    for product in selection.products:
        if not (product.isdigit() and len(product) <= longest):
            raise SelectionError(
                f"{SOURCE}: {product!r} is not a code of {selection.level}, nor the beginning of"
                " one:" + (f" write up to {longest} digits." if longest else " leave products out.")
            )
    since = _API_FIRST if selection.level != "total" else date(FIRST_YEAR, 1, 1)
    if selection.last < max(since, selection.first):
        raise SelectionError(
            f"{SOURCE}: {selection.level} begins in {since:%Y-%m}; requested are"
            f" {selection.first:%Y-%m} to {selection.last:%Y-%m}."
        )
    return level


def _reporter(seeds: Path) -> str:
    return next(
        row["reporter_iso3"] for row in read_seed(seeds, _SOURCE_SEED) if row["source_id"] == SOURCE
    )


def _periods(selection: Selection, known: tuple[Available, ...]) -> tuple[list[str], list[str]]:
    """The months or years to request from the API, and notes for the user.

    Raises:
        SelectionError: none of the requested periods is published yet.
    """
    notes = []
    if selection.first < _API_FIRST:
        rest = "; the country file goes back to 1985" if selection.level == "total" else ""
        notes.append(f"The API begins in {_API_FIRST:%Y-%m}{rest}.")
    first = max(selection.first, _API_FIRST)
    months = [
        f"{index // 12}-{index % 12 + 1:02d}"
        for index in range(_month_index(first), _month_index(selection.last) + 1)
    ]
    if known:
        last = max(one.last for one in known)
        out = [month for month in months if month <= last]
        if months and not out and selection.level != "total":
            raise SelectionError(f"{SOURCE}: the last published month is {last}.")
        months = out
    if selection.frequency == "M":
        return months, notes
    years = [month[:4] for month in months if month.endswith("-12")]
    if not years and selection.level != "total":
        raise SelectionError(
            f"{SOURCE}: a year is published with its December; select months of"
            f" {selection.last:%Y} instead."
        )
    if months and not months[-1].endswith("-12"):
        notes.append(f"{months[-1][:4]} is not complete and left out.")
    return years, notes


def _month_index(day: date) -> int:
    return day.year * 12 + day.month - 1
