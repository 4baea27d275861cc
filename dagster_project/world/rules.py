"""The rules that combine two reports into one value, as weights.

Every rule is a weight w of X. The mean is geometric by inverse variance, V = exp(w ln X + (1 - w)
ln Mf), and arithmetic by all others, V = w X + (1 - w) Mf. Where only one side reports, V is that
side under every rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Weight = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Rule:
    """A rule: the reporters' column it uses, and the weight.

    `reads` is the stem of a column of reporters, which exists twice: `<stem>_exporter` is passed
    for the exporter, `<stem>_importer` for the importer.
    """

    name: str
    reads: str
    weight: Weight


def inverse_variance(sigma_exporter: np.ndarray, sigma_importer: np.ndarray) -> np.ndarray:
    """The weight with the least variance of the mean of two independent log errors."""
    return sigma_importer**2 / (sigma_exporter**2 + sigma_importer**2)


def log_normal_variance(sigma_exporter: np.ndarray, sigma_importer: np.ndarray) -> np.ndarray:
    """f(sigma_j) / (f(sigma_i) + f(sigma_j)), f(s) = exp(s^2) (exp(s^2) - 1).

    f is the variance of a log-normal error with median one. Divided through, so that a large
    sigma does not overflow: f(i) / f(j) as the exponential of a difference of logarithms.
    """
    return 1 / (1 + np.exp(_ln_variance(sigma_exporter) - _ln_variance(sigma_importer)))


def more_agreed(agreed_exporter: np.ndarray, agreed_importer: np.ndarray) -> np.ndarray:
    """Full weight to the reporter with the larger share of agreed trade; half each if equal."""
    return np.where(
        agreed_exporter > agreed_importer, 1.0, np.where(agreed_exporter < agreed_importer, 0, 0.5)
    )


def softmax(score_exporter: np.ndarray, score_importer: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(score_importer - score_exporter))


def sensitivity(
    weight: np.ndarray, sigma_exporter: np.ndarray, sigma_importer: np.ndarray
) -> np.ndarray:
    """s of the band V exp(+-1.96 s). Mirror data fix only sums of two variances, so it is a
    sensitivity band, not a confidence interval."""
    return np.sqrt(weight**2 * sigma_exporter**2 + (1 - weight) ** 2 * sigma_importer**2)


def _ln_variance(sigma: np.ndarray) -> np.ndarray:
    square = sigma**2
    return square + np.log(np.expm1(square))


def _constant(weight: float) -> Weight:
    return lambda exporter, importer: np.full(np.broadcast(exporter, importer).shape, weight)


RULES = (
    Rule("inverse_variance", "sigma", inverse_variance),
    Rule("baci", "sigma", log_normal_variance),
    Rule("baci_ls_means", "sigma_ls_means", log_normal_variance),
    Rule("gehlhar", "agreed_share", more_agreed),
    Rule("growth_lab", "growth_lab_score", softmax),
    Rule("simple_mean", "sigma", _constant(0.5)),
    Rule("exporter_only", "sigma", _constant(1.0)),
    Rule("importer_only", "sigma", _constant(0.0)),
)
