"""A quoted figure as a linear constraint on trade.

Every figure is a fraction of two linear forms in an interval: a level or a change over one, growth
as the end over the start, a share as the part over the whole, an amount in another currency as
dollars over the rate. The denominator is positive: growth of a deficit implies that the start was a
deficit. The ends of the interval are constants, so `low * denominator <= numerator` is linear and
exact.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple

TOTAL = "total"
WORLD = "WLD"
Side = Literal["denominator", "low", "high"]
TRANSFORMS = ("level", "change", "growth", "ratio", "share")


class Flow(NamedTuple):
    """US dollars of one flow, which are never negative."""

    topic: tuple[str, str, str]
    sector: str
    first_day: date
    last_day: date
    name: str

    @property
    def whole(self) -> Flow:
        return self._replace(sector=TOTAL)


class Rate(NamedTuple):
    """US dollars per unit of a currency: one positive rate for the whole article."""

    currency: str


class One(NamedTuple):
    """The unknown that represents the constant."""


Unknown = Flow | Rate | One
Form = Mapping[Unknown, Fraction]

ONE = One()


@dataclass(frozen=True)
class Interval:
    """The range of a fraction; None means unbounded."""

    low: Fraction | None
    high: Fraction | None
    low_is_closed: bool = True
    high_is_closed: bool = True


@dataclass(frozen=True)
class Figure:
    """One claim: `numerator / denominator`, with the article's sign, is in `interval`.

    Money in base units of its currency, growth as the factor on the start, a share as a fraction of
    one. `direction` is -1 where a positive figure means a negative balance.
    """

    claim_id: str
    source: str | None
    quantity: str
    transform: str
    direction: int
    sector: str
    currency: str | None
    numerator: Form
    denominator: Form
    interval: Interval
    is_sign: bool
    reported_value: Decimal
    rounding: Decimal
    multiplier: Fraction

    @property
    def unknowns(self) -> list[Unknown]:
        """Its unknowns, each once, without the constant."""
        return [u for u in {**self.numerator, **self.denominator} if u != ONE]


@dataclass(frozen=True)
class Bound:
    """`form` is at least zero, or positive if `is_strict`.

    Of the bounds of several figures on one side of the same fraction, that with the largest
    `tightness` implies the others.
    """

    form: Form
    is_strict: bool
    side: Side = "denominator"
    tightness: Fraction = Fraction(0)


def figure(row: Mapping[str, Any]) -> Figure | None:
    """A row of marts.claims as a constraint; None if it implies no linear constraint."""
    if row["document_id"] is None or not row["is_in_scope"]:
        return None
    transform = row["transform"]
    if transform not in TRANSFORMS or row["period_start"] is None:
        return None
    if transform in ("change", "growth", "ratio") and row["base_start"] is None:
        return None
    is_sign = row["unit_kind"] == "sign"
    # "Barely moved" has no direction, and "unchanged" no bounds.
    if is_sign and (not row["is_exact"] or not row["claimed"]):
        return None
    end = _form(row, row["sector"], row["period_start"], row["period_end"])
    numerator: Form = end
    denominator: Form = {ONE: Fraction(1)}
    if transform in ("change", "growth", "ratio"):
        start = _form(row, row["sector"], row["base_start"], row["base_end"])
        if transform == "change":
            numerator = total([(end, 1), (start, -1)])
        else:
            denominator = start
    elif transform == "share":
        # A share of all products is the partner's, of the reporter's trade with the world.
        partner = WORLD if row["sector"] == TOTAL else row["partner_code"]
        whole = {**row, "partner_code": partner}
        denominator = _form(whole, TOTAL, row["period_start"], row["period_end"])
    currency = row["currency"] if row["unit_kind"] == "money" else None
    if currency not in (None, "USD"):
        denominator = {Rate(currency): Fraction(1)}
    return Figure(
        claim_id=row["claim_id"],
        source=row["attributed_to"],
        quantity=row["quantity"],
        transform=transform,
        direction=row["direction"],
        sector=row["sector"],
        currency=currency,
        numerator=numerator,
        denominator=denominator,
        interval=_interval(row, transform, is_sign=is_sign),
        is_sign=is_sign,
        reported_value=row["reported_value"],
        rounding=row["rounding"],
        multiplier=_multiplier(row),
    )


def bounds_of(one: Figure) -> Iterable[Bound]:
    """The bounds that a figure sets on the unknowns."""
    interval = one.interval
    yield Bound(one.denominator, is_strict=True)
    if interval.low is not None:
        low = total([(one.numerator, 1), (one.denominator, -interval.low)])
        yield Bound(low, not interval.low_is_closed, "low", interval.low)
    if interval.high is not None:
        high = total([(one.numerator, -1), (one.denominator, interval.high)])
        yield Bound(high, not interval.high_is_closed, "high", -interval.high)


def bounds_by_nature(unknowns: Collection[Unknown]) -> Iterable[Bound]:
    """The bounds that always apply to the unknowns."""
    for one in unknowns:
        yield Bound({one: Fraction(1)}, is_strict=not isinstance(one, Flow))
        # A part of a flow is at most the whole; this is not true of a balance.
        if isinstance(one, Flow) and one.whole != one and one.whole in unknowns:
            yield Bound({one.whole: Fraction(1), one: Fraction(-1)}, is_strict=False)


def total(terms: Iterable[tuple[Form, int | Fraction]]) -> Form:
    """The sum of forms, each with a factor."""
    summed: dict[Unknown, Fraction] = {}
    for form, factor in terms:
        for unknown, coefficient in form.items():
            summed[unknown] = summed.get(unknown, Fraction(0)) + coefficient * factor
    return {unknown: coefficient for unknown, coefficient in summed.items() if coefficient}


def _form(row: Mapping[str, Any], sector: str, first_day: date, last_day: date) -> Form:
    """The quantity in dollars, with the article's sign."""
    topic = (row["reporter_iso3"], row["partner_code"], row["trade_kind"])
    exports, imports = (
        Flow(topic, sector, first_day, last_day, name) for name in ("exports", "imports")
    )
    sign = Fraction(row["direction"])
    forms: dict[str, Form] = {
        "exports": {exports: sign},
        "imports": {imports: sign},
        "balance": {exports: sign, imports: -sign},
        "two_way": {exports: sign, imports: sign},
    }
    return forms[row["quantity"]]


def _multiplier(row: Mapping[str, Any]) -> Fraction:
    """Base units per unit of the figure."""
    if row["reported_value"]:
        return Fraction(row["claimed"]) / Fraction(row["reported_value"])
    return 2 * Fraction(row["half"]) / Fraction(row["rounding"])


def _interval(row: Mapping[str, Any], transform: str, *, is_sign: bool) -> Interval:
    if is_sign and row["claimed"] > 0:
        return Interval(Fraction(0), None, low_is_closed=False)
    if is_sign:
        return Interval(None, Fraction(0), high_is_closed=False)
    low, high = Fraction(row["low"]), Fraction(row["high"])
    if transform in ("growth", "share"):
        low, high = low / 100, high / 100
    if transform == "growth":
        low, high = 1 + low, 1 + high
    return Interval(low, high, row["low_is_closed"], row["high_is_closed"])
