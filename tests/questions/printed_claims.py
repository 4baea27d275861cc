"""What a text prints: a figure of some reading, rounded and hedged as writers do."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
from questions.held_figures import TOTAL, Cell, HeldFigures, Period, Value, pairs_of_one_moment

MULTIPLIER = {
    "USD": 1,
    "USD th": 10**3,
    "USD mn": 10**6,
    "USD bn": 10**9,
    "EUR bn": 10**9,
    "pct": 1,
    "ratio": 1,
    "rank": 1,
    "years": 1,
    "sign": 1,
}

# How a measure is called by its quantity, what is done with it and the sense it is told in.
MEASURES = {
    ("exports", "level", 1): "exports",
    ("imports", "level", 1): "imports",
    ("balance", "level", 1): "surplus",
    ("balance", "level", -1): "deficit",
    ("balance", "size", 1): "balance_size",
    ("two_way", "level", 1): "two_way_trade",
    ("exports", "change", 1): "change_exports",
    ("imports", "change", 1): "change_imports",
    ("balance", "change", 1): "change_surplus",
    ("balance", "change", -1): "change_deficit",
    ("two_way", "change", 1): "change_two_way_trade",
    ("exports", "growth", 1): "growth_pct_exports",
    ("imports", "growth", 1): "growth_pct_imports",
    ("balance", "growth", 1): "growth_pct_surplus",
    ("balance", "growth", -1): "growth_pct_deficit",
    ("two_way", "growth", 1): "growth_pct_two_way_trade",
    ("exports", "ratio", 1): "ratio_exports",
    ("imports", "ratio", 1): "ratio_imports",
    ("balance", "ratio", 1): "ratio_surplus",
    ("balance", "ratio", -1): "ratio_deficit",
    ("two_way", "ratio", 1): "ratio_two_way_trade",
    ("exports", "share", 1): "share_pct_exports",
    ("imports", "share", 1): "share_pct_imports",
    ("balance", "share", 1): "share_pct_surplus",
    ("balance", "share", -1): "share_pct_deficit",
    ("two_way", "share", 1): "share_pct_two_way_trade",
    ("two_way", "rank", 1): "rank_two_way_trade",
    ("balance", "streak", 1): "streak_surplus_years",
    ("balance", "streak", -1): "streak_deficit_years",
}

GIVEN_SCHEMA: dict[str, Any] = {
    "claim_id": pl.String,
    "document_id": pl.String,
    "says": pl.String,
    "trade_kind": pl.String,
    "measure": pl.String,
    "reporter_iso3": pl.String,
    "partner_code": pl.String,
    "sector": pl.String,
    "period": pl.String,
    "base_period": pl.String,
    "reported_value": pl.Decimal(20, 6),
    "unit": pl.String,
    "rounding": pl.Decimal(20, 6),
    "hedge": pl.String,
    "attributed_to": pl.String,
}

DOCUMENTS_SCHEMA: dict[str, Any] = {
    "document_id": pl.String,
    "publisher": pl.String,
    "title_in_short": pl.String,
    "published_on": pl.Date,
}


@dataclass(frozen=True)
class Interval:
    low: Decimal
    high: Decimal
    low_closed: bool = True
    high_closed: bool = True

    def holds(self, x: Decimal) -> bool:
        above = x > self.low or (self.low_closed and x == self.low)
        below = x < self.high or (self.high_closed and x == self.high)
        return above and below

    def distance(self, x: Decimal) -> Decimal:
        return max(self.low - x, x - self.high, Decimal(0))


@dataclass(frozen=True)
class Claim:
    """A printed figure; `cell` says what it is of, `base` what it is compared with."""

    claim_id: str
    cell: Cell
    sector: str
    quantity: str
    transform: str
    direction: int
    value: Decimal
    unit: str
    rounding: Decimal
    hedge: str = "exact"
    base: Period | None = None
    document: str | None = None
    speaker: str | None = None

    @property
    def measure(self) -> str:
        return MEASURES[(self.quantity, self.transform, self.direction)]

    @property
    def interval(self) -> Interval:
        """What the words allow, in dollars or in the unit of a ratio."""
        v = self.value * MULTIPLIER[self.unit]
        h = self.rounding * MULTIPLIER[self.unit] / 2
        if self.hedge == "exact":
            return Interval(v - h, v + h)
        if self.hedge == "about":
            h = max(2 * h, abs(v) * Decimal("0.05"))
            return Interval(v - h, v + h)
        small, large, small_in, large_in = {
            "nearly": ("0.95", 1, True, True),
            "more_than": (1, 10, False, True),
            "at_least": (1, 10, True, True),
            "less_than": ("0.1", 1, True, False),
            "at_most": ("0.1", 1, True, True),
            "doubled": ("0.95", "1.1", True, True),
        }[self.hedge]
        near, far = v * Decimal(small), v * Decimal(large)
        if v >= 0:
            return Interval(near, far, small_in, large_in)
        return Interval(far, near, large_in, small_in)

    def as_given(self) -> dict[str, object]:
        return {
            "claim_id": self.claim_id,
            "document_id": self.document,
            "says": self.claim_id,
            "trade_kind": self.cell.trade_kind,
            "measure": self.measure,
            "reporter_iso3": self.cell.reporter,
            "partner_code": self.cell.partner,
            "sector": self.sector,
            "period": self.cell.period.text,
            "base_period": self.base.text if self.base else None,
            "reported_value": self.value,
            "unit": self.unit,
            "rounding": self.rounding,
            "hedge": self.hedge,
            "attributed_to": self.speaker,
        }


def given(claims: Iterable[Claim]) -> pl.DataFrame:
    return pl.DataFrame([c.as_given() for c in claims], schema=GIVEN_SCHEMA, orient="row")


def documents_given(names: Iterable[str], published_on: date) -> pl.DataFrame:
    rows = [(name, "a paper", name, published_on) for name in names]
    return pl.DataFrame(rows, schema=DOCUMENTS_SCHEMA, orient="row")


# ---------------------------------------------------------------------------
# What a claim comes to on every reading held
# ---------------------------------------------------------------------------


def amounts(held: HeldFigures, claim: Claim, definition: str) -> list[Value]:
    """What the claim's words come to on each series and day, on one definition."""
    cell = claim.cell.at(definition=definition)
    here = held.every(cell, claim.quantity)
    if claim.transform == "level":
        return [replace(x, value=claim.direction * x.value) for x in here]
    if claim.transform == "size":
        return [replace(x, value=abs(x.value)) for x in here]
    if claim.transform == "share":
        there = held.every(cell.at(definition=TOTAL), claim.quantity)
    else:
        there = held.every(cell.at(period=claim.base), claim.quantity)
    found = []
    for x, base in pairs_of_one_moment(here, there):
        told = replace(x, value=claim.direction * x.value)
        beside = replace(base, value=claim.direction * base.value)
        result = compare(claim.transform, told, beside)
        if result is not None:
            found.append(result)
    return found


def compare(transform: str, told: Value, beside: Value) -> Value | None:
    if transform == "change":
        return told.minus(beside)
    result = told.over(beside, 1 if transform == "ratio" else 100)
    if result is not None and transform == "growth":
        return replace(result, value=result.value - 100)
    return result


Fit = tuple[frozenset[str], str]


def is_own(held: HeldFigures, claim: Claim, fit: Fit) -> bool:
    """Whether the reporter compiled it; what the partner alone says confirms nothing."""
    return held.compilers(fit[0]) == {claim.cell.reporter}


def is_headline(held: HeldFigures, claim: Claim, fit: Fit) -> bool:
    """Whether it is of the office's headline basis and the sector's first definition."""
    legs, definition = fit
    headlines = held.headlines[(claim.cell.reporter, claim.cell.partner, claim.cell.trade_kind)]
    return definition == definitions(held, claim.sector)[0] and any(legs <= h for h in headlines)


def definitions(held: HeldFigures, sector: str) -> Sequence[str]:
    return held.definitions_of.get(sector) or [sector]


def fits(held: HeldFigures, claim: Claim) -> set[Fit]:
    """The series and definitions that make the claim true."""
    return {
        (x.legs, definition)
        for definition in definitions(held, claim.sector)
        for x in amounts(held, claim, definition)
        if is_true_of(claim, x)
    }


def is_true_of(claim: Claim, x: Value) -> bool:
    """Whether the figure is in the words, or is the same but for the rounding of its rows."""
    interval, value, half = claim.interval, _six(x.value), _six(x.half)
    width = interval.high - interval.low
    if interval.holds(value):
        return x.is_statistic or half <= width / 2
    # One row to the claim's digit, or two of which a balance is made, is half a digit off each.
    to_the_same_digit = half > 0 and half <= width <= 2 * half
    return x.is_statistic and to_the_same_digit and interval.distance(value) <= half


def _six(x: Decimal) -> Decimal:
    return x.quantize(Decimal("0.000001"), ROUND_HALF_UP)


# ---------------------------------------------------------------------------
# Printing a figure
# ---------------------------------------------------------------------------


def print_money(
    chance: random.Random, amount: Decimal, source_half: Decimal, digits: Sequence[int]
) -> tuple[Decimal, str, Decimal] | None:
    """Value, unit and rounding as printed; nothing where no digit would be left."""
    if amount == 0:
        return None
    wanted = chance.choice(digits)
    exponent = amount.adjusted() - wanted + 1
    while Decimal(10) ** exponent < 2 * source_half:
        exponent += 1
    unit = "USD bn" if exponent >= 6 else "USD mn" if exponent >= 3 else "USD th"
    scale = Decimal(MULTIPLIER[unit])
    rounding = Decimal(10) ** exponent / scale
    value = (amount / scale / rounding).quantize(Decimal(1), ROUND_HALF_UP) * rounding
    if value == 0 or rounding < Decimal("0.000001"):
        return None
    return value, unit, rounding


def print_number(amount: Decimal, rounding: Decimal, rule: str = ROUND_HALF_UP) -> Decimal:
    return (amount / rounding).quantize(Decimal(1), rule) * rounding


_ROUNDED_FOR = {
    "nearly": ROUND_CEILING,
    "less_than": ROUND_CEILING,
    "at_most": ROUND_CEILING,
    "more_than": ROUND_FLOOR,
    "at_least": ROUND_FLOOR,
}


def hedged(chance: random.Random, claim: Claim, amount: Decimal) -> Claim | None:
    """The claim in a writer's softer words, true of the amount."""
    hedge = chance.choice(["about", *_ROUNDED_FOR])
    unit = Decimal(MULTIPLIER[claim.unit])
    told = amount / unit
    coarse = Decimal(10) ** (told.adjusted() - 1) if told else Decimal(1)
    value = print_number(told, coarse, _ROUNDED_FOR.get(hedge, ROUND_HALF_UP))
    if value <= 0 or coarse < Decimal("0.000001"):
        return None
    softer = replace(claim, value=value, rounding=coarse, hedge=hedge)
    return softer if softer.interval.holds(amount) else None
