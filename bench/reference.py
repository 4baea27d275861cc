"""Mirror reconciliation of a small world in Polars, as a reference for the SQL models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from dagster_project.world.cif import CIF_TERMS, MOMENT_TERMS, CifFit, solve_cif
from dagster_project.world.estimation import (
    EXPORTER_PRODUCT_SUMS,
    IMPORTER_PRODUCT_SUMS,
    PAIR_SUMS,
    PRODUCT_YEAR_SUMS,
    Estimates,
    estimate,
)
from dagster_project.world.rules import RULES, Rule, sensitivity

CELL = ["exporter_iso3", "importer_iso3", "product_code", "year"]
PAIR = ["exporter_iso3", "importer_iso3"]
# The rule of `reconciled_usd`.
DEFAULT_RULE = "inverse_variance"
_OUTLIER = 2.0
_AGREED = 0.2


def mirrored_cells(
    exports: pl.DataFrame, imports: pl.DataFrame, pairs: pl.DataFrame, countries: pl.DataFrame
) -> pl.DataFrame:
    """Cells that both sides report, each with X, M and the terms of the CIF regression."""
    landlocked = countries.select("iso3", pl.col("is_landlocked").cast(pl.Float64))
    unit_value = pl.col("m") / pl.col("mass_m") / (pl.col("x") / pl.col("mass_x"))
    return (
        exports.rename({"value_usd": "x", "quantity_kg": "mass_x"})
        .join(imports.rename({"value_usd": "m", "quantity_kg": "mass_m"}), on=CELL)
        .join(pairs, on=PAIR)
        .join(landlocked, left_on="exporter_iso3", right_on="iso3")
        .join(landlocked, left_on="importer_iso3", right_on="iso3", suffix="_importer")
        .with_columns(
            intercept=pl.lit(1.0),
            ln_distance=pl.col("distance_km").log(),
            ln_distance_squared=pl.col("distance_km").log() ** 2,
            contiguous=pl.col("is_contiguous").cast(pl.Float64),
            landlocked_exporter="is_landlocked",
            landlocked_importer="is_landlocked_importer",
            ln_unit_value=(pl.col("x") / pl.col("mass_x")).median().over("product_code").log(),
            ln_ratio=unit_value.log(),
            alike=pl.min_horizontal("mass_x", "mass_m") / pl.max_horizontal("mass_x", "mass_m"),
        )
        .sort(CELL)
    )


def cif_fits(cells: pl.DataFrame) -> dict[int, CifFit]:
    """A fit per year; cells beyond two studentized residuals are dropped, the rest refitted."""
    fits = {}
    for (year,), held in cells.drop_nulls(["ln_ratio"]).group_by(["year"], maintain_order=True):
        first = solve_cif(moments(held))
        kept = held.filter(np.abs(studentized(held, first)) <= _OUTLIER)
        fits[int(str(year))] = solve_cif(moments(kept))
    return fits


def moments(cells: pl.DataFrame) -> dict[str, float]:
    terms = cells.select(MOMENT_TERMS).to_numpy()
    added = (terms * cells["alike"].to_numpy()[:, None]).T @ terms
    return {"cells": cells.height} | {
        f"sum__{first}__{second}": added[i, j]
        for i, first in enumerate(MOMENT_TERMS)
        for j, second in enumerate(MOMENT_TERMS)
        if i <= j
    }


def studentized(cells: pl.DataFrame, fit: CifFit) -> np.ndarray:
    terms, weight = cells.select(CIF_TERMS).to_numpy(), cells["alike"].to_numpy()
    residual = cells["ln_ratio"].to_numpy() - terms @ [fit.coefficients[term] for term in CIF_TERMS]
    leverage = weight * np.einsum("ni,ij,nj->n", terms, fit.inverse, terms)
    return np.sqrt(weight) * residual / (fit.sigma * np.sqrt(1 - leverage))


def at_border(cells: pl.DataFrame, fits: dict[int, CifFit]) -> pl.DataFrame:
    """M converted to FOB with the fitted rate, which is never below one."""
    coefficients = pl.DataFrame(
        [{"year": year, **fit.coefficients} for year, fit in fits.items()],
        schema={"year": pl.Int32(), **dict.fromkeys(CIF_TERMS, pl.Float64())},
    )
    fitted = sum((pl.col(term) * pl.col(f"{term}_fit") for term in CIF_TERMS), pl.lit(0.0))
    return (
        cells.join(coefficients, on="year", suffix="_fit", maintain_order="left")
        .with_columns(mf=pl.col("m") / pl.max_horizontal(fitted.exp(), pl.lit(1.0)))
        .select(*CELL, "x", "m", "mf")
    )


def estimated(cells: pl.DataFrame) -> Estimates:
    """The input sums from cells with x and mf, and the estimates from them."""
    d = pl.col("d")
    summed = (
        cells.filter(pl.col("x") + pl.col("mf") > 1)
        .with_columns(
            d=(pl.col("mf") / pl.col("x")).log(), weight=(pl.col("x") + pl.col("mf")).log()
        )
        .with_columns(
            cells=pl.lit(1, pl.Int64),
            weighted_distance=pl.col("weight") * d.abs(),
            weighted_square=pl.col("weight") * d**2,
            exporter_value_usd="x",
            importer_value_usd="mf",
            agreed_value_usd=pl.when((pl.col("mf") - pl.col("x")).abs() <= _AGREED * pl.col("mf"))
            .then("mf")
            .otherwise(0.0),
        )
    )

    def by(keys: Sequence[str], schema: dict[str, pl.DataType]) -> pl.DataFrame:
        sums = [name for name in schema if name not in keys]
        return summed.group_by(keys).agg(pl.col(sums).sum()).sort(keys).select(*schema)

    return estimate(
        by([*PAIR, "year"], PAIR_SUMS),
        by(["exporter_iso3", "product_code"], EXPORTER_PRODUCT_SUMS),
        by(["importer_iso3", "product_code"], IMPORTER_PRODUCT_SUMS),
        by(["product_code", "year"], PRODUCT_YEAR_SUMS),
    )


def reconciled(cells: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """Each cell with a value, a weight and the band's s for every rule."""
    joined = cells.join(weights, on=PAIR, maintain_order="left")
    x, mf = joined["x"].to_numpy(), joined["mf"].to_numpy()
    sigmas = joined["sigma_exporter"].to_numpy(), joined["sigma_importer"].to_numpy()
    columns = {}
    for rule in RULES:
        weight = joined[f"weight_{rule.name}"].to_numpy()
        columns[f"value_{rule.name}"] = values(rule, x, mf, weight)
        columns[f"band_{rule.name}"] = sensitivity(weight, *sigmas)
    return joined.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def values(rule: Rule, x: np.ndarray, mf: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The mean of X and Mf by the rule."""
    if rule.name == DEFAULT_RULE:
        return np.exp(weight * np.log(x) + (1 - weight) * np.log(mf))
    return weight * x + (1 - weight) * mf
