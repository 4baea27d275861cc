"""The true flows of each year, from a gravity model with heavy tails.

A flow's expected log value is the sum of both countries' sizes, less distance, more across a
common border, plus the product's size, the exporter's strength in the product and the
importer's taste for it; all of them last. Two correlated normal dice, which partly last, then
decide whether the flow exists and how large it is. Large pairs therefore trade most products,
small ones few, and values spread over nine orders of magnitude, as in published data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from dagster_project.settings import load_settings
from tests.world_generator.dice import dice
from tests.world_generator.geography import Geography, made_up_geography
from tests.world_generator.parameters import Cif, World
from tests.world_generator.products import Products, made_up_products

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
# Called with what is done and what there is to do.
OnProgress = Callable[[int, int], None]

TRUTH_SCHEMA: dict[str, pl.DataType] = {
    "exporter_iso3": pl.String(),
    "importer_iso3": pl.String(),
    "product_code": pl.String(),
    "year": pl.Int32(),
    "value_usd": pl.Float64(),
    "quantity_kg": pl.Float64(),
    "cif_factor": pl.Float64(),
}

# Standard deviations and slopes, in logs, chosen so that a world of 230 countries and 5,000
# products has the shape of a published year: values from a few dollars to billions, a few
# exporters in every product, and half of all pairs with a handful of products.
_SIZE = 1.9
_DISTANCE = -1.0
_BORDER = 0.6
_PRODUCT = 1.6
_STRENGTH = 1.2
_TASTE = 0.6
_EXISTENCE = 2.0
_VALUE_SLOPE, _VALUE, _VALUE_WITH_EXISTENCE = 0.85, 2.5, 0.4
# Median unit values: dollars a kilogram.
_UNIT_VALUE_USD, _UNIT_VALUE = 6.0, 1.0
_CALIBRATION = 400_000
# A block of all importers that stays in the cache of a core.
_PRODUCTS_AT_ONCE = 200


@dataclass(frozen=True, eq=False)
class Foundations:
    """What lasts in a world: everything but the dice of a year.

    `ln_pair` is exporter by importer; `ln_strength` and `ln_taste` are country by product;
    `ln_cif_pair` is the log CIF factor but for the part of the unit value.
    """

    world: World
    geography: Geography
    products: Products
    product_codes: list[str]
    size: Floats
    ln_pair: npt.NDArray[np.float32]
    ln_product: npt.NDArray[np.float32]
    ln_strength: npt.NDArray[np.float32]
    ln_taste: npt.NDArray[np.float32]
    ln_unit_value: Floats
    threshold: float
    ln_scale: float
    cif_constant: float
    ln_cif_pair: Floats


@dataclass(frozen=True, eq=False)
class Flows:
    """The true flows of one year, sorted by exporter, product and importer, as positions."""

    year: int
    exporter: Indices
    importer: Indices
    product: Indices
    value_usd: Floats
    quantity_kg: Floats
    cif_factor: Floats


def truth(world: World) -> pl.DataFrame:
    """Every true flow of the world's years, with its planted CIF factor (`TRUTH_SCHEMA`)."""
    lasting = found(world)
    return pl.concat([flow_frame(lasting, true_flows(lasting, year)) for year in world.years]).cast(
        pl.Schema(TRUTH_SCHEMA)
    )


def found(world: World) -> Foundations:
    """Draw what lasts, and set the three levels that are given as outcomes."""
    seeds = load_settings().seeds
    geography = world.geography or made_up_geography(world.countries, world.seed, seeds)
    products = world.product_list or made_up_products(world.products, world.seed)
    product_codes = products.product_codes
    countries, kinds = len(geography.iso3), len(product_codes)
    die = dice(world.seed, "foundations")
    size = die.normal(0, _SIZE, countries)
    ln_product = die.normal(0, _PRODUCT, kinds)
    ln_unit_value = np.log(_UNIT_VALUE_USD) + die.normal(0, _UNIT_VALUE, kinds)
    ln_strength = die.normal(0, _STRENGTH, (countries, kinds))
    ln_taste = die.normal(0, _TASTE, (countries, kinds))
    ln_pair = (
        size[:, None]
        + size
        + _DISTANCE * np.log(geography.distance)
        + _BORDER * geography.contiguous
    )
    ln_cif_pair = _ln_cif_of_pairs(world.cif, geography)

    die = dice(world.seed, "levels")
    drawn = min(_CALIBRATION, countries * countries * kinds)
    exporter = die.integers(countries, size=drawn)
    importer = (exporter + die.integers(1, countries, size=drawn)) % countries
    product = die.integers(kinds, size=drawn)
    expected = (
        ln_pair[exporter, importer]
        + ln_product[product]
        + ln_strength[exporter, product]
        + ln_taste[importer, product]
    )
    first, second = die.standard_normal((2, drawn))
    latent = expected + _EXISTENCE * first
    threshold = float(np.quantile(latent, 1 - world.density))
    exists = latent > threshold
    ln_value = _ln_value(expected, first, second)[exists]
    ln_factor = (ln_cif_pair[exporter, importer] + world.cif.unit_value * ln_unit_value[product])[
        exists
    ]
    constant = world.cif.constant
    if constant is None:
        constant = float(np.log((1 + world.cif.mean_rate) / np.exp(ln_factor).mean()))
    return Foundations(
        world,
        geography,
        products,
        product_codes,
        size,
        ln_pair.astype(np.float32),
        ln_product.astype(np.float32),
        ln_strength.astype(np.float32),
        ln_taste.astype(np.float32),
        ln_unit_value,
        threshold,
        float(np.log(world.median_usd) - np.median(ln_value)),
        constant,
        ln_cif_pair,
    )


def true_flows(lasting: Foundations, year: int, on_progress: OnProgress | None = None) -> Flows:
    """The flows of a year, drawn an exporter at a time."""
    world = lasting.world
    countries = lasting.size.size
    taste = np.ascontiguousarray(lasting.ln_taste.T)
    parts: list[tuple[npt.NDArray[np.generic], ...]] = []
    for exporter in range(countries):
        year_die = dice(world.seed, "flows of a year", exporter, year)
        product, importer, ln_value = _existing(lasting, exporter, taste, year_die)
        ln_unit_value = lasting.ln_unit_value[product] + year_die.normal(
            0, world.unit_value_spread, product.size
        )
        ln_factor = (
            lasting.cif_constant
            + lasting.ln_cif_pair[exporter, importer]
            + world.cif.unit_value * lasting.ln_unit_value[product]
        )
        value = np.exp(lasting.ln_scale + ln_value)
        parts.append(
            (
                np.full(product.size, exporter, np.int32),
                importer,
                product,
                value,
                value / np.exp(ln_unit_value),
                np.exp(ln_factor),
            )
        )
        if on_progress is not None:
            on_progress(exporter + 1, countries)
    return Flows(year, *(np.concatenate(column) for column in zip(*parts, strict=True)))


def _existing(
    lasting: Foundations,
    exporter: int,
    taste: npt.NDArray[np.float32],
    year_die: np.random.Generator,
) -> tuple[Indices, Indices, Floats]:
    """Products, importers and log values, before scaling, of what an exporter sells in a year."""
    world = lasting.world
    countries = lasting.size.size
    lasting_die = dice(world.seed, "lasting flows", exporter)
    stays, changes = (np.float32(np.sqrt(x)) for x in (world.persistence, 1 - world.persistence))
    of_product = lasting.ln_product + lasting.ln_strength[exporter]
    parts: list[tuple[Indices, Indices, Floats]] = []
    for begin in range(0, len(lasting.product_codes), _PRODUCTS_AT_ONCE):
        some = slice(begin, begin + _PRODUCTS_AT_ONCE)
        expected = taste[some] + of_product[some, None]
        expected += lasting.ln_pair[exporter]
        first = lasting_die.standard_normal(expected.shape, np.float32)
        first *= stays
        first += changes * year_die.standard_normal(expected.shape, np.float32)
        exists = expected + np.float32(_EXISTENCE) * first > lasting.threshold
        exists[:, exporter] = False
        # Every number is drawn, wanted or not, so that a flow has the same dice in each year.
        second = lasting_die.standard_normal(expected.shape, np.float32)
        place = np.flatnonzero(exists)
        second = stays * second.ravel()[place]
        second += changes * year_die.standard_normal(place.size, np.float32)
        product, importer = np.divmod(place.astype(np.int32), np.int32(countries))
        ln_value = _ln_value(
            expected.ravel()[place].astype(float),
            first.ravel()[place].astype(float),
            second.astype(float),
        )
        parts.append((product + np.int32(begin), importer, ln_value))
    product, importer, ln_value = (np.concatenate(column) for column in zip(*parts, strict=True))
    return product, importer, ln_value


def flow_frame(lasting: Foundations, flows: Flows) -> pl.DataFrame:
    """As `TRUTH_SCHEMA`, codes as enumerations, which take a tenth of the memory of text."""
    iso3, products = pl.Enum(lasting.geography.iso3), pl.Enum(lasting.product_codes)
    return pl.DataFrame(
        {
            "exporter_iso3": coded(flows.exporter, iso3),
            "importer_iso3": coded(flows.importer, iso3),
            "product_code": coded(flows.product, products),
            "year": pl.repeat(flows.year, flows.exporter.size, dtype=pl.Int32, eager=True),
            "value_usd": flows.value_usd,
            "quantity_kg": flows.quantity_kg,
            "cif_factor": flows.cif_factor,
        }
    )


def coded(positions: Indices, codes: pl.Enum) -> pl.Series:
    """Positions in a list of codes as these codes."""
    return pl.Series(codes.categories).cast(codes)[positions]


def _ln_value(expected: Floats, first: Floats, second: Floats) -> Floats:
    shared = _VALUE_WITH_EXISTENCE
    return _VALUE_SLOPE * expected + _VALUE * (shared * first + np.sqrt(1 - shared**2) * second)


def _ln_cif_of_pairs(cif: Cif, geography: Geography) -> Floats:
    ln_distance = np.log(geography.distance)
    return (
        cif.distance * ln_distance
        + cif.distance_squared * ln_distance**2
        + cif.contiguous * geography.contiguous
        + cif.landlocked_exporter * geography.landlocked[:, None]
        + cif.landlocked_importer * geography.landlocked
    )
