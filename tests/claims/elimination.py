"""Whether figures of one text can all be true, by eliminating one unknown after another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

Row = Mapping[str, Any]
Linear = dict[str, Fraction]

# sum of coefficients times unknowns <= bound, or < bound.
Inequality = tuple[Linear, Fraction, bool]

_SENSES = {"exports": (1, 0), "imports": (0, 1), "balance": (1, -1), "two_way": (1, 1)}


def can_all_be_true(claims: Iterable[Row]) -> bool:
    """Is there any trade, never negative, and any rate above zero, that fits all claims?"""
    inequalities = [one for claim in claims for one in _of_claim(claim)]
    unknowns = {name for row, _, _ in inequalities for name in row}
    for name in unknowns:
        inequalities.append(({name: Fraction(-1)}, Fraction(0), name.startswith("rate")))
        sector, _, rest = name.partition(" ")
        whole = f"total {rest}"
        if sector != "total" and whole in unknowns:
            part = {name: Fraction(1), whole: Fraction(-1)}
            inequalities.append((part, Fraction(0), False))
    return _has_solution(inequalities)


def _of_claim(claim: Row) -> Iterable[Inequality]:
    told = _quantity(claim, claim["sector"], claim["period_start"])
    transform, kind = claim["transform"], claim["unit_kind"]
    beside: Linear = {}
    if transform in ("change", "growth", "ratio"):
        beside = _quantity(claim, claim["sector"], claim["base_start"])
    if transform == "share":
        beside = _quantity(claim, "total", claim["period_start"])
    if transform == "change":
        told = _plus(told, beside, -1)
    if kind == "sign":
        sense = Fraction(1 if claim["claimed"] > 0 else -1)
        yield _plus({}, told, -sense), Fraction(0), True
        return
    low, high = Fraction(claim["low"]), Fraction(claim["high"])
    open_low, open_high = not claim["low_is_closed"], not claim["high_is_closed"]
    if transform in ("growth", "share"):
        low, high = low / 100, high / 100
    if transform == "growth":
        low, high = low + 1, high + 1
    if transform in ("level", "change") and claim["currency"] == "USD":
        yield told, high, open_high
        yield _plus({}, told, -1), -low, open_low
        return
    if transform in ("level", "change"):
        beside = {f"rate {claim['currency']}": Fraction(1)}
    yield _plus(told, beside, -high), Fraction(0), open_high
    yield _plus(_plus({}, told, -1), beside, low), Fraction(0), open_low
    yield _plus({}, beside, -1), Fraction(0), True


def _quantity(claim: Row, sector: str, day: object) -> Linear:
    """Unknowns are of one topic: the texts of these tests have no other."""
    exports, imports = (Fraction(x * claim["direction"]) for x in _SENSES[claim["quantity"]])
    return {f"{sector} exports {day}": exports, f"{sector} imports {day}": imports}


def _plus(a: Linear, b: Linear, times: Fraction | int) -> Linear:
    return {name: a.get(name, Fraction(0)) + b.get(name, Fraction(0)) * times for name in a | b}


def _has_solution(inequalities: Iterable[Inequality]) -> bool:
    left = _tightest(inequalities)
    while left is not None and any(row for row, _, _ in left):
        # The unknown with the fewest pairs of an upper and a lower bound.
        signs: dict[str, list[bool]] = defaultdict(list)
        for row, _, _ in left:
            for name, x in row.items():
                signs[name].append(x > 0)
        name = min(sorted(signs), key=lambda one: signs[one].count(True) * signs[one].count(False))
        above = [one for one in left if one[0].get(name, 0) > 0]
        below = [one for one in left if one[0].get(name, 0) < 0]
        combined = [one for one in left if name not in one[0]]
        for up, up_bound, up_open in above:
            for down, down_bound, down_open in below:
                a, b = 1 / up[name], -1 / down[name]
                row = _plus(_plus({}, up, a), down, b)
                combined.append((row, up_bound * a + down_bound * b, up_open or down_open))
        left = _tightest(combined)
    return left is not None


def _tightest(inequalities: Iterable[Inequality]) -> list[Inequality] | None:
    """Of parallel ones the one that says most; None where one without unknowns is false."""
    kept: dict[tuple[tuple[str, Fraction], ...], tuple[Fraction, bool]] = {}
    for row, bound, is_open in inequalities:
        row = {name: x for name, x in sorted(row.items()) if x}
        if not row:
            if bound < 0 or (bound == 0 and is_open):
                return None
            continue
        scale = abs(next(iter(row.values())))
        key = tuple((name, x / scale) for name, x in row.items())
        # Where both bounds are the same, the open one says more.
        said = (bound / scale, not is_open)
        kept[key] = min(kept.get(key, said), said)
    return [(dict(key), bound, not closed) for key, (bound, closed) in kept.items()]
