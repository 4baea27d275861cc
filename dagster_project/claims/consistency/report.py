"""What is said about figures that cannot all be true."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from dagster_project.claims.consistency.constraints import ONE, Figure, Form
from dagster_project.claims.consistency.systems import Range, Search, System, connected_parts

# Beyond all amounts: it stands for an end that is not there.
NO_END = 1e30

_TIMES = "×"  # noqa: RUF001

# What a contradiction is told from, first of all: what compares two periods says most.
_TOLD_FIRST = {"change": 0, "share": 1, "growth": 2, "ratio": 2, "level": 3}


class Repair(NamedTuple):
    """One slip that would explain a figure, and the figure before it, where that is known."""

    claim_id: str
    slip: str
    value: Decimal | None = None

    def __str__(self) -> str:
        value = f", {_plain(self.value)}" if self.value is not None else ""
        return f"{self.claim_id}: {self.slip}{value}"


@dataclass(frozen=True)
class Side:
    """Claims, and between which ends they leave a quantity, in base units."""

    claim_ids: list[str]
    low: float
    high: float


@dataclass(frozen=True)
class Contradiction:
    """Claims that cannot all be true, although any fewer of them can."""

    claim_ids: list[str]
    equation: str
    about: str
    left: Side
    right: Side
    repairs: list[Repair]

    @property
    def suspect(self) -> str | None:
        """The only claim that a single slip can explain."""
        repaired = {one.claim_id for one in self.repairs}
        return repaired.pop() if len(repaired) == 1 else None


class Whole(NamedTuple):
    """A basis of the whole over which a share of the text's own part is true."""

    share_id: str
    part_id: str
    basis: str


def contradictions(figures: Iterable[Figure], wholes: Collection[Whole]) -> Iterator[Contradiction]:
    """The contradictions of one text, from the smallest on.

    One that a figure already blamed would explain is not told again. Two people whom a text quotes
    may use two bases: a text is compared with itself, and with one of them at a time.
    """
    figures = sorted(figures, key=lambda one: one.claim_id)
    blamed: frozenset[str] = frozenset()
    sources = sorted({one.source for one in figures if one.source is not None})
    for source in (None, *sources):
        spoken = [
            one for one in figures if one.source in (None, source) and one.claim_id not in blamed
        ]
        for part in connected_parts(spoken):
            search = Search(part)
            without: frozenset[str] = frozenset()
            while (found := search.smallest(without)) is not None:
                told = _told(found, search, without, wholes)
                yield told
                without |= {one.claim_id for one in told.repairs} or set(told.left.claim_ids)
            blamed |= without


def _told(
    found: Sequence[Figure], search: Search, without: frozenset[str], wholes: Collection[Whole]
) -> Contradiction:
    # Where one figure alone spoils the text, it may be what the rest says of the same trade.
    # Where several do, no rest can be trusted, and each is measured against its set.
    alone = System(found)
    culprits = [one for one in found if search.explains_all(one, without)]
    trusted = System(search.about_the_same(found, without)) if culprits else alone
    repairs = [repair for one in culprits or found for repair in _slips(one, trusted)]
    names = {one.claim_id for one in found}
    repairs += [
        Repair(one.share_id, f"another whole: {one.basis}")
        for one in wholes
        if {one.share_id, one.part_id} <= names and len(names) == 3
    ]
    first, about, left, right = _sides(culprits or found, found, alone)
    return Contradiction(
        claim_ids=sorted(names),
        equation=_equation(first, found),
        about=about,
        left=left,
        right=right,
        repairs=sorted(set(repairs), key=lambda one: (one[:2], one.value or 0)),
    )


def _without(figures: Iterable[Figure], left_out: Figure) -> list[Figure]:
    return [one for one in figures if one.claim_id != left_out.claim_id]


# ---------------------------------------------------------------------------
# The two sides
# ---------------------------------------------------------------------------


def _sides(
    candidates: Iterable[Figure], found: Sequence[Figure], system: System
) -> tuple[Figure, str, Side, Side]:
    """One figure and its quantity, what it says, and what the others of its set leave."""
    ordered = sorted(
        candidates, key=lambda one: (_TOLD_FIRST[one.transform], one.quantity, one.claim_id)
    )
    for one in ordered:
        allowed = system.range_of(one.numerator, one.denominator, frozenset([one.claim_id]))
        if allowed is not None:
            said = one.interval.low, one.interval.high
            others = _without(found, one)
            return one, _about(one), _side([one], said, one), _side(others, allowed, one)
    # The others leave nothing above zero to compare with: the start, or the whole, is the quantity.
    one = ordered[0]
    as_level: Form = {ONE: Fraction(1)}
    allowed = system.range_of(one.denominator, as_level, frozenset([one.claim_id]))
    assert allowed is not None, "one is always above zero"
    said = Fraction(0), None
    return (
        one,
        one.quantity,
        _side([one], said, one, is_level=True),
        _side(_without(found, one), allowed, one, is_level=True),
    )


def _about(one: Figure) -> str:
    return {"level": "", "change": "change of ", "share": "share of "}.get(
        one.transform, "factor of "
    ) + one.quantity


def _side(figures: Iterable[Figure], ends: Range, one: Figure, *, is_level: bool = False) -> Side:
    """The ends in the sense of the quantity; the text may tell a deficit."""
    low, high = ends
    if one.direction < 0 and (is_level or one.transform in ("level", "change")):
        low, high = (None if end is None else -end for end in (high, low))
    return Side(
        claim_ids=[x.claim_id for x in figures],
        low=-NO_END if low is None else float(low),
        high=NO_END if high is None else float(high),
    )


def _equation(first: Figure, found: Sequence[Figure]) -> str:
    """The identity that the figures break, told from the first of them."""
    quantity = first.quantity
    quantities = {one.quantity for one in found}
    currencies = sorted(
        {one.currency for one in found if one.currency}, key=lambda x: (x == "USD", x)
    )
    if len({_says(one) for one in found}) == 1 and len(found) > 1:
        return "as printed"
    if first.transform == "share":
        return f"part of {quantity} = share {_TIMES} whole" if len(found) > 1 else "part <= whole"
    if len(found) == 1 and first.interval.high is not None and first.interval.high <= 0:
        return f"{quantity} >= 0"
    if first.transform in ("growth", "ratio"):
        return f"{quantity} at the end = at the start {_TIMES} growth factor"
    if len(currencies) > 1:
        return f"dollars = {currencies[0]} {_TIMES} exchange rate of the text"
    if len(quantities) > 1:
        return _sum(quantities, quantity, "change of " if first.transform == "change" else "")
    if first.transform == "change":
        return f"{quantity} at the end = at the start + change"
    if len({one.sector for one in found}) > 1:
        return "part <= whole"
    return "as printed"


def _sum(quantities: Collection[str], quantity: str, of: str) -> str:
    if {"two_way", "balance"} <= set(quantities):
        if quantity == "imports" or "exports" not in {quantity, *quantities}:
            return "imports = half of two-way trade - balance"
        return "exports = half of two-way trade + balance"
    if "two_way" in quantities:
        return f"{of}two-way trade = {of}exports + {of}imports"
    return f"{of}exports = {of}balance + {of}imports"


def _says(one: Figure) -> object:
    """What two figures have in common that tell the same quantity."""
    return _about(one), one.sector, frozenset(one.unknowns), one.currency


# ---------------------------------------------------------------------------
# Repairs
# ---------------------------------------------------------------------------


def _slips(one: Figure, system: System) -> Iterator[Repair]:
    """The single slips after which a figure would be what the others allow."""
    if one.is_sign:
        return
    allowed = system.range_of(one.numerator, one.denominator, frozenset([one.claim_id]))
    if allowed is None:
        return
    low, high = (_as_printed(one, end) for end in allowed)
    for slip, value, scale in _before_slips(one.reported_value):
        exact, half = Fraction(value), Fraction(one.rounding) * scale / 2
        # Both ends of a figure's rounding are taken to belong to it.
        if (low is None or exact + half >= low) and (high is None or exact - half <= high):
            yield Repair(one.claim_id, slip, value)


def _before_slips(printed: Decimal) -> Iterator[tuple[str, Decimal, Fraction]]:
    """What may have stood there before a slip, and by what its rounding grows."""
    sign = -1 if printed < 0 else 1
    digits = _plain(abs(printed))
    texts = {
        ("a digit dropped", digits[:place] + digit + digits[place:])
        for place in range(len(digits) + 1)
        for digit in "0123456789"
    } | {
        ("a digit added", digits[:place] + digits[place + 1 :])
        for place in range(len(digits))
        if digits[place] != "."
    }
    for slip, text in texts:
        if any(x in "123456789" for x in text):
            yield slip, sign * Decimal(text), Fraction(1)
    if printed:
        yield "a thousand times too large", printed / 1000, Fraction(1, 1000)
        yield "a thousand times too small", printed * 1000, Fraction(1000)
        yield "the sign turned", -printed, Fraction(1)


def _as_printed(one: Figure, end: Fraction | None) -> Fraction | None:
    """An end in the unit the text gives the figure in."""
    if end is None:
        return None
    if one.transform == "growth":
        return (end - 1) * 100
    if one.transform == "share":
        return end * 100
    return end / one.multiplier


def _plain(value: Decimal) -> str:
    """The number without an exponent and without zeros that say nothing."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
