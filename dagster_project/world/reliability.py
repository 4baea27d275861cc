"""Estimates each reporter's distance to partners, as exporter and as importer, from sums by pair.

A pair's distances identify only the sum of two variances: an amount added to every exporter and
subtracted from every importer leaves the fit unchanged. `VarianceFit.slack` says how large it could
be before a variance turned negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# E|d| of a normal error with variance one, and its variance relative to the square of that.
_MEAN_DISTANCE = np.sqrt(2 / np.pi)
_NORMAL_DISPERSION = np.pi / 2 - 1

# The prior standard deviation of ln variance between reporters: two in three within a factor e of
# the typical variance. With many cells the data outweighs it.
_PRIOR_SPREAD = 1.0
_STEPS = 200
_CONVERGED = 1e-10

# The best reporter's LS-mean minus itself is zero, and a rule that divides by its variance would
# follow only that reporter. Two hundredths: Mf is known no better, since the CIF rate removed from
# it has a mean of some three.
SIGMA_FLOOR = 0.02

_SCORE_ROUNDS = 1000
_SCORE_CONVERGED = 1e-12


class ReliabilityError(ValueError):
    """The sums do not identify the reporters; the message says why."""


@dataclass(frozen=True)
class VarianceFit:
    """Variances of log errors by reporter; NaN where a side has no mirrored cell.

    `dispersion` and `between_pairs` are the two parts of the squared relative misfit of a
    pair: dispersion / cells + between_pairs. `slack` is how much variance could be moved from
    all exporters to all importers (first) or back (second) at an equal fit.
    """

    exporter: np.ndarray
    importer: np.ndarray
    dispersion: float
    between_pairs: float
    slack: tuple[float, float]


def fit_variances(
    cells: np.ndarray, distance: np.ndarray, distance_squared: np.ndarray
) -> VarianceFit:
    """Fit E|d| = sqrt(2 / pi) sqrt(u_i + v_j) to the mean distances of pairs.

    The arrays are exporters by importers: number of cells, mean |d|, mean d^2 (which serves the
    dispersion alone). The gamma quasi-likelihood is fitted, for which the standard deviation of a
    distance is proportional to its mean; a pair counts 1 / (dispersion / cells + between pairs),
    both by moments from a first fit by cells alone.

    Raises:
        ReliabilityError: no pair has a cell, or all distances are zero.
    """
    seen = cells > 0
    if not seen.any() or not (distance[seen] > 0).any():
        raise ReliabilityError("no pair of reporters has a mirrored cell that differs at all")
    mean = np.where(seen, distance, 0.0) / _MEAN_DISTANCE
    precision = np.where(seen, cells, 0) / _NORMAL_DISPERSION
    variances = _maximise(precision, mean, None)
    dispersion, between = _misfit(cells, distance, distance_squared, _added(variances, cells.shape))
    precision = np.where(seen, 1 / (dispersion / np.where(seen, cells, 1) + between), 0.0)
    variances = _maximise(precision, mean, variances)
    exporter = np.where(seen.any(axis=1), variances[: len(cells)], np.nan)
    importer = np.where(seen.any(axis=0), variances[len(cells) :], np.nan)
    slack = (float(np.nanmin(exporter)), float(np.nanmin(importer)))
    return VarianceFit(exporter, importer, dispersion, between, slack)


def sigma_from_ls_means(ls_means: np.ndarray) -> np.ndarray:
    """(pi / 2)(LS-mean - lowest LS-mean), at least `SIGMA_FLOOR`."""
    return np.maximum(np.pi / 2 * (ls_means - np.nanmin(ls_means)), SIGMA_FLOOR)


def growth_lab_scores(
    exporter_value: np.ndarray, importer_value: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scores A of exporters and B of importers from the discrepancies of pairs.

    delta_ij = |X_ij - M_ij| / (X_ij + M_ij) over the totals of a pair; A_i = partners_i / sum_j
    delta_ij B_j, B_j = partners_j / sum_i delta_ij A_i, iterated to convergence. The equations
    leave one scale open (A times a number, B divided by it), but the softmax depends on it: both
    sides get the same mean logarithm.

    A pair whose totals agree exactly has delta 0, and a reporter that agrees with all of its
    partners would have an unbounded score; delta is therefore at least 0.001.
    """
    total = exporter_value + importer_value
    seen = total > 0
    discrepancy = np.abs(exporter_value - importer_value) / np.where(seen, total, 1.0)
    discrepancy = np.where(seen, np.maximum(discrepancy, 1e-3), 0.0)
    partners_exporter, partners_importer = seen.sum(axis=1), seen.sum(axis=0)
    exports, imports = partners_exporter > 0, partners_importer > 0
    exporter = np.ones(len(exports))
    importer = np.ones(len(imports))
    for _ in range(_SCORE_ROUNDS):
        before = exporter
        exporter = np.where(exports, partners_exporter, 1) / np.where(
            exports, discrepancy @ importer, 1.0
        )
        importer = np.where(imports, partners_importer, 1) / np.where(
            imports, discrepancy.T @ exporter, 1.0
        )
        if np.max(np.abs(exporter / before - 1)) < _SCORE_CONVERGED:
            break
    shift = (np.log(importer[imports]).mean() - np.log(exporter[exports]).mean()) / 2
    return (
        np.where(exports, exporter * np.exp(shift), np.nan),
        np.where(imports, importer / np.exp(shift), np.nan),
    )


def _added(variances: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return variances[: shape[0], None] + variances[None, shape[0] :]


def _misfit(
    cells: np.ndarray, distance: np.ndarray, distance_squared: np.ndarray, variance: np.ndarray
) -> tuple[float, float]:
    """The dispersion of distances within pairs, and the extra dispersion between pairs."""
    fitted = _MEAN_DISTANCE * np.sqrt(variance)
    many = cells > 1
    within = np.maximum(distance_squared - distance**2, 0) * cells / fitted**2
    freedom = (cells[many] - 1).sum()
    dispersion = within[many].sum() / freedom if freedom else 0.0
    dispersion = float(dispersion) if dispersion > 0 else float(_NORMAL_DISPERSION)
    seen = cells > 0
    beyond = (distance / fitted - 1)[seen] ** 2 - dispersion / cells[seen]
    return dispersion, max(0.0, float(beyond.mean()))


def _maximise(precision: np.ndarray, mean: np.ndarray, start: np.ndarray | None) -> np.ndarray:
    """Variances of exporters, then importers, by damped Newton steps in their logarithms.

    In logarithms a variance stays above zero, and the prior spread about the common mean determines
    what the pairs leave open: the split between exporters and importers.
    """
    exporters, importers = precision.shape
    size = exporters + importers
    known = np.concatenate([precision.any(axis=1), precision.any(axis=0)])
    typical = (precision * mean).sum() / precision.sum()
    point = np.full(size, np.log(typical**2 / 2)) if start is None else np.log(start)
    prior = np.diag(known / _PRIOR_SPREAD**2)
    prior -= np.outer(known, known) / _PRIOR_SPREAD**2 / known.sum()
    # A side without cells belongs to no pair; it must not make the system singular.
    prior[~known, ~known] = 1.0

    def loss(point: np.ndarray) -> float:
        fitted = np.sqrt(_added(np.exp(point), precision.shape))
        return float(
            (precision * (mean / fitted + np.log(fitted))).sum()
            + 0.5 * (point * known) @ prior @ (point * known)
        )

    def slope_and_curvature(point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        each = np.exp(point)
        variance = _added(each, precision.shape)
        ratio = mean / np.sqrt(variance)
        first = precision * 0.5 * (1 - ratio) / variance
        second = precision * (0.75 * ratio - 0.5) / variance**2
        slope = each * np.concatenate([first.sum(axis=1), first.sum(axis=0)])
        curvature = prior.copy()
        cross = second * np.outer(each[:exporters], each[exporters:])
        curvature[:exporters, exporters:] += cross
        curvature[exporters:, :exporters] += cross.T
        diagonal = each**2 * np.concatenate([second.sum(axis=1), second.sum(axis=0)])
        curvature[np.diag_indices(size)] += diagonal + slope
        return slope + prior @ (point * known), curvature

    damping, reached = 1e-3, loss(point)
    for _ in range(_STEPS):
        slope, curvature = slope_and_curvature(point)
        ridge = np.abs(np.diag(curvature)) + 1e-9
        while True:
            damped = curvature + np.diag(damping * ridge)
            if _is_positive_definite(damped):
                trial = point - np.clip(np.linalg.solve(damped, slope), -3, 3)
                tried = loss(trial)
                if tried <= reached + 1e-13 * abs(reached):
                    break
            damping *= 4
            if damping > 1e12:
                raise ReliabilityError("the variances of reporters cannot be fitted to these sums")
        moved = np.max(np.abs(trial - point))
        point, reached, damping = trial, tried, max(damping / 10, 1e-12)
        if moved < _CONVERGED:
            return np.exp(point)
    raise ReliabilityError(f"the variances of reporters did not converge in {_STEPS} steps")


def _is_positive_definite(matrix: np.ndarray) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True
