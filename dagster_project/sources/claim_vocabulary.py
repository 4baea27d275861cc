"""The words that claims files may use, and what is written for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dagster_project.sources.parsing import read_seed
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
    *(f"{seed}.csv" for seed in PARTNER_LISTS),
)
# The rows of a seed, by its name and the columns that are read.
Rows = Callable[..., Iterable[Mapping[str, object]]]


@dataclass(frozen=True)
class ClaimVocabulary:
    """The words a claim may use; partners are countries and known groups.

    `places` has reporters and partners by any of their names; see `place_names`. `hedges_by_word`
    has hedges by the other words for them, in lower case.
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
    hedges_by_word: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, Country] = field(default_factory=dict)


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
        measures_of_share=frozenset(
            measure
            for measure, transform in pairs("claim_measures", "measure", "transform")
            if transform == "share"
        ),
        hedges_by_word={
            word.strip().casefold(): hedge
            for hedge, words in pairs("claim_hedges", "hedge", "also_written")
            for word in (hedge.replace("_", " "), *words.split(";"))
            if word.strip()
        },
    )


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
