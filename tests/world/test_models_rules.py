"""Tests weights, values and provenance of reconciled flows against the rules in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from world.laboratory import (
    BULK,
    DISTANCES,
    FITS,
    NOWHERE,
    Areas,
    Laboratory,
    cif_fit,
    fetched,
    only,
    said,
    world_distances,
)

from bench.reference import DEFAULT_RULE, estimated, values
from dagster_project.world.estimation import REPORTERS
from dagster_project.world.reliability import SIGMA_FLOOR
from dagster_project.world.rules import RULES, sensitivity
from tests.world_generator import Reporting, World

WEIGHTS, RECONCILED, ESTIMATED = (
    "int_mirror__rule_weights",
    "mirror_reconciled",
    "int_mirror__reporters_estimated",
)
MEASURES = ("sigma", "ls_mean", "sigma_ls_means", "agreed_share", "growth_lab_score")
TOLERANCE = 1e-9


def reporter(iso3: str, exporter: float | None, importer: float | None) -> dict[str, Any]:
    """A country of which these sigmas are known, and nothing that would tell it from others."""
    row: dict[str, Any] = {"iso3": iso3}
    for side, sigma in (("exporter", exporter), ("importer", importer)):
        known = None if sigma is None else 1
        row |= {f"{name}_{side}": known for name in ("cells", "partners", "ls_mean")}
        row |= {f"{name}_{side}": known and 0.5 for name in ("agreed_share", "growth_lab_score")}
        row |= {f"{name}_{side}": sigma for name in ("sigma", "sigma_ls_means")}
    return row


def reporters(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=REPORTERS)


def expected_weights(pairs: pl.DataFrame, known: pl.DataFrame) -> dict[str, np.ndarray]:
    """The weight of each rule for each of the pairs, by the functions of the reference."""

    def measured(name: str, side: str) -> np.ndarray:
        keyed = known.select(pl.col("iso3").alias(f"{side}_iso3"), value=pl.col(f"{name}_{side}"))
        joined = pairs.join(keyed, on=f"{side}_iso3", how="left", maintain_order="left")
        return joined["value"].to_numpy()

    return {
        rule.name: rule.weight(measured(rule.reads, "exporter"), measured(rule.reads, "importer"))
        for rule in RULES
    }


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_weights_are_those_of_the_reference(
    laboratory: Laboratory, areas: Areas, seed: int
) -> None:
    """Over sigmas from the floor to five, shares that tie, and scores without a bound."""
    dice = np.random.default_rng(seed)
    codes = list(areas.codes)[:25]
    columns: dict[str, Any] = {"iso3": codes}
    for side in ("exporter", "importer"):
        size = len(codes)
        columns |= {
            f"cells_{side}": dice.integers(1, 100, size),
            f"partners_{side}": dice.integers(1, 20, size),
            f"sigma_{side}": np.exp(dice.uniform(np.log(0.002), np.log(5), size)),
            f"ls_mean_{side}": dice.uniform(0, 2, size),
            f"sigma_ls_means_{side}": np.maximum(dice.uniform(-0.2, 5, size), SIGMA_FLOOR),
            f"agreed_share_{side}": dice.integers(0, 4, size) / 4,
            f"growth_lab_score_{side}": np.exp(dice.uniform(-3, 7, size)),
        }
    known = pl.DataFrame(columns).select(*REPORTERS).cast(pl.Schema(REPORTERS))
    with laboratory.run({BULK: every_pair(areas, codes), ESTIMATED: known}, WEIGHTS) as run:
        found = fetched(run, WEIGHTS)
    assert found.height == len(codes) * (len(codes) - 1)
    # A rule that the reference gains or loses is one that the models must.
    assert {name for name in found.columns if name.startswith("weight_")} == {
        f"weight_{rule.name}" for rule in RULES
    }
    # The exponential of a score a thousand below is zero all the same.
    with np.errstate(over="ignore"):
        expected = expected_weights(found, known)
    for rule, weight in expected.items():
        column = found[f"weight_{rule}"].to_numpy()
        assert np.isfinite(column).all(), rule
        assert np.abs(column - weight).max() <= TOLERANCE, rule
    assert set(found["weight_gehlhar"].unique()) == {0, 0.5, 1}


def every_pair(areas: Areas, codes: list[str]) -> pl.DataFrame:
    return areas.rows(
        *(said(one, "X", other, 10) for one in codes for other in codes if one != other)
    )


@pytest.fixture(scope="module")
def practice(laboratory: Laboratory, areas: Areas) -> dict[str, pl.DataFrame]:
    """A world in which everything happens that happens in practice."""
    world = World(
        countries=25,
        products=80,
        seed=21,
        years=(2015, 2016),
        reporting=Reporting(
            missing=0.1,
            omission=0.3,
            threshold_usd=200,
            nes_reporters=0.5,
            nes_flows=0.1,
            fob_importers=0.1,
            quantity_noise=0.1,
            no_quantity=0.07,
        ),
    )
    given = {BULK: areas.of_world(world), DISTANCES: world_distances(world)}
    with laboratory.run(given) as run:
        return {name: fetched(run, name) for name in (RECONCILED, WEIGHTS, ESTIMATED)}


def test_weights_of_a_world_are_those_of_the_reference(practice: dict[str, pl.DataFrame]) -> None:
    known = practice[WEIGHTS].drop_nulls(["sigma_exporter", "sigma_importer"])
    assert known.height > 400
    for rule, weight in expected_weights(known, practice[ESTIMATED]).items():
        assert np.abs(known[f"weight_{rule}"].to_numpy() - weight).max() <= TOLERANCE, rule


def test_the_value_of_each_rule_is_that_of_the_reference(
    practice: dict[str, pl.DataFrame],
) -> None:
    flows = practice[RECONCILED]
    both = flows.filter(pl.col("exporter_usd") > 0, pl.col("importer_fob_usd") > 0)
    x, mf = both["exporter_usd"].to_numpy(), both["importer_fob_usd"].to_numpy()
    weights = expected_weights(both, practice[ESTIMATED])
    assert both.height > 3000
    for rule in RULES:
        column = "reconciled_usd" if rule.name == DEFAULT_RULE else f"{rule.name}_usd"
        value = values(rule, x, mf, weights[rule.name])
        assert np.abs(both[column].to_numpy() / value - 1).max() <= TOLERANCE, rule.name
        # Whatever the rule, a value lies between the two reports.
        assert (both[column].to_numpy() >= np.minimum(x, mf) * (1 - TOLERANCE)).all()
        assert (both[column].to_numpy() <= np.maximum(x, mf) * (1 + TOLERANCE)).all()
    default = weights[DEFAULT_RULE]
    assert np.abs(both["exporter_weight"].to_numpy() - default).max() <= TOLERANCE
    sigmas = both["sigma_exporter"].to_numpy(), both["sigma_importer"].to_numpy()
    spread = sensitivity(default, *sigmas)
    for column, sign in (("band_low_usd", -1), ("band_high_usd", 1)):
        band = both["reconciled_usd"].to_numpy() * np.exp(sign * 1.96 * spread)
        assert np.abs(both[column].to_numpy() / band - 1).max() <= TOLERANCE


def test_with_one_report_every_rule_gives_that_report(practice: dict[str, pl.DataFrame]) -> None:
    columns = ["reconciled_usd", *(f"{r.name}_usd" for r in RULES if r.name != DEFAULT_RULE)]
    for provenance, side, weight in (
        ("exporter_only", "exporter_usd", 1),
        ("importer_only", "importer_fob_usd", 0),
    ):
        alone = practice[RECONCILED].filter(pl.col("provenance") == provenance)
        assert alone.height > 500
        for column in columns:
            assert alone[column].equals(alone[side].alias(column))
        assert alone["exporter_weight"].unique().to_list() == [weight]


def test_provenance_says_which_sides_report(practice: dict[str, pl.DataFrame]) -> None:
    flows = practice[RECONCILED]
    assert not flows.select(
        pl.struct("year", "exporter_iso3", "importer_iso3", "product_code").is_duplicated().any()
    ).item()
    x, m = pl.col("exporter_reported_usd").is_not_null(), pl.col("importer_fob_usd").is_not_null()
    given = pl.col("nes_allocated_usd") > 0
    assert flows.select((given & ~x).sum()).item() > 100
    expected = (
        pl.when(given & x)
        .then(pl.lit("nes_allocated"))
        .when(x & m)
        .then(pl.lit("both"))
        .when(x)
        .then(pl.lit("exporter_only"))
        .when(m)
        .then(pl.lit("importer_only"))
    )
    assert flows.select((pl.col("provenance") == expected).all()).item()
    assert flows["provenance"].n_unique() == 4
    assert flows["reconciled_usd"].min() > 0
    assert not {"nes", None} & {*flows["exporter_iso3"], *flows["importer_iso3"]}


KNOWN = reporters(reporter("USA", 0.3, 0.5), reporter("KOR", 0.4, 0.6), reporter("JPN", 0.2, 0.2))


def reconciled(laboratory: Laboratory, areas: Areas, *rows: dict[str, Any]) -> pl.DataFrame:
    """Flows at a CIF rate of 1.25, of reporters known as `KNOWN`."""
    given = {
        BULK: areas.rows(*rows),
        DISTANCES: NOWHERE,
        FITS: cif_fit(mean_cif_rate=1.25),
        ESTIMATED: KNOWN,
    }
    return laboratory.rows(given, RECONCILED)


def test_a_worked_example(laboratory: Laboratory, areas: Areas) -> None:
    """X = 100, Mf = 250 / 1.25 = 200, sigma .3 and .6: w = .36 / (.09 + .36) = .8.

    V = 100^.8 x 200^.2 = 100 x 2^.2 = 114.8698; s = sqrt(.64 x .09 + .04 x .36) = .2683282.
    """
    one = only(
        reconciled(laboratory, areas, said("USA", "X", "KOR", 100), said("KOR", "M", "USA", 250))
    )
    assert one["exporter_weight"] == pytest.approx(0.8, abs=1e-12)
    assert one["reconciled_usd"] == pytest.approx(114.8698355, abs=1e-7)
    assert one["band_low_usd"] == pytest.approx(114.8698355 * np.exp(-1.96 * 0.2683282), abs=1e-4)
    assert one["band_high_usd"] == pytest.approx(114.8698355 * np.exp(1.96 * 0.2683282), abs=1e-4)
    # f(.3) = .1030430, f(.6) = .6211038: w = .6211038 / .7241468 = .8577042.
    assert one["baci_usd"] == pytest.approx(0.8577042 * 100 + 0.1422958 * 200, abs=1e-4)
    assert one["gehlhar_usd"] == one["growth_lab_usd"] == one["simple_mean_usd"] == 150
    assert (one["exporter_only_usd"], one["importer_only_usd"]) == (100, 200)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "side"),
    [
        # France never reports, so nothing is known of it.
        ([said("USA", "X", "FRA", 100)], "sigma_exporter"),
        ([said("KOR", "M", "FRA", 125)], "sigma_importer"),
    ],
)
def test_the_band_of_one_report_is_that_of_its_reporter(
    laboratory: Laboratory, areas: Areas, rows: list[dict[str, Any]], side: str
) -> None:
    sigma = {"sigma_exporter": 0.3, "sigma_importer": 0.6}[side]
    one = only(reconciled(laboratory, areas, *rows))
    assert one[side] == sigma
    assert one["reconciled_usd"] == 100
    assert one["band_high_usd"] == pytest.approx(100 * np.exp(1.96 * sigma))
    assert one["band_low_usd"] == pytest.approx(100 * np.exp(-1.96 * sigma))


def test_without_a_known_sigma_both_sides_count_equally(
    laboratory: Laboratory, areas: Areas
) -> None:
    """Of France no sigma is known."""
    one = only(
        reconciled(laboratory, areas, said("FRA", "X", "KOR", 100), said("KOR", "M", "FRA", 500))
    )
    assert (one["exporter_usd"], one["importer_fob_usd"]) == (100, 400)
    assert one["reconciled_usd"] == pytest.approx(200)
    assert (one["exporter_weight"], one["baci_usd"]) == (0.5, 250)
    assert (one["exporter_only_usd"], one["importer_only_usd"]) == (100, 400)
    assert one["band_low_usd"] is None


def test_a_flow_has_its_provenance_or_why_it_is_missing(
    laboratory: Laboratory, areas: Areas
) -> None:
    rows = areas.rows(
        said("USA", "X", "KOR", 100),
        said("KOR", "M", "USA", 250),
        said("USA", "X", "FRA", 50),
        said("JPN", "M", "FRA", 25),
        said("JPN", "X", "KOR", 10),
        said("JPN", "X", "899", 30),
        said("KOR", "M", "JPN", 62.5),
        said("KOR", "M", "CHN", 75),
        said("CHN", "X", "899", 10),
    )
    given = {
        BULK: rows,
        DISTANCES: NOWHERE,
        FITS: cif_fit(mean_cif_rate=1.25),
        ESTIMATED: KNOWN,
    }
    asked = {
        (2016, "USA", "KOR"): ("both", pytest.approx(114.8698355)),
        (2016, "USA", "FRA"): ("exporter_only", 50),
        (2016, "FRA", "JPN"): ("importer_only", 20),
        # Of 30 without a partner Korea's shortfall of 40 gets all; sigma .2 and .6 make w = .9.
        (2016, "JPN", "KOR"): ("nes_allocated", pytest.approx(40**0.9 * 50**0.1)),
        # China reports nothing that the share could complete.
        (2016, "CHN", "KOR"): ("importer_only", 60),
        # The exporter reports the year; the importer does; neither.
        (2016, "USA", "JPN"): ("zero", 0),
        (2016, "FRA", "KOR"): ("zero", 0),
        (2016, "FRA", "DEU"): ("missing", None),
        # Korea reports imports alone: of what leaves it nothing is known.
        (2016, "KOR", "DEU"): ("missing", None),
        (2015, "USA", "KOR"): ("missing", None),
    }
    with laboratory.run(given) as run:
        found = {
            key: run.execute(
                "select provenance, reconciled_usd from marts.mirror_flow(?, ?, ?, '010121')", key
            ).fetchall()
            for key in asked
        }
    assert found == {key: [value] for key, value in asked.items()}


@pytest.fixture(scope="module")
def trap(laboratory: Laboratory, areas: Areas) -> dict[str, pl.DataFrame]:
    world = World(countries=25, products=100, seed=22)
    given = {BULK: areas.of_world(world), DISTANCES: world_distances(world)}
    with laboratory.run(given) as run:
        return {name: fetched(run, name) for name in (ESTIMATED, WEIGHTS, RECONCILED)}


@pytest.mark.parametrize("side", ["exporter", "importer"])
def test_no_reporter_has_a_negative_sigma(trap: dict[str, pl.DataFrame], side: str) -> None:
    """By the published offset the best would: its square would then make it one of the worst."""
    ranked = trap[ESTIMATED].sort(f"ls_mean_{side}")
    sigma = ranked[f"sigma_ls_means_{side}"]
    assert sigma[0] == SIGMA_FLOOR
    assert sigma.is_sorted()
    assert ranked[f"sigma_{side}"].min() > 0


def test_a_better_reporter_weighs_no_less(trap: dict[str, pl.DataFrame]) -> None:
    ordered = trap[WEIGHTS].join(
        trap[ESTIMATED].select(exporter_iso3="iso3", ls_mean="ls_mean_exporter"),
        on="exporter_iso3",
    )
    for rule, by in (
        ("baci_ls_means", "ls_mean"),
        ("baci", "sigma_exporter"),
        ("inverse_variance", "sigma_exporter"),
    ):
        for _, group in ordered.sort(by).group_by(["importer_iso3"]):
            weight = group.sort(by)[f"weight_{rule}"]
            assert weight.is_sorted(descending=True)
            assert weight.is_between(0, 1).all()
            assert weight[0] > weight[-1]


def test_reporters_are_estimated_from_flows_with_two_reports_alone(
    practice: dict[str, pl.DataFrame],
) -> None:
    """The sums of the models, compared with the same flows added up in another language.

    What was given to a partner from areas n.e.s. says nothing of how its exporter reports.
    """
    cells = practice[RECONCILED].select(
        "exporter_iso3",
        "importer_iso3",
        "product_code",
        "year",
        x="exporter_reported_usd",
        mf="importer_fob_usd",
    )
    reference = estimated(cells.filter(pl.col("x") > 0, pl.col("mf") > 0)).reporters
    found = practice[ESTIMATED].sort("iso3")
    assert (practice[RECONCILED]["nes_allocated_usd"] > 0).sum() > 100
    assert found["iso3"].to_list() == reference["iso3"].to_list()
    for side in ("exporter", "importer"):
        for name in ("cells", "partners", *MEASURES):
            column = f"{name}_{side}"
            assert found[column].to_list() == pytest.approx(
                reference[column].to_list(), rel=1e-6, abs=1e-9
            ), column
