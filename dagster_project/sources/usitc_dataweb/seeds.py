"""Measures and partners of DataWeb, as the project's seeds list them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dagster_project.sources.parsing import read_seed

MEASURE_SEED = "dataweb_measures.csv"
PARTNER_SEED = "dataweb_partners.csv"
CENSUS_SEED = "census_partners.csv"
COUNTRY_SEED = "country_list.csv"


@dataclass(frozen=True)
class Measure:
    """One table of a report: its code in the request, and a word of its title."""

    trade_type: str
    code: str
    title_word: str


@dataclass(frozen=True)
class Country:
    """A country as DataWeb lists it: Schedule C code, name, ISO codes in the name."""

    census_code: str
    name: str
    iso2: str
    iso3: str

    def listed(self) -> dict[str, str]:
        return {"name": f"{self.name} - {self.iso2} - {self.iso3}", "value": self.census_code}

    @staticmethod
    def of(listed: Mapping[str, str]) -> Country:
        name, iso2, iso3 = listed["name"].rsplit(" - ", 2)
        return Country(listed["value"], name, iso2, iso3)


def read_measures(seeds: Path) -> tuple[Measure, ...]:
    """The measures of each flow's report, in the order of its tables."""
    return tuple(
        Measure(row["trade_type"], row["dataweb_measure"], row["title_word"])
        for row in read_seed(seeds, MEASURE_SEED)
    )


def read_partners(seeds: Path) -> dict[str, str]:
    """Partner code by its form in reports: a name in lower case, or a Schedule C code."""
    names = {
        row["dataweb_name"].casefold(): row["partner_code"]
        for row in read_seed(seeds, PARTNER_SEED)
    }
    codes = {
        row["census_code"]: row["partner_code"]
        for row in read_seed(seeds, CENSUS_SEED)
        if row["is_aggregate"] == "false"
    }
    return names | codes


def read_countries(seeds: Path) -> dict[str, Country]:
    iso2 = {row["iso3"]: row["iso2"] for row in read_seed(seeds, COUNTRY_SEED)}
    return {
        row["iso3"]: Country(
            row["census_code"], row["partner_name"], iso2[row["iso3"]], row["iso3"]
        )
        for row in read_seed(seeds, CENSUS_SEED)
        if row["iso3"]
    }
