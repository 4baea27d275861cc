"""Compares what the reader finds in a text with what a careful reader extracts."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from dagster_project.reading.reader import read
from dagster_project.reading.readings import Reading
from dagster_project.reading.text import decoded, parse_page

TEXTS = Path(__file__).with_name("texts")
FIELDS = ("reporter", "partner", "sector", "trade_kind", "period", "base_period", "hedge")
# What a careful reader notes and no trade statistic can judge.
NOT_ASKED = frozenset({"jobs", "tariff_rate"})
SCALES = {"th": 1000, "mn": 10**6, "bn": 10**9, "tn": 10**12}


@dataclass
class Score:
    """Counts of figures, and a line for each that is wrong."""

    asked: int = 0
    found: int = 0
    same: int = 0
    every: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def measure(self) -> tuple[float, float]:
        """Precision and recall of value and measure."""
        return self.same / max(self.found, 1), self.same / max(self.asked, 1)

    @property
    def fields(self) -> tuple[float, float]:
        """Precision and recall of value, measure and every field."""
        return self.every / max(self.found, 1), self.every / max(self.asked, 1)


def documents(folder: str) -> Iterator[tuple[str, str, date]]:
    """Name, main text and day of print of each text of a folder."""
    with (TEXTS / folder / "documents.csv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            yield row["doc"], text_of(folder, row["doc"]), date.fromisoformat(row["published_on"])


@cache
def text_of(folder: str, name: str) -> str:
    (path,) = (TEXTS / folder).glob(f"{name}.*")
    content = path.read_bytes()
    return parse_page(content).text if path.suffix == ".html" else decoded(content)


def score(folder: str) -> Score:
    with (TEXTS / folder / "expected.csv").open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["measure"] not in NOT_ASKED]
    total = Score()
    for name, text, day in documents(folder):
        asked = [row for row in rows if row["doc"] == name]
        found = [one for one in read(text, day) if one.is_claim]
        total.asked += len(asked)
        total.found += len(found)
        _compare(name, asked, found, total)
    return total


def _compare(name: str, asked: list[dict[str, str]], found: list[Reading], total: Score) -> None:
    left = list(found)
    for row in asked:
        views = [row]
        if row.get("also_accept"):
            measure, reporter, partner = row["also_accept"].split(":")
            views.append({**row, "measure": measure, "reporter": reporter, "partner": partner})
        near = [
            (len(wrong), place, wrong)
            for place, one in enumerate(left)
            for view in views
            if (wrong := _differing(view, one)) is not None
        ]
        if not near:
            total.wrong.append(f"{name}: {row['measure']} {row['value']} is not found")
            continue
        _, place, wrong = min(near)
        total.same += 1
        total.every += not wrong
        if wrong:
            total.wrong.append(f"{name}: {row['measure']} {row['value']}: {', '.join(wrong)}")
        del left[place]
    total.wrong += [f"{name}: {one.measure} {one.value} is not there" for one in left]


def _differing(row: Mapping[str, str], one: Reading) -> list[str] | None:
    """The fields in which a reading differs; none at all if it is of another figure."""
    if one.measure != row["measure"] or _amount(one.value, one.unit) != _amount(
        Decimal(row["value"]), row["unit"]
    ):
        return None
    return [name for name in FIELDS if getattr(one, name) != row[name]]


def _amount(value: Decimal, unit: str) -> tuple[Decimal, str]:
    currency, _, scale = unit.partition(" ")
    return value * SCALES.get(scale, 1), currency
