"""The partners of the US Census Bureau: countries, groups of countries, and all countries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dagster_project.sources.connector import SelectionError
from dagster_project.sources.parsing import closest, read_seed, reject_where

PARTNER_SEED = "census_partners.csv"
ALL_COUNTRIES = "-"
DETAIL, GROUP = "DET", "CGP"

_SEED_COLUMNS = ("census_code", "partner_code", "is_aggregate")


@dataclass(frozen=True)
class Partner:
    """A code of the publisher and the warehouse's code for it."""

    census_code: str
    partner_code: str
    is_aggregate: bool

    @property
    def summary_level(self) -> str:
        """DET or CGP; the publisher lists the total of all countries among the details."""
        if self.is_aggregate and self.census_code != ALL_COUNTRIES:
            return GROUP
        return DETAIL


def read_partners(seeds: Path) -> tuple[Partner, ...]:
    """The partners of the seed, in its order.

    Raises:
        SnapshotError: no such seed, or it lacks a column or rows.
    """
    return tuple(
        Partner(row["census_code"], row["partner_code"], row["is_aggregate"] == "true")
        for row in read_seed(seeds, PARTNER_SEED, *_SEED_COLUMNS)
    )


def census_codes(seeds: Path) -> Mapping[str, str]:
    """Every known code with its summary level: DET or CGP."""
    return {partner.census_code: partner.summary_level for partner in read_partners(seeds)}


def codes_of(seeds: Path, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The publisher's codes of these partners of the warehouse, in the seed's order.

    The world is the API's own total; the country file uses other codes for it.

    Raises:
        SelectionError: a partner that the publisher has no code for.
    """
    partners = [
        partner
        for partner in read_partners(seeds)
        if partner.partner_code != "WLD" or partner.census_code == ALL_COUNTRIES
    ]
    known = {partner.partner_code for partner in partners}
    for code in asked:
        if code not in known:
            raise SelectionError(
                f"us_census: no partner {code!r}; {closest(code, known)}. Partners are ISO 3166"
                f" alpha-3 codes, WLD for the world; {PARTNER_SEED} lists them."
            )
    return tuple(partner.census_code for partner in partners if partner.partner_code in asked)


def reject_unknown(
    cells: pl.DataFrame, column: str, codes: Mapping[str, str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split off rows with partners that are not in the seed or lost their leading zeros."""
    padded = pl.col(column).str.zfill(4)
    return reject_where(
        cells,
        ~pl.col(column).is_in(list(codes)),
        column,
        pl.when(padded.is_in(list(codes)))
        .then(pl.format("leading zeros are lost: the code is {}; keep codes as text", padded))
        .otherwise(pl.lit(f"unknown country code: if it is a new one, add it to {PARTNER_SEED}")),
    )
