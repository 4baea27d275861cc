"""Bridges asked for at random, and the walk between two ends done by hand."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any

import polars as pl
from questions.held_figures import TOTAL, Cell, HeldFigures, Period, Value
from questions.random_figures import Writer

REQUEST_SCHEMA: dict[str, Any] = {
    "bridge_id": pl.String,
    "reporter_iso3": pl.String,
    "partner_code": pl.String,
    "trade_kind": pl.String,
    "quantity": pl.String,
    "direction": pl.Int32,
    **{
        f"{side}_{column}": kind
        for side in "ab"
        for column, kind in (
            ("basis_id", pl.String),
            ("as_of", pl.Date),
            ("product_group", pl.String),
            ("period_start", pl.Date),
            ("period_end", pl.Date),
        )
    },
}

# The order a bridge walks in; the last two are the directions as the partner recorded them.
STANDARD_ORDER = (
    ("PERIOD_DEFINITION",),
    ("SECTOR_DEFINITION",),
    ("RELEASE",),
    ("REEXPORT",),
    ("GENERAL_VS_CONSUMPTION",),
    ("CIF", "VALUATION"),
    ("BOP_ADJUSTMENT",),
    ("SEASONAL",),
    ("PARTNER_IMPORTS",),
    ("PARTNER_EXPORTS",),
)

# Series of each reading, by the side that compiled them: export concept and valuation, import
# concept and valuation.
READINGS = {
    "census": [("reporter", "total.fas", "general.customs")],
    "cif": [("reporter", "total.fas", "general.cif"), ("reporter", "total.fob", "general.cif")],
    "domestic": [("reporter", "domestic.fas", "consumption.customs")],
    "domestic_general": [("reporter", "domestic.fas", "general.customs")],
    "total_consumption": [("reporter", "total.fas", "consumption.customs")],
    "mirror": [("partner", "total.fob", "general.cif"), ("partner", "total.fas", "general.cif")],
    "mirror_census": [("partner", "total.fas", "general.customs")],
    "mirror_total_consumption": [("partner", "total.fas", "consumption.customs")],
    "mirror_domestic": [("partner", "domestic.fas", "consumption.customs")],
}


@dataclass(frozen=True)
class End:
    cell: Cell
    reading: str
    as_of: date | None


@dataclass(frozen=True)
class Request:
    bridge_id: str
    quantity: str
    direction: int
    a: End
    b: End

    def as_given(self) -> dict[str, object]:
        row: dict[str, object] = {
            "bridge_id": self.bridge_id,
            "reporter_iso3": self.a.cell.reporter,
            "partner_code": self.a.cell.partner,
            "trade_kind": self.a.cell.trade_kind,
            "quantity": self.quantity,
            "direction": self.direction,
        }
        for side, end in (("a", self.a), ("b", self.b)):
            row |= {
                f"{side}_basis_id": end.reading,
                f"{side}_as_of": end.as_of,
                f"{side}_product_group": end.cell.definition,
                f"{side}_period_start": end.cell.period.first,
                f"{side}_period_end": end.cell.period.last,
            }
        return row


def requests_given(requests: list[Request]) -> pl.DataFrame:
    return pl.DataFrame(
        [request.as_given() for request in requests], schema=REQUEST_SCHEMA, orient="row"
    )


# ---------------------------------------------------------------------------
# Drawing
# ---------------------------------------------------------------------------


def draw_request(writer: Writer, name: str) -> Request:
    """Two ends of one pair and quantity; any coordinate may differ between them."""
    chance = writer.chance
    a, sector = writer.cell()
    quantity = chance.choice(("exports", "imports", "balance", "balance", "balance", "two_way"))
    b = a
    if chance.random() < 0.6:
        b = b.at(period=writer.period(a))
    if sector != "total" and chance.random() < 0.5:
        others = [d for d in writer.held.definitions_of.get(sector, []) if d != a.definition]
        b = b.at(definition=chance.choice([*others, TOTAL]))
    system, _ = writer.held.codes(a.definition)
    readings = _readings(chance, a, system)
    ends = End(a, readings[0], _as_of(writer, a)), End(b, readings[1], _as_of(writer, a))
    if ends[0] == ends[1]:
        return draw_request(writer, name)
    return Request(name, quantity, chance.choice((1, -1)), *ends)


def _readings(chance: random.Random, cell: Cell, system: str) -> tuple[str, str]:
    if system != "total":
        usual = ("total_consumption",)
    elif "KOR" not in (cell.reporter, cell.partner):
        usual = ("census",)
    elif cell.reporter == "USA":
        usual = (
            "census",
            "census",
            "cif",
            "total_consumption",
            "domestic",
            "domestic_general",
            "mirror",
        )
    else:
        usual = (
            "cif",
            "mirror_census",
            "mirror_census",
            "mirror",
            "mirror_total_consumption",
            "mirror_domestic",
        )
    drawn = [
        chance.choice(usual) if chance.random() < 0.96 else chance.choice(sorted(READINGS))
        for _ in "ab"
    ]
    return drawn[0], drawn[1]


def _as_of(writer: Writer, cell: Cell) -> date | None:
    if writer.chance.random() < 0.7:
        return None
    return writer.chance.choice(writer.held.days(cell.reporter, cell.partner))


# ---------------------------------------------------------------------------
# By hand
# ---------------------------------------------------------------------------


def resolve(held: HeldFigures, request: Request, end: End) -> Value | None:
    """The latest figure known on the day asked for, rows before print."""
    wanted = [_legs(end.cell, *series) for series in READINGS[end.reading]]
    found: list[tuple[tuple, Value]] = []
    for day in held.days(end.cell.reporter, end.cell.partner):
        for x in held.known(end.cell, request.quantity, day):
            found.append(((-day.toordinal(), False, sorted(x.legs), x.token), x))
    for x, day in held.printed_with_days(end.cell, request.quantity):
        found.append(((-day.toordinal(), True, sorted(x.legs), x.token), x))
    fitting = [
        (order, x)
        for order, x in found
        if any(x.legs <= legs for legs in wanted)
        and (end.as_of is None or -order[0] <= end.as_of.toordinal())
    ]
    return min(fitting, key=lambda pair: pair[0])[1] if fitting else None


def _legs(cell: Cell, side: str, exports: str, imports: str) -> frozenset[str]:
    compiler = cell.reporter if side == "reporter" else cell.partner
    return frozenset(
        (f"{compiler}.export.{exports}.census.nsa", f"{compiler}.import.{imports}.census.nsa")
    )


@dataclass(frozen=True)
class Walk:
    """Amounts by the coordinates changed at once, in the standard order, and their ranges."""

    steps: list[tuple[tuple[int, ...], Decimal]]
    ranges: dict[tuple[int, ...], tuple[Decimal, Decimal]]


def walk(held: HeldFigures, request: Request, a: Value, b: Value) -> Walk:
    """Every point between the ends, valued; then the standard way and all other ways."""
    differing = _differing(request, a, b)
    values: dict[frozenset[int], Decimal] = {}
    for size in range(len(differing) + 1):
        for changed in combinations(differing, size):
            value = _value_between(held, request, a, b, frozenset(changed))
            if value is not None:
                values[frozenset(changed)] = value
    steps = []
    before: frozenset[int] = frozenset()
    for place in range(1, len(differing) + 1):
        point = frozenset(differing[:place])
        if point in values:
            steps.append((tuple(sorted(point - before)), values[point] - values[before]))
            before = point
    ranges: dict[tuple[int, ...], tuple[Decimal, Decimal]] = {}
    for point, value in values.items():
        for coordinate in differing:
            if coordinate not in point and point | {coordinate} in values:
                amount = values[point | {coordinate}] - value
                low, high = ranges.get((coordinate,), (amount, amount))
                ranges[(coordinate,)] = (min(low, amount), max(high, amount))
    return Walk(steps, ranges)


def _differing(request: Request, a: Value, b: Value) -> list[int]:
    compilers = {leg.split(".")[0] for leg in a.legs}, {leg.split(".")[0] for leg in b.legs}
    found = []
    if request.a.cell.period != request.b.cell.period:
        found.append(0)
    if request.a.cell.definition != request.b.cell.definition:
        found.append(1)
    if a.token != b.token:
        found.append(2)
    if compilers[0] == compilers[1]:
        parts_a, parts_b = _parts(a), _parts(b)
        if parts_a.get("export", [""] * 6)[2] != parts_b.get("export", [""] * 6)[2]:
            found.append(3)
        if parts_a.get("import", [""] * 6)[2] != parts_b.get("import", [""] * 6)[2]:
            found.append(4)
        for coordinate, place in ((5, 3), (6, 4), (7, 5)):
            if any(parts_a[flow][place] != parts_b[flow][place] for flow in parts_a):
                found.append(coordinate)
        return found
    if request.quantity != "imports":
        found.append(8)
    if request.quantity != "exports":
        found.append(9)
    return found


def _parts(x: Value) -> dict[str, list[str]]:
    return {leg.split(".")[1]: leg.split(".") for leg in x.legs}


def _value_between(
    held: HeldFigures, request: Request, a: Value, b: Value, changed: frozenset[int]
) -> Decimal | None:
    period: Period = (request.b if 0 in changed else request.a).cell.period
    definition = (request.b if 1 in changed else request.a).cell.definition
    cell = request.a.cell.at(period=period, definition=definition)
    token = (b if 2 in changed else a).token
    compilers = [leg.split(".")[0] for leg in (*a.legs, *b.legs)]
    if len(set(compilers)) == 1:
        parts_a, parts_b = _parts(a), _parts(b)
        legs = set()
        for flow, own in parts_a.items():
            other = parts_b[flow]
            concept = 3 if flow == "export" else 4
            legs.add(
                ".".join(
                    (
                        own[0],
                        flow,
                        (other if concept in changed else own)[2],
                        (other if 5 in changed else own)[3],
                        (other if 6 in changed else own)[4],
                        (other if 7 in changed else own)[5],
                    )
                )
            )
    else:
        outbound = _bound(request, b if 8 in changed else a, outbound=True)
        inbound = _bound(request, b if 9 in changed else a, outbound=False)
        legs = {leg for leg in (outbound, inbound) if leg}
    return held.valued(cell, request.quantity, token, frozenset(legs))


def _bound(request: Request, x: Value, *, outbound: bool) -> str | None:
    for leg in x.legs:
        compiler, flow, *_ = leg.split(".")
        is_outbound = (flow == "export") == (compiler == request.a.cell.reporter)
        if is_outbound == outbound:
            return leg
    return None
