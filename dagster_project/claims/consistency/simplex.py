"""Decide lower bounds on linear forms over exact rationals.

The general simplex method of Dutertre and de Moura, "A fast linear-arithmetic solver for DPLL(T)",
CAV 2006: every form is a variable, a pivot exchanges two of them, and only rows with the exchanged
variable change, so a system with few unknowns per form stays sparse. There are no tolerances. Rows
are integers over one divisor, which is several times as fast as fractions.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import count
from math import gcd, lcm

_ZERO = Fraction(0)


class EffortSpent(RuntimeError):
    """The effort that one search may take is spent; its systems cannot be used any further."""


class Effort:
    """How much arithmetic a search may still do, counted in changed coefficients.

    A count stops the same search at the same place on every machine; a clock would not.
    """

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, coefficients: int) -> None:
        """Count changed coefficients.

        Raises:
            EffortSpent: none are left.
        """
        self.left -= coefficients
        if self.left < 0:
            raise EffortSpent


class Simplex:
    """Variables with optional lower bounds; basic ones are linear forms of the nonbasic ones.

    The first variables are the unknowns, by number; `add` creates a variable for a form. Every
    method raises EffortSpent when the effort given is spent.
    """

    def __init__(self, unknowns: int, effort: Effort) -> None:
        self._effort = effort
        self._value = [_ZERO] * unknowns
        self._lower: list[int | None] = [None] * unknowns
        # A basic variable times its divisor, as a sum of nonbasic variables.
        self._rows: dict[int, dict[int, int]] = {}
        self._divisor: dict[int, int] = {}
        # The basic variables whose rows contain a variable.
        self._columns: list[set[int]] = [set() for _ in range(unknowns)]
        self._below: set[int] = set()

    def add(self, form: Mapping[int, Fraction]) -> int:
        """A new variable that equals the form; coefficients by variable."""
        divisor = lcm(*(factor.denominator * self._divisor.get(v, 1) for v, factor in form.items()))
        row: dict[int, int] = {}
        for variable, factor in form.items():
            times = factor.numerator * (
                divisor // (factor.denominator * self._divisor.get(variable, 1))
            )
            for j, a in self._rows.get(variable, {variable: 1}).items():
                row[j] = row.get(j, 0) + a * times
        common = gcd(divisor, *row.values())
        row, divisor = {j: a // common for j, a in row.items() if a}, divisor // common
        self._effort.spend(len(row))
        new = len(self._value)
        self._value.append(
            sum((factor * self._value[v] for v, factor in form.items() if self._value[v]), _ZERO)
        )
        self._lower.append(None)
        self._columns.append(set())
        self._rows[new], self._divisor[new] = row, divisor
        for j in row:
            self._columns[j].add(new)
        return new

    def bound(self, variable: int, lower: int | None) -> None:
        """Require the variable to be at least `lower`; None removes the bound."""
        self._lower[variable] = lower
        if variable in self._rows:
            self._watch(variable)
        elif lower is not None and self._value[variable] < lower:
            self._move(variable, lower - self._value[variable])

    def remove(self, variable: int) -> None:
        """Remove the variable of a form: it no longer lengthens the columns."""
        self._lower[variable] = None
        if variable not in self._rows and self._columns[variable]:
            # The shortest row keeps the others sparse.
            leaving = min(
                self._columns[variable], key=lambda basic: (len(self._rows[basic]), basic)
            )
            self._exchange(leaving, variable)
            self.bound(leaving, self._lower[leaving])
        if variable in self._rows:
            self._drop(variable)

    def conflict(self) -> frozenset[int] | None:
        """A minimal set of variables whose bounds contradict each other; None if there is none."""
        for turn in count():
            if not self._below:
                break
            leaving = min(self._below)
            row = self._rows[leaving]
            entering = self._entering(row, turn)
            if entering is None:
                return frozenset((leaving, *row))
            lower = self._lower[leaving]
            assert lower is not None, "only a variable with a bound is below it"
            missing = lower - self._value[leaving]
            self._move(entering, missing * self._divisor[leaving] / row[entering])
            self._exchange(leaving, entering)
        return None

    def maximum(self, form: Mapping[int, Fraction]) -> Fraction | None:
        """The largest value of a form within all bounds; None if it is unbounded.

        Call it only if `conflict` returned None.
        """
        goal = self.add(form)
        is_bounded = self._grow(goal)
        self._drop(goal)
        return self._value[goal] if is_bounded else None

    def _grow(self, goal: int) -> bool:
        """Pivot as long as a form grows; False if it is unbounded."""
        for turn in count():
            row = self._rows[goal]
            entering = self._entering(row, turn)
            if entering is None:
                break
            sign = 1 if row[entering] > 0 else -1
            limits: list[tuple[Fraction, int]] = []
            lower = self._lower[entering]
            if sign < 0 and lower is not None:
                limits.append((self._value[entering] - lower, entering))
            for basic in self._columns[entering]:
                slope = self._rows[basic][entering] * sign
                lower = self._lower[basic]
                if slope < 0 and lower is not None:
                    limits.append(
                        ((lower - self._value[basic]) * self._divisor[basic] / slope, basic)
                    )
            if not limits:
                return False
            step, leaving = min(limits)
            self._move(entering, step * sign)
            if leaving != entering:
                self._exchange(leaving, entering)
        return True

    def _entering(self, row: Mapping[int, int], turn: int) -> int | None:
        """The variable that can increase the form of a row; None if the bounds prevent it.

        Prefer a short column, which keeps the rows sparse. After enough turns, use Bland's rule,
        the first by number, which never cycles.
        """
        by_number = turn >= len(self._value)
        return min(
            (j for j, a in row.items() if a > 0 or self._can_decrease(j)),
            key=lambda j: (0 if by_number else len(self._columns[j]), j),
            default=None,
        )

    def _can_decrease(self, variable: int) -> bool:
        """Whether the variable can decrease."""
        lower = self._lower[variable]
        return lower is None or self._value[variable] > lower

    def _move(self, variable: int, step: Fraction) -> None:
        """Change a nonbasic variable, and every form that contains it."""
        self._value[variable] += step
        up, down = step.numerator, step.denominator
        self._effort.spend(len(self._columns[variable]))
        for basic in self._columns[variable]:
            moved = Fraction(self._rows[basic][variable] * up, self._divisor[basic] * down)
            self._value[basic] += moved
            self._watch(basic)

    def _watch(self, basic: int) -> None:
        lower, value = self._lower[basic], self._value[basic]
        if lower is not None and value.numerator < lower * value.denominator:
            self._below.add(basic)
        else:
            self._below.discard(basic)

    def _exchange(self, leaving: int, entering: int) -> None:
        """Solve the row of `leaving` for `entering` and substitute it in all other rows."""
        row, old_divisor = self._drop(leaving)
        pivot = row.pop(entering)
        sign = 1 if pivot > 0 else -1
        divisor = abs(pivot)
        solved = {j: -a * sign for j, a in row.items()}
        solved[leaving] = old_divisor * sign
        self._effort.spend(len(solved) * (1 + len(self._columns[entering])))
        for basic in self._columns[entering]:
            self._substitute(basic, entering, solved, divisor)
        self._columns[entering] = set()
        self._rows[entering], self._divisor[entering] = solved, divisor
        for j in solved:
            self._columns[j].add(entering)
        self._watch(entering)

    def _substitute(
        self, basic: int, entering: int, solved: Mapping[int, int], divisor: int
    ) -> None:
        old = self._rows[basic]
        factor = old.pop(entering)
        common = gcd(factor, divisor)
        factor, times = factor // common, divisor // common
        new = {j: a * times for j, a in old.items()} if times != 1 else old
        for j, a in solved.items():
            total = new.get(j, 0) + a * factor
            if total:
                if j not in new:
                    self._columns[j].add(basic)
                new[j] = total
            elif j in new:
                del new[j]
                self._columns[j].discard(basic)
        whole = self._divisor[basic] * times
        common = gcd(whole, *new.values())
        if common != 1:
            new = {j: a // common for j, a in new.items()}
        self._rows[basic], self._divisor[basic] = new, whole // common

    def _drop(self, basic: int) -> tuple[dict[int, int], int]:
        """Remove and return the row of a basic variable, with its divisor."""
        row = self._rows.pop(basic)
        self._below.discard(basic)
        for j in row:
            self._columns[j].discard(basic)
        return row, self._divisor.pop(basic)
