"""Writes a reporter's rows in the form of a bulk file.

What is a matter of spelling alone is drawn here, reporter by reporter: whether values have
decimals, whether sums are marked as sums (older reports do not), in what unit a product counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from dagster_project.sources.un_comtrade.trade import WORLD_CODE
from tests.world_generator.commodities import LEVELS, Commodities, both_editions
from tests.world_generator.dice import dice
from tests.world_generator.products import COMMON, NEWER
from tests.world_generator.reporting import Offices, Reported
from tests.world_generator.truth import Foundations

Floats = npt.NDArray[np.float64]

_KILOGRAM, _ITEMS, _NO_UNIT = "8", "5", "-1"
_COUNTED, _ITEM_KG = 0.25, 2.0
# Shares of offices, of their rows, and the largest part of a row's value.
_RE_EXPORTS = (1 / 3, 0.3, 0.4)
_RE_IMPORTS = (1 / 7, 0.035, 0.4)
_HAS_DECIMALS, _MARKS_NO_SUMS, _STATES_GROSS, _STATES_ALTERNATIVE = 0.5, 0.2, 0.5, 0.3
_PACKING = 0.15
# Beyond it a double has no room for three decimals.
_WHOLE_FROM_USD = 1e12
_WORLD = int(WORLD_CODE)
_EMPTY = pl.lit(None, pl.Float64)


@dataclass(frozen=True)
class Ways:
    """An office's ways: decimals of dollars, sums marked as sums, gross weight, kilograms beside
    items."""

    has_decimals: bool
    marks_sums: bool
    states_gross: bool
    states_alternative: bool


@dataclass(frozen=True, eq=False)
class Speller:
    """What the rows of a year have in common; partners are their area codes as numbers."""

    lasting: Foundations
    offices: Offices
    exports: Reported
    imports: Reported
    editions: Mapping[str, Commodities]
    partners: npt.NDArray[np.int32]
    is_counted: npt.NDArray[np.bool_]
    item_kg: Floats

    @property
    def reporters(self) -> list[int]:
        """Positions of those that report, by their area code."""
        order = np.argsort(self.partners[: self.lasting.size.size], kind="stable")
        return [int(one) for one in order if self.offices.is_reporting[one]]

    def edition(self, reporter: int) -> Commodities:
        return self.editions[NEWER if self.offices.is_newer_edition[reporter] else COMMON]


def speller(
    lasting: Foundations, offices: Offices, exports: Reported, imports: Reported
) -> Speller:
    countries = lasting.geography.countries["area_code"].to_list()
    products = len(lasting.product_codes)
    die = dice(lasting.world.seed, "units")
    return Speller(
        lasting,
        offices,
        exports,
        imports,
        both_editions(lasting.products),
        np.array([int(code) for code in (*countries, *offices.nes_codes)], np.int32),
        die.random(products) < _COUNTED,
        np.exp(die.normal(np.log(_ITEM_KG), 1, products)),
    )


def spell(speller: Speller, reporter: int) -> Iterator[pl.DataFrame]:
    """The rows of one reporter, a flow at a time, as `_lines` lays them out."""
    seed = speller.lasting.world.seed
    decimals, marks, gross, alternative, *stating = (
        dice(seed, "spelling", reporter).random(6).tolist()
    )
    ways = Ways(
        decimals < _HAS_DECIMALS,
        marks >= _MARKS_NO_SUMS,
        gross < _STATES_GROSS,
        alternative < _STATES_ALTERNATIVE,
    )
    die = dice(seed, "re-exports", speller.offices.year, reporter)
    for flow, side, part_flow, (offices, rows, most), states in (
        ("M", speller.imports, "RM", _RE_IMPORTS, stating[0]),
        ("X", speller.exports, "RX", _RE_EXPORTS, stating[1]),
    ):
        cells = _six_digits(speller, side, reporter)
        packing = pl.Series(1 + die.random(cells.height) * _PACKING)
        cells = cells.with_columns(gross=pl.col("kg") * packing)
        drawn = (die.random(cells.height) < rows) * die.random(cells.height) * most
        # What only passed through a hub is stated, whether the office states others or not.
        share = pl.max_horizontal(
            pl.lit(pl.Series(drawn * (states < offices))), pl.col("passed") / pl.col("value")
        )
        parts = (
            cells.with_columns(share=share)
            .filter(pl.col("share") > 0)
            .with_columns(pl.col("value", "kg", "gross", "items") * pl.col("share"))
        )
        for flow_code, stated in ((flow, cells), (part_flow, parts)):
            if stated.height > 0:
                rounded = _rounded(stated, ways)
                whole = _with_sums(rounded, speller.edition(reporter))
                yield _lines(speller, reporter, flow_code, whole, ways)


def _six_digits(speller: Speller, side: Reported, reporter: int) -> pl.DataFrame:
    """A reporter's rows in the codes of its edition."""
    begin, end = np.searchsorted(side.reporter, [reporter, reporter + 1])
    rows = slice(int(begin), int(end))
    edition, product = speller.edition(reporter), side.product[rows]
    count = edition.count[product]
    # The codes of a product that the edition splits stand next to each other.
    source = np.repeat(np.arange(product.size), count)
    nth = np.arange(source.size) - np.repeat(np.cumsum(count) - count, count)
    code = edition.first[product][source] + nth
    part = edition.part[code]
    kg = side.quantity_kg[rows][source] * part
    is_counted = speller.is_counted[product][source]
    return pl.DataFrame(
        {
            "code": edition.leaf[code],
            "partner": speller.partners[side.partner[rows][source]],
            "value": side.value_usd[rows][source] * part,
            "kg": kg,
            "items": np.where(is_counted, kg / speller.item_kg[product][source], np.nan),
            "passed": side.re_exported_usd[rows][source] * part,
        }
    ).with_columns(pl.col("kg", "items").fill_nan(None))


def _rounded(cells: pl.DataFrame, ways: Ways) -> pl.DataFrame:
    """Rounded before anything is added up: sums of a file are sums of its rounded rows."""
    decimals, least = (3, 0.001) if ways.has_decimals else (0, 1.0)
    return cells.select(
        "code",
        "partner",
        pl.col("value").round(decimals).clip(least),
        pl.col("kg").round(3).clip(0.001),
        (pl.col("gross").round(3).clip(0.001) if ways.states_gross else _EMPTY).alias("gross"),
        pl.col("items").ceil(),
    )


def _with_sums(cells: pl.DataFrame, edition: Commodities) -> pl.DataFrame:
    """Six digits, headings, chapters and the total, with each partner and with the world."""
    sums = (pl.col("value").sum(), pl.col("kg").sum())
    levels = [cells.with_columns(is_sum=pl.lit(value=False))]
    for level in LEVELS[1:]:
        above = pl.Series("code", edition.above[level][cells["code"].to_numpy()])
        of_level = cells.with_columns(above).group_by("code", "partner").agg(*sums)
        levels.append(of_level.with_columns(is_sum=pl.lit(value=True)))
    bilateral = pl.concat(levels, how="diagonal")
    world = bilateral.group_by("code").agg(*sums)
    world = world.with_columns(partner=pl.lit(_WORLD, pl.Int32), is_sum=pl.lit(value=True))
    value = pl.col("value")
    return (
        pl.concat([bilateral, world], how="diagonal")
        .with_columns(
            pl.when(value < _WHOLE_FROM_USD).then(value.round(3)).otherwise(value.round(0)),
            pl.col("kg").round(3),
        )
        .sort("code", "partner")
    )


def _lines(
    speller: Speller, reporter: int, flow: str, rows: pl.DataFrame, ways: Ways
) -> pl.DataFrame:
    """The 34 columns; neighbours that are constant stand as one column, tabs included."""
    offices, edition = speller.offices, speller.edition(reporter)
    year, number = offices.year, speller.partners[reporter]
    code = rows["code"].to_numpy()
    is_six_digits = pl.lit(pl.Series(edition.level[code] == LEVELS[0]))
    is_sum, has_kg = pl.col("is_sum"), pl.col("kg").is_not_null() & (pl.col("kg") > 0)
    is_counted = pl.col("items").is_not_null()
    has_alternative = is_counted & has_kg & pl.lit(value=ways.states_alternative)
    unit = (
        pl.when(is_counted)
        .then(pl.lit(_ITEMS))
        .when(is_six_digits & has_kg)
        .then(pl.lit(_KILOGRAM))
        .otherwise(pl.lit(_NO_UNIT))
    )
    value = pl.col("value")
    is_cif = flow in ("M", "RM") and not offices.says_fob[reporter]
    cif, fob = (value, _EMPTY) if is_cif else (_EMPTY, value)
    flags = pl.when(is_sum).then(pl.lit("0\t0\t1")).otherwise(pl.lit("0\t1\t0"))
    return rows.select(
        _constant(f"2{number:04}{year}0105{year}", "C", "A", f"{year}0101", year, 52, year, number),
        pl.lit(flow).alias("flow_code"),
        "partner",
        _constant(0, edition.edition, edition.edition, 1),
        edition.codes[code].alias("cmd_code"),
        _constant("C00", 0, 0),
        unit.alias("qty_unit_code"),
        pl.when(is_counted).then("items").when(is_six_digits & has_kg).then("kg").alias("qty"),
        _constant(0),
        pl.when(has_alternative)
        .then(pl.lit(_KILOGRAM))
        .otherwise(pl.lit(_NO_UNIT))
        .alias("alt_qty_unit_code"),
        pl.when(has_alternative).then("kg").alias("alt_qty"),
        pl.lit("0").alias("is_alt_qty_estimated"),
        pl.when(has_kg).then("kg").alias("net_wgt"),
        pl.when(is_sum).then(pl.lit("1")).otherwise(pl.lit("0")).alias("is_net_wgt_estimated"),
        pl.col("gross").alias("gross_wgt"),
        pl.lit("0").alias("is_gross_wgt_estimated"),
        cif.alias("cifvalue"),
        fob.alias("fobvalue"),
        value.alias("primary_value"),
        (flags if ways.marks_sums else pl.lit("0\t1\t0")).alias("flags"),
    )


def _constant(*cells: object) -> pl.Expr:
    text = "\t".join(str(cell) for cell in cells)
    return pl.lit(text).alias(text)
