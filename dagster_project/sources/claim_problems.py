"""What is wrong with a claim of a file, cell by cell, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal

from dagster_project.sources.amounts import read_amount
from dagster_project.sources.claim_vocabulary import ClaimVocabulary
from dagster_project.sources.parsing import PERIOD_PATTERN, closest
from dagster_project.sources.periods import FORMS
from dagster_project.sources.place_names import suggested_places

NUMBER = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,6})?")

# Product system → the form of its codes; a claim may name a code directly, as in hs2:87.
_PRODUCT_CODES = {
    "hs2": r"[0-9]{2}",
    "hs4": r"[0-9]{4}",
    "hs6": r"[0-9]{6}",
    "hs10": r"[0-9]{10}",
    "naics3": r"[0-9]{3}",
    "sitc": r"[0-9]{1,5}",
    "end_use": r"[0-9]{1,5}",
    "ebops": r"[A-Z0-9]{1,6}",
}
_MAY_BE_EMPTY = frozenset({"base_period", "attributed_to", "compared_with", "quoted", "confidence"})
_PERIOD = re.compile(PERIOD_PATTERN)
_WHOLE_SECTOR, _WORLD = "total", "WLD"


def claim_problems(row: Mapping[str, str], vocabulary: ClaimVocabulary) -> list[tuple[str, str]]:
    """Every problem of one claim: column and what to do, in the order of the row's columns."""
    problems = [
        (column, "the cell is empty")
        for column in row
        if column not in _MAY_BE_EMPTY and not row[column]
    ]
    empty = {column for column, _ in problems}
    words: tuple[tuple[str, str, Collection[str]], ...] = (
        ("trade_kind", "trade kind", vocabulary.trade_kinds),
        ("measure", "measure", vocabulary.measures),
        ("hedge", "hedge", vocabulary.hedges),
    )
    for column, meaning, allowed in words:
        if column not in empty and row[column] not in allowed:
            problems.append((column, f"unknown {meaning}: {closest(row[column], allowed)}"))
    for column, codes in places_of(vocabulary):
        if column not in empty and row[column] and row[column] not in codes:
            known = {word: one for word, one in vocabulary.places.items() if one.code in codes}
            near = suggested_places(row[column], known) if known else closest(row[column], codes)
            what = "partner" if column == "compared_with" else column
            if "+" in row[column]:
                near = "sums of several are not checked, so write one claim for each"
            problems.append((column, f"unknown {what}: {near}"))
    measure, unit, hedge = row["measure"], row["unit"], row["hedge"]
    if (
        measure in vocabulary.measures_of_share
        and row["sector"] == _WHOLE_SECTOR
        and row["partner"] == _WORLD
    ):
        problems.append(
            ("partner", "the share of the whole in itself is 100 %: name a partner or a sector")
        )
    fitting = vocabulary.units_of_measures.get(measure, vocabulary.units)
    if "unit" not in empty and unit not in fitting:
        # No suggestion: units differ by a letter, and by a power of ten.
        found = f"no unit of {measure}" if unit in vocabulary.units else "unknown unit"
        problems.append(("unit", f"{found}: write one of {', '.join(sorted(fitting))}"))
    hedged = vocabulary.units_of_hedges.get(hedge, vocabulary.units)
    if unit in fitting and unit not in hedged:
        problems.append(("hedge", f"{hedge} is used with {', '.join(sorted(hedged))} only"))
    if measure in vocabulary.measures_with_base and not row["base_period"]:
        problems.append(
            ("base_period", f"{measure} compares with a base: write the period it starts from")
        )
    problems.extend(_compared_problem(row, vocabulary))
    if "sector" not in empty:
        problems.extend(_sector_problem(row["sector"], vocabulary.sectors))
    if row["period"]:
        problems.extend(("period", why) for why in _period_problem(row["period"]))
    if row["base_period"] in vocabulary.agreements:
        problems.extend(("base_period", why) for why in _agreement_problem(row, vocabulary))
    elif row["base_period"]:
        problems.extend(("base_period", why) for why in _period_problem(row["base_period"]))
    if "value" not in empty and not NUMBER.fullmatch(row["value"]):
        problems.append(("value", _value_problem(row["value"], unit)))
    if "rounding" not in empty and not _is_above_zero(row["rounding"]):
        problems.append(
            ("rounding", "not a rounding unit above zero: write 0.1 where 27.6 is quoted")
        )
    order = {column: place for place, column in enumerate(row)}
    return sorted(problems, key=lambda problem: order[problem[0]])


def _value_problem(value: str, unit: str) -> str:
    amount = read_amount(value)
    if amount is not None and amount.unit is not None and amount.unit.code:
        return f"in {amount.unit.code}, but the column unit says {unit!r}: write one unit"
    if amount is not None and amount.unit is None:
        return f"{amount.words!r} is not a unit of amounts: write the number alone"
    if "," in value:
        return (
            "not a number: the comma may separate thousands or decimals. Write a decimal point, at"
            " most 6 decimals and no other separator"
        )
    return "not a number: write digits, at most 6 decimals and no words"


def _sector_problem(sector: str, sectors: frozenset[str]) -> list[tuple[str, str]]:
    if sector in sectors:
        return []
    system, colon, code = sector.partition(":")
    if not colon:
        near = closest(sector, sectors)
        return [("sector", f"unknown sector: {near}; or name a code, such as hs2:87")]
    if system not in _PRODUCT_CODES:
        return [("sector", f"unknown product system: {closest(system, _PRODUCT_CODES)}")]
    if not re.fullmatch(_PRODUCT_CODES[system], code):
        return [("sector", f"no code of {system}: its form is {_PRODUCT_CODES[system]}")]
    return []


def _period_problem(period: str) -> list[str]:
    if not _PERIOD.fullmatch(period):
        return [f"not a period: write {FORMS}"]
    first, _, last = period.partition("/")
    if last and last < first:
        return ["the period ends before it begins: write the earlier month first"]
    if not "1900" <= first[:4] <= "2100":
        return ["the year lies outside 1900 to 2100"]
    return []


def _agreement_problem(row: Mapping[str, str], vocabulary: ClaimVocabulary) -> list[str]:
    """Why a claim cannot start from an agreement: it is of other countries, or began later."""
    agreements = vocabulary.agreements[row["base_period"]]
    pair = {row["reporter"], row["partner"]}
    days = [one.since for one in agreements if one.countries == pair]
    if not days:
        pairs = ", ".join(sorted("–".join(sorted(one.countries)) for one in agreements))  # noqa: RUF001
        return [f"no agreement of {row['reporter']} and {row['partner']}, but of {pairs}"]
    if _PERIOD.fullmatch(row["period"]) and row["period"][-7:][:4] < f"{days[0].year}":
        return [f"its day is {days[0]}, after the period"]
    return []


def _compared_problem(row: Mapping[str, str], vocabulary: ClaimVocabulary) -> list[tuple[str, str]]:
    """What is wrong between a measure and its other partner or its period."""
    measure, other = row["measure"], row["compared_with"]
    problems = []
    if measure in vocabulary.measures_of_two_partners:
        if not other:
            problems.append(
                ("compared_with", f"{measure} compares two partners: write the other one")
            )
        elif other == row["partner"]:
            problems.append(("compared_with", "the partner itself: write another one"))
    elif other:
        problems.append(
            (
                "compared_with",
                f"{measure} has one partner: leave it empty, or write times_partner_…",
            )
        )
    if measure in vocabulary.measures_of_places:
        if NUMBER.fullmatch(row["value"]) and (value := Decimal(row["value"])) % 1:
            problems.append(("value", f"{value} is no place: write 1 for the first"))
        years = [
            one[-7:][:4] for one in (row["base_period"], row["period"]) if _PERIOD.fullmatch(one)
        ]
        if len(years) == 2 and years[0] >= years[1]:
            problems.append(
                ("base_period", "not before the period: write the year after which years count")
            )
    if measure in vocabulary.measures_of_averages and not _has_whole_years(row["period"]):
        problems.append(("period", f"{measure} is of whole years: write 2012/2016"))
    return problems


def _has_whole_years(period: str) -> bool:
    """Whether a period is of whole years, or not a period."""
    first, _, last = period.partition("/")
    if not _PERIOD.fullmatch(period) or len(period) == 4:
        return True
    return bool(last) and (int(last[5:]) - int(first[5:]) + 1) % 12 == 0


def places_of(vocabulary: ClaimVocabulary) -> Iterator[tuple[str, Collection[str]]]:
    """The columns that name a place, and the codes that each may have."""
    yield "reporter", vocabulary.reporters
    yield "partner", vocabulary.partners
    yield "compared_with", vocabulary.partners


def _is_above_zero(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None and Decimal(text) > 0
