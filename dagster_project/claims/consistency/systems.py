"""Decide whether figures can all be true, and which range they allow for another one.

The constant is a positive unknown like any other, so every bound requires a form to be at least
zero, or positive. Values can then be scaled freely, and "positive" is equivalent to "at least one":
strict inequalities need no extra work, and open ends of intervals stay exact.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dagster_project.claims.consistency.constraints import (
    ONE,
    Bound,
    Figure,
    Flow,
    Form,
    bounds_by_nature,
    bounds_of,
    total,
)
from dagster_project.claims.consistency.simplex import Effort, Simplex

# The number of searches for a smaller contradiction, times the number of figures of the article.
# One of ten figures is searched completely. In a long one the result is irreducible, but another
# set may be smaller.
_SEARCHES = 4_000
_FEWEST_SEARCHES = 10

# The bounds of a family that stay in the simplex, so that leaving out a figure and taking it back
# adds no row.
_KEPT = 4

Range = tuple[Fraction | None, Fraction | None]


@dataclass(frozen=True)
class _Candidate:
    """A bound of one figure."""

    claim_id: str
    bound: Bound


class _Family:
    """The bounds of all figures on one side of the same fraction, the tightest first.

    Only the tightest bound of a figure that is not left out is required: many figures of the same
    quantity are as fast as two.
    """

    def __init__(self, candidates: Iterable[_Candidate]) -> None:
        self.candidates = sorted(
            candidates,
            key=lambda one: (-one.bound.tightness, not one.bound.is_strict, one.claim_id),
        )
        # The variables of its bounds in the simplex, by place in the order of tightness.
        self.variables: dict[int, int] = {}
        self.required: int | None = None

    def tightest(self, without: frozenset[str]) -> int | None:
        return next(
            (n for n, one in enumerate(self.candidates) if one.claim_id not in without), None
        )


class System:
    """The figures of one article, each of which can be left out, and the general bounds.

    Every method raises EffortSpent when the effort given is spent.
    """

    def __init__(self, figures: Collection[Figure], effort: Effort) -> None:
        unknowns = dict.fromkeys(u for one in figures for u in one.unknowns)
        # A pivot on the constant changes every row, so it is last in Bland's order.
        self._places = {unknown: n for n, unknown in enumerate((*unknowns, ONE))}
        self._simplex = Simplex(len(self._places), effort)
        self._by_nature = [self._add(bound) for bound in bounds_by_nature(self._places)]
        self._families_of: dict[str, list[_Family]] = {}
        self._families = self._in_families(figures)
        self._claim_of: dict[int, str] = {}
        self._left_out: frozenset[str] = frozenset()
        self._require(self._by_nature)
        for family in self._families:
            self._settle(family)

    def conflict(self, without: frozenset[str] = frozenset()) -> frozenset[str] | None:
        """Claims that cannot all be true, not always a minimal set; None if all can."""
        changed = sorted(self._left_out ^ without)
        self._left_out = without
        for claim_id in changed:
            for family in self._families_of.get(claim_id, ()):
                self._settle(family)
        found = self._simplex.conflict()
        if found is None:
            return None
        return frozenset(self._claim_of[v] for v in found if v in self._claim_of)

    def range_of(self, numerator: Form, denominator: Form, without: frozenset[str]) -> Range | None:
        """The range that consistent figures, without some of them, allow for a fraction.

        None if its denominator cannot be positive. Open and closed ends are returned alike.
        """
        assert self.conflict(without) is None, "contradictory figures allow no range"
        required = [*self._by_nature, *self._required()]
        for variable, _ in required:
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
            self._simplex.remove(variable)
        self._require(required)
        return found

    def _in_families(self, figures: Iterable[Figure]) -> list[_Family]:
        """The bounds of the figures by side and fraction."""
        members: dict[Hashable, list[_Candidate]] = defaultdict(list)
        sides_of: dict[str, list[Hashable]] = {}
        for one in figures:
            fraction = [
                tuple(sorted(self._placed(form).items()))
                for form in (one.numerator, one.denominator)
            ]
            sides_of[one.claim_id] = []
            for bound in bounds_of(one):
                # All fractions over the same denominator need it to be positive.
                about = fraction[1:] if bound.side == "denominator" else fraction
                side = (bound.side, *about)
                members[side].append(_Candidate(one.claim_id, bound))
                sides_of[one.claim_id].append(side)
        families = {side: _Family(candidates) for side, candidates in members.items()}
        self._families_of = {
            claim_id: [families[side] for side in sides] for claim_id, sides in sides_of.items()
        }
        return list(families.values())

    def _settle(self, family: _Family) -> None:
        """Require the tightest bound of a family instead of the one required before."""
        tightest = family.tightest(self._left_out)
        if tightest == family.required:
            return
        if family.required is not None:
            self._simplex.bound(family.variables[family.required], None)
        family.required = tightest
        if tightest is None:
            return
        candidate = family.candidates[tightest]
        if tightest not in family.variables:
            if len(family.variables) == _KEPT:
                oldest = next(iter(family.variables))
                self._simplex.remove(family.variables.pop(oldest))
            variable, _ = self._add(candidate.bound)
            family.variables[tightest] = variable
            self._claim_of[variable] = candidate.claim_id
        self._simplex.bound(family.variables[tightest], int(candidate.bound.is_strict))

    def _required(self) -> Iterable[tuple[int, int]]:
        for family in self._families:
            if family.required is not None:
                bound = family.candidates[family.required].bound
                yield family.variables[family.required], int(bound.is_strict)

    def _add(self, bound: Bound) -> tuple[int, int]:
        """The variable of a bound, and its lower limit."""
        return self._simplex.add(self._placed(bound.form)), int(bound.is_strict)

    def _require(self, rows: Iterable[tuple[int, int]]) -> None:
        for variable, lower in rows:
            self._simplex.bound(variable, lower)

    def _placed(self, form: Form) -> dict[int, Fraction]:
        return {self._places[unknown]: factor for unknown, factor in form.items()}


def connected_parts(figures: Sequence[Figure]) -> list[list[Figure]]:
    """Group figures that share unknowns, in the order of the last figure of each group."""
    # The links from a figure or unknown towards the one that represents its group.
    above: dict[Hashable, Hashable] = {}

    def representative(one: Hashable) -> Hashable:
        while (other := above.setdefault(one, one)) != one:
            above[one] = above[other]
            one = above[one]
        return one

    for place, one in enumerate(figures):
        for unknown in one.unknowns:
            for about in (unknown, unknown.whole) if isinstance(unknown, Flow) else (unknown,):
                above[representative(about)] = representative(place)
    parts: dict[Hashable, list[Figure]] = {}
    for place in reversed(range(len(figures))):
        parts.setdefault(representative(place), []).insert(0, figures[place])
    return list(reversed(parts.values()))


class Search:
    """Search for contradictions among figures that share unknowns.

    `in_article` is the number of figures of the whole article.
    """

    def __init__(self, figures: Sequence[Figure], in_article: int, effort: Effort) -> None:
        self._effort = effort
        self._system = System(figures, effort)
        self._by_id = {one.claim_id: one for one in figures}
        self._searches = max(_FEWEST_SEARCHES, _SEARCHES // in_article)
        self._known: list[frozenset[str]] = []

    def smallest(self, without: frozenset[str]) -> list[Figure] | None:
        """The smallest contradiction found: figures that cannot all be true, but any subset can.

        Reiter's tree ("A theory of diagnosis from first principles", 1987): an unknown
        contradiction lacks at least one figure of each known one. So leave out each figure of a
        known contradiction in turn, and search the rest. What is left out once stays left out:
        `without` has at least the figures of the search before.
        """
        self._known = [one for one in self._known if one.isdisjoint(without)]
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
        if not self._known:
            return None
        smallest = min(self._known, key=lambda one: (len(one), sorted(one)))
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
            if one.isdisjoint(left_out):
                return one
        conflict = self._system.conflict(left_out)
        if conflict is None:
            return None
        found = _irreducible([self._by_id[claim_id] for claim_id in sorted(conflict)], self._effort)
        self._known.append(found)
        return found


def _irreducible(figures: Sequence[Figure], effort: Effort) -> frozenset[str]:
    """A subset of contradictory figures in which every figure is needed."""
    system = System(figures, effort)
    removed: frozenset[str] = frozenset()
    for one in figures:
        if one.claim_id not in removed:
            conflict = system.conflict(removed | {one.claim_id})
            if conflict is not None:
                removed = frozenset(x.claim_id for x in figures) - conflict
    return frozenset(x.claim_id for x in figures) - removed
