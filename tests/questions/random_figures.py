"""Figures drawn at random from what is held, told as a claim would tell them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from questions.held_figures import TOTAL, Cell, HeldFigures, Period, Value
from questions.printed_claims import Claim, compare, hedged, print_money, print_number

LEVELS = (("exports", 1), ("imports", 1), ("balance", 0), ("two_way", 1))


@dataclass(frozen=True)
class Truth:
    """What the writer had in mind: the claim, its series and its definition."""

    claim: Claim
    legs: frozenset[str]
    definition: str
    amount: Decimal


class Writer:
    """Draws true claims; the same seed draws the same ones."""

    def __init__(self, held: HeldFigures, seed: int) -> None:
        self.held = held
        self.chance = random.Random(seed)
        self._count = 0
        self._name = f"s{seed}"
        self._periods: dict[tuple[str, str, str, str], list[Period]] = {}
        systems: dict[str, set[str]] = defaultdict(set)
        partners: set[str] = set()
        for (reporter, partner, kind, system), rows in held.rows.items():
            if reporter == "USA" and kind == "goods":
                partners.add(partner)
                systems[partner] |= {system}
                key = (reporter, partner, kind, system)
                self._periods[key] = sorted({r.period for r in rows}, key=lambda p: p.text)
        self.partners = sorted(partners)
        self._systems = systems
        most = max(len(found) for found in systems.values())
        self._many_sources = [p for p in self.partners if len(systems[p]) == most]

    # -- what is told of -----------------------------------------------------

    def pair(self) -> tuple[str, str]:
        """A reporter and partner: half the draws go where several readings are held."""
        if self.chance.random() < 0.5:
            partner = self.chance.choice(self._many_sources)
            return (partner, "USA") if self.chance.random() < 0.15 else ("USA", partner)
        return "USA", self.chance.choice(self.partners)

    def sector(self, reporter: str, partner: str) -> tuple[str, str]:
        """A sector as a claim names it, and one of its definitions."""
        if reporter != "USA" or partner not in self._many_sources or self.chance.random() < 0.6:
            return "total", TOTAL
        named = [
            sector
            for sector, definitions in self.held.definitions_of.items()
            if sector != "total"
            and any(self.held.codes(d)[0] in self._systems[partner] for d in definitions)
        ]
        if self.chance.random() < 0.6:
            sector = self.chance.choice(sorted(named))
            held = [
                d
                for d in self.held.definitions_of[sector]
                if self.held.codes(d)[0] in self._systems[partner]
            ]
            return sector, self.chance.choice(held)
        system = self.chance.choice(sorted(self._systems[partner] - {"total"}))
        rows = self.held.rows[("USA", partner, "goods", system)]
        code = self.chance.choice(sorted({r.code for r in rows}))
        return f"{system}:{code}", f"{system}:{code}"

    def period(self, cell: Cell) -> Period:
        """A year, mostly; a month, a year to date or twelve months where months are held."""
        system, _ = self.held.codes(cell.definition)
        key = (cell.reporter, cell.partner, cell.trade_kind, system)
        if key not in self._periods:
            key = (cell.partner, cell.reporter, cell.trade_kind, system)
        periods = self._periods[key]
        months = [p for p in periods if p.months == 1]
        longer = [p for p in periods if p.months > 1]
        if not months:
            return self.chance.choice(longer)
        kind = self.chance.random()
        drawn = self.chance.choice(months)
        if kind < 0.5 or not longer:
            return self.chance.choice(longer) if longer else Period.of_year(drawn.first.year)
        if kind < 0.65:
            return drawn
        if kind < 0.85:
            return Period.of_months(drawn.first.year, 1, max(drawn.first.month, 2))
        return Period.of_months(drawn.first.year, drawn.first.month, 12)

    def cell(self) -> tuple[Cell, str]:
        reporter, partner = self.pair()
        sector, definition = self.sector(reporter, partner)
        cell = Cell(reporter, partner, "goods", definition, Period.of_year(2015))
        return cell.at(period=self.period(cell)), sector

    # -- what is told --------------------------------------------------------

    def draw(
        self,
        transforms: Sequence[str] = ("level", "change", "growth", "ratio", "share", "size"),
        *,
        digits: Sequence[int] = (3, 4, 5),
        softened: float = 0.0,
    ) -> Truth:
        """One true claim, by itself."""
        while True:
            cell, sector = self.cell()
            days = self.held.days(cell.reporter, cell.partner)
            quantity = self.chance.choice(("exports", "imports", "balance", "balance", "two_way"))
            values = self.held.known(cell, quantity, self.chance.choice(days))
            if not values:
                continue
            x = self.chance.choice(values)
            day = date.fromisoformat(x.token)
            transform = self.chance.choice(list(transforms))
            truth = self.tell(cell, sector, x, quantity, transform, day, digits)
            if truth is None:
                continue
            if self.chance.random() < softened:
                softer = hedged(self.chance, truth.claim, truth.amount)
                if softer is None:
                    continue
                return replace(truth, claim=softer)
            return truth

    def document(
        self, name: str, size: int, *, digits: Sequence[int] = (2, 3, 4), softened: float = 0.0
    ) -> list[Truth]:
        """Several figures of one speaker, all on one reading as known on one day."""
        while True:
            cell, _ = self.cell()
            days = self.held.days(cell.reporter, cell.partner)
            day = self.chance.choice(days)
            values = self.held.known(cell, "balance", day)
            if not values:
                continue
            legs = self.chance.choice(values).legs
            truths: list[Truth] = []
            for _ in range(20 * size):
                truth = self._one_of(cell, legs, day, digits)
                if truth is None or any(_same(truth, other) for other in truths):
                    continue
                claim = replace(truth.claim, document=name, speaker="the office")
                if self.chance.random() < softened:
                    softer = hedged(self.chance, claim, truth.amount)
                    if softer is None:
                        continue
                    claim = softer
                truths.append(replace(truth, claim=claim))
                if len(truths) == size:
                    return truths

    def _one_of(
        self, about: Cell, legs: frozenset[str], day: date, digits: Sequence[int]
    ) -> Truth | None:
        sector, definition = self.sector(about.reporter, about.partner)
        cell = about.at(definition=definition)
        cell = cell.at(period=self.period(cell))
        quantity = self.chance.choice(("exports", "imports", "balance", "balance", "two_way"))
        values = [x for x in self.held.known(cell, quantity, day) if x.legs <= legs]
        if not values:
            return None
        transform = self.chance.choice(("level", "level", "level", "change", "growth", "ratio"))
        return self.tell(cell, sector, values[0], quantity, transform, day, digits)

    def tell(
        self,
        cell: Cell,
        sector: str,
        x: Value,
        quantity: str,
        transform: str,
        day: date,
        digits: Sequence[int] = (3, 4, 5),
        base: Period | None = None,
    ) -> Truth | None:
        """The figure as printed; nothing where it has no base, no whole or no digit."""
        direction = 1
        beside = None
        if transform == "share":
            if cell.definition == TOTAL:
                return None
            beside = self._same_basis(cell.at(definition=TOTAL), quantity, x, day)
        elif transform in ("change", "growth", "ratio"):
            base = base or self._base(cell.period)
            beside = self._same_basis(cell.at(period=base), quantity, x, day)
        if transform in ("change", "growth", "ratio", "share"):
            if beside is None:
                return None
        else:
            base = None
        if transform != "change" and quantity == "balance" and transform != "size":
            direction = -1 if (beside or x).value < 0 else 1
        told = replace(x, value=direction * x.value)
        if beside is not None:
            compared = compare(transform, told, replace(beside, value=direction * beside.value))
            if compared is None:
                return None
            told = compared
        elif transform == "size":
            if quantity != "balance":
                return None
            told = replace(x, value=abs(x.value))
        printed = self._printed(told, transform, digits)
        if printed is None:
            return None
        self._count += 1
        claim = Claim(
            f"{self._name}_{self._count:04d}",
            cell,
            sector,
            quantity,
            transform,
            direction,
            *printed,
            base=base if transform in ("change", "growth", "ratio") else None,
        )
        width = claim.interval.high - claim.interval.low
        if not told.is_statistic and told.half > width / 2:
            return None
        return Truth(claim, x.legs, cell.definition, told.value)

    def _printed(
        self, told: Value, transform: str, digits: Sequence[int]
    ) -> tuple[Decimal, str, Decimal] | None:
        if transform in ("level", "change", "size"):
            return print_money(self.chance, told.value, told.half, digits)
        unit = "ratio" if transform == "ratio" else "pct"
        choices = ("0.1", "0.01") if transform == "ratio" else ("1", "0.1", "0.01")
        rounding = Decimal(self.chance.choice(choices))
        value = print_number(told.value, rounding)
        if value == 0 or abs(value) > 10**6:
            return None
        return value, unit, rounding

    def _base(self, period: Period) -> Period:
        return period.shifted(-self.chance.choice((1, 1, 2, 3, 5)))

    def _same_basis(self, cell: Cell, quantity: str, x: Value, day: date) -> Value | None:
        for y in self.held.known(cell, quantity, day):
            if y.legs == x.legs:
                return y
        return None


def _same(one: Truth, other: Truth) -> bool:
    """Told twice is no second figure."""
    a, b = one.claim, other.claim
    return (a.cell, a.quantity, a.transform, a.base) == (b.cell, b.quantity, b.transform, b.base)
