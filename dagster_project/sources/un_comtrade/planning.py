"""Calls to UN Comtrade: the fewest that the limits of rows and periods allow for a selection."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from dagster_project.sources.connector import Available, Chunk, Request, Selection, SelectionError
from dagster_project.sources.snapshot import Covers
from dagster_project.sources.un_comtrade.trade import LAYOUT, WORLD_CODE

SOURCE_ID = "un_comtrade"
HOST = "comtradeapi.un.org"
_GET = f"https://{HOST}/data/v1/get"
_PREVIEW = f"https://{HOST}/public/v1/preview"

# The publisher allows 250,000 rows per call, one of its clients 100,000: the lower of the two.
ROWS_A_CALL = 100_000
ROWS_WITHOUT_KEY = 500
PERIODS_A_CALL = 12

# Codes by level; numbers of codes are those of the Harmonized System, rounded up.
LEVELS: Mapping[str, str] = {"total": "TOTAL", "hs2": "AG2", "hs4": "AG4", "hs6": "AG6"}
EDITIONS = ("HS", "H0", "H1", "H2", "H3", "H4", "H5", "H6")

# Rows per year and flow of a large reporter: with one partner, and with all.
_ROWS_WITH_ONE: Mapping[str, int] = {"total": 1, "hs2": 97, "hs4": 1_230, "hs6": 5_400}
_ROWS_WITH_ALL: Mapping[str, int] = {"total": 235, "hs2": 15_000, "hs4": 75_000, "hs6": 200_000}
# The share of a level in a small dataset, where coarse levels weigh more.
_SHARE: Mapping[str, float] = {"total": 1.0, "hs2": 0.10, "hs4": 0.35, "hs6": 0.75}
# The share that a flow adds to full exports or imports.
_FLOW_WEIGHT: Mapping[str, float] = {"M": 1.0, "X": 1.0, "RX": 0.1, "DX": 0.05}
_MONTH_WEIGHT = 0.6


@dataclass(frozen=True)
class Ask:
    """One call for rows: lists of codes; an empty list requests all.

    While a selection is packed, `reporters` are ISO codes, each of which may stand for several of
    the publisher's.
    """

    has_key: bool
    frequency: str
    periods: tuple[str, ...]
    reporters: tuple[str, ...]
    flows: tuple[str, ...]
    products: tuple[str, ...]
    partners: tuple[str, ...]

    @property
    def rows_a_call(self) -> int:
        return ROWS_A_CALL if self.has_key else ROWS_WITHOUT_KEY

    @property
    def weight(self) -> float:
        """The rows of its flows, as a multiple of those of full exports."""
        return sum(_FLOW_WEIGHT.get(flow, 0.0) for flow in self.flows)


# ---------------------------------------------------------------------------
# One call
# ---------------------------------------------------------------------------


def trade_chunk(ask: Ask, expected_rows: int) -> Chunk:
    parameters = [
        ("reporterCode", ",".join(ask.reporters)),
        ("period", ",".join(ask.periods)),
        ("flowCode", ",".join(ask.flows)),
        ("cmdCode", ",".join(ask.products)),
        *([("partnerCode", ",".join(ask.partners))] if ask.partners else []),
        # Without these three a row is repeated for each of its parts.
        ("partner2Code", WORLD_CODE),
        ("customsCode", "C00"),
        ("motCode", "0"),
        ("maxRecords", str(ask.rows_a_call)),
        ("includeDesc", "false"),
    ]
    equal = {
        "flow_code": ask.flows,
        "classification_code": EDITIONS,
        "aggr_level": tuple(dict.fromkeys(_level_of(code) for code in ask.products)),
        "partner2_code": (WORLD_CODE,),
        "customs_code": ("C00",),
        "mot_code": ("0",),
    }
    if ask.partners:
        equal["partner_code"] = ask.partners
    if ask.products[0] not in LEVELS.values():
        equal["cmd_code"] = ask.products
    parts = (ask.reporters, ask.periods, ask.flows, ask.products, ask.partners)
    return Chunk(
        name=f"{ask.frequency}_{'_'.join(_label(part) for part in parts)}"
        f"{'' if ask.has_key else '_preview'}.json",
        table="un_comtrade__trade",
        layout=LAYOUT,
        request=Request(
            f"{_GET if ask.has_key else _PREVIEW}/C/{ask.frequency}/HS",
            tuple(parameters),
            accept=("application/json",),
        ),
        covers=covers_of(ask.frequency, ask.reporters, ask.periods, **equal),
        expected_rows=expected_rows,
        datasets=_datasets(ask.frequency, ask.reporters, ask.periods),
    )


def ask_of(request: Request) -> Ask:
    """The call that a request makes, parsed from the request."""
    given = {name: tuple(text.split(",")) for name, text in request.parameters}
    return Ask(
        has_key=request.address.startswith(f"{_GET}/"),
        frequency=request.address.split("/")[-2],
        periods=given["period"],
        reporters=given["reporterCode"],
        flows=given["flowCode"],
        products=given["cmdCode"],
        partners=given.get("partnerCode", ()),
    )


def listing_chunks(
    base: str,
    kind: str,
    layout: str,
    selection: Selection,
    reporters: tuple[str, ...],
    periods: tuple[str, ...],
    key_hint: str = "",
) -> tuple[Chunk, ...]:
    """The calls for a list of datasets, of their metadata or of files."""
    frequency = selection.frequency
    return tuple(
        Chunk(
            name=f"{kind}_{frequency}_{_label(reporters)}_{_label(group)}.json",
            table="un_comtrade__reporting",
            layout=layout,
            request=Request(
                f"{base}/C/{frequency}/HS",
                (("reporterCode", ",".join(reporters)), ("period", ",".join(group))),
                accept=("application/json",),
                key_hint=key_hint,
            ),
            covers=covers_of(frequency, reporters, group),
            expected_rows=len(reporters) * len(group),
            datasets=_datasets(frequency, reporters, group),
        )
        for group in balanced(periods, math.ceil(len(periods) / PERIODS_A_CALL))
    )


def covers_of(
    frequency: str,
    reporters: tuple[str, ...],
    periods: tuple[str, ...],
    **equal: tuple[str, ...],
) -> Covers:
    """Goods of these reporters and periods, restricted further by `equal`."""
    asked = {
        "type_code": ("C",),
        "freq_code": (frequency,),
        "period": periods,
        "reporter_code": reporters,
    }
    return Covers({**asked, **equal}, month_of(periods[0], 1), month_of(periods[-1], 12))


def dataset_name(frequency: str, reporter: str, period: str) -> str:
    return f"C-{frequency}-HS-{reporter}-{period}"


def _datasets(
    frequency: str, reporters: tuple[str, ...], periods: tuple[str, ...]
) -> tuple[str, ...]:
    return tuple(dataset_name(frequency, one, period) for one in reporters for period in periods)


def _level_of(code: str) -> str:
    if code == LEVELS["total"]:
        return "0"
    return code.removeprefix("AG") if code in LEVELS.values() else str(len(code))


def month_of(period: str, of_year: int) -> str:
    """The month of a period; for a year the month that represents it, `of_year`."""
    return f"{period[:4]}-{period[4:] or f'{of_year:02d}'}"


def _label(values: tuple[str, ...]) -> str:
    """A list in a file name: as is where short, else its ends and a digest."""
    if not values:
        return "all"
    if len(values) <= 3:
        return ".".join(values)
    digest = hashlib.sha256(",".join(values).encode()).hexdigest()[:8]
    return f"{values[0]}-{values[-1]}.{len(values)}.{digest}"


def balanced(values: tuple[str, ...], groups: int) -> list[tuple[str, ...]]:
    """Consecutive values in groups of nearly equal size."""
    size, longer = divmod(len(values), groups)
    ends = [number * size + min(number, longer) for number in range(groups + 1)]
    return [values[start:end] for start, end in pairwise(ends)]


# ---------------------------------------------------------------------------
# All calls of a selection
# ---------------------------------------------------------------------------


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
    rows: dict[str, dict[str, float]] = {name: {} for name in reporters}
    for name, codes in reporters.items():
        for period in periods:
            names = (dataset_name(selection.frequency, code, period) for code in codes)
            # A dataset's rows include both directions.
            bounds = [
                with_all if (total := held[one]) is None else total * _SHARE[selection.level] / 2
                for one in names
                if one in held
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
            if not open_ones.isdisjoint(
                dataset_name(selection.frequency, code, period) for code in reporters[name]
            )
        }
        for name, held in rows.items()
    }
    return {name: held for name, held in left.items() if held}


def fewest_calls(ask: Ask, rows: Mapping[str, Mapping[str, float]]) -> int:
    """The lower bound of calls given by the limits of rows and periods."""
    if not rows:
        return 0
    expected = sum(sum(held.values()) for held in rows.values()) * ask.weight
    return max(math.ceil(expected / ask.rows_a_call), math.ceil(len(ask.periods) / PERIODS_A_CALL))


_Calls = list[tuple[Ask, int]]


def packed(
    whole: Ask,
    directions: Sequence[tuple[str, ...]],
    reporters: Mapping[str, tuple[str, ...]],
    rows: Mapping[str, Mapping[str, float]],
    everyone: tuple[str, ...],
) -> _Calls:
    """The calls that need the fewest requests among the ways to cut a selection.

    A call is a rectangle, so the ways differ in which reporters and periods are combined, how many
    periods a call spans and whether both directions share it; reporters then fill calls, or
    partners divide them. Unneeded data is requested too where that saves a call. `everyone` are the
    codes of all partners, named only where a call would otherwise be too large.

    Raises:
        SelectionError: one partner and period exceeds a call.
    """
    ways = [
        [
            call
            for periods, names in rectangles
            for call in _calls_of_rectangle(
                replace(whole, periods=periods),
                directions,
                {name: max(rows[name].get(period, 0.0) for period in periods) for name in names},
                everyone,
            )
        ]
        for rectangles in _divided(whole.periods, rows)
    ]
    return [
        (
            replace(
                ask, reporters=tuple(code for name in ask.reporters for code in reporters[name])
            ),
            expected,
        )
        for ask, expected in min(ways, key=len)
    ]


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


def _calls_of_rectangle(
    whole: Ask,
    directions: Sequence[tuple[str, ...]],
    most: Mapping[str, float],
    everyone: tuple[str, ...],
) -> _Calls:
    """The calls for a rectangle, both directions together or separately."""
    # The most that divides into single partners and products.
    limit = whole.rows_a_call * len(whole.partners or everyone) * len(whole.products)
    largest = max(most.values())
    ways = []
    for flow_groups in dict.fromkeys(((whole.flows,), tuple(directions))):
        asks = [replace(whole, flows=flows) for flows in flow_groups]
        if all(largest * ask.weight <= limit for ask in asks):
            ways.append([call for ask in asks for call in _calls(ask, most, everyone, limit)])
    if not ways:
        raise SelectionError(
            f"{SOURCE_ID}: one partner and period of this selection has more than the"
            f" {whole.rows_a_call:,} rows of a call. Name fewer products, a coarser level, or use"
            " a key."
        )
    return min(ways, key=len)


def _calls(whole: Ask, most: Mapping[str, float], everyone: tuple[str, ...], limit: int) -> _Calls:
    """The fewest calls for these flows."""
    largest = max(most.values()) * whole.weight
    cut = {
        span: _cut(whole, most, span, everyone)
        for span in range(1, min(PERIODS_A_CALL, len(whole.periods)) + 1)
        if largest * span <= limit
    }
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


def _cut(whole: Ask, most: Mapping[str, float], span: int, everyone: tuple[str, ...]) -> _Calls:
    """The calls for a run of this many periods."""
    needed = {name: rows * whole.weight * span for name, rows in most.items()}
    calls: _Calls = []
    bins: list[tuple[tuple[str, ...], float]] = []
    for name in sorted(needed, key=lambda one: (-needed[one], one)):
        rows = needed[name]
        if rows > whole.rows_a_call:
            calls += _parts(replace(whole, reporters=(name,)), rows, whole.partners or everyone)
            continue
        for number, (names, filled) in enumerate(bins):
            if filled + rows <= whole.rows_a_call:
                bins[number] = ((*names, name), filled + rows)
                break
        else:
            bins.append(((name,), rows))
    return calls + [(replace(whole, reporters=names), math.ceil(filled)) for names, filled in bins]


def _parts(whole: Ask, rows: float, partners: tuple[str, ...]) -> Iterable[tuple[Ask, int]]:
    """Divide partners, and products where one partner is too large, until a part fits a call.

    Partners are distributed in turn, so that neighbouring codes, often similar in size, are
    separated.
    """
    count = math.ceil(rows / whole.rows_a_call)
    if count <= len(partners):
        for number in range(count):
            yield replace(whole, partners=partners[number::count]), math.ceil(rows / count)
        return
    with_one = rows / len(partners)
    count = min(math.ceil(with_one / whole.rows_a_call), len(whole.products))
    for partner in partners:
        for products in balanced(whole.products, count):
            expected = with_one * len(products) / len(whole.products)
            yield replace(whole, partners=(partner,), products=products), math.ceil(expected)
