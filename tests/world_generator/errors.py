"""Four ways in which reporters can be wrong.

In each world a reporter has one sigma as exporter and another as importer, the standard
deviation of its errors in logs. Both are log-uniform between `low` and `high` and correlated by
`likeness`: an office that is careless on one side tends to be so on the other. Errors of
different rows are independent. No world was shaped after a rule that is to be judged by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Centre = Literal["median_one", "mean_one"]

_LOW, _HIGH, _LIKENESS = 0.05, 1.0, 0.5


@dataclass(frozen=True)
class Errors:
    """Parameters of a world's errors; the functions below make the four kinds.

    `freedom` are the degrees of freedom of Student's t, none for the normal distribution.
    `bias` is the standard deviation, in logs, of a reporter's own multiple. The last four are
    of goods that pass through a hub.
    """

    name: str
    low: float = _LOW
    high: float = _HIGH
    likeness: float = _LIKENESS
    centre: Centre = "median_one"
    freedom: float | None = None
    bias: float = 0.0
    hubs: int = 0
    routed: float = 0.0
    part: float = 0.0
    margin: float = 0.0

    def sigmas(self, dice: np.random.Generator, reporters: int) -> tuple[Floats, Floats]:
        """Of each reporter as exporter and as importer."""
        if self.high == 0:
            return np.zeros(reporters), np.zeros(reporters)
        first, second = dice.standard_normal((2, reporters))
        second = self.likeness * first + np.sqrt(1 - self.likeness**2) * second
        return self._log_uniform(first), self._log_uniform(second)

    def _log_uniform(self, normal: Floats) -> Floats:
        return self.low * (self.high / self.low) ** _normal_cdf(normal)

    def draw(self, dice: np.random.Generator, sigma: Floats) -> Floats:
        """One log error for each row, by the sigma of its reporter."""
        if self.freedom is None:
            noise = dice.standard_normal(sigma.size)
        else:
            # Scaled to a standard deviation of one, so that sigma means the same in all worlds.
            noise = dice.standard_t(self.freedom, sigma.size)
            noise *= np.sqrt((self.freedom - 2) / self.freedom)
        noise *= sigma
        if self.centre == "mean_one":
            noise -= sigma**2 / 2
        return noise


def no_errors() -> Errors:
    """Every report is the truth, imports times the CIF factor."""
    return Errors("none", low=0.0, high=0.0)


def log_normal(low: float = _LOW, high: float = _HIGH, centre: Centre = "median_one") -> Errors:
    """Errors are log-normal.

    With `median_one` half of a reporter's rows are too high, and its total is too high by
    exp(sigma²/2); with `mean_one` its total is right and most rows are too low.
    """
    return Errors("log_normal", low, high, centre=centre)


def heavy_tailed(low: float = _LOW, high: float = _HIGH, freedom: float = 3.0) -> Errors:
    """Log errors are Student t, scaled to the reporter's sigma: most are small, some absurd.

    Their median is one; a mean does not exist.
    """
    if freedom <= 2:
        raise ValueError(f"freedom {freedom}: a standard deviation needs more than 2")
    return Errors("heavy_tailed", low, high, freedom=freedom)


def country_biased(
    low: float = _LOW, high: float = _HIGH, bias: float = 0.2, centre: Centre = "median_one"
) -> Errors:
    """Log-normal errors, and each reporter multiplies all it reports by a number of its own.

    The number is exp(N(0, bias²)), another one as exporter and as importer. What all reporters
    have in common cannot be seen in mirror data, nor is it here: a bias is one reporter's.
    """
    return Errors("country_biased", low, high, centre=centre, bias=bias)


def one_sided_re_export(
    low: float = _LOW,
    high: float = _HIGH,
    hubs: int = 3,
    routed: float = 0.2,
    part: float = 0.5,
    margin: float = 0.15,
    centre: Centre = "median_one",
) -> Errors:
    """Log-normal errors, and goods pass through hubs that report them once more.

    A true flow passes through a hub with probability `routed`, and of its value a part that is
    uniform from 0 to twice `part`. Exporter and importer name each other, so the truth and their
    reports are as without the hub. The hub reports exports of that part times 1 + `margin` to
    the importer, which books nothing against the hub: rows on one side without any truth, or on
    top of the hub's own trade in the product. Hubs are the countries of the largest trade;
    each takes an equal share of what is routed.
    """
    if not 0 <= part <= 0.5:
        raise ValueError(f"part {part}: of a flow's value at most its whole, twice the mean")
    return Errors(
        *("one_sided_re_export", low, high),
        centre=centre,
        hubs=hubs,
        routed=routed,
        part=part,
        margin=margin,
    )


def _normal_cdf(x: Floats) -> Floats:
    """Abramowitz and Stegun 26.2.17, exact to 1e-7, which is enough to spread sigmas."""
    t = 1 / (1 + 0.2316419 * np.abs(x))
    tail = t * (
        0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429)))
    )
    upper = 1 - tail * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    return np.where(x >= 0, upper, 1 - upper)
