"""Tests of the estimated distances of reporters and of the rules."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.reference import DEFAULT_RULE, estimated, values
from bench.rules import score
from dagster_project.world.reliability import (
    SIGMA_FLOOR,
    ReliabilityError,
    VarianceFit,
    fit_variances,
    growth_lab_scores,
    sigma_from_ls_means,
)
from dagster_project.world.rules import (
    RULES,
    inverse_variance,
    log_normal_variance,
    more_agreed,
    sensitivity,
    softmax,
)
from tests.world_generator import World, log_normal

sigmas = st.floats(0.01, 3)


def drawn(
    exporter: np.ndarray, importer: np.ndarray, cells: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Means of |d| and d^2 of that many independent normal distances a pair."""
    dice = np.random.default_rng(seed)
    spread = np.sqrt(exporter[:, None] + importer[None, :])
    distance, square = np.zeros(cells.shape), np.zeros(cells.shape)
    for place in zip(*np.nonzero(cells), strict=True):
        d = dice.normal(0, spread[place], int(cells[place]))
        distance[place], square[place] = np.abs(d).mean(), (d**2).mean()
    return distance, square


def some_variances(seed: int, reporters: int = 12) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    return np.exp(dice.uniform(np.log(0.0025), 0, reporters)), np.exp(
        dice.uniform(np.log(0.0025), 0, reporters)
    )


def fitted_sums(fit: VarianceFit) -> np.ndarray:
    return fit.exporter[:, None] + fit.importer[None, :]


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_the_sum_of_two_variances_is_found_from_exact_means(seed: int) -> None:
    exporter, importer = some_variances(seed)
    total = exporter[:, None] + importer[None, :]
    cells = np.full(total.shape, 1_000_000)
    fit = fit_variances(cells, np.sqrt(2 / np.pi * total), total)
    assert fitted_sums(fit) == pytest.approx(total, rel=1e-3)
    assert fit.dispersion == pytest.approx(np.pi / 2 - 1, rel=1e-3)
    assert fit.between_pairs == pytest.approx(0, abs=1e-5)
    # Each side lies within what the data leave open.
    moved = fit.exporter - exporter
    assert np.ptp(moved) < 1e-3 * total.max()
    assert -importer.min() - 1e-3 < -moved.mean() < exporter.min() + 1e-3


def test_exporters_and_importers_are_treated_alike() -> None:
    exporter, importer = some_variances(3)
    cells = np.random.default_rng(3).integers(0, 200, (12, 12))
    distance, square = drawn(exporter, importer, cells, 3)
    one = fit_variances(cells, distance, square)
    other = fit_variances(cells.T, distance.T, square.T)
    assert one.exporter == pytest.approx(other.importer, rel=1e-6)
    assert one.importer == pytest.approx(other.exporter, rel=1e-6)


def test_distances_k_times_as_large_are_sigmas_k_times_as_large() -> None:
    exporter, importer = some_variances(4)
    cells = np.random.default_rng(4).integers(1, 200, (12, 12))
    distance, square = drawn(exporter, importer, cells, 4)
    one = fit_variances(cells, distance, square)
    larger = fit_variances(cells, 7 * distance, 49 * square)
    assert larger.exporter == pytest.approx(49 * one.exporter, rel=1e-6)


def test_one_cell_that_agrees_makes_no_reporter_perfect() -> None:
    """A ratio of nothing to nothing would follow a newcomer everywhere."""
    exporter, importer = some_variances(5)
    cells = np.full((12, 12), 200)
    distance, square = drawn(exporter, importer, cells, 5)
    cells[0], distance[0], square[0] = 0, 0, 0
    cells[0, 0] = 1
    fit = fit_variances(cells, distance, square)
    assert fit.exporter[0] > 0.2 * np.median(fit.exporter[1:])


def test_pairs_of_their_own_kind_count_by_pairs_and_not_by_cells() -> None:
    """With a bias of each pair, a large pair must not decide alone for its two reporters."""
    dice = np.random.default_rng(6)
    cells = np.full((20, 20), 20)
    cells[0, 0] = 1_000_000
    own = np.exp(dice.normal(0, 0.7, cells.shape))
    own[0, 0] = 3.0
    distance, square = 0.4 * own, 0.16 * own**2 * np.pi / 2
    fit = fit_variances(cells, distance, square)
    assert fit.between_pairs > 0.2
    # The typical pair of reporter 0 is far nearer to 0.4 than its large one at 1.2.
    expected = np.sqrt(2 / np.pi * (fit.exporter[0] + fit.importer[1:]))
    assert np.median(expected) < 0.8


def test_sides_without_a_cell_have_no_variance() -> None:
    cells = np.array([[50, 0, 60], [0, 0, 0], [70, 0, 80]])
    distance = np.where(cells > 0, 0.3, 0)
    fit = fit_variances(cells, distance, distance**2 * np.pi / 2)
    assert np.isnan(fit.exporter).tolist() == [False, True, False]
    assert np.isnan(fit.importer).tolist() == [False, True, False]


def test_sums_without_a_difference_are_refused() -> None:
    with pytest.raises(ReliabilityError):
        fit_variances(np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 2)))
    with pytest.raises(ReliabilityError):
        fit_variances(np.ones((2, 2)), np.zeros((2, 2)), np.zeros((2, 2)))


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=50))
def test_the_best_reporter_falls_to_the_floor_and_nobody_below(ls_means: list[float]) -> None:
    """The offset of the published formula would put the best below zero."""
    sigma = sigma_from_ls_means(np.array(ls_means))
    assert sigma.min() == SIGMA_FLOOR
    assert sigma[int(np.argmin(ls_means))] == SIGMA_FLOOR
    above = np.array(ls_means) - min(ls_means) > SIGMA_FLOOR
    assert sigma[above] == pytest.approx(
        np.pi / 2 * (np.array(ls_means)[above] - min(ls_means)), rel=1e-12
    )


def test_an_ls_mean_that_is_not_known_stays_so() -> None:
    sigma = sigma_from_ls_means(np.array([0.5, np.nan, 0.9]))
    assert sigma == pytest.approx([SIGMA_FLOOR, np.nan, 0.4 * np.pi / 2], nan_ok=True)


def test_growth_lab_scores_solve_their_equations() -> None:
    dice = np.random.default_rng(1)
    exports = dice.lognormal(0, 2, (9, 7)) * (dice.random((9, 7)) < 0.8)
    imports = np.where(exports > 0, exports * dice.lognormal(0, 0.5, (9, 7)), 0)
    exporter, importer = growth_lab_scores(exports, imports)
    seen = exports > 0
    delta = np.abs(exports - imports) / np.where(seen, exports + imports, 1)
    delta = np.where(seen, np.maximum(delta, 1e-3), 0)
    assert exporter * (delta @ importer) == pytest.approx(seen.sum(axis=1), rel=1e-9)
    assert importer * (delta.T @ exporter) == pytest.approx(seen.sum(axis=0), rel=1e-9)
    assert np.log(exporter).mean() == pytest.approx(np.log(importer).mean(), abs=1e-9)


def test_growth_lab_scores_of_a_pair_in_full_agreement_have_a_bound() -> None:
    exporter, importer = growth_lab_scores(np.array([[5.0, 0]]), np.array([[5.0, 0]]))
    assert exporter * importer[0] == pytest.approx([1000])
    assert np.isnan(importer[1])


@given(sigmas, sigmas)
def test_no_other_weight_has_a_narrower_band(first: float, second: float) -> None:
    exporter, importer = np.array([first]), np.array([second])
    best = sensitivity(inverse_variance(exporter, importer), exporter, importer)
    for weight in np.linspace(0, 1, 21):
        assert best <= sensitivity(np.array([weight]), exporter, importer) + 1e-12
    assert best <= min(first, second)


@given(sigmas, sigmas)
def test_f_of_sigma_is_that_of_the_formula(first: float, second: float) -> None:
    def f(sigma: float) -> float:
        return float(np.exp(sigma**2) * (np.exp(sigma**2) - 1))

    weight = log_normal_variance(np.array([first]), np.array([second]))
    assert weight == pytest.approx([f(second) / (f(first) + f(second))], rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("weigh", [inverse_variance, log_normal_variance, more_agreed, softmax])
@given(first=st.floats(0.02, 12), second=st.floats(0.02, 12))
def test_who_is_exporter_does_not_matter(weigh, first: float, second: float) -> None:
    one = weigh(np.array([first]), np.array([second]))
    other = weigh(np.array([second]), np.array([first]))
    assert np.isfinite(one).all()
    assert 0 <= one[0] <= 1
    assert one + other == pytest.approx([1], abs=1e-12)


def test_a_worked_example() -> None:
    """X = 100, Mf = 200, sigma .3 as exporter and .6 as importer."""
    x, mf = np.array([100.0]), np.array([200.0])
    exporter, importer = np.array([0.3]), np.array([0.6])
    weight = inverse_variance(exporter, importer)
    assert weight == pytest.approx([0.8])
    (default,) = (rule for rule in RULES if rule.name == DEFAULT_RULE)
    assert values(default, x, mf, weight) == pytest.approx([100 * 2**0.2])
    assert sensitivity(weight, exporter, importer) == pytest.approx([np.sqrt(0.0576 + 0.0144)])
    # f(.3) = 1.0941743 x .0941743 = .1030430; f(.6) = 1.4333294 x .4333294 = .6211038
    baci = log_normal_variance(exporter, importer)
    assert baci == pytest.approx([0.6211038 / 0.7241468], abs=1e-6)
    assert more_agreed(np.array([0.7, 0.2, 0.5]), np.array([0.6, 0.3, 0.5])).tolist() == [1, 0, 0.5]


def specialised_cells(by: str) -> pl.DataFrame:
    """Twelve reporters alike in care; the first exports most where, or when, all report badly."""
    dice = np.random.default_rng(8)
    size = 40_000
    exporter, importer, product = (dice.integers(0, n, size) for n in (12, 12, 40))
    noisy = dice.random(size) < np.where(exporter == 0, 0.9, 0.3)
    x = dice.lognormal(12, 2, size)
    d = dice.normal(0, np.where(noisy, 0.9, 0.3))
    return pl.DataFrame(
        {
            "exporter_iso3": [f"E{n:02}" for n in exporter],
            "importer_iso3": [f"I{n:02}" for n in importer],
            "product_code": [f"{n:06}" for n in product * 2 + (noisy if by == "product" else 0)],
            "year": pl.Series(2015 + (noisy if by == "year" else 0 * product), dtype=pl.Int32),
            "x": x,
            "mf": x * np.exp(d),
        }
    )


@pytest.mark.parametrize("by", ["product", "year"])
def test_a_reporter_of_goods_that_all_report_badly_has_no_larger_sigma(by: str) -> None:
    reporters = estimated(specialised_cells(by)).reporters.drop_nulls("sigma_exporter")
    sigma, agreed = (reporters[name] for name in ("sigma_exporter", "agreed_share_exporter"))
    assert agreed[0] < 0.6 * agreed[1:].median()
    assert sigma[0] == pytest.approx(sigma[1:].median(), rel=0.15)


@pytest.mark.slow
def test_reporters_are_ranked_as_planted_and_better_than_by_ls_means() -> None:
    """A few worlds; `python -m bench.rules` takes any number, test_models_worlds scores them."""
    scores = pl.DataFrame([score(World(errors=log_normal(), seed=700 + n)) for n in range(4)])
    for side in ("exporter", "importer"):
        rank = scores[f"rank sigma {side}"].mean()
        assert rank >= 0.95
        assert rank > scores[f"rank sigma_ls_means {side}"].mean()
