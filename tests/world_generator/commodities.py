"""The commodity codes of a file: six digits, headings, chapters and the total of an edition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tests.world_generator.products import COMMON, NEWER, Products

TOTAL = "TOTAL"
LEVELS = (6, 4, 2, 0)


@dataclass(frozen=True, eq=False)
class Commodities:
    """The codes of an edition, all levels in one sorted list.

    `first` and `count` lead from a product to its six-digit codes, which stand in `leaf` as
    positions in `codes`, with the share of the product in `part`. `above` gives for each level
    the position of the code that a code belongs to.
    """

    edition: str
    codes: pl.Series
    level: npt.NDArray[np.int8]
    first: npt.NDArray[np.int32]
    count: npt.NDArray[np.int32]
    leaf: npt.NDArray[np.int32]
    part: npt.NDArray[np.float64]
    above: Mapping[int, npt.NDArray[np.int32]]


def commodities(products: Products, edition: str) -> Commodities:
    """The codes of the common or the newer edition."""
    rows = products.codes
    if edition == COMMON:
        codes = products.product_codes
        count = np.ones(len(codes), np.int32)
        part = np.ones(len(codes))
    else:
        codes = rows["newer_code"].to_list()
        count = rows["product_code"].rle().struct.field("len").to_numpy().astype(np.int32)
        part = rows["newer_part"].to_numpy()
    every = sorted({code[:level] or TOTAL for code in codes for level in LEVELS})
    place = {code: n for n, code in enumerate(every)}
    return Commodities(
        edition,
        pl.Series(every),
        np.array([0 if code == TOTAL else len(code) for code in every], np.int8),
        (np.cumsum(count) - count).astype(np.int32),
        count,
        np.array([place[code] for code in codes], np.int32),
        part,
        {
            level: np.array(
                # Never asked of a code that is shorter.
                [place.get(code[:level] or TOTAL, -1) for code in every],
                np.int32,
            )
            for level in LEVELS
        },
    )


def both_editions(products: Products) -> Mapping[str, Commodities]:
    return {edition: commodities(products, edition) for edition in (COMMON, NEWER)}
