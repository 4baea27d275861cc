"""The publisher's area codes and the country, region or other entry each stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dagster_project.sources.parsing import read_seed

COUNTRY_SEED = "country_list.csv"
AREA_SEED = "comtrade_areas.csv"
FLOW_SEED = "comtrade_flows.csv"

WORLD_CODE = "0"
WORLD = "WLD"
# The publisher's names for the world, today and in older downloads.
WORLD_ISO = "W00"


@dataclass(frozen=True)
class Areas:
    """Area codes by what they stand for.

    `iso3_of` has every code of a country with an ISO 3166 code: the United States, for example, is
    842 today and was 840 and 841. `others` are the remaining codes with their kind. `codes_of`
    gives the codes to request, today's first.
    """

    iso3_of: Mapping[str, str]
    others: Mapping[str, str]
    codes_of: Mapping[str, tuple[str, ...]]

    @cached_property
    def iso3(self) -> frozenset[str]:
        return frozenset(self.iso3_of.values())

    @cached_property
    def printed_iso(self) -> Mapping[str, str | None]:
        """The ISO code in a row, by area code; none where the area has no ISO code."""
        others: dict[str, str | None] = dict.fromkeys(self.others)
        return {**others, **self.iso3_of, WORLD_CODE: WORLD_ISO}

    @property
    def partner_codes(self) -> tuple[str, ...]:
        """Every possible partner code of a row, including the world, in order."""
        asked = {code for codes in self.codes_of.values() for code in codes}
        return tuple(sorted(asked | {WORLD_CODE}, key=int))


def read_areas(seeds: Path) -> Areas:
    """The area codes of the two seeds.

    Raises:
        SnapshotError: a seed is missing or empty.
    """
    iso3_of: dict[str, str] = {}
    codes_of: dict[str, tuple[str, ...]] = {}
    for row in read_seed(seeds, COUNTRY_SEED):
        codes = tuple(row["comtrade_codes"].split())
        if not codes:
            # Only other reporters use this code; a request for it must not become one for
            # everybody.
            continue
        codes_of[row["iso3"]] = codes
        iso3_of |= dict.fromkeys(codes, row["iso3"])
    others: dict[str, str] = {}
    for row in read_seed(seeds, AREA_SEED):
        if row["code"] in codes_of:
            # A code of older downloads only: understood, never requested.
            iso3_of[row["area_code"]] = row["code"]
            continue
        others[row["area_code"]] = row["area_kind"]
        if row["area_kind"] != "group" or row["code"] == WORLD:
            codes_of[row["code"]] = (row["area_code"],)
    return Areas(iso3_of, others, codes_of)
