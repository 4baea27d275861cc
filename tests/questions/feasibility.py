"""Whether the figures of one text can all be true at once, by exact linear programming.

With the printed bounds as constants every rule is linear: growth of at most g says that the end
is at most (1 + g) times the start; a pair of currencies says the same with the rate as the
unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction

from questions.held_figures import Cell
from questions.printed_claims import Claim

Linear = dict[str, Fraction]

_RATE = "dollars a euro"
_SCALE = 10**9


def can_all_be_true(claims: Iterable[Claim]) -> bool:
    """Is there any trade, never negative, of which every printed figure is true?"""
    return _feasible(list(_inequalities(list(claims))))


def _inequalities(claims: list[Claim]) -> Iterable[tuple[Linear, Fraction]]:
    """Each as a sum of unknowns that is at most a constant."""
    for claim in claims:
        yield from _of_one(claim)
    flows: dict[str, set[str]] = defaultdict(set)
    for claim in claims:
        for period in (claim.cell.period.text, claim.base.text if claim.base else None):
            if period and claim.sector != "total":
                flows[period].add(claim.sector)
    for period, sectors in flows.items():
        for sector in sectors:
            for flow in ("exports", "imports"):
                part = {f"{flow} {sector} {period}": Fraction(1)}
                yield _add(part, {f"{flow} total {period}": Fraction(-1)}), Fraction(0)


def _of_one(claim: Claim) -> Iterable[tuple[Linear, Fraction]]:
    interval = claim.interval
    low, high = Fraction(interval.low), Fraction(interval.high)
    told = _told(claim, claim.cell, claim.sector)
    if claim.transform == "level" and claim.unit.startswith("EUR"):
        rate = {_RATE: Fraction(1)}
        yield from _between(told, _times(rate, low / _SCALE), _times(rate, high / _SCALE))
    elif claim.transform in ("level", "change"):
        if claim.transform == "change":
            base = _told(claim, claim.cell.at(period=claim.base), claim.sector)
            told = _add(told, _times(base, Fraction(-1)))
        yield told, high / _SCALE
        yield _times(told, Fraction(-1)), -low / _SCALE
    elif claim.transform in ("growth", "ratio", "share"):
        if claim.transform == "share":
            beside = _told(claim, claim.cell, "total")
        else:
            beside = _told(claim, claim.cell.at(period=claim.base), claim.sector)
        if claim.transform != "ratio":
            low, high = low / 100, high / 100
        if claim.transform == "growth":
            low, high = 1 + low, 1 + high
        yield from _between(told, _times(beside, low), _times(beside, high))
        # Nothing grows from nothing: a dollar at least.
        yield _times(beside, Fraction(-1)), Fraction(-1, _SCALE)
    else:
        raise ValueError(f"{claim.transform} says nothing that can be added up.")


def _between(x: Linear, low: Linear, high: Linear) -> Iterable[tuple[Linear, Fraction]]:
    yield _add(x, _times(high, Fraction(-1))), Fraction(0)
    yield _add(low, _times(x, Fraction(-1))), Fraction(0)


def _told(claim: Claim, cell: Cell, sector: str) -> Linear:
    exports = f"exports {sector} {cell.period.text}"
    imports = f"imports {sector} {cell.period.text}"
    sense = Fraction(claim.direction)
    return {
        "exports": {exports: sense},
        "imports": {imports: sense},
        "balance": {exports: sense, imports: -sense},
        "two_way": {exports: sense, imports: sense},
    }[claim.quantity]


def _add(a: Linear, b: Linear) -> Linear:
    return {name: a.get(name, Fraction(0)) + b.get(name, Fraction(0)) for name in a | b}


def _times(a: Linear, factor: Fraction) -> Linear:
    return {name: value * factor for name, value in a.items()}


def _feasible(rows: list[tuple[Linear, Fraction]]) -> bool:
    """Phase one of the simplex method: can the artificial part be driven to nothing?

    Bland's rule, so that it ends; fractions, so that nothing is nearly so.
    """
    names = sorted({name for row, _ in rows for name in row})
    width = len(names) + len(rows)
    table: list[list[Fraction]] = []
    basis: list[int] = []
    artificial = width
    needed = sum(1 for _, bound in rows if bound < 0)
    for i, (row, bound) in enumerate(rows):
        line = [row.get(name, Fraction(0)) for name in names]
        line += [Fraction(int(i == j)) for j in range(len(rows))] + [Fraction(0)] * needed
        if bound < 0:
            line = [-x for x in line]
            line[artificial] = Fraction(1)
            basis.append(artificial)
            artificial += 1
        else:
            basis.append(len(names) + i)
        table.append([*line, abs(bound)])
    # What is left to be driven out, as a sum of the lines that hold an artificial unknown.
    goal = [Fraction(0)] * (width + needed + 1)
    for line, b in zip(table, basis, strict=True):
        if b >= width:
            goal = [g + x for g, x in zip(goal, line, strict=True)]
    while goal[-1] > 0:
        entering = next((j for j in range(width) if goal[j] > 0), None)
        if entering is None:
            return False
        ratios = [
            (line[-1] / line[entering], basis[i], i)
            for i, line in enumerate(table)
            if line[entering] > 0
        ]
        _, _, leaving = min(ratios)
        pivot = table[leaving][entering]
        table[leaving] = [x / pivot for x in table[leaving]]
        for i, line in enumerate(table):
            if i != leaving and line[entering] != 0:
                factor = line[entering]
                table[i] = [x - factor * y for x, y in zip(line, table[leaving], strict=True)]
        factor = goal[entering]
        goal = [x - factor * y for x, y in zip(goal, table[leaving], strict=True)]
        basis[leaving] = entering
    return True
