"""Packs a selection into the fewest calls that the limits of rows and periods allow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dagster_project.sources.connector import Available, Selection, SelectionError
from dagster_project.sources.un_comtrade.areas import Areas
from dagster_project.sources.un_comtrade.calls import (
    PERIODS_A_CALL,
    SOURCE_ID,
    Ask,
    balanced,
    dataset_name,
)

# Rows per year and flow of a large reporter: with one partner, and with all.
_ROWS_WITH_ONE: Mapping[str, int] = {"total": 1, "hs2": 97, "hs4": 1_230, "hs6": 5_400}
_ROWS_WITH_ALL: Mapping[str, int] = {"total": 235, "hs2": 15_000, "hs4": 75_000, "hs6": 200_000}
# The share of a level in a small dataset, where coarse levels weigh more.
_SHARE: Mapping[str, float] = {"total": 1.0, "hs2": 0.10, "hs4": 0.35, "hs6": 0.75}
# The share that a flow adds to full exports or imports.
_FLOW_WEIGHT: Mapping[str, float] = {"M": 1.0, "X": 1.0, "RX": 0.1, "DX": 0.05}
_MONTH_WEIGHT = 0.6


def expected_rows(
    selection: Selection,
    reporters: Mapping[str, tuple[str, ...]],
    periods: Sequence[str],
    known: tuple[Available, ...],
) -> dict[str, dict[str, float]]:
    """Expected rows of one full flow of the selection, by reporter and period.

    Where the publisher gives a dataset's number of rows, that is the upper bound.
    """
    with_all = float(_ROWS_WITH_ALL[selection.level])
    with_one = float(_ROWS_WITH_ONE[selection.level])
    if selection.products:
        with_one = min(with_one, len(selection.products))
        with_all = min(with_all, len(selection.products) * _ROWS_WITH_ALL["total"])
    if selection.partners:
        with_all = min(with_all, len(selection.partners) * with_one)
    if selection.frequency == "M":
        # The share of a year's partner and product pairs; a total with one partner always exists.
        with_all = max(with_all * _MONTH_WEIGHT, min(with_all, len(selection.partners)))
    if not known:
        return {name: dict.fromkeys(periods, with_all) for name in reporters}
    held = {one.name: one.rows for one in known}
    rows: dict[str, dict[str, float]] = {}
    for name, codes in reporters.items():
        rows[name] = {}
        for period in periods:
            names = (dataset_name(selection.frequency, code, period) for code in codes)
            totals = [held[one] for one in names if one in held]
            # A dataset's rows include both directions.
            bounds = [
                with_all if total is None else total * _SHARE[selection.level] / 2
                for total in totals
            ]
            if bounds:
                rows[name][period] = min(with_all, max(sum(bounds), 1.0))
    return rows


def without_unchanged(
    selection: Selection,
    reporters: Mapping[str, tuple[str, ...]],
    rows: Mapping[str, Mapping[str, float]],
    known: tuple[Available, ...],
) -> dict[str, dict[str, float]]:
    """The same, without periods whose datasets were all fetched and are unchanged."""
    open_ones = {one.name for one in known if one.unchanged_since is None}
    left = {
        name: {
            period: count
            for period, count in held.items()
            if any(
                dataset_name(selection.frequency, code, period) in open_ones
                for code in reporters[name]
            )
        }
        for name, held in rows.items()
    }
    return {name: held for name, held in left.items() if held}


def _weight(flows: Iterable[str]) -> float:
    return sum(_FLOW_WEIGHT.get(flow, 0.0) for flow in flows)


def fewest_calls(ask: Ask, rows: Mapping[str, Mapping[str, float]]) -> int:
    """The lower bound of calls given by the limits of rows and periods."""
    if not rows:
        return 0
    expected = sum(sum(held.values()) for held in rows.values()) * _weight(ask.flows)
    return max(math.ceil(expected / ask.rows_a_call), math.ceil(len(ask.periods) / PERIODS_A_CALL))


def packed(
    whole: Ask,
    directions: Sequence[tuple[str, ...]],
    reporters: Mapping[str, tuple[str, ...]],
    rows: Mapping[str, Mapping[str, float]],
    areas: Areas,
) -> tuple[tuple[Ask, int], ...]:
    """The calls that need the fewest requests among the ways to cut a selection.

    A call is a rectangle, so the ways differ in which reporters and periods are combined, how many
    periods a call spans and whether both directions share it; reporters then fill calls, or
    partners divide them. Unneeded data is requested too where that saves a call.
    """
    if not whole.partners:
        # Named only where a call would otherwise be too large.
        whole = replace(whole, partners=areas.partner_codes)
        is_named = False
    else:
        is_named = True
    best: list[tuple[Ask, int]] | None = None
    for rectangles in _divided(whole.periods, rows):
        of_each = [
            _fewest(
                replace(whole, periods=periods),
                directions,
                reporters,
                {name: max(rows[name].get(period, 0.0) for period in periods) for name in names},
                is_named=is_named,
            )
            for periods, names in rectangles
        ]
        calls = _all_of(of_each)
        if calls is not None and (best is None or len(calls) < len(best)):
            best = calls
    if best is None:
        raise SelectionError(
            f"{SOURCE_ID}: one partner and period of this selection has more than the"
            f" {whole.rows_a_call:,} rows of a call. Name fewer products, a coarser level, or use"
            " a key."
        )
    return tuple(best)


_Rectangle = tuple[tuple[str, ...], tuple[str, ...]]


def _divided(
    periods: Sequence[str], rows: Mapping[str, Mapping[str, float]]
) -> tuple[tuple[_Rectangle, ...], ...]:
    """Ways to cover the selection by periods and reporters, those that add nothing first."""
    by_periods: dict[tuple[str, ...], list[str]] = {}
    for name, held in rows.items():
        by_periods.setdefault(tuple(one for one in periods if one in held), []).append(name)
    by_names: dict[tuple[str, ...], list[str]] = {}
    for period in periods:
        names = tuple(name for name, held in rows.items() if period in held)
        by_names.setdefault(names, []).append(period)
    ways: tuple[tuple[_Rectangle, ...], ...] = (
        tuple((wanted, tuple(names)) for wanted, names in by_periods.items()),
        tuple((tuple(wanted), names) for names, wanted in by_names.items()),
        ((tuple(periods), tuple(rows)),),
    )
    return tuple(dict.fromkeys(ways))


def _fewest(
    whole: Ask,
    directions: Sequence[tuple[str, ...]],
    reporters: Mapping[str, tuple[str, ...]],
    most: Mapping[str, float],
    *,
    is_named: bool,
) -> list[tuple[Ask, int]] | None:
    """The calls for a rectangle, both directions together or separately."""
    ways = [
        _all_of(
            [
                _calls(replace(whole, flows=flows), reporters, most, is_named=is_named)
                for flows in flow_groups
            ]
        )
        for flow_groups in dict.fromkeys(((whole.flows,), tuple(directions)))
    ]
    return min((calls for calls in ways if calls is not None), key=len, default=None)


def _all_of(parts: Iterable[list[tuple[Ask, int]] | None]) -> list[tuple[Ask, int]] | None:
    """The calls of all parts; none where one of them is impossible."""
    calls: list[tuple[Ask, int]] = []
    for part in parts:
        if part is None:
            return None
        calls += part
    return calls


def _calls(
    whole: Ask,
    reporters: Mapping[str, tuple[str, ...]],
    most: Mapping[str, float],
    *,
    is_named: bool,
) -> list[tuple[Ask, int]] | None:
    """The fewest calls for these flows; none where no part is small enough for a call."""
    cut = {
        span: rectangles
        for span in range(1, min(PERIODS_A_CALL, len(whole.periods)) + 1)
        if (rectangles := _cut(whole, reporters, most, span, is_named=is_named)) is not None
    }
    if 1 not in cut:
        return None
    calls, start = [], 0
    for span in _spans(len(whole.periods), {span: len(part) for span, part in cut.items()}):
        periods = whole.periods[start : start + span]
        calls += [(replace(ask, periods=periods), rows) for ask, rows in cut[span]]
        start += span
    return calls


def _spans(periods: int, calls: Mapping[int, int]) -> list[int]:
    """Split periods into runs with the fewest calls, given the calls per run length."""
    fewest: list[tuple[int, list[int]]] = [(0, [])]
    for length in range(1, periods + 1):
        options = [
            (fewest[length - span][0] + cost, [*fewest[length - span][1], span])
            for span, cost in calls.items()
            if span <= length
        ]
        fewest.append(min(options, key=lambda option: (option[0], len(option[1]))))
    return sorted(fewest[periods][1], reverse=True)


def _cut(
    whole: Ask,
    reporters: Mapping[str, tuple[str, ...]],
    most: Mapping[str, float],
    span: int,
    *,
    is_named: bool,
) -> list[tuple[Ask, int]] | None:
    """The calls for a run of this many periods; none where a part cannot be small enough."""
    weight = _weight(whole.flows)
    needed = {name: rows * weight * span for name, rows in most.items()}
    calls: list[tuple[Ask, int]] = []
    bins: list[tuple[list[str], float]] = []
    for name in sorted(needed, key=lambda one: (-needed[one], one)):
        rows = needed[name]
        if rows > whole.rows_a_call:
            parts = _parts(whole, rows)
            if parts is None:
                return None
            calls += [
                (
                    replace(whole, reporters=reporters[name], partners=partners, products=products),
                    math.ceil(expected),
                )
                for partners, products, expected in parts
            ]
            continue
        for number, (names, filled) in enumerate(bins):
            if filled + rows <= whole.rows_a_call:
                bins[number] = ([*names, name], filled + rows)
                break
        else:
            bins.append(([name], rows))
    partners = whole.partners if is_named else ()
    for names, filled in bins:
        codes = tuple(code for name in names for code in reporters[name])
        calls.append((replace(whole, reporters=codes, partners=partners), math.ceil(filled)))
    return calls


def _parts(whole: Ask, rows: float) -> list[tuple[tuple[str, ...], tuple[str, ...], float]] | None:
    """Divide partners, and products where one partner is too large, until a part fits a call.

    Partners are distributed in turn, so that neighbouring codes, often similar in size, are
    separated.
    """
    count = math.ceil(rows / whole.rows_a_call)
    if count <= len(whole.partners):
        return [
            (whole.partners[number::count], whole.products, rows / count) for number in range(count)
        ]
    with_one = rows / len(whole.partners)
    count = math.ceil(with_one / whole.rows_a_call)
    if count > len(whole.products):
        return None
    return [
        ((partner,), products, with_one * len(products) / len(whole.products))
        for partner in whole.partners
        for products in balanced(whole.products, count)
    ]
