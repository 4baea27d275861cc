"""Entry points for dbt's Python models: frames of sums in, frames of estimates out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from dagster_project.world.cif import CIF_TERMS, CifFit, MomentsError, pool_cif, solve_cif
from dagster_project.world.estimation import (
    EXPORTER_PRODUCT_SUMS,
    IMPORTER_PRODUCT_SUMS,
    PAIR_SUMS,
    PRODUCT_YEAR_SUMS,
    REPORTERS,
    estimate,
)

_INVERSE = [
    (first, second) for first in range(len(CIF_TERMS)) for second in range(first, len(CIF_TERMS))
]
FIRST_FITS: dict[str, pl.DataType] = {
    "year": pl.Int32(),
    **dict.fromkeys(CIF_TERMS, pl.Float64()),
    "sigma": pl.Float64(),
    **{f"inverse_{first}_{second}": pl.Float64() for first, second in _INVERSE},
}
LAST_FITS: dict[str, pl.DataType] = {
    "year": pl.Int32(),
    **dict.fromkeys(CIF_TERMS, pl.Float64()),
    **{f"standard_error_{term}": pl.Float64() for term in CIF_TERMS},
    "absent_terms": pl.String(),
    "r_squared": pl.Float64(),
    "sigma": pl.Float64(),
    "cells": pl.Int64(),
    "cells_dropped": pl.Int64(),
    "mean_cif_rate": pl.Float64(),
    "mean_ln_unit_value": pl.Float64(),
    "is_pooled": pl.Boolean(),
}


def first_fits(moments: pl.DataFrame) -> pl.DataFrame:
    """One row per year with enough pairs for a fit, in the columns `FIRST_FITS`."""
    rows = [
        {
            "year": year,
            **fit.coefficients,
            "sigma": fit.sigma,
            **{f"inverse_{i}_{j}": float(fit.inverse[i, j]) for i, j in _INVERSE},
        }
        for year, fit in _solved(moments).items()
    ]
    return pl.DataFrame(rows, schema=FIRST_FITS, orient="row")


def last_fits(moments: pl.DataFrame, trimmed: pl.DataFrame) -> pl.DataFrame:
    """One row per year of `moments`, in the columns `LAST_FITS`.

    A year with too few pairs gets the pooled slopes of all years, or none where no year has enough.
    The mean rate is geometric, since the fit is in logarithms.
    """
    fits, sums = _solved(trimmed), _sums(trimmed)
    before = {year: row["cells"] for year, row in _sums(moments).items()}
    rows: list[dict[str, Any]] = [
        {
            "year": year,
            **fit.coefficients,
            **{f"standard_error_{term}": error for term, error in fit.standard_errors.items()},
            "absent_terms": " ".join(fit.absent),
            "r_squared": fit.r_squared,
            "sigma": fit.sigma,
            "cells": fit.cells,
            "cells_dropped": before[year] - fit.cells,
            **_means(sums[year]),
            "is_pooled": False,
        }
        for year, fit in fits.items()
    ]
    without = sorted(before.keys() - fits.keys())
    if fits and without:
        pooled = pool_cif({year: sums[year] for year in fits})
        means = {
            name: float(np.mean([_means(sums[year])[name] for year in fits]))
            for name in ("mean_cif_rate", "mean_ln_unit_value")
        }
        rows += [
            {
                "year": year,
                **pooled.coefficients,
                "intercept": float(np.mean(list(pooled.intercepts.values()))),
                "absent_terms": " ".join(pooled.absent),
                "r_squared": pooled.r_squared,
                "sigma": pooled.sigma,
                "cells": 0,
                "cells_dropped": before[year],
                **means,
                "is_pooled": True,
            }
            for year in without
        ]
    frame = pl.DataFrame(rows, schema=LAST_FITS, orient="row", infer_schema_length=None)
    return frame.with_columns(pl.selectors.float().fill_nan(None)).sort("year")


def estimated_reporters(pairs: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    """One row per country (`REPORTERS`); empty where no flow is reported by both sides."""
    if pairs.is_empty():
        return pl.DataFrame(schema=REPORTERS)
    return estimate(
        pairs.select(PAIR_SUMS.keys()).cast(pl.Schema(PAIR_SUMS)),
        _of_grouping(sums, EXPORTER_PRODUCT_SUMS),
        _of_grouping(sums, IMPORTER_PRODUCT_SUMS),
        _of_grouping(sums, PRODUCT_YEAR_SUMS),
    ).reporters


def _of_grouping(sums: pl.DataFrame, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The rows of one grouping set: those with exactly its keys filled."""
    keys = {"exporter_iso3", "importer_iso3", "product_code", "year"}
    return sums.filter(
        pl.col(key).is_not_null() if key in columns else pl.col(key).is_null()
        for key in sorted(keys)
    ).select(pl.col(name).cast(dtype) for name, dtype in columns.items())


def _sums(moments: pl.DataFrame) -> dict[int, dict[str, Any]]:
    return {row["year"]: row for row in moments.sort("year").iter_rows(named=True)}


def _solved(moments: pl.DataFrame) -> dict[int, CifFit]:
    fits = {}
    for year, sums in _sums(moments).items():
        try:
            fits[year] = solve_cif(sums)
        except MomentsError:
            continue
    return fits


def _means(sums: Mapping[str, float]) -> dict[str, float]:
    weight = sums["sum__intercept__intercept"]
    return {
        "mean_cif_rate": float(np.exp(sums["sum__intercept__ln_ratio"] / weight)),
        "mean_ln_unit_value": sums["sum__intercept__ln_unit_value"] / weight,
    }
