"""A small synthetic world of trade: every amount depends only on its dimensions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

_ABSENT_IN_HUNDRED = 10
_TURNED_IN_HUNDRED = 3
_CHANGED_IN_HUNDRED = 8


@dataclass(frozen=True)
class World:
    """What all publishers know on one day; months (YYYY-MM) after `last` are not out yet.

    Each edition after 0 withdraws some amounts, adds some and changes some.
    """

    seed: int = 1
    edition: int = 0
    first: str = "2010-01"
    last: str = "2018-06"

    def amount(self, *coordinates: str) -> int | None:
        """Dollars, or none where the publisher has nothing."""
        return _amount(self, coordinates)

    def later(self) -> World:
        return replace(self, edition=self.edition + 1)

    def is_out(self, month: str) -> bool:
        return self.first <= month <= self.last

    def draw(self, *coordinates: str) -> int:
        """A number that nothing but the coordinates decides."""
        text = "|".join((str(self.seed), *coordinates))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


@lru_cache(maxsize=1 << 20)
def _amount(world: World, coordinates: tuple[str, ...]) -> int | None:
    drawn = world.draw(*coordinates)
    is_there = drawn % 100 >= _ABSENT_IN_HUNDRED
    amount = 1_000 + (drawn >> 8) % 90_000_000
    for edition in range(1, world.edition + 1):
        turn = world.draw(str(edition), *coordinates)
        if turn % 100 < _TURNED_IN_HUNDRED:
            is_there = not is_there
        elif turn % 100 < _TURNED_IN_HUNDRED + _CHANGED_IN_HUNDRED:
            amount += 1_000 + (turn >> 8) % 90_000
    return amount if is_there else None


def months(first: str, last: str) -> Iterator[str]:
    """Every month from the first to the last, as YYYY-MM."""
    year, month = int(first[:4]), int(first[5:7])
    while (text := f"{year:04d}-{month:02d}") <= last:
        yield text
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
