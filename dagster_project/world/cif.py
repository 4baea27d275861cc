"""The CIF rate by weighted least squares, from sums alone.

The moments of a year are one row (`MOMENT_COLUMNS`): the number of `cells`, and for each pair of
`MOMENT_TERMS`, in their order, the sum of weight x first x second, named `sum__<first>__<second>`.
The weight is min(Qx, Qm) / max(Qx, Qm); `intercept` is 1, so that `sum__intercept__intercept` is
the sum of weights.

A cell's internally studentized residual is sqrt(weight) x residual / (sigma x sqrt(1 - h)),
with h = weight x x' `inverse` x over `CIF_TERMS` in their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

CIF_TERMS = (
    "intercept",
    "ln_distance",
    "ln_distance_squared",
    "contiguous",
    "landlocked_exporter",
    "landlocked_importer",
    "ln_unit_value",
)
CIF_RESPONSE = "ln_ratio"
MOMENT_TERMS = (*CIF_TERMS, CIF_RESPONSE)
MOMENT_COLUMNS = tuple(
    f"sum__{first}__{second}"
    for place, first in enumerate(MOMENT_TERMS)
    for second in MOMENT_TERMS[place:]
)

# The share of a term's variation left after partialling out the terms before it. ln d and its
# square keep some hundredths over the distances of the globe; below 1e-12 it is floating-point
# noise.
_COLLINEAR = 1e-12


class MomentsError(ValueError):
    """The sums cannot be those of a regression; the message says which and why."""


@dataclass(frozen=True)
class CifFit:
    """Coefficients by term, and what is needed to compute each cell's residual.

    A term without variation of its own is `absent`: its coefficient is 0, its standard error
    not a number, its row and column of `inverse` are 0.
    """

    coefficients: Mapping[str, float]
    standard_errors: Mapping[str, float]
    absent: tuple[str, ...]
    r_squared: float
    sigma: float
    inverse: np.ndarray
    cells: int
    weight: float


@dataclass(frozen=True)
class PooledCifFit:
    """Slopes common to all years, one intercept per year; R2 is within years."""

    coefficients: Mapping[str, float]
    standard_errors: Mapping[str, float]
    intercepts: Mapping[int, float]
    absent: tuple[str, ...]
    r_squared: float
    sigma: float
    cells: int


@dataclass(frozen=True)
class _Centred:
    """Moments about the weighted means, which is the intercept partialled out."""

    cells: int
    weight: float
    means: np.ndarray
    moments: np.ndarray


def solve_cif(sums: Mapping[str, float]) -> CifFit:
    """Fit one year.

    Raises:
        MomentsError: a sum is missing or not finite, or there are too few cells.
    """
    centred = _centred(sums)
    slopes, inverse, kept = _solve_slopes(centred.moments)
    freedom = centred.cells - 1 - len(kept)
    if freedom <= 0:
        raise MomentsError(
            f"{centred.cells} mirrored cells with quantities are too few for {1 + len(kept)} "
            "coefficients: estimate the rate from a year with more, or from years pooled"
        )
    explained, total = _explained(centred.moments, slopes)
    variance = max(0.0, total - explained) / freedom
    means = centred.means[:-1]
    full = np.zeros((len(CIF_TERMS), len(CIF_TERMS)))
    full[0, 0] = 1 / centred.weight + means @ inverse @ means
    full[0, 1:] = full[1:, 0] = -inverse @ means
    full[1:, 1:] = inverse
    intercept = centred.means[-1] - means @ slopes
    errors = np.sqrt(variance * np.diag(full))
    absent = _absent(kept)
    return CifFit(
        coefficients=dict(zip(CIF_TERMS, map(float, (intercept, *slopes)), strict=True)),
        standard_errors=_errors(CIF_TERMS, errors, absent),
        absent=absent,
        r_squared=explained / total if total > 0 else 0.0,
        sigma=float(np.sqrt(variance)),
        inverse=full,
        cells=centred.cells,
        weight=centred.weight,
    )


def pool_cif(years: Mapping[int, Mapping[str, float]]) -> PooledCifFit:
    """Fit all years together: moments about each year's own means add up exactly.

    Raises:
        MomentsError: there is no year, a year's sums are invalid, or there are too few cells.
    """
    if not years:
        raise MomentsError("no year has sums to pool")
    centred = {year: _centred(sums) for year, sums in sorted(years.items())}
    moments = np.sum([each.moments for each in centred.values()], axis=0)
    slopes, inverse, kept = _solve_slopes(moments)
    cells = sum(each.cells for each in centred.values())
    freedom = cells - len(centred) - len(kept)
    if freedom <= 0:
        raise MomentsError(f"{cells} mirrored cells of {len(centred)} years are too few to pool")
    explained, total = _explained(moments, slopes)
    variance = max(0.0, total - explained) / freedom
    absent = _absent(kept)
    return PooledCifFit(
        coefficients=dict(zip(CIF_TERMS[1:], map(float, slopes), strict=True)),
        standard_errors=_errors(CIF_TERMS[1:], np.sqrt(variance * np.diag(inverse)), absent),
        intercepts={
            year: float(each.means[-1] - each.means[:-1] @ slopes) for year, each in centred.items()
        },
        absent=absent,
        r_squared=explained / total if total > 0 else 0.0,
        sigma=float(np.sqrt(variance)),
        cells=cells,
    )


def _centred(sums: Mapping[str, float]) -> _Centred:
    missing = [name for name in ("cells", *MOMENT_COLUMNS) if sums.get(name) is None]
    if missing:
        raise MomentsError(f"sums of the CIF regression lack {', '.join(missing)}")
    size = len(MOMENT_TERMS)
    moments = np.zeros((size, size))
    rows, columns = np.triu_indices(size)
    moments[rows, columns] = [float(sums[name]) for name in MOMENT_COLUMNS]
    moments[columns, rows] = moments[rows, columns]
    if not np.isfinite(moments).all():
        raise MomentsError("a sum of the CIF regression is not finite")
    weight = moments[0, 0]
    if weight <= 0:
        raise MomentsError("the cells of the CIF regression have no weight")
    means = moments[0, 1:] / weight
    centred = moments[1:, 1:] - weight * np.outer(means, means)
    constant = np.diag(centred) <= _COLLINEAR * np.diag(moments)[1:]
    centred[constant, :] = 0.0
    centred[:, constant] = 0.0
    return _Centred(int(sums["cells"]), float(weight), means, centred)


def _solve_slopes(moments: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Slopes, the inverse of their moments and the terms that stay, in the order of terms.

    Terms are first scaled and then added one by one, so that of two collinear terms the later one
    is absent.
    """
    predictors = moments[:-1, :-1]
    scale = np.sqrt(np.maximum(np.diag(predictors), 0.0))
    divisor = np.where(scale > 0, scale, 1.0)
    correlation = predictors / np.outer(divisor, divisor)
    kept: list[int] = []
    for place in np.flatnonzero(scale):
        trial = [*kept, int(place)]
        block = correlation[np.ix_(trial, trial)]
        left = 1.0
        if kept:
            along = np.linalg.solve(block[:-1, :-1], block[:-1, -1])
            left = block[-1, -1] - block[:-1, -1] @ along
        if left > _COLLINEAR:
            kept = trial
    slopes = np.zeros(len(scale))
    inverse = np.zeros_like(predictors)
    if kept:
        block = np.ix_(kept, kept)
        inverse[block] = np.linalg.inv(correlation[block]) / np.outer(scale[kept], scale[kept])
        slopes[kept] = np.linalg.solve(correlation[block], moments[kept, -1] / scale[kept])
        slopes[kept] /= scale[kept]
    return slopes, inverse, kept


def _explained(moments: np.ndarray, slopes: np.ndarray) -> tuple[float, float]:
    explained = 2 * slopes @ moments[:-1, -1] - slopes @ moments[:-1, :-1] @ slopes
    return float(explained), float(moments[-1, -1])


def _absent(kept: Sequence[int]) -> tuple[str, ...]:
    return tuple(term for place, term in enumerate(CIF_TERMS[1:]) if place not in kept)


def _errors(terms: Sequence[str], errors: np.ndarray, absent: Sequence[str]) -> dict[str, float]:
    return {
        term: float("nan") if term in absent else float(error)
        for term, error in zip(terms, errors, strict=True)
    }
