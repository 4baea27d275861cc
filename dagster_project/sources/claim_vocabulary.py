"""The words that claims files may use, and what is written for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from dagster_project.sources.parsing import read_seed
from dagster_project.sources.periods import FISCAL_YEAR_COLUMNS, FiscalYear, fiscal_years
from dagster_project.sources.place_names import (
    PARTNER_LISTS,
    Country,
    countries_by_word,
    places_by_word,
)

TRADE_KINDS = frozenset({"goods", "services", "goods_services"})
VOCABULARY_SEEDS = (
    "claim_measures.csv",
    "sector_list.csv",
    "units.csv",
    "claim_hedges.csv",
    "country_list.csv",
    "agreements.csv",
    "fiscal_years.csv",
    *(f"{seed}.csv" for seed in PARTNER_LISTS),
)
# The rows of a seed, by its name and the columns that are read.
Rows = Callable[..., Iterable[Mapping[str, object]]]


@dataclass(frozen=True)
class Agreement:
    """An agreement of two countries, as a base of comparison: from its signature or entry into
    force, which is the day `since`."""

    countries: frozenset[str]
    since: date


@dataclass(frozen=True)
class ClaimVocabulary:
    """The words a claim may use; partners are countries and known groups.

    `places` has reporters and partners by any of their names; see `place_names`. `hedges_by_word`
    has hedges by the other words for them, in lower case. `agreements` has, by the words that
    stand for a base period (`korus`, `korus signed`), the pairs of countries that they apply to.
    """

    measures: frozenset[str]
    sectors: frozenset[str]
    units: frozenset[str]
    hedges: frozenset[str]
    reporters: frozenset[str]
    partners: frozenset[str]
    trade_kinds: frozenset[str] = TRADE_KINDS
    # Units by measure or hedge; absent means any.
    units_of_measures: Mapping[str, frozenset[str]] = field(default_factory=dict)
    units_of_hedges: Mapping[str, frozenset[str]] = field(default_factory=dict)
    measures_with_base: frozenset[str] = frozenset()
    measures_of_share: frozenset[str] = frozenset()
    measures_of_places: frozenset[str] = frozenset()
    measures_of_averages: frozenset[str] = frozenset()
    measures_of_two_partners: frozenset[str] = frozenset()
    hedges_by_word: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, Country] = field(default_factory=dict)
    agreements: Mapping[str, Sequence[Agreement]] = field(default_factory=dict)
    fiscal_years: Mapping[str, FiscalYear] = field(default_factory=dict)


def units_by_word(
    words: Iterable[tuple[str, str | None]], kinds: Iterable[tuple[str, str]]
) -> dict[str, frozenset[str]]:
    """The units each word may be used with.

    Args:
        words: a word and the kinds of unit it takes, with spaces between; none for any.
        kinds: a unit and its kind.
    """
    kind_of = dict(kinds)
    return {
        word: frozenset(unit for unit, kind in kind_of.items() if kind in taken.split())
        for word, taken in words
        if taken
    }


def vocabulary(
    rows: Rows, reporters: Iterable[str], places: Mapping[str, Country]
) -> ClaimVocabulary:
    """The vocabulary that the reference seeds give, wherever they are read from."""

    def pairs(seed: str, first: str, second: str) -> list[tuple[str, str]]:
        return [(_text(row[first]), _text(row[second])) for row in rows(seed, first, second)]

    def texts(seed: str, column: str) -> list[str]:
        return [_text(row[column]) for row in rows(seed, column)]

    def measures_of(*transforms: str) -> frozenset[str]:
        return frozenset(
            measure
            for measure, transform in pairs("claim_measures", "measure", "transform")
            if transform in transforms
        )

    kinds = pairs("units", "unit", "unit_kind")
    return ClaimVocabulary(
        measures=frozenset(texts("claim_measures", "measure")),
        sectors=frozenset(texts("sector_list", "sector_id")),
        units=frozenset(texts("units", "unit")),
        hedges=frozenset(texts("claim_hedges", "hedge")),
        reporters=frozenset(reporters),
        partners=frozenset(place.code for place in places.values()),
        places=places,
        units_of_measures=units_by_word(pairs("claim_measures", "measure", "unit_kinds"), kinds),
        units_of_hedges=units_by_word(pairs("claim_hedges", "hedge", "unit_kinds"), kinds),
        measures_with_base=frozenset(
            measure
            for measure, has_base in pairs("claim_measures", "measure", "has_base")
            if has_base.casefold() == "true"
        ),
        measures_of_share=measures_of("share"),
        measures_of_places=measures_of("record", "lowest"),
        measures_of_averages=measures_of("average"),
        measures_of_two_partners=measures_of("times_partner"),
        agreements=_agreements(rows),
        fiscal_years=fiscal_years(rows("fiscal_years", *FISCAL_YEAR_COLUMNS)),
        hedges_by_word={
            word.strip().casefold(): hedge
            for hedge, words in pairs("claim_hedges", "hedge", "also_written")
            for word in (hedge.replace("_", " "), *words.split(";"))
            if word.strip()
        },
    )


def _agreements(rows: Rows) -> dict[str, list[Agreement]]:
    """The agreements of each pair by the words for them; see `ClaimVocabulary`."""
    found: dict[str, list[Agreement]] = defaultdict(list)
    columns = ("agreement_id", "reporter_iso3", "partner_code", "signed_on", "in_force_from")
    for row in rows("agreements", *columns):
        pair = frozenset((_text(row["reporter_iso3"]), _text(row["partner_code"])))
        name = _text(row["agreement_id"])
        for words, day in ((name, "in_force_from"), (f"{name} signed", "signed_on")):
            found[words].append(Agreement(pair, date.fromisoformat(_text(row[day]))))
    return found


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)


def vocabulary_from_seeds(seeds: Path) -> ClaimVocabulary:
    """The vocabulary of a folder of seeds.

    Raises:
        SnapshotError: a seed is absent, or lacks the column that holds its words.
    """

    countries = countries_by_word(read_seed(seeds, "country_list.csv", "iso3", "iso2", "name"))
    places = places_by_word(
        countries, {seed: read_seed(seeds, f"{seed}.csv") for seed in PARTNER_LISTS}
    )
    return vocabulary(
        lambda seed, *columns: read_seed(seeds, f"{seed}.csv", *columns),
        (place.code for place in countries.values()),
        places,
    )
