"""Tests that the models recover planted CIF rates and apply them correctly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from world.laboratory import (
    BULK,
    DISTANCES,
    FITS,
    NOWHERE,
    VALUATIONS,
    Areas,
    Laboratory,
    cif_fit,
    fetched,
    only,
    said,
    show,
    valuations,
    world_distances,
)

from bench.reference import cif_fits, mirrored_cells, moments, studentized
from dagster_project.settings import PROJECT_ROOT
from dagster_project.world.cif import CIF_TERMS, solve_cif
from tests.world_generator import (
    Cif,
    Reporting,
    World,
    log_normal,
    no_errors,
    real_geography,
    reports,
    truth,
)
from tests.world_generator.truth import found

pytestmark = pytest.mark.slow

FLOWS = "int_mirror__valued"
SEEDS = PROJECT_ROOT / "dbt" / "seeds"
PUBLISHED = Cif()
OTHERWISE = Cif(
    distance=-0.3,
    distance_squared=0.03,
    contiguous=-0.15,
    landlocked_exporter=0.08,
    landlocked_importer=0.15,
    unit_value=-0.06,
)


def planted_world(seed: int, cif: Cif, noise: float, countries: int, products: int) -> World:
    """Real places, reports that are true but for their quantities."""
    return World(
        countries=countries,
        products=products,
        seed=seed,
        errors=no_errors(),
        cif=cif,
        reporting=Reporting(quantity_noise=noise),
        geography=real_geography(countries, seed, SEEDS),
    )


def planted(world: World) -> dict[str, float]:
    cif = world.cif
    values = (
        found(world).cif_constant,
        cif.distance,
        cif.distance_squared,
        cif.contiguous,
        cif.landlocked_exporter,
        cif.landlocked_importer,
        cif.unit_value,
    )
    return dict(zip(CIF_TERMS, values, strict=True))


# Of some 200,000 pairs, quantities that both sides get wrong by half a per cent leave the
# smallest coefficient, -.009, a standard error of .4 per cent of itself.
@pytest.mark.slow
@pytest.mark.parametrize(("seed", "cif"), [(1, PUBLISHED), (2, PUBLISHED), (3, OTHERWISE)])
def test_each_planted_coefficient_is_found_within_one_per_cent(
    laboratory: Laboratory, areas: Areas, seed: int, cif: Cif
) -> None:
    world = planted_world(seed, cif, 0.005, countries=60, products=300)
    fit = only(laboratory.rows({BULK: areas.of_world(world)}, FITS))
    for term, value in planted(world).items():
        show(f"{term:>22} {value:+.6f} {fit[term]:+.6f} {fit[term] / value - 1:+.3%}")
    assert {term: fit[term] for term in CIF_TERMS} == pytest.approx(planted(world), rel=0.01)
    flows = truth(world)
    # Weights are nearly one, and a mean of logarithms is geometric.
    assert fit["mean_cif_rate"] == pytest.approx(
        np.exp(flows["cif_factor"].log().mean()), abs=0.0005
    )
    assert not fit["is_pooled"]
    assert fit["absent_terms"] == ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_with_realistic_errors_coefficients_differ_by_chance_alone(
    laboratory: Laboratory, areas: Areas, seed: int
) -> None:
    """Quantities wrong by a fifth, values log-normal: nothing pulls to one side."""
    world = replace(
        planted_world(seed, PUBLISHED, 0.2, countries=30, products=200), errors=log_normal()
    )
    fit = only(laboratory.rows({BULK: areas.of_world(world)}, FITS))
    for term, value in planted(world).items():
        chance = (fit[term] - value) / fit[f"standard_error_{term}"]
        show(f"{term:>22} {value:+.4f} {fit[term]:+.4f} {chance:+.2f} standard errors")
        assert abs(chance) < 4


@pytest.mark.slow
def test_outliers_are_dropped_and_the_rest_fitted_again(
    laboratory: Laboratory, areas: Areas
) -> None:
    """One import in two hundred has its value a hundredfold: no other pair lies as far out."""
    world = planted_world(4, PUBLISHED, 0.005, countries=30, products=150)
    exports, imports = reports(world)
    is_wrong = pl.int_range(pl.len()) % 200 == 7
    spoilt = imports.with_columns(
        pl.when(is_wrong).then(pl.col("value_usd") * 100).otherwise("value_usd")
    )
    wrong = spoilt.height - imports.join(spoilt, on=imports.columns, how="semi").height
    with laboratory.run({BULK: areas.of_reports(exports, spoilt)}, FITS) as run:
        first = only(fetched(run, "int_mirror__cif_first_fits"))
        last = only(fetched(run, FITS))
    assert wrong > 50
    assert last["cells_dropped"] == wrong
    assert last["cells"] == imports.height - wrong
    assert first["sigma"] > 0.2
    assert last["sigma"] < 0.01
    clean = imports.filter(~is_wrong)
    without = laboratory.rows({BULK: areas.of_reports(exports, clean)}, FITS)
    # That fit drops its own pairs far out, so the two differ by what these say.
    for term, value in planted(world).items():
        error = only(without)[f"standard_error_{term}"]
        assert abs(last[term] - value) < 4 * error
        assert abs(last[term] - only(without)[term]) < 2 * error
    assert abs(first["intercept"] - planted(world)["intercept"]) > 0.02


@pytest.mark.parametrize("seed", [5, 6])
def test_the_fit_is_least_squares_without_the_outliers(
    laboratory: Laboratory, areas: Areas, seed: int
) -> None:
    """In a world with all errors, compared with the pairs one by one, in another language."""
    world = World(
        countries=20,
        products=60,
        seed=seed,
        years=(2015, 2016),
        reporting=Reporting(quantity_noise=0.2, no_quantity=0.1, omission=0.2, threshold_usd=500),
    )
    exports, imports = reports(world)
    geography = found(world).geography
    cells = mirrored_cells(exports, imports, geography.pairs, geography.countries)
    # The median unit value is of all exports of the year, also of those without a mirror.
    unit_values = (
        exports.drop_nulls("quantity_kg")
        .group_by("product_code", "year")
        .agg(ln_unit_value=(pl.col("value_usd") / pl.col("quantity_kg")).median().log())
    )
    cells = (
        cells.drop("ln_unit_value")
        .join(unit_values, on=["product_code", "year"])
        .drop_nulls("ln_ratio")
    )
    given = {BULK: areas.of_reports(exports, imports), DISTANCES: world_distances(world)}
    with laboratory.run(given, FITS) as run:
        first = fetched(run, "int_mirror__cif_first_fits").sort("year")
        last = fetched(run, FITS).sort("year")
    for year, of_first, of_last in zip(
        world.years, first.iter_rows(named=True), last.iter_rows(named=True), strict=True
    ):
        of_year = cells.filter(pl.col("year") == year)
        begun = solve_cif(moments(of_year))
        ended = cif_fits(of_year)[year]
        assert {term: of_first[term] for term in CIF_TERMS} == pytest.approx(
            begun.coefficients, rel=1e-7, abs=1e-9
        )
        assert of_last["cells"] == ended.cells
        assert of_last["cells_dropped"] == (np.abs(studentized(of_year, begun)) > 2).sum()
        assert {term: of_last[term] for term in CIF_TERMS} == pytest.approx(
            ended.coefficients, rel=1e-7, abs=1e-9
        )
        assert of_last["r_squared"] == pytest.approx(ended.r_squared, abs=1e-9)


def test_a_year_with_too_few_pairs_has_the_slopes_of_the_others(
    laboratory: Laboratory, areas: Areas
) -> None:
    world = planted_world(7, PUBLISHED, 0.02, countries=20, products=60)
    few = (
        said("USA", "X", "KOR", 100, kg=10, year=2014),
        said("KOR", "M", "USA", 108, kg=10, year=2014),
        said("USA", "X", "JPN", 100, kg=10, year=2014),
        said("JPN", "M", "USA", 106, kg=10, year=2014),
    )
    rows = pl.concat([areas.of_world(world), areas.rows(*few)])
    with laboratory.run({BULK: rows}, FLOWS) as run:
        poor, rich = fetched(run, FITS).sort("year").iter_rows(named=True)
        rated = fetched(run, FLOWS).filter(pl.col("year") == 2014, pl.col("cif_rate").is_not_null())
    assert (poor["is_pooled"], rich["is_pooled"]) == (True, False)
    assert poor["cells"] == 0
    assert poor["cells_dropped"] == 2
    slopes = CIF_TERMS[1:]
    assert [poor[term] for term in slopes] == pytest.approx([rich[term] for term in slopes])
    assert poor["intercept"] == pytest.approx(rich["intercept"])
    assert rated["cif_rate"].is_between(1.005, 1.2).all()


def test_where_no_year_has_enough_pairs_the_rate_is_one(
    laboratory: Laboratory, areas: Areas
) -> None:
    rows = areas.rows(
        said("USA", "X", "KOR", 100, kg=10),
        said("KOR", "M", "USA", 150, kg=10),
    )
    with laboratory.run({BULK: rows}, FLOWS) as run:
        assert fetched(run, FITS).is_empty()
        one = only(fetched(run, FLOWS))
    assert (one["cif_rate"], one["importer_fob_usd"]) == (1, 150)


def valued(
    laboratory: Laboratory, rows: pl.DataFrame, fit: pl.DataFrame, **given: pl.DataFrame
) -> dict[tuple[str, str, str], dict[str, Any]]:
    made = laboratory.rows({BULK: rows, FITS: fit, **given}, FLOWS)
    return {
        (row["exporter_iso3"], row["importer_iso3"], row["product_code"]): row
        for row in made.iter_rows(named=True)
    }


def test_a_worked_rate(laboratory: Laboratory, areas: Areas) -> None:
    """Chad, landlocked, to its neighbour Niger, landlocked, 1,000 km; a unit value of e^3 dollars.

    ln rate = .02 + .01 ln d + .001 (ln d)² - .03 + .004 + .05 - .002 x 3, ln 1000 = 6.907755
            = .02 + .06907755 + .04771708 - .03 + .004 + .05 - .006 = .15479463
    """
    distances = pl.DataFrame(
        {
            "exporter_iso3": ["TCD"],
            "importer_iso3": ["NER"],
            "distance_km": [1000.0],
            "is_contiguous": [True],
            "is_exporter_landlocked": [True],
            "is_importer_landlocked": [True],
        }
    )
    rows = areas.rows(
        said("TCD", "X", "NER", 1000 * np.e**3, kg=1000), said("NER", "M", "TCD", 30_000, kg=900)
    )
    fit = cif_fit(
        intercept=0.02,
        ln_distance=0.01,
        ln_distance_squared=0.001,
        contiguous=-0.03,
        landlocked_exporter=0.004,
        landlocked_importer=0.05,
        ln_unit_value=-0.002,
    )
    one = valued(laboratory, rows, fit, **{DISTANCES: distances})["TCD", "NER", "010121"]
    assert one["cif_rate"] == pytest.approx(np.exp(0.15479463), rel=1e-7)
    assert one["importer_fob_usd"] == pytest.approx(30_000 / np.exp(0.15479463), rel=1e-7)


def test_exporter_and_importer_are_not_confounded(laboratory: Laboratory, areas: Areas) -> None:
    """Chad is landlocked and Korea is not: what is said of exporters is said of Chad's exports."""
    rows = areas.rows(said("TCD", "M", "KOR", 100), said("KOR", "M", "TCD", 100))
    fit = cif_fit(intercept=0.1, landlocked_exporter=0.05, landlocked_importer=0.2)
    found_flows = valued(laboratory, rows, fit)
    assert found_flows["TCD", "KOR", "010121"]["cif_rate"] == pytest.approx(np.exp(0.15))
    assert found_flows["KOR", "TCD", "010121"]["cif_rate"] == pytest.approx(np.exp(0.3))


def test_a_rate_below_one_is_never_used(laboratory: Laboratory, areas: Areas) -> None:
    """exp(-.5 + .06 ln d) is below one up to 4,160 km: from Korea to Japan, not to Brazil."""
    rows = areas.rows(
        said("KOR", "M", "JPN", 100), said("KOR", "M", "BRA", 100), said("KOR", "X", "JPN", 50)
    )
    found_flows = valued(laboratory, rows, cif_fit(intercept=-0.5, ln_distance=0.06))
    near, far = (found_flows[one, "KOR", "010121"] for one in ("JPN", "BRA"))
    assert (near["cif_rate"], near["importer_fob_usd"]) == (1, 100)
    assert far["cif_rate"] > 1.05
    assert far["importer_fob_usd"] == pytest.approx(100 / far["cif_rate"])
    # A flow that no importer reports has no rate.
    assert found_flows["KOR", "JPN", "010121"]["cif_rate"] is None
    # Nor is a mean below one used where no distance is known.
    unknown = valued(laboratory, rows, cif_fit(mean_cif_rate=0.9), **{DISTANCES: NOWHERE})
    assert unknown["JPN", "KOR", "010121"]["cif_rate"] == 1


def test_in_a_world_with_negative_rates_none_is_below_one(
    laboratory: Laboratory, areas: Areas
) -> None:
    world = replace(
        planted_world(8, Cif(mean_rate=0.01), 0.005, countries=20, products=60),
        # So that few flows tell the unit value of a product as well as many.
        unit_value_spread=0.01,
    )
    rated = laboratory.rows({BULK: areas.of_world(world)}, FLOWS).join(
        truth(world), on=["exporter_iso3", "importer_iso3", "product_code", "year"]
    )
    assert 0.2 < (rated["cif_factor"] < 1).mean() < 0.8
    assert rated["cif_rate"].min() == 1
    expected = rated["cif_factor"].clip(1.0).to_numpy()
    assert rated["cif_rate"].to_numpy() == pytest.approx(expected, abs=0.003)


def test_what_is_not_known_of_a_flow_has_the_mean(laboratory: Laboratory, areas: Areas) -> None:
    rows = areas.rows(
        said("KOR", "M", "USA", 100, product="010121"),
        said("USA", "X", "JPN", np.e**5, kg=1, product="010129"),
        said("KOR", "M", "USA", 100, product="010129"),
    )
    fit = cif_fit(intercept=0.01, ln_unit_value=0.05)
    found_flows = valued(laboratory, rows, fit)
    # No exporter tells the unit value of the first: the mean of the sample, ln UV = 2.
    assert found_flows["USA", "KOR", "010121"]["cif_rate"] == pytest.approx(np.exp(0.11))
    assert found_flows["USA", "KOR", "010129"]["cif_rate"] == pytest.approx(np.exp(0.26))
    placeless = {DISTANCES: NOWHERE}
    without = valued(laboratory, rows, fit, **placeless)
    assert without["USA", "KOR", "010129"]["cif_rate"] == 1.04


def test_the_unit_value_of_a_product_is_the_median_over_exporters(
    laboratory: Laboratory, areas: Areas
) -> None:
    rows = areas.rows(
        said("USA", "X", "KOR", 100, kg=100),
        said("USA", "X", "JPN", 100, kg=50),
        said("DEU", "X", "JPN", 900, kg=1),
        said("FRA", "X", "JPN", 10),
        said("JPN", "M", "USA", 700, kg=1),
    )
    one = only(laboratory.rows({BULK: rows}, "int_mirror__unit_values"))
    assert one["unit_value_usd"] == 2


@pytest.mark.parametrize("valuation", ["fob", "fas"])
def test_an_importer_that_reports_fob_is_left_out_and_divided_by_one(
    laboratory: Laboratory, areas: Areas, valuation: str
) -> None:
    world = planted_world(9, PUBLISHED, 0.01, countries=20, products=60)
    rows = areas.of_world(world)
    chosen = found(world).geography.iso3[3]
    pairs = truth(world)
    with laboratory.run(
        {BULK: rows, VALUATIONS: valuations({(chosen, 2016): valuation, (chosen, 2014): "cif"})},
        FLOWS,
    ) as run:
        fit, flows = only(fetched(run, FITS)), fetched(run, FLOWS)
    assert fit["cells"] + fit["cells_dropped"] == (pairs["importer_iso3"] != chosen).sum()
    own = flows.filter(pl.col("importer_iso3") == chosen)
    assert own["cif_rate"].unique().to_list() == [1.0]
    assert own["importer_fob_usd"].equals(own["importer_reported_usd"].alias("importer_fob_usd"))
    others = flows.filter(pl.col("importer_iso3") != chosen)
    assert (others["cif_rate"] > 1.01).mean() > 0.5
    # As exporter its trade is like that of others.
    assert others.filter(pl.col("exporter_iso3") == chosen)["cif_rate"].max() > 1.01


def breaks(valuation: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "source_id": ["un_comtrade"],
            "reporter_iso3": ["KOR"],
            "flow": ["import"],
            "first_year": [2015],
            "last_year": [2016],
            "valuation": [valuation],
            "reason": ["made up"],
        },
        schema_overrides={"first_year": pl.Int32, "last_year": pl.Int32},
    )


@pytest.mark.parametrize(
    ("told", "broken", "years"),
    [
        ("cif", "customs", {2015, 2016}),
        ("fob", "cif", {2014}),
        ("fob", "fob", {2014, 2015, 2016}),
        ("cif", "cif", set()),
    ],
)
def test_a_break_of_a_series_counts_before_what_the_publisher_says(
    laboratory: Laboratory, areas: Areas, told: str, broken: str, years: set[int]
) -> None:
    rows = areas.rows(*(said("KOR", "M", "USA", 100, year=year) for year in (2014, 2015, 2016)))
    given = {
        BULK: rows,
        VALUATIONS: valuations({("KOR", year): told for year in (2014, 2015, 2016)}),
        "basis_breaks": breaks(broken),
    }
    found_years = laboratory.rows(given, "int_mirror__fob_importers")
    assert set(found_years["year"]) == years
    assert set(found_years["importer_iso3"]) <= {"KOR"}


def test_pairs_without_two_quantities_are_not_in_the_sample(
    laboratory: Laboratory, areas: Areas
) -> None:
    def flow(partner: str, *kg: float | None) -> tuple[dict[str, Any], dict[str, Any]]:
        return (
            said("USA", "X", partner, 100, kg=kg[0]),
            said(partner, "M", "USA", 100, kg=kg[1]),
        )

    rows = areas.rows(
        *flow("KOR", 10, 20),
        *flow("JPN", None, 20),
        *flow("DEU", 10, None),
        *flow("FRA", 0, 20),
        said("USA", "X", "ITA", 100, kg=10),
        said("ESP", "M", "USA", 100, kg=10),
        # Nobody knows where.
        said("USA", "X", "899", 100, kg=10),
    )
    sample = only(laboratory.rows({BULK: rows}, "int_mirror__cif_sample"))
    assert sample["weight"] == 0.5
    assert sample["ln_ratio"] == pytest.approx(np.log((100 / 20) / (100 / 10)))
