"""Tests that the CIF regression from sums equals the regression over cells."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.reference import cif_fits, mirrored_cells, moments, studentized
from dagster_project.world.cif import CIF_TERMS, MomentsError, pool_cif, solve_cif
from tests.world_generator import Cif, World, no_errors, reports
from tests.world_generator.truth import found

SLOPES = CIF_TERMS[1:]
PLANTED = dict(zip(SLOPES, (-0.11, 0.01, -0.044, -0.009, 0.049, -0.032), strict=True))


def made_up_cells(seed: int, cells: int = 400, intercept: float = 0.4) -> pl.DataFrame:
    """Terms as they come: two nearly collinear, two rare, and noise larger than what they say."""
    dice = np.random.default_rng(seed)
    ln_distance = np.log(dice.uniform(100, 18_000, cells))
    frame = pl.DataFrame(
        {
            "intercept": np.ones(cells),
            "ln_distance": ln_distance,
            "ln_distance_squared": ln_distance**2,
            "contiguous": (dice.random(cells) < 0.1).astype(float),
            "landlocked_exporter": (dice.random(cells) < 0.2).astype(float),
            "landlocked_importer": (dice.random(cells) < 0.2).astype(float),
            "ln_unit_value": dice.normal(1.5, 1.2, cells),
            "alike": dice.uniform(0.05, 1, cells),
        }
    )
    fitted = intercept + sum(value * frame[term].to_numpy() for term, value in PLANTED.items())
    return frame.with_columns(ln_ratio=pl.Series(fitted + dice.normal(0, 0.3, cells)))


def reference(cells: pl.DataFrame, terms: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and standard errors by least squares over the cells themselves."""
    root = np.sqrt(cells["alike"].to_numpy())
    left, right = cells.select(terms).to_numpy() * root[:, None], cells["ln_ratio"] * root
    solved = np.linalg.lstsq(left, right.to_numpy(), rcond=None)[0]
    residual = right.to_numpy() - left @ solved
    variance = residual @ residual / (cells.height - len(terms))
    factor = np.linalg.qr(left, mode="r")
    inverse = np.linalg.inv(factor)
    return solved, np.sqrt(variance * (inverse**2).sum(axis=1))


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_sums_give_what_the_cells_give(seed: int) -> None:
    cells = made_up_cells(seed)
    fit = solve_cif(moments(cells))
    solved, errors = reference(cells, CIF_TERMS)
    assert fit.absent == ()
    assert list(fit.coefficients.values()) == pytest.approx(solved, abs=1e-9)
    assert list(fit.standard_errors.values()) == pytest.approx(errors, rel=1e-7)


def test_studentized_residuals_are_those_of_the_hat_matrix() -> None:
    cells = made_up_cells(3, cells=40)
    fit = solve_cif(moments(cells))
    root = np.sqrt(cells["alike"].to_numpy())
    left = cells.select(CIF_TERMS).to_numpy() * root[:, None]
    hat = left @ np.linalg.pinv(left)
    residual = (np.eye(40) - hat) @ (cells["ln_ratio"].to_numpy() * root)
    expected = residual / (fit.sigma * np.sqrt(1 - np.diag(hat)))
    assert studentized(cells, fit) == pytest.approx(expected, abs=1e-8)


def test_share_explained_is_that_of_the_weighted_variation() -> None:
    cells = made_up_cells(5)
    fit = solve_cif(moments(cells))
    weight, response = cells["alike"].to_numpy(), cells["ln_ratio"].to_numpy()
    fitted = cells.select(CIF_TERMS).to_numpy() @ list(fit.coefficients.values())
    centre = (weight @ response) / weight.sum()
    expected = 1 - (weight @ (response - fitted) ** 2) / (weight @ (response - centre) ** 2)
    assert fit.r_squared == pytest.approx(expected, abs=1e-9)
    assert 0 < fit.r_squared < 1


@pytest.mark.parametrize("term", ["contiguous", "landlocked_exporter", "landlocked_importer"])
@pytest.mark.parametrize("everywhere", [0.0, 1.0])
def test_a_term_without_variation_is_absent_and_the_others_are_fitted(
    term: str, everywhere: float
) -> None:
    cells = made_up_cells(7).with_columns(pl.lit(everywhere).alias(term))
    fit = solve_cif(moments(cells))
    others = tuple(name for name in CIF_TERMS if name != term)
    assert fit.absent == (term,)
    assert fit.coefficients[term] == 0
    assert np.isnan(fit.standard_errors[term])
    assert not fit.inverse[CIF_TERMS.index(term)].any()
    assert [fit.coefficients[name] for name in others] == pytest.approx(
        reference(cells, others)[0], abs=1e-9
    )


def test_of_two_collinear_terms_the_later_is_absent() -> None:
    cells = made_up_cells(9).with_columns(landlocked_importer="landlocked_exporter")
    fit = solve_cif(moments(cells))
    assert fit.absent == ("landlocked_importer",)
    others = tuple(name for name in CIF_TERMS if name != "landlocked_importer")
    assert [fit.coefficients[name] for name in others] == pytest.approx(
        reference(cells, others)[0], abs=1e-9
    )


def test_years_pooled_are_one_regression_with_an_intercept_each() -> None:
    years = {2014 + n: made_up_cells(20 + n, 200 + 50 * n, intercept=n / 5) for n in range(3)}
    pooled = pool_cif({year: moments(cells) for year, cells in years.items()})
    together = pl.concat(
        [
            cells.with_columns(**{f"in_{each}": pl.lit(float(each == year)) for each in years})
            for year, cells in years.items()
        ]
    )
    terms = (*SLOPES, *(f"in_{year}" for year in years))
    solved, errors = reference(together, terms)
    assert list(pooled.coefficients.values()) == pytest.approx(solved[:6], abs=1e-9)
    assert list(pooled.standard_errors.values()) == pytest.approx(errors[:6], rel=1e-7)
    assert list(pooled.intercepts.values()) == pytest.approx(solved[6:], abs=1e-9)


@pytest.mark.slow
def test_planted_coefficients_are_recovered_within_a_hundredth() -> None:
    world = World(countries=60, products=400, errors=no_errors(), cif=Cif(mean_rate=0.1), seed=1)
    geography = found(world).geography
    cells = mirrored_cells(*reports(world), geography.pairs, geography.countries)
    (fit,) = cif_fits(cells).values()
    for term, value in PLANTED.items():
        assert fit.coefficients[term] == pytest.approx(value, rel=0.01), term


def test_missing_sums_and_too_few_cells_are_refused() -> None:
    sums = moments(made_up_cells(1))
    del sums["sum__ln_distance__ln_ratio"]
    with pytest.raises(MomentsError, match="sum__ln_distance__ln_ratio"):
        solve_cif(sums)
    with pytest.raises(MomentsError, match=r"\b4\b"):
        solve_cif(moments(made_up_cells(1, cells=4)))
    with pytest.raises(MomentsError):
        solve_cif(moments(made_up_cells(1).with_columns(alike=pl.lit(0.0))))
