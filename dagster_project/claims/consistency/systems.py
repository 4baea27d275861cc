"""Decide whether figures can all be true, and which range they allow for another one.

The constant is a positive unknown like any other, so every bound requires a form to be at least
zero, or positive. Values can then be scaled freely, and "positive" is equivalent to "at least one":
strict inequalities need no extra work, and open ends of intervals stay exact.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction

from dagster_project.claims.consistency.constraints import (
    ONE,
    Bound,
    Figure,
    Flow,
    Form,
    Unknown,
    bounds_by_nature,
    bounds_of,
    total,
)
from dagster_project.claims.consistency.simplex import Simplex

# The number of searches for a smaller contradiction, times the number of figures. An article of ten
# figures is searched completely. In a long one the result is irreducible, but another set may be
# smaller.
_EFFORT = 4_000
_FEWEST_SEARCHES = 10

Range = tuple[Fraction | None, Fraction | None]


class System:
    """The figures of one article, each of which can be left out, and the general bounds."""

    def __init__(self, figures: Collection[Figure]) -> None:
        unknowns = dict.fromkeys(u for one in figures for u in one.unknowns)
        # A pivot on the constant changes every row, so it is last in Bland's order.
        self._places = {unknown: n for n, unknown in enumerate((*unknowns, ONE))}
        self._simplex = Simplex(len(self._places))
        self._by_nature = [self._add(bound) for bound in bounds_by_nature(self._places)]
        self._by_claim = {
            one.claim_id: [self._add(bound) for bound in bounds_of(one)] for one in figures
        }
        self._claim_of = {
            variable: claim_id for claim_id, rows in self._by_claim.items() for variable, _ in rows
        }
        self._left_out: frozenset[str] = frozenset()
        for rows in (self._by_nature, *self._by_claim.values()):
            self._require(rows)

    def conflict(self, without: frozenset[str] = frozenset()) -> frozenset[str] | None:
        """Claims that cannot all be true, not always a minimal set; None if all can."""
        for claim_id in sorted(self._left_out - without):
            self._require(self._by_claim[claim_id])
        for claim_id in sorted(without - self._left_out):
            for variable, _ in self._by_claim[claim_id]:
                self._simplex.bound(variable, None)
        self._left_out = without
        found = self._simplex.conflict()
        if found is None:
            return None
        return frozenset(self._claim_of[v] for v in found if v in self._claim_of)

    def range_of(self, numerator: Form, denominator: Form, without: frozenset[str]) -> Range | None:
        """The range that consistent figures, without some of them, allow for a fraction.

        None if its denominator cannot be positive. Open and closed ends are returned alike.
        """
        assert self.conflict(without) is None, "contradictory figures allow no range"
        required = [self._by_nature]
        required += [rows for name, rows in self._by_claim.items() if name not in self._left_out]
        for rows in required:
            for variable, _ in rows:
                self._simplex.bound(variable, 0)
        # Scale the values so that the denominator is one.
        scale = (
            self._simplex.add(self._placed(denominator)),
            self._simplex.add(self._placed(total([(denominator, -1)]))),
        )
        for variable, lower in zip(scale, (1, -1), strict=True):
            self._simplex.bound(variable, lower)
        found: Range | None = None
        if self._simplex.conflict() is None:
            lowest = self._simplex.maximum(self._placed(total([(numerator, -1)])))
            highest = self._simplex.maximum(self._placed(numerator))
            found = None if lowest is None else -lowest, highest
        for variable in scale:
            self._simplex.bound(variable, None)
        for rows in required:
            self._require(rows)
        return found

    def _add(self, bound: Bound) -> tuple[int, int]:
        """The variable of a bound, and its lower limit."""
        return self._simplex.add(self._placed(bound.form)), int(bound.is_strict)

    def _require(self, rows: Iterable[tuple[int, int]]) -> None:
        for variable, lower in rows:
            self._simplex.bound(variable, lower)

    def _placed(self, form: Form) -> dict[int, Fraction]:
        return {self._places[unknown]: factor for unknown, factor in form.items()}


def connected_parts(figures: Iterable[Figure]) -> list[list[Figure]]:
    """Group figures that share unknowns."""
    parts: list[tuple[set[Unknown], list[Figure]]] = []
    for one in figures:
        about = set(one.unknowns)
        about |= {u.whole for u in about if isinstance(u, Flow)}
        together = [one]
        apart = []
        for unknowns, members in parts:
            if unknowns & about:
                about |= unknowns
                together = members + together
            else:
                apart.append((unknowns, members))
        parts = [*apart, (about, together)]
    return [members for _, members in parts]


class Search:
    """Search for contradictions among figures that share unknowns."""

    def __init__(self, figures: Sequence[Figure]) -> None:
        self._system = System(figures)
        self._by_id = {one.claim_id: one for one in figures}
        self._searches = max(_FEWEST_SEARCHES, _EFFORT // len(figures))
        self._known: list[frozenset[str]] = []

    def smallest(self, without: frozenset[str]) -> list[Figure] | None:
        """The smallest contradiction found: figures that cannot all be true, but any subset can.

        Reiter's tree ("A theory of diagnosis from first principles", 1987): an unknown
        contradiction lacks at least one figure of each known one. So leave out each figure of a
        known contradiction in turn, and search the rest.
        """
        waiting = deque([without])
        seen = {without}
        for _ in range(self._searches):
            if not waiting:
                break
            left_out = waiting.popleft()
            found = self._any(left_out)
            for claim_id in sorted(found or ()):
                fewer = left_out | {claim_id}
                if fewer not in seen:
                    seen.add(fewer)
                    waiting.append(fewer)
        found = [one for one in self._known if not one & without]
        if not found:
            return None
        smallest = min(found, key=lambda one: (len(one), sorted(one)))
        return [self._by_id[claim_id] for claim_id in sorted(smallest)]

    def explains_all(self, one: Figure, without: frozenset[str]) -> bool:
        """Whether no contradiction remains without this figure."""
        return self._any(without | {one.claim_id}) is None

    def about_the_same(self, some: Iterable[Figure], without: frozenset[str]) -> list[Figure]:
        """The figures whose unknowns all occur in the given figures."""
        about = {unknown for one in some for unknown in one.unknowns}
        return [
            one
            for claim_id, one in self._by_id.items()
            if claim_id not in without and about.issuperset(one.unknowns)
        ]

    def _any(self, left_out: frozenset[str]) -> frozenset[str] | None:
        for one in self._known:
            if not one & left_out:
                return one
        conflict = self._system.conflict(left_out)
        if conflict is None:
            return None
        found = _irreducible([self._by_id[claim_id] for claim_id in sorted(conflict)])
        self._known.append(found)
        return found


def _irreducible(figures: Sequence[Figure]) -> frozenset[str]:
    """A subset of contradictory figures in which every figure is needed."""
    system = System(figures)
    removed: frozenset[str] = frozenset()
    for one in figures:
        if one.claim_id not in removed:
            conflict = system.conflict(removed | {one.claim_id})
            if conflict is not None:
                removed = frozenset(x.claim_id for x in figures) - conflict
    return frozenset(x.claim_id for x in figures) - removed
