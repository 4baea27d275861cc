"""What to ask UN Comtrade for, in as few calls as its limits allow, and what a reply is.

Belongs here: addresses, parameters, the packing of a selection into calls, telling data from
errors. Does not belong here: what the rows hold (`replies`, `metadata`), sending (`fetching`).

Bulk files are read where a user has them (`downloads`) and never asked for: a file has all
levels of a reporter and year at once, for large reporters some times our limit for a reply,
and the publisher lets few keys at them.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from dagster_project.sources.connector import (
    About,
    Available,
    Chunk,
    Examined,
    KeyUse,
    Limits,
    Plan,
    QuotaSpent,
    Refused,
    Reply,
    ReplyError,
    Request,
    Selection,
    SelectionError,
    Terms,
    TryAgain,
)
from dagster_project.sources.reading import closest
from dagster_project.sources.snapshot import Covers
from dagster_project.sources.un_comtrade import metadata, replies
from dagster_project.sources.un_comtrade.areas import (
    FLOW_SEED,
    WORLD,
    WORLD_CODE,
    Areas,
    read_areas,
    read_seed,
)
from dagster_project.sources.un_comtrade.trade import REQUIRED

SOURCE_ID = "un_comtrade"
_HOST = "comtradeapi.un.org"
_GET = f"https://{_HOST}/data/v1/get"
_PREVIEW = f"https://{_HOST}/public/v1/preview"
_METADATA = f"https://{_HOST}/data/v1/getMetadata"
_AVAILABLE = f"https://{_HOST}/public/v1/getDa"
_AVAILABILITY_LAYOUT = "comtrade_availability_v1"
_TRADE, _REPORTING = "un_comtrade__trade", "un_comtrade__reporting"
_JSON = ("application/json",)

# The publisher allows 250,000 rows a call, one of its clients 100,000: what both allow.
ROWS_A_CALL = 100_000
ROWS_WITHOUT_KEY = 500
PERIODS_A_CALL = 12
_FIRST_YEAR = 1962

# Codes by level; the numbers of codes are those of the Harmonized System, rounded up.
_LEVELS: Mapping[str, str] = {"total": "TOTAL", "hs2": "AG2", "hs4": "AG4", "hs6": "AG6"}
_CODE_LENGTH: Mapping[str, int] = {"hs2": 2, "hs4": 4, "hs6": 6}
_EDITIONS = ("HS", "H0", "H1", "H2", "H3", "H4", "H5", "H6")
# Rows a year and flow of a large reporter: with one partner, and with all of them.
_ROWS_WITH_ONE: Mapping[str, int] = {"total": 1, "hs2": 97, "hs4": 1_230, "hs6": 5_400}
_ROWS_WITH_ALL: Mapping[str, int] = {"total": 235, "hs2": 15_000, "hs4": 75_000, "hs6": 200_000}
# Of all rows of a dataset, the share of a level in a small one, where the coarse weigh more.
_SHARE: Mapping[str, float] = {"total": 1.0, "hs2": 0.10, "hs4": 0.35, "hs6": 0.75}
# What a flow adds to exports or imports in full.
_FLOW_WEIGHT: Mapping[str, float] = {"M": 1.0, "X": 1.0, "RX": 0.1, "DX": 0.05}
_MONTH_WEIGHT = 0.6

ABOUT = About(
    source_id=SOURCE_ID,
    title="UN Comtrade",
    gives="Goods trade of each country with each partner, as it reported it to the United"
    " Nations: exports FOB, imports mostly CIF, re-exports apart.",
    coverage="About 200 reporters, by year from 1962 and by month from 2010, a year or two late.",
    levels=tuple(_LEVELS),
    hosts=(_HOST,),
    limits=Limits(per_second=1.0, per_day=500, per_day_with_key=500),
    key=KeyUse(
        place="header",
        name="Ocp-Apim-Subscription-Key",
        is_required=False,
        obtained_at="https://comtradedeveloper.un.org/",
    ),
    terms=Terms(
        licence="UN Comtrade terms of use: rows may not be republished; figures may be cited",
        is_redistributable=False,
    ),
    calendar="Continuously, as countries report.",
    is_seen=True,
    by_year_from=_FIRST_YEAR,
    notes=(
        f"Without a key a call gives {ROWS_WITHOUT_KEY} rows and no metadata; with one"
        f" {ROWS_A_CALL:,}.",
        "Availability and metadata are read as documented: no reply of theirs was seen.",
        "Total exports contain re-exports, which are asked for beside them.",
    ),
)


@dataclass(frozen=True)
class _Ask:
    """One call for rows: lists of codes, of which an empty one asks for all there are."""

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


class UnComtradeConnector:
    @property
    def about(self) -> About:
        return ABOUT

    def survey(self, selection: Selection, seeds: Path) -> tuple[Chunk, ...]:
        """Which datasets there are, asked where no key is needed.

        Raises:
            SelectionError: see `plan`.
        """
        reporters = _reporter_codes(selection, read_areas(seeds))
        codes = tuple(code for group in reporters.values() for code in group)
        return tuple(
            _listing_chunk(_AVAILABLE, "available", _AVAILABILITY_LAYOUT, selection, codes, periods)
            for periods in _grouped(_periods(selection), PERIODS_A_CALL)
        )

    def available(self, replies: Mapping[str, bytes]) -> tuple[Available, ...]:
        """The datasets by reporter and period; of several editions, the one released last."""
        found: dict[str, Available] = {}
        for name, content in replies.items():
            if not content:
                continue
            for dataset in json.loads(content)["data"]:
                one = _dataset(dataset, name)
                held = found.get(one.name)
                if held is None or _released(held) <= _released(one):
                    found[one.name] = one
        return tuple(found[name] for name in sorted(found))

    def plan(
        self,
        selection: Selection,
        seeds: Path,
        *,
        has_key: bool,
        known: tuple[Available, ...] = (),
    ) -> Plan:
        """Calls for rectangles of reporters, periods and partners, packed to the row limit.

        Raises:
            SelectionError: no such reporter, partner, level or period, or a selection of
                which a single partner and year exceeds a call.
        """
        areas = read_areas(seeds)
        reporters = _reporter_codes(selection, areas)
        periods = _periods(selection)
        partners = _partner_codes(selection, areas)
        products = _products(selection)
        directions = _directions(selection, seeds)
        notes = []
        rows = _expected_rows(selection, reporters, periods, known)
        if known:
            periods = tuple(
                period for period in periods if any(period in held for held in rows.values())
            )
            missing = sorted(name for name, held in rows.items() if not held)
            rows = {name: held for name, held in rows.items() if held}
            if missing:
                notes.append(f"Nothing is there of {', '.join(missing)} in these periods.")
        if not has_key:
            notes.append(
                f"Without a key a call gives {ROWS_WITHOUT_KEY} rows, and nothing says on which"
                f" trade system and valuation a country reported: the usual ones are assumed."
                f" Keys are issued at {ABOUT.key.obtained_at if ABOUT.key else _HOST}."
            )
        if not partners and selection.level != "total":
            # Named, they can be divided among calls, before and after a reply is too long.
            partners = areas.partner_codes
            notes.append(f"All {len(partners)} partners the publisher lists are asked for by code.")
        whole = _Ask(
            has_key,
            selection.frequency,
            periods,
            tuple(code for name in rows for code in reporters[name]),
            tuple(code for codes in directions for code in codes),
            products,
            partners,
        )
        asks = _packed(whole, directions, reporters, rows, areas) if rows else ()
        chunks = [_trade_chunk(ask, expected) for ask, expected in asks]
        fewest = _fewest(whole, rows)
        if has_key and rows:
            listings = [
                _listing_chunk(
                    _METADATA, "metadata", metadata.LAYOUT, selection, whole.reporters, group
                )
                for group in _grouped(periods, PERIODS_A_CALL)
            ]
            chunks += listings
            fewest += len(listings)
        return Plan(
            source_id=SOURCE_ID,
            selection=selection,
            chunks=tuple(chunks),
            expected_requests=len(chunks),
            fewest=fewest,
            notes=tuple(notes),
        )

    def examine(self, chunk: Chunk, reply: Reply) -> Examined:
        """A reply as it came; nothing for an empty one; smaller calls for one cut at the limit.

        Raises:
            TryAgain: a page, a body cut short, a publisher that is overloaded.
            QuotaSpent: the publisher counts no more calls today.
            Refused: the request or the layout is wrong, or a call cannot be made smaller.
        """
        envelope = _envelope(chunk, reply)
        data = envelope.get("data")
        if not isinstance(data, list):
            raise Refused(
                f"{_what(chunk)}: the reply has no rows under data. The publisher has changed its"
                " layout: the parser needs to know it."
            )
        if envelope.get("count") != len(data):
            raise TryAgain(
                f"{_what(chunk)}: the reply says {envelope.get('count')} rows and has {len(data)}."
                " Ask for the same again."
            )
        if not data:
            return Examined(content=b"")
        if chunk.layout == replies.LAYOUT:
            ask = _ask_of(chunk.request)
            if len(data) >= ask.rows_a_call:
                return Examined(content=b"", more=_smaller(chunk, ask), is_whole=False)
            _check_fields(chunk, data[0], REQUIRED.values())
        elif chunk.layout == _AVAILABILITY_LAYOUT:
            _check_fields(chunk, data[0], ("reporterCode", "period", "datasetChecksum"))
        return Examined(content=reply.content)


CONNECTOR = UnComtradeConnector()


def _reporter_codes(selection: Selection, areas: Areas) -> dict[str, tuple[str, ...]]:
    """The codes of each reporter, today's and former ones."""
    countries = {name: codes for name, codes in areas.codes_of.items() if name in areas.iso3}
    if not selection.reporters:
        raise SelectionError(
            f"{SOURCE_ID} has the reports of every country: name the reporters wanted, by ISO"
            " 3166 alpha-3 code."
        )
    return {
        name: _known(name, countries, "reporter") for name in dict.fromkeys(selection.reporters)
    }


def _partner_codes(selection: Selection, areas: Areas) -> tuple[str, ...]:
    codes = [_known(name, areas.codes_of, "partner") for name in dict.fromkeys(selection.partners)]
    return tuple(code for group in codes for code in group)


def _known(name: str, codes: Mapping[str, tuple[str, ...]], what: str) -> tuple[str, ...]:
    if name not in codes:
        raise SelectionError(
            f"{SOURCE_ID} has no {what} {name!r}: {closest(name, codes)}"
            f" ISO 3166 alpha-3 codes, and {WORLD} for the world."
        )
    return codes[name]


def _periods(selection: Selection) -> tuple[str, ...]:
    if selection.first > selection.last or selection.first.year < _FIRST_YEAR:
        raise SelectionError(
            f"{SOURCE_ID} has periods from {_FIRST_YEAR} on, the first before the last; not"
            f" {selection.first:%Y-%m} to {selection.last:%Y-%m}."
        )
    years = range(selection.first.year, selection.last.year + 1)
    if selection.frequency == "A":
        return tuple(str(year) for year in years)
    months = (f"{year}{month:02d}" for year in years for month in range(1, 13))
    first, last = f"{selection.first:%Y%m}", f"{selection.last:%Y%m}"
    return tuple(month for month in months if first <= month <= last)


def _products(selection: Selection) -> tuple[str, ...]:
    if selection.level not in _LEVELS:
        raise SelectionError(
            f"{SOURCE_ID} has no level {selection.level!r}: {closest(selection.level, _LEVELS)}"
        )
    if not selection.products:
        return (_LEVELS[selection.level],)
    length = _CODE_LENGTH.get(selection.level, 0)
    unfit = [code for code in selection.products if not (code.isdecimal() and len(code) == length)]
    if unfit:
        raise SelectionError(
            f"{SOURCE_ID} takes whole codes of the level alone, not {', '.join(unfit[:5])}: write"
            f" out the codes of {selection.level}, or leave the products away to have all."
        )
    return tuple(dict.fromkeys(selection.products))


def _directions(selection: Selection, seeds: Path) -> tuple[tuple[str, ...], ...]:
    """The publisher's flow codes of each direction asked for, as far as they mean something."""
    flows = [row for row in read_seed(seeds, FLOW_SEED) if row["concept"]]
    known = {row["flow"] for row in flows}
    unknown = [flow for flow in selection.flows if flow not in known]
    if unknown or not selection.flows:
        raise SelectionError(
            f"{SOURCE_ID} has no flow {', '.join(unknown)!r}: write {' or '.join(sorted(known))}."
        )
    return tuple(
        tuple(row["flow_code"] for row in flows if row["flow"] == flow)
        for flow in dict.fromkeys(selection.flows)
    )


def _expected_rows(
    selection: Selection,
    reporters: Mapping[str, tuple[str, ...]],
    periods: Sequence[str],
    known: tuple[Available, ...],
) -> dict[str, dict[str, float]]:
    """By reporter and period, rows of one full flow with all that is selected.

    Where the publisher said how many rows a dataset has, that bounds them.
    """
    with_all = float(_ROWS_WITH_ALL[selection.level])
    with_one = float(_ROWS_WITH_ONE[selection.level])
    if selection.products:
        with_one = min(with_one, len(selection.products))
        with_all = min(with_all, len(selection.products) * _ROWS_WITH_ALL["total"])
    if selection.partners:
        with_all = min(with_all, len(selection.partners) * with_one)
    if selection.frequency == "M":
        # Of the partner and product pairs of a year; a total with one partner is always there.
        with_all = max(with_all * _MONTH_WEIGHT, min(with_all, len(selection.partners)))
    if not known:
        return {name: dict.fromkeys(periods, with_all) for name in reporters}
    held = {one.name: one.rows for one in known}
    rows: dict[str, dict[str, float]] = {}
    for name, codes in reporters.items():
        rows[name] = {}
        for period in periods:
            names = (_dataset_name(selection.frequency, code, period) for code in codes)
            totals = [held[one] for one in names if one in held]
            # A dataset's rows are those of both directions.
            bounds = [
                with_all if total is None else total * _SHARE[selection.level] / 2
                for total in totals
            ]
            if bounds:
                rows[name][period] = min(with_all, max(sum(bounds), 1.0))
    return rows


def _weight(flows: Iterable[str]) -> float:
    return sum(_FLOW_WEIGHT.get(flow, 0.0) for flow in flows)


def _fewest(ask: _Ask, rows: Mapping[str, Mapping[str, float]]) -> int:
    """The least number of calls that the limits of rows and periods allow."""
    if not rows:
        return 0
    expected = sum(sum(held.values()) for held in rows.values()) * _weight(ask.flows)
    return max(math.ceil(expected / ask.rows_a_call), math.ceil(len(ask.periods) / PERIODS_A_CALL))


def _packed(
    whole: _Ask,
    directions: Sequence[tuple[str, ...]],
    reporters: Mapping[str, tuple[str, ...]],
    rows: Mapping[str, Mapping[str, float]],
    areas: Areas,
) -> tuple[tuple[_Ask, int], ...]:
    """The calls that need the fewest requests among the ways to cut a selection.

    A call is a rectangle, so the ways differ in how many periods a call spans and whether
    both directions share it; reporters then fill calls, or partners divide them.
    """
    if not whole.partners:
        # Named only where a call would otherwise not hold them.
        whole = replace(whole, partners=areas.partner_codes)
        is_named = False
    else:
        is_named = True
    most = {name: max(held.values()) for name, held in rows.items()}
    best: list[tuple[_Ask, int]] | None = None
    for flow_groups in dict.fromkeys(((whole.flows,), tuple(directions))):
        of_flows = [
            _calls(replace(whole, flows=flows), reporters, most, is_named=is_named)
            for flows in flow_groups
        ]
        possible = [calls for calls in of_flows if calls is not None]
        calls = [call for calls in possible for call in calls]
        if len(possible) == len(of_flows) and (best is None or len(calls) < len(best)):
            best = calls
    if best is None:
        raise SelectionError(
            f"{SOURCE_ID}: one partner and period of this selection has more than the"
            f" {whole.rows_a_call:,} rows of a call. Name fewer products, a coarser level, or use"
            " a key."
        )
    return tuple(best)


def _calls(
    whole: _Ask,
    reporters: Mapping[str, tuple[str, ...]],
    most: Mapping[str, float],
    *,
    is_named: bool,
) -> list[tuple[_Ask, int]] | None:
    """The fewest calls for these flows; none where no part is small enough for one."""
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
    """Periods into runs, by how many calls a run of each length takes, with the fewest in all."""
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
    whole: _Ask,
    reporters: Mapping[str, tuple[str, ...]],
    most: Mapping[str, float],
    span: int,
    *,
    is_named: bool,
) -> list[tuple[_Ask, int]] | None:
    """The calls for a run of so many periods; none where a part cannot be small enough."""
    weight = _weight(whole.flows)
    needed = {name: rows * weight * span for name, rows in most.items()}
    calls: list[tuple[_Ask, int]] = []
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


def _parts(whole: _Ask, rows: float) -> list[tuple[tuple[str, ...], tuple[str, ...], float]] | None:
    """Partners, and where one alone is too many products, divided until a part fits a call.

    Partners are dealt out in turn, so that near codes, often near in size, are apart.
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
        for products in _balanced(whole.products, count)
    ]


def _balanced(values: tuple[str, ...], groups: int) -> list[tuple[str, ...]]:
    """Neighbours together, in groups of nearly one size."""
    size, longer = divmod(len(values), groups)
    result, start = [], 0
    for number in range(groups):
        end = start + size + (number < longer)
        result.append(values[start:end])
        start = end
    return result


def _grouped(values: tuple[str, ...], most: int) -> list[tuple[str, ...]]:
    return _balanced(values, math.ceil(len(values) / most))


def _trade_chunk(ask: _Ask, expected_rows: int) -> Chunk:
    parameters = [
        ("reporterCode", ",".join(ask.reporters)),
        ("period", ",".join(ask.periods)),
        ("flowCode", ",".join(ask.flows)),
        ("cmdCode", ",".join(ask.products)),
        *([("partnerCode", ",".join(ask.partners))] if ask.partners else []),
        # Without these three a row comes again for each part of it.
        ("partner2Code", WORLD_CODE),
        ("customsCode", "C00"),
        ("motCode", "0"),
        ("maxRecords", str(ask.rows_a_call)),
        ("includeDesc", "false"),
    ]
    base = _GET if ask.has_key else _PREVIEW
    parts = (ask.reporters, ask.periods, ask.flows, ask.products, ask.partners)
    return Chunk(
        name=f"{ask.frequency}_{'_'.join(_label(part) for part in parts)}"
        f"{'' if ask.has_key else '_preview'}.json",
        table=_TRADE,
        layout=replies.LAYOUT,
        request=Request(f"{base}/C/{ask.frequency}/HS", tuple(parameters), accept=_JSON),
        covers=_covers(ask),
        expected_rows=expected_rows,
    )


def _covers(ask: _Ask) -> Covers:
    levels = {code: str(_level_of(code)) for code in ask.products}
    is_whole_level = ask.products[0] in _LEVELS.values()
    equal = {
        "type_code": ("C",),
        "freq_code": (ask.frequency,),
        "period": ask.periods,
        "reporter_code": ask.reporters,
        "flow_code": ask.flows,
        "classification_code": _EDITIONS,
        "aggr_level": tuple(dict.fromkeys(levels.values())),
        "partner2_code": (WORLD_CODE,),
        "customs_code": ("C00",),
        "mot_code": ("0",),
    }
    if ask.partners:
        equal["partner_code"] = ask.partners
    if not is_whole_level:
        equal["cmd_code"] = ask.products
    return Covers(equal, _month(ask.periods[0], 1), _month(ask.periods[-1], 12))


def _level_of(code: str) -> int:
    if code == _LEVELS["total"]:
        return 0
    return int(code.removeprefix("AG")) if code in _LEVELS.values() else len(code)


def _month(period: str, of_year: int) -> str:
    """The month of a period; of a year the one it is known by, its last, or an earlier."""
    return f"{period[:4]}-{period[4:] or f'{of_year:02d}'}"


def _listing_chunk(
    base: str,
    kind: str,
    layout: str,
    selection: Selection,
    reporters: tuple[str, ...],
    periods: tuple[str, ...],
) -> Chunk:
    """A call for a list of datasets: what is there, or how it was reported."""
    frequency = selection.frequency
    equal = {
        "type_code": ("C",),
        "freq_code": (frequency,),
        "period": periods,
        "reporter_code": reporters,
    }
    return Chunk(
        name=f"{kind}_{frequency}_{_label(reporters)}_{_label(periods)}.json",
        table=_REPORTING,
        layout=layout,
        request=Request(
            f"{base}/C/{frequency}/HS",
            (("reporterCode", ",".join(reporters)), ("period", ",".join(periods))),
            accept=_JSON,
        ),
        covers=Covers(equal, _month(periods[0], 1), _month(periods[-1], 12)),
        expected_rows=len(reporters) * len(periods),
    )


def _label(values: tuple[str, ...]) -> str:
    """A list in a file name: itself where it is short, else its ends and a digest."""
    if not values:
        return "all"
    if len(values) <= 3:
        return ".".join(values)
    digest = hashlib.sha256(",".join(values).encode()).hexdigest()[:8]
    return f"{values[0]}-{values[-1]}.{len(values)}.{digest}"


def _ask_of(request: Request) -> _Ask:
    """The call that a request makes, read from the request alone."""
    given = {name: tuple(text.split(",")) for name, text in request.parameters}
    return _Ask(
        has_key=request.address.startswith(f"{_GET}/"),
        frequency=request.address.split("/")[-2],
        periods=given["period"],
        reporters=given["reporterCode"],
        flows=given["flowCode"],
        products=given["cmdCode"],
        partners=given.get("partnerCode", ()),
    )


def _smaller(chunk: Chunk, ask: _Ask) -> tuple[Chunk, ...]:
    """The two halves of a call: by period, then flow, reporter, partner, product."""
    for part in ("periods", "flows", "reporters", "partners", "products"):
        values = getattr(ask, part)
        if len(values) > 1:
            return tuple(
                _trade_chunk(replace(ask, **{part: half}), math.ceil(chunk.expected_rows / 2))
                for half in _balanced(values, 2)
            )
    raise Refused(
        f"{_what(chunk)}: {ask.rows_a_call:,} rows, as many as a call gives, and nothing left to"
        " divide it by. Name partners or single products, or use a key."
    )


def _envelope(chunk: Chunk, reply: Reply) -> Mapping[str, object]:
    """The reply as an object without an error in it."""
    said = " ".join(reply.content[:300].decode("utf-8", "replace").split())
    if not said or said.startswith("<"):
        raise TryAgain(
            f"{_what(chunk)}: {repr(said) if said else 'nothing'} instead of JSON (status"
            f" {reply.status}). Ask for the same again."
        )
    try:
        envelope = json.loads(reply.content)
    except ValueError as error:
        if said.startswith("{"):
            raise TryAgain(
                f"{_what(chunk)}: the reply is cut short after {len(reply.content):,} bytes. Ask"
                " for the same again."
            ) from error
        raise _meant(f"{_what(chunk)}: {said!r}", said, reply.status) from error
    if not isinstance(envelope, dict):
        raise Refused(f"{_what(chunk)}: {said!r} is no envelope. The layout has changed.")
    message = replies.error_of(envelope)
    if message or not 200 <= reply.status < 300:
        status = envelope.get("statusCode")
        raise _meant(
            f"{_what(chunk)}: {message[:200] or said!r}",
            message,
            status if isinstance(status, int) else reply.status,
        )
    return envelope


def _meant(shown: str, message: str, status: int) -> ReplyError:
    """What kind of error a message is: its words say more than the status it came with."""
    if re.search(r"(?i)\bquota\b|call volume", message):
        return QuotaSpent(f"{shown}. The calls of today are used up: go on tomorrow.")
    wait = re.search(r"(?i)try again in (\d+) second", message)
    overloaded = r"(?i)time[d]? ?-?out|try again|rate limit|too many req|overload|busy|temporar"
    if wait or status in (408, 425, 429) or status >= 500 or re.search(overloaded, message):
        return TryAgain(f"{shown}. Ask again later.", float(wait[1]) if wait else None)
    if status in (401, 403):
        obtained = ABOUT.key.obtained_at if ABOUT.key else _HOST
        return Refused(f"{shown}. The key is wrong or not active: see {obtained}.")
    return Refused(f"{shown}. Correct the selection: the publisher does not take this request.")


def _check_fields(chunk: Chunk, row: object, fields: Collection[str]) -> None:
    missing = [field for field in fields if not isinstance(row, dict) or field not in row]
    if missing:
        raise Refused(
            f"{_what(chunk)}: field {', '.join(missing)} is missing. The publisher has changed its"
            " layout: the parser needs to know it."
        )


def _what(chunk: Chunk) -> str:
    address = chunk.request.stored_address
    return f"{SOURCE_ID}, {address[:300]}{'…' if len(address) > 300 else ''}"


def _dataset_name(frequency: str, reporter: str, period: str) -> str:
    return f"C-{frequency}-HS-{reporter}-{period}"


def _dataset(dataset: object, name: str) -> Available:
    try:
        period, reporter = str(dataset["period"]), str(dataset["reporterCode"])  # ty: ignore
        frequency = "A" if len(period) == 4 else "M"
        released, rows = dataset.get("lastReleased"), dataset.get("totalRecords")  # ty: ignore
        return Available(
            name=_dataset_name(frequency, reporter, period),
            first=_month(period, 1),
            last=_month(period, 12),
            release_key=str(dataset["datasetChecksum"]),  # ty: ignore
            released_on=date.fromisoformat(str(released)[:10]) if released else None,
            rows=None if rows is None else int(rows),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused(
            f"{SOURCE_ID}, {name}: a dataset without period, reporter, checksum or days as"
            f" expected: {str(dataset)[:200]!r}. The publisher has changed its layout."
        ) from error


def _released(one: Available) -> date:
    return one.released_on or date.min
