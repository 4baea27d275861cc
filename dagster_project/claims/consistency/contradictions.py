"""Describe contradictions: the identity, its two sides and the likely corrections."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from dagster_project.claims.consistency.constraints import ONE, Figure, Form
from dagster_project.claims.consistency.simplex import Effort
from dagster_project.claims.consistency.systems import Range, Search, System, connected_parts

# Larger than any amount; it represents a missing end.
NO_END = 1e30

# What a mix-up does to the rounding of a figure.
_SAME, _THOUSANDTH, _THOUSAND = _SCALES = Fraction(1), Fraction(1, 1000), Fraction(1000)

_TIMES = "×"  # noqa: RUF001

# The figure that describes a contradiction, in order of preference: changes first.
_PREFERENCE = {"change": 0, "share": 1, "growth": 2, "ratio": 2, "level": 3}


class Repair(NamedTuple):
    """One likely correction of a figure, and the correct figure if it is known."""

    claim_id: str
    slip: str
    value: Decimal | None = None

    def __str__(self) -> str:
        value = f", {_plain(self.value)}" if self.value is not None else ""
        return f"{self.claim_id}: {self.slip}{value}"


@dataclass(frozen=True)
class Side:
    """Claims, and the range that they allow for a quantity, in base units."""

    claim_ids: list[str]
    low: float
    high: float


@dataclass(frozen=True)
class Contradiction:
    """Claims that cannot all be true, although any subset of them can."""

    claim_ids: list[str]
    equation: str
    about: str
    left: Side
    right: Side
    repairs: list[Repair]

    @property
    def suspect(self) -> str | None:
        """The only claim that a single mix-up can explain."""
        repaired = {one.claim_id for one in self.repairs}
        return repaired.pop() if len(repaired) == 1 else None


class Whole(NamedTuple):
    """A basis of the whole for which a share computed from the article's own part is true."""

    share_id: str
    part_id: str
    basis: str


def contradictions(
    figures: Iterable[Figure], wholes: Collection[Whole], effort: Effort
) -> Iterator[Contradiction]:
    """The contradictions of one article, the smallest first.

    A contradiction that an already blamed figure explains is not reported again. Two people quoted
    by an article may use two bases: its own figures are compared with each other, and with those of
    one attributed source at a time.

    Raises:
        EffortSpent: the search has not come to its end; what it yielded is right.
    """
    figures = sorted(figures, key=lambda one: one.claim_id)
    blamed: frozenset[str] = frozenset()
    sources = sorted({one.source for one in figures if one.source is not None})
    for source in (None, *sources):
        comparable = [
            one for one in figures if one.source in (None, source) and one.claim_id not in blamed
        ]
        for part in connected_parts(comparable):
            # Figures of the article alone were compared first.
            if source is not None and all(one.source is None for one in part):
                continue
            search = Search(part, len(figures), effort)
            without: frozenset[str] = frozenset()
            while (found := search.smallest(without)) is not None:
                described = _described(found, search, without, wholes, effort)
                yield described
                without |= {one.claim_id for one in described.repairs} or set(
                    described.left.claim_ids
                )
            blamed |= without


def _described(
    found: Sequence[Figure],
    search: Search,
    without: frozenset[str],
    wholes: Collection[Whole],
    effort: Effort,
) -> Contradiction:
    # If leaving out one figure removes all contradictions, compare it with every other figure about
    # the same trade. Otherwise the others cannot be trusted: compare it only within its set.
    alone = System(found, effort)
    culprits = [one for one in found if search.explains_all(one, without)]
    trusted = System(search.about_the_same(found, without), effort) if culprits else alone
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
    """A figure, its quantity, what it says, and what the others of its set allow."""
    ordered = sorted(
        candidates, key=lambda one: (_PREFERENCE[one.transform], one.quantity, one.claim_id)
    )
    for one in ordered:
        allowed = system.range_of(one.numerator, one.denominator, frozenset([one.claim_id]))
        if allowed is not None:
            stated = one.interval.low, one.interval.high
            others = _without(found, one)
            return one, _about(one), _side([one], stated, one), _side(others, allowed, one)
    # The others leave no positive denominator, so compare the denominator: the start or the whole.
    one = ordered[0]
    as_level: Form = {ONE: Fraction(1)}
    allowed = system.range_of(one.denominator, as_level, frozenset([one.claim_id]))
    assert allowed is not None, "one is always above zero"
    stated = Fraction(0), None
    return (
        one,
        one.quantity,
        _side([one], stated, one, is_level=True),
        _side(_without(found, one), allowed, one, is_level=True),
    )


def _about(one: Figure) -> str:
    return {"level": "", "change": "change of ", "share": "share of "}.get(
        one.transform, "factor of "
    ) + one.quantity


def _side(figures: Iterable[Figure], ends: Range, one: Figure, *, is_level: bool = False) -> Side:
    """The range with the sign of the quantity; the article may state a deficit."""
    low, high = ends
    if one.direction < 0 and (is_level or one.transform in ("level", "change")):
        low, high = (None if end is None else -end for end in (high, low))
    return Side(
        claim_ids=[x.claim_id for x in figures],
        low=-NO_END if low is None else float(low),
        high=NO_END if high is None else float(high),
    )


def _equation(first: Figure, found: Sequence[Figure]) -> str:
    """The identity that the figures violate, written for the first of them."""
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
    """A key that is equal for figures of the same quantity."""
    return _about(one), one.sector, frozenset(one.unknowns), one.currency


# ---------------------------------------------------------------------------
# Repairs
# ---------------------------------------------------------------------------


def _slips(one: Figure, system: System) -> Iterator[Repair]:
    """The single mix-ups whose correction makes a figure fit the others."""
    if one.is_sign:
        return
    allowed = system.range_of(one.numerator, one.denominator, frozenset([one.claim_id]))
    if allowed is None:
        return
    low, high = (_in_unit(one, end) for end in allowed)
    # The range of a rounded figure includes both ends.
    margins = {scale: Fraction(one.rounding) * scale / 2 for scale in _SCALES}
    lowest = {scale: None if low is None else low - half for scale, half in margins.items()}
    highest = {scale: None if high is None else high + half for scale, half in margins.items()}
    for slip, value, scale in _before_slips(one.reported_value):
        exact, least, most = Fraction(value), lowest[scale], highest[scale]
        if (least is None or exact >= least) and (most is None or exact <= most):
            yield Repair(one.claim_id, slip, value)


def _before_slips(quoted: Decimal) -> Iterator[tuple[str, Decimal, Fraction]]:
    """The figures that a mix-up may have changed, and the factor on their rounding."""
    sign = -1 if quoted < 0 else 1
    digits = _plain(abs(quoted))
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
            yield slip, sign * Decimal(text), _SAME
    if quoted:
        yield "a thousand times too large", quoted / 1000, _THOUSANDTH
        yield "a thousand times too small", quoted * 1000, _THOUSAND
        yield "the sign turned", -quoted, _SAME


def _in_unit(one: Figure, end: Fraction | None) -> Fraction | None:
    """An end of a range in the unit of the quoted figure."""
    if end is None:
        return None
    if one.transform == "growth":
        return (end - 1) * 100
    if one.transform == "share":
        return end * 100
    return end / one.multiplier


def _plain(value: Decimal) -> str:
    """The number without exponent and trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
