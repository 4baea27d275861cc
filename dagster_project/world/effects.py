"""Additive effects on the reporting distance by exact weighted least squares.

The normal equations of a model with one dummy per level need no cell: only the weight of each
level, the weight each two levels share, and weight x distance of each level. The products,
thousands of levels that share no cell with one another, are a diagonal block and are
eliminated; what is left has as many rows as there are exporters, importers and years.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import polars as pl

FACTORS = ("exporter", "importer", "year", "product")
_DENSE = FACTORS[:-1]

# Scaled by the weights of the levels, the eigenvalues of the reduced system lie between 0 and 3;
# directions that no cell determines come out at some 1e-15.
_UNDETERMINED = 1e-10
_SAME = 1e-6
_SUMS_AGREE = 1e-9

LEVEL_SCHEMA: dict[str, pl.DataType] = {
    "factor": pl.String(),
    "level": pl.String(),
    "cells": pl.Int64(),
    "weight": pl.Float64(),
    "effect": pl.Float64(),
    "ls_mean": pl.Float64(),
}


class EffectsError(ValueError):
    """The sums are empty or are not sums of the same cells; the message says which."""


@dataclass(frozen=True)
class CrossSums:
    """The cells summed by each pair of factors; the frames are named after their keys.

    Each frame has its two keys and `cells`, `weight` and `weighted_distance`. All six add up
    the same cells.
    """

    exporter_importer: pl.DataFrame
    exporter_year: pl.DataFrame
    exporter_product: pl.DataFrame
    importer_year: pl.DataFrame
    importer_product: pl.DataFrame
    year_product: pl.DataFrame


@dataclass(frozen=True)
class Effects:
    """`levels` has one row per level (`LEVEL_SCHEMA`).

    The effects of a factor sum to zero over the levels that can be compared; the LS-mean is the
    grand mean plus the effect. A level that no chain of cells connects with the largest group of
    traders has neither: its effect is not identified.
    """

    grand_mean: float
    levels: pl.DataFrame

    def of(self, factor: str) -> pl.DataFrame:
        return self.levels.filter(pl.col("factor") == factor)


@dataclass(frozen=True)
class _Margin:
    names: list[str]
    cells: np.ndarray
    weight: np.ndarray
    total: np.ndarray


def solve_effects(sums: CrossSums) -> Effects:
    """Solve for the effects of every level.

    Raises:
        EffectsError: no cell has weight, or the frames are not sums of the same cells.
    """
    _require_the_same_cells(sums)
    margins = {
        "exporter": _margin(sums.exporter_importer, "exporter"),
        "importer": _margin(sums.exporter_importer, "importer"),
        "year": _margin(sums.exporter_year, "year"),
        "product": _margin(sums.exporter_product, "product"),
    }
    starts = np.cumsum([0, *(len(margins[factor].names) for factor in _DENSE)])
    place = {factor: slice(*starts[i : i + 2]) for i, factor in enumerate(_DENSE)}
    size, products = int(starts[-1]), margins["product"]
    dense = np.zeros((size, size))
    with_products = np.zeros((size, len(products.names)))
    right = np.concatenate([margins[factor].total for factor in _DENSE])
    weight = np.concatenate([margins[factor].weight for factor in _DENSE])
    np.fill_diagonal(dense, weight)
    for i, first in enumerate(_DENSE):
        for second in _DENSE[i + 1 :]:
            table = _table(sums, margins, first, second)
            dense[place[first], place[second]] = table
            dense[place[second], place[first]] = table.T
        with_products[place[first]] = _table(sums, margins, first, "product")

    share = with_products / products.weight
    reduced = dense - share @ with_products.T
    right = right - share @ products.total
    scale = np.sqrt(weight)
    values, vectors = np.linalg.eigh(reduced / np.outer(scale, scale))
    known = values > _UNDETERMINED
    turned = vectors[:, known]
    raw = turned @ ((turned.T @ (right / scale)) / values[known]) / scale
    # The null space: directions in which connected effects move together without changing the fit.
    free = vectors[:, ~known] / scale[:, None]
    free /= np.abs(free).max(axis=0)
    solved = {factor: raw[place[factor]] for factor in _DENSE}
    solved["product"] = products.total / products.weight - share.T @ raw
    freedom = {factor: free[place[factor]] for factor in _DENSE}
    freedom["product"] = -share.T @ free
    comparable = _comparable(margins, freedom, sums)
    return _normalised(margins, solved, comparable)


def _comparable(
    margins: dict[str, _Margin], freedom: dict[str, np.ndarray], sums: CrossSums
) -> dict[str, np.ndarray]:
    """Which levels of each factor are connected with the largest group of exporters."""
    groups = {factor: _groups(freedom[factor]) for factor in FACTORS}
    exporters = margins["exporter"]
    heaviest = np.argmax(np.bincount(groups["exporter"], exporters.weight))
    comparable = {"exporter": groups["exporter"] == heaviest}
    for factor in FACTORS[1:]:
        shared = comparable["exporter"] @ _table(sums, margins, "exporter", factor)
        chosen = np.argmax(np.bincount(groups[factor], shared))
        comparable[factor] = groups[factor] == chosen
    return comparable


def _groups(freedom: np.ndarray) -> np.ndarray:
    """Number the groups of levels with equal rows."""
    marks = np.round(freedom / _SAME)
    return np.unique(marks, axis=0, return_inverse=True)[1].reshape(-1)


def _normalised(
    margins: dict[str, _Margin], solved: dict[str, np.ndarray], comparable: dict[str, np.ndarray]
) -> Effects:
    centres = {factor: solved[factor][comparable[factor]].mean() for factor in FACTORS}
    grand_mean = float(sum(centres.values()))
    frames = []
    for factor in FACTORS:
        margin = margins[factor]
        effect = np.where(comparable[factor], solved[factor] - centres[factor], np.nan)
        frames.append(
            pl.DataFrame(
                {
                    "factor": [factor] * len(margin.names),
                    "level": margin.names,
                    "cells": margin.cells,
                    "weight": margin.weight,
                    "effect": effect,
                    "ls_mean": effect + grand_mean,
                },
                schema=LEVEL_SCHEMA,
            )
        )
    levels = pl.concat(frames).with_columns(pl.col("effect", "ls_mean").fill_nan(None))
    return Effects(grand_mean, levels)


def _require_the_same_cells(sums: CrossSums) -> None:
    totals = {}
    for field in fields(sums):
        frame = getattr(sums, field.name)
        if frame.is_empty() or not frame["weight"].min() > 0:
            raise EffectsError(
                f"sums by {field.name} are empty or have a weight that is not above zero: "
                "a cell has a distance only where both reports together exceed one dollar"
            )
        totals[field.name] = (frame["weight"].sum(), frame["weighted_distance"].sum())
    name, expected = next(iter(totals.items()))
    for other, found in totals.items():
        if not np.allclose(found, expected, rtol=_SUMS_AGREE, atol=0):
            raise EffectsError(f"sums by {other} do not add up the cells of the sums by {name}")


def _margin(frame: pl.DataFrame, factor: str) -> _Margin:
    by_level = (
        frame.group_by(factor)
        .agg(pl.col("cells", "weight", "weighted_distance").sum())
        .sort(factor)
    )
    return _Margin(
        by_level[factor].cast(pl.String).to_list(),
        by_level["cells"].to_numpy(),
        by_level["weight"].to_numpy(),
        by_level["weighted_distance"].to_numpy(),
    )


def _table(sums: CrossSums, margins: dict[str, _Margin], first: str, second: str) -> np.ndarray:
    """Weights by two factors, dense."""
    frame: pl.DataFrame = getattr(sums, f"{first}_{second}")
    rows, columns = (
        frame[factor].cast(pl.Enum(margins[factor].names)).to_physical().to_numpy()
        if frame[factor].dtype == pl.String
        else np.searchsorted(
            np.array(margins[factor].names, dtype=np.int64), frame[factor].to_numpy()
        )
        for factor in (first, second)
    )
    shape = (len(margins[first].names), len(margins[second].names))
    flat = rows.astype(np.int64) * shape[1] + columns
    return np.bincount(flat, frame["weight"].to_numpy(), shape[0] * shape[1]).reshape(shape)
