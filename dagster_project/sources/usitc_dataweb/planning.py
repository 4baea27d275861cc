"""Divides a selection into reports of DataWeb."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil

from dagster_project.sources.connector import Selection, SelectionError
from dagster_project.sources.parsing import closest
from dagster_project.sources.usitc_dataweb.report import Report, in_runs
from dagster_project.sources.usitc_dataweb.seeds import Country
from dagster_project.sources.usitc_dataweb.service import (
    ALL_COMMODITIES,
    FIRST_NAICS_YEAR,
    FIRST_YEAR,
    FLOWS,
    LEVELS,
    OUR_ROWS,
    SOURCE_ID,
    WORLD,
    Level,
)


def checked_level(selection: Selection) -> Level:
    level = LEVELS.get(selection.level)
    if level is None:
        raise SelectionError(
            f"{SOURCE_ID} has no level {selection.level!r}: {closest(selection.level, LEVELS)}."
        )
    if set(selection.reporters) - {"USA"}:
        raise SelectionError(
            f"{SOURCE_ID} reports only the trade of the United States, not of"
            f" {', '.join(selection.reporters)}."
        )
    if unknown := set(selection.flows) - set(FLOWS):
        raise SelectionError(f"{SOURCE_ID} has no flow {', '.join(sorted(unknown))}.")
    first = FIRST_NAICS_YEAR if level.classification == "NAIC" else FIRST_YEAR
    if selection.last.year < first or selection.first.year < FIRST_YEAR:
        raise SelectionError(f"{SOURCE_ID} begins in {first} at this level: select later years.")
    if selection.products and selection.level == ALL_COMMODITIES:
        raise SelectionError(f"{SOURCE_ID}: the level total has no products; select hs2 or finer.")
    for code in selection.products:
        if not (code.isdecimal() and 2 <= len(code) <= int(level.granularity)):
            raise SelectionError(
                f"{SOURCE_ID}: {code!r} is not a code of at most {level.granularity} digits, nor"
                " the"
                " first two or more of one."
            )
    return level


def asked_partners(
    partners: Sequence[str], countries: Mapping[str, Country]
) -> tuple[tuple[Country, ...] | None, bool]:
    """The countries to request, empty for all; and whether the world is requested."""
    named = [partner for partner in partners if partner != WORLD]
    for partner in named:
        if partner not in countries:
            raise SelectionError(
                f"{SOURCE_ID} has no partner {partner!r}: {closest(partner, countries)}."
            )
    is_world = WORLD in partners
    if is_world and not named:
        return None, True
    return tuple(countries[partner] for partner in dict.fromkeys(named)), is_world


def within_limit(report: Report) -> list[Report]:
    """The report, or parts of it that stay below the limit of one reply.

    The grid of years and chapters is covered by the fewest equal rectangles.
    """
    if report.rows <= OUR_ROWS:
        return [report]
    at_once = 1 if report.timeline == "Monthly" else 12
    blocks = ceil(len(report.years) / at_once)
    ways = []
    for each in range(1, blocks + 1):
        rows = report.rows // blocks * each
        fitting = len(report.codes) * OUR_ROWS // rows
        if fitting == 0 and (report.codes or rows > OUR_ROWS) and each > 1:
            break
        chapters = in_runs(report.codes, max(1, fitting))
        ways.append(
            [
                replace(report, years=years, commodities=codes)
                for years in in_runs(report.years, each * at_once)
                for codes in (chapters if len(chapters) > 1 else [report.commodities])
            ]
        )
    return min(ways, key=len)
