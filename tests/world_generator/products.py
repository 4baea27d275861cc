"""Products of a world: six-digit codes of one edition, and what a newer edition made of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dagster_project.sources.parsing import read_seed
from tests.world_generator.dice import dice

CONVERSION_SEED = "hs_conversions.csv"
COMMON, NEWER = "H4", "H5"

# Chapter 77 is reserved.
_CHAPTERS = [f"{chapter:02}" for chapter in range(1, 98) if chapter != 77]
_HEADINGS, _MOST_HEADINGS = 13.0, 96
_SUBHEADINGS, _MOST_SUBHEADINGS = 3.3, 9
_SPLIT, _FIRST_PART = 0.04, 0.6


@dataclass(frozen=True, eq=False)
class Products:
    """`codes` has product_code (edition H4), newer_code (H5) and newer_part, in that order.

    A product that the newer edition splits has several rows, whose parts sum to one. Each
    newer code belongs to one product, so a report in it can be brought back without loss.
    """

    codes: pl.DataFrame

    @property
    def product_codes(self) -> list[str]:
        return self.codes["product_code"].unique(maintain_order=True).to_list()


def made_up_products(products: int, seed: int) -> Products:
    """Codes in chapters, headings and subheadings as the Harmonized System has them.

    The newer edition splits one in 25 products in two.
    """
    die = dice(seed, "products")
    found: list[str] = []
    for chapter in die.permutation(_CHAPTERS):
        headings = min(1 + int(die.exponential(_HEADINGS)), _MOST_HEADINGS)
        for heading in range(1, headings + 1):
            subheadings = min(1 + die.poisson(_SUBHEADINGS), _MOST_SUBHEADINGS)
            found += [f"{chapter}{heading:02}{n}0" for n in range(1, subheadings + 1)]
        if len(found) >= products:
            break
    else:
        raise ValueError(f"{products} products: the chapters of seed {seed} hold {len(found)}")
    codes = sorted(found[:products])
    rows: list[tuple[str, str, float]] = []
    for code, is_split in zip(codes, die.random(products) < _SPLIT, strict=True):
        if is_split:
            first, second = f"{code[:5]}1", f"{code[:5]}9"
            rows += [(code, first, _FIRST_PART), (code, second, 1 - _FIRST_PART)]
        else:
            rows.append((code, code, 1.0))
    return _products(rows)


def real_products(products: int, seed: int, seeds: Path) -> Products:
    """Real codes of the reference data, of which a product splits evenly where it was split.

    Left out are products whose code the newer edition has no successor for.
    """
    newer: dict[str, list[str]] = {}
    for row in read_seed(seeds, CONVERSION_SEED):
        if (row["from_edition"], row["to_edition"]) == (NEWER, COMMON):
            newer.setdefault(row["to_code"], []).append(row["from_code"])
    if products > len(newer):
        raise ValueError(f"{products} products: the reference data have {len(newer)}")
    known = sorted(newer)
    chosen = dice(seed, "products").choice(len(known), size=products, replace=False)
    return _products(
        [
            (known[n], code, 1 / len(newer[known[n]]))
            for n in sorted(chosen)
            for code in sorted(newer[known[n]])
        ]
    )


def _products(rows: list[tuple[str, str, float]]) -> Products:
    schema = {"product_code": pl.String, "newer_code": pl.String, "newer_part": pl.Float64}
    return Products(pl.DataFrame(rows, schema=schema, orient="row"))
