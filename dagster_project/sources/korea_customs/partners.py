"""The publisher's country codes and the warehouse's codes for them."""

from __future__ import annotations

from pathlib import Path

from dagster_project.sources.parsing import read_seed

COUNTRY_SEED = "country_list.csv"
PARTNER_SEED = "korea_customs_partners.csv"


def korea_customs_partners(seeds: Path) -> dict[str, str]:
    """The publisher's country code → partner code of the marts.

    The publisher uses ISO 3166 alpha-2; its seed lists its other codes.
    """
    partners: dict[str, str] = {}
    for name, code, partner in (
        (COUNTRY_SEED, "iso2", "iso3"),
        (PARTNER_SEED, "country_code", "partner_code"),
    ):
        partners.update((row[code], row[partner]) for row in read_seed(seeds, name))
    return partners
