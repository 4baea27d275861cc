"""Reads the tables of the folder `grammar`."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("grammar")


class GrammarError(ValueError):
    """A table of the grammar that cannot be read; the message says where and why."""


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a table.

    Raises:
        GrammarError: a row has more or fewer cells than the header.
    """
    path = FOLDER / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        found = list(csv.DictReader(handle))
    for place, row in enumerate(found, start=2):
        if None in row or None in row.values():
            raise GrammarError(
                f"{path.name}, line {place}: the number of cells differs from the header. Put a"
                " cell that contains a comma in quotes."
            )
    return found


@cache
def small_words(name: str) -> frozenset[str]:
    """A list of the table `small_words`: words that join or end other phrases."""
    lists = {row["list"]: row["words"] for row in rows("small_words")}
    return frozenset(lists[name].split())
