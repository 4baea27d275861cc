"""Estimates reporters' distance to partners and the weights of every rule from sums of cells.

**What SQL must supply.** A mirrored cell is an exporter, importer, product and year with X > 0, Mf
> 0 and X + Mf > 1 US dollar, where d = ln(Mf / X) and weight = ln(X + Mf). All sums cover the same
mirrored cells and are additive over years: those of a year are computed once, and a new year is
added to the others.

`PAIR_SUMS`, one row per exporter, importer and year:
    cells                    number
    weight                   sum of weight
    weighted_distance        sum of weight x |d|
    weighted_square          sum of weight x d^2
    exporter_value_usd       sum of X
    importer_value_usd       sum of Mf
    agreed_value_usd         sum of Mf where |Mf - X| <= 0.2 Mf
`EXPORTER_PRODUCT_SUMS`, `IMPORTER_PRODUCT_SUMS`: the same cells by exporter and product, and by
importer and product, each over all years; `PRODUCT_YEAR_SUMS` by product and year:
    cells, weight, weighted_distance

**Results.** `REPORTERS`, one row per country, each measure as exporter and as importer; null where
that side has no mirrored cell. `PAIR_WEIGHTS`, one row per pair with mirrored cells: the weight of
X under each rule, `weight_<rule>`, and the sigmas it is based on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from dagster_project.world.effects import CrossSums, Effects, solve_effects
from dagster_project.world.reliability import (
    VarianceFit,
    fit_variances,
    growth_lab_scores,
    sigma_from_ls_means,
)
from dagster_project.world.rules import RULES

_ADDED: dict[str, pl.DataType] = {
    "cells": pl.Int64(),
    "weight": pl.Float64(),
    "weighted_distance": pl.Float64(),
}
PAIR_SUMS: dict[str, pl.DataType] = {
    "exporter_iso3": pl.String(),
    "importer_iso3": pl.String(),
    "year": pl.Int32(),
    **_ADDED,
    "weighted_square": pl.Float64(),
    "exporter_value_usd": pl.Float64(),
    "importer_value_usd": pl.Float64(),
    "agreed_value_usd": pl.Float64(),
}
EXPORTER_PRODUCT_SUMS: dict[str, pl.DataType] = {
    "exporter_iso3": pl.String(),
    "product_code": pl.String(),
    **_ADDED,
}
IMPORTER_PRODUCT_SUMS: dict[str, pl.DataType] = {
    "importer_iso3": pl.String(),
    "product_code": pl.String(),
    **_ADDED,
}
PRODUCT_YEAR_SUMS: dict[str, pl.DataType] = {
    "product_code": pl.String(),
    "year": pl.Int32(),
    **_ADDED,
}

_MEASURES = ("sigma", "ls_mean", "sigma_ls_means", "agreed_share", "growth_lab_score")
REPORTERS: dict[str, pl.DataType] = {
    "iso3": pl.String(),
    **{
        f"{measure}_{side}": kind
        for side in ("exporter", "importer")
        for measure, kind in (
            ("cells", pl.Int64()),
            ("partners", pl.Int64()),
            *((measure, pl.Float64()) for measure in _MEASURES),
        )
    },
}
PAIR_WEIGHTS: dict[str, pl.DataType] = {
    "exporter_iso3": pl.String(),
    "importer_iso3": pl.String(),
    "sigma_exporter": pl.Float64(),
    "sigma_importer": pl.Float64(),
    **{f"weight_{rule.name}": pl.Float64() for rule in RULES},
}

# The expected distance of a pair's products is a first-order estimate; beyond a factor of four
# of the average it says more about the estimate than about the pair.
_COMPOSITION_BOUNDS = (0.25, 4.0)


@dataclass(frozen=True)
class Estimates:
    """The estimates; `fit` says how well the pairs were fitted and what they leave open."""

    reporters: pl.DataFrame
    weights: pl.DataFrame
    effects: Effects
    fit: VarianceFit


@dataclass(frozen=True)
class _Pairs:
    """Pair sums over all years as dense tables, exporters by importers."""

    exporters: list[str]
    importers: list[str]
    tables: dict[str, np.ndarray]

    def mean(self, name: str) -> np.ndarray:
        weight = self.tables["weight"]
        return self.tables[name] / np.where(weight > 0, weight, 1.0)


def estimate(
    pairs: pl.DataFrame,
    exporter_products: pl.DataFrame,
    importer_products: pl.DataFrame,
    product_years: pl.DataFrame,
) -> Estimates:
    """Estimate everything about reporters, over all years at once.

    Raises:
        EffectsError: the frames are empty or do not add up the same cells.
        ReliabilityError: the pairs do not identify the reporters.
    """
    effects = solve_effects(_cross_sums(pairs, exporter_products, importer_products, product_years))
    held = _dense(pairs)
    expected = _composition(held, pairs, exporter_products, importer_products, effects)
    fit = fit_variances(
        held.tables["cells"],
        held.mean("weighted_distance") / expected,
        held.mean("weighted_square") / expected**2,
    )
    reporters = _reporters(held, effects, fit)
    return Estimates(reporters, _weights(held, reporters), effects, fit)


def _cross_sums(
    pairs: pl.DataFrame,
    exporter_products: pl.DataFrame,
    importer_products: pl.DataFrame,
    product_years: pl.DataFrame,
) -> CrossSums:
    named = pairs.rename({"exporter_iso3": "exporter", "importer_iso3": "importer"})

    def by(*keys: str) -> pl.DataFrame:
        return named.group_by(keys).agg(pl.col(*_ADDED).sum()).sort(keys)

    return CrossSums(
        exporter_importer=by("exporter", "importer"),
        exporter_year=by("exporter", "year"),
        exporter_product=exporter_products.rename(
            {"exporter_iso3": "exporter", "product_code": "product"}
        ),
        importer_year=by("importer", "year"),
        importer_product=importer_products.rename(
            {"importer_iso3": "importer", "product_code": "product"}
        ),
        year_product=product_years.rename({"product_code": "product"}),
    )


def _dense(pairs: pl.DataFrame) -> _Pairs:
    measures = [
        name for name in PAIR_SUMS if name not in ("exporter_iso3", "importer_iso3", "year")
    ]
    keys = ["exporter_iso3", "importer_iso3"]
    summed = pairs.group_by(keys).agg(pl.col(measures).sum()).sort(keys)
    exporters = summed["exporter_iso3"].unique().sort().to_list()
    importers = summed["importer_iso3"].unique().sort().to_list()
    rows = np.searchsorted(exporters, summed["exporter_iso3"].to_list())
    columns = np.searchsorted(importers, summed["importer_iso3"].to_list())
    tables = {}
    for name in measures:
        tables[name] = np.zeros((len(exporters), len(importers)))
        tables[name][rows, columns] = summed[name].to_numpy()
    return _Pairs(exporters, importers, tables)


def _composition(
    held: _Pairs,
    pairs: pl.DataFrame,
    exporter_products: pl.DataFrame,
    importer_products: pl.DataFrame,
    effects: Effects,
) -> np.ndarray:
    """The expected distance of a pair given its products and years, relative to the average.

    A pair's product mix is not in the sums; it is approximated by the exporter's mix plus the
    importer's minus the world's. Its years are in the sums.
    """
    products = effects.of("product").select(
        product_code="level", effect=pl.col("effect").fill_null(0.0)
    )
    years = effects.of("year").select(
        year=pl.col("level").cast(pl.Int32), effect=pl.col("effect").fill_null(0.0)
    )

    def mix(frame: pl.DataFrame, key: str, names: list[str]) -> np.ndarray:
        means = (
            frame.join(products, on="product_code")
            .group_by(key)
            .agg(mean=(pl.col("weight") * pl.col("effect")).sum() / pl.col("weight").sum())
        )
        return _aligned(names, means[key], means["mean"])

    by_exporter = mix(exporter_products, "exporter_iso3", held.exporters)
    by_importer = mix(importer_products, "importer_iso3", held.importers)
    weight = held.tables["weight"]
    world = weight.sum(axis=1) @ by_exporter / weight.sum()
    timed = (
        pairs.join(years, on="year")
        .group_by("exporter_iso3", "importer_iso3")
        .agg(mean=(pl.col("weight") * pl.col("effect")).sum() / pl.col("weight").sum())
    )
    by_years = np.zeros(weight.shape)
    by_years[
        np.searchsorted(held.exporters, timed["exporter_iso3"].to_list()),
        np.searchsorted(held.importers, timed["importer_iso3"].to_list()),
    ] = timed["mean"].to_numpy()
    extra = by_exporter[:, None] + by_importer[None, :] - world + by_years
    return np.clip(1 + extra / effects.grand_mean, *_COMPOSITION_BOUNDS)


def _reporters(held: _Pairs, effects: Effects, fit: VarianceFit) -> pl.DataFrame:
    scores = growth_lab_scores(held.tables["exporter_value_usd"], held.tables["importer_value_usd"])
    sides = []
    for axis, side, names, variance, score in (
        (1, "exporter", held.exporters, fit.exporter, scores[0]),
        (0, "importer", held.importers, fit.importer, scores[1]),
    ):
        levels = effects.of(side)
        ls_mean = _aligned(names, levels["level"], levels["ls_mean"])
        value = held.tables["importer_value_usd"].sum(axis=axis)
        sides.append(
            pl.DataFrame(
                {
                    "iso3": names,
                    f"cells_{side}": held.tables["cells"].sum(axis=axis).astype(np.int64),
                    f"partners_{side}": (held.tables["cells"] > 0).sum(axis=axis),
                    f"sigma_{side}": np.sqrt(variance),
                    f"ls_mean_{side}": ls_mean,
                    f"sigma_ls_means_{side}": sigma_from_ls_means(ls_mean),
                    f"agreed_share_{side}": held.tables["agreed_value_usd"].sum(axis=axis) / value,
                    f"growth_lab_score_{side}": score,
                }
            )
        )
    joined = sides[0].join(sides[1], on="iso3", how="full", coalesce=True).sort("iso3")
    return (
        joined.select(REPORTERS.keys())
        .cast(pl.Schema(REPORTERS))
        .with_columns(pl.selectors.float().fill_nan(None))
    )


def _weights(held: _Pairs, reporters: pl.DataFrame) -> pl.DataFrame:
    rows, columns = np.nonzero(held.tables["cells"])
    exporters = np.array(held.exporters)[rows]
    importers = np.array(held.importers)[columns]

    def both(measure: str) -> tuple[np.ndarray, np.ndarray]:
        return (
            _aligned(exporters, reporters["iso3"], reporters[f"{measure}_exporter"]),
            _aligned(importers, reporters["iso3"], reporters[f"{measure}_importer"]),
        )

    sigma = both("sigma")
    frame = pl.DataFrame(
        {
            "exporter_iso3": exporters,
            "importer_iso3": importers,
            "sigma_exporter": sigma[0],
            "sigma_importer": sigma[1],
            **{f"weight_{rule.name}": rule.weight(*both(rule.reads)) for rule in RULES},
        },
        schema=PAIR_WEIGHTS,
    )
    return frame.with_columns(pl.selectors.float().fill_nan(None))


def _aligned(names: Iterable[str], keys: pl.Series, values: pl.Series) -> np.ndarray:
    """The values in the order of the names; NaN where there is none."""
    known = dict(zip(keys.to_list(), values.to_list(), strict=True))
    found = (known.get(name) for name in names)
    return np.array([np.nan if value is None else value for value in found], dtype=np.float64)
