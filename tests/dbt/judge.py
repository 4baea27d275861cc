"""What was known of made-up figures, found release by release and day by day.

A second opinion on the core: it reads no SQL and keeps no stretches. For a day it looks at all
that was out by then, and takes what the method says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from dbt.composed import (
    EXPORTS,
    GROUPS,
    IMPORTS,
    MONTHS,
    PARTNER_EXPORTS,
    PARTNER_IMPORTS,
    YEAR,
    Figure,
    Release,
    Series,
)

# Re-exports are in no balance.
BALANCES = ((EXPORTS, IMPORTS), (PARTNER_EXPORTS, PARTNER_IMPORTS))
# The compiling office's own rows come before what it reported elsewhere.
_SOURCES = ("us_census", "un_comtrade")


@dataclass(frozen=True)
class Known:
    """What a series gives on a day: from where, and the last release that says so."""

    value: int
    half: int
    table: str
    route: str
    release: Release


def days(figures: Iterable[Figure]) -> list[date]:
    """Every day from before the first release to after the last."""
    events = {f.release.day for f in figures} | {
        f.withdrawn_by.day for f in figures if f.withdrawn_by
    }
    span = (max(events) - min(events)).days
    return [min(events) + timedelta(n) for n in range(-1, span + 3)]


def observations(figures: Iterable[Figure]) -> set[frozenset[int]]:
    """Rows that say the same in releases that follow one another, by row number."""
    given: dict[object, dict[Release, list[Figure]]] = defaultdict(lambda: defaultdict(list))
    for figure in figures:
        given[figure.release.source, figure.key][figure.release].append(figure)
    found: set[frozenset[int]] = set()
    for releases in given.values():
        update: dict[object, set[int]] = {}
        for release in sorted(releases):
            said: dict[object, list[Figure]] = defaultdict(list)
            for figure in releases[release]:
                said[figure.table, figure.value, figure.half, figure.unit].append(figure)
            runs = {
                words: update.get(words, set()) | {f.row_number for f in rows}
                for words, rows in said.items()
            }
            found |= {frozenset(run) for words, run in update.items() if words not in said}
            ended = {words for words, rows in said.items() if any(f.withdrawn_by for f in rows)}
            found |= {frozenset(runs[words]) for words in ended}
            update = {words: run for words, run in runs.items() if words not in ended}
        found |= {frozenset(run) for run in update.values()}
    return found


def current(figures: Iterable[Figure], day: date) -> list[Figure]:
    """The figures of the last release by that day that gives each, unless withdrawn by then."""
    given: dict[object, list[Figure]] = defaultdict(list)
    for figure in figures:
        if figure.release.day <= day:
            given[figure.release.source, figure.key].append(figure)
    found: list[Figure] = []
    for rows in given.values():
        last = max(f.release for f in rows)
        found += (
            f
            for f in rows
            if f.release == last and not (f.withdrawn_by and f.withdrawn_by.day <= day)
        )
    return found


def values(figures: Iterable[Figure]) -> dict[tuple[Series, str, tuple[date, date]], Known]:
    """What each series gives for each group of products and period, of the current figures."""
    by_table: dict[object, list[Figure]] = defaultdict(list)
    for figure in figures:
        by_table[figure.series, figure.release.source, figure.table].append(figure)
    found: dict[tuple[Series, str, tuple[date, date]], list[tuple[object, Known]]] = defaultdict(
        list
    )
    for (series, source, table), rows in by_table.items():
        for group, codes in GROUPS.items():
            for period, route, parts in _ways():
                counted = _counted(rows, codes, parts)
                if {f.period for f in counted} != set(parts):
                    continue
                release = max(f.release for f in counted)
                half = sum(f.half for f in counted)
                preference = (
                    _SOURCES.index(source),
                    -release.day.toordinal(),
                    route != "period",
                    half,
                    table,
                )
                known = Known(sum(f.value for f in counted), half, table, route, release)
                found[series, group, period].append((preference, known))
    return {place: min(ways, key=lambda way: way[0])[1] for place, ways in found.items()}


def _ways() -> Iterator[tuple[tuple[date, date], str, tuple[tuple[date, date], ...]]]:
    for period in (YEAR, *MONTHS[:3]):
        yield period, "period", (period,)
    yield YEAR, "months", MONTHS


def _counted(
    rows: Iterable[Figure],
    codes: Iterable[tuple[str, str]],
    parts: Iterable[tuple[date, date]],
) -> list[Figure]:
    """One row per figure: of copies the finest, then the first."""
    best: dict[object, Figure] = {}
    for f in sorted(rows, key=lambda f: (f.half, f.row_number)):
        if f.product in codes and f.period in parts:
            best.setdefault(f.key, f)
    return list(best.values())
