"""Tests that a synthetic world follows its parameters and its files can be imported."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.snapshot import SnapshotFile
from dagster_project.sources.un_comtrade.downloads import LAYOUTS, parse_download
from dagster_project.sources.un_comtrade.trade import read_areas
from tests.world_generator import (
    Cif,
    Errors,
    Reporting,
    World,
    country_biased,
    heavy_tailed,
    log_normal,
    made_up_geography,
    made_up_products,
    no_errors,
    one_sided_re_export,
    real_geography,
    real_products,
    reporters,
    reports,
    truth,
    write_bulk_file,
)
from tests.world_generator.truth import found

SEEDS = PROJECT_ROOT / "dbt" / "seeds"
FLOW = ["exporter_iso3", "importer_iso3", "product_code", "year"]
SMALL = World(countries=12, products=60, density=0.4)
# Of Student's t with three degrees of freedom, scaled to a standard deviation of one.
T3_MEDIAN_ABSOLUTE = 0.4416


def both(world: World) -> pl.DataFrame:
    """Each true flow with what either side says of it."""
    exports, imports = reports(world)
    return (
        truth(world)
        .join(exports, on=FLOW, how="left", suffix="_x")
        .join(imports, on=FLOW, how="left", suffix="_m")
    )


def ln_ratio(top: str, *below: str) -> pl.Expr:
    return pl.col(top).log() - sum((pl.col(one).log() for one in below), pl.lit(0.0))


# What is the same, and what is not


def test_a_world_is_the_same_each_time_and_another_with_another_seed() -> None:
    for frame, again in zip(reports(SMALL), reports(SMALL), strict=True):
        assert frame.equals(again)
    assert truth(SMALL).equals(truth(SMALL))
    assert not truth(SMALL).equals(truth(replace(SMALL, seed=1)))


@pytest.mark.parametrize(
    "errors", [heavy_tailed(), country_biased(), one_sided_re_export(), no_errors()]
)
def test_how_trade_is_reported_does_not_change_what_was_traded(errors: Errors) -> None:
    reported_otherwise = replace(SMALL, errors=errors, reporting=Reporting.as_in_practice())
    assert truth(reported_otherwise).equals(truth(SMALL))


def test_a_year_is_the_same_whatever_other_years_are_asked_for() -> None:
    several = replace(SMALL, years=(2015, 2016, 2017))
    assert truth(several).filter(year=2016).equals(truth(SMALL))
    for frame, alone in zip(reports(several), reports(SMALL), strict=True):
        assert frame.filter(year=2016).equals(alone)


def test_flows_persist_from_year_to_year_as_configured() -> None:
    def kept(persistence: float) -> float:
        flows = truth(replace(SMALL, years=(2015, 2016), persistence=persistence))
        first, second = (flows.filter(year=year) for year in (2015, 2016))
        return second.join(first, on=FLOW[:3], how="semi").height / second.height

    assert kept(1.0) == 1.0
    assert kept(0.0) < kept(0.8) < 1.0


# What was traded


def test_trade_is_as_frequent_and_as_large_as_configured() -> None:
    world = World(countries=40, products=300, density=0.1, median_usd=5_000.0)
    flows = truth(world)
    assert flows.height == pytest.approx(0.1 * 40 * 39 * 300, rel=0.03)
    assert flows["value_usd"].median() == pytest.approx(5_000, rel=0.05)
    assert flows.select(pl.struct(FLOW).is_unique().all()).item()
    assert flows.filter(pl.col("exporter_iso3") == pl.col("importer_iso3")).is_empty()
    # A hundredth of all flows is most of all trade, as in published data.
    largest = flows["value_usd"].sort(descending=True)
    assert largest.head(flows.height // 100).sum() > largest.sum() / 2


def test_large_pairs_trade_more_products_than_distant_small_ones() -> None:
    lasting = found(SMALL)
    kinds = truth(SMALL).group_by("exporter_iso3", "importer_iso3").len()
    place = {iso3: n for n, iso3 in enumerate(lasting.geography.iso3)}
    expected = lasting.ln_pair[
        [place[iso3] for iso3 in kinds["exporter_iso3"]],
        [place[iso3] for iso3 in kinds["importer_iso3"]],
    ]
    assert np.corrcoef(expected, kinds["len"].to_numpy())[0, 1] > 0.6


# The CIF factor


def test_without_errors_imports_over_exports_are_the_cif_formula() -> None:
    cif = Cif(constant=0.3)
    world = replace(SMALL, errors=no_errors(), cif=cif, unit_value_spread=0.0)
    lasting = found(world)
    pairs = lasting.geography.pairs
    landlocked = lasting.geography.countries.select("iso3", "is_landlocked")
    unit_value = pl.DataFrame(
        {"product_code": lasting.product_codes, "ln_uv": lasting.ln_unit_value}
    )
    flows = (
        both(world)
        .join(pairs, on=["exporter_iso3", "importer_iso3"])
        .join(landlocked.rename({"iso3": "exporter_iso3"}), on="exporter_iso3")
        .join(landlocked.rename({"iso3": "importer_iso3"}), on="importer_iso3", suffix="_m")
        .join(unit_value, on="product_code")
        .with_columns(
            ln_x=ln_ratio("value_usd_x", "quantity_kg_x"),
            ln_factor=ln_ratio("value_usd_m", "quantity_kg_m")
            - ln_ratio("value_usd_x", "quantity_kg_x"),
        )
    )
    assert flows.height == truth(world).height
    ln_distance = flows["distance_km"].log().to_numpy()
    regressors = np.column_stack(
        [
            np.ones(flows.height),
            ln_distance,
            ln_distance**2,
            *(
                flows[column].cast(pl.Float64).to_numpy()
                for column in ("is_contiguous", "is_landlocked", "is_landlocked_m", "ln_uv")
            ),
        ]
    )
    planted = [0.3, -0.110, 0.010, -0.044, -0.009, 0.049, -0.032]
    found_by_regression, *_ = np.linalg.lstsq(regressors, flows["ln_factor"].to_numpy())
    np.testing.assert_allclose(found_by_regression, planted, atol=1e-9)
    np.testing.assert_allclose(flows["ln_factor"].exp(), flows["cif_factor"], rtol=1e-12)
    # Without a spread of unit values an export's is the product's median.
    np.testing.assert_allclose(flows["ln_x"], flows["ln_uv"], atol=1e-9)


def test_the_mean_cif_rate_is_the_one_asked_for() -> None:
    for rate in (0.033, 0.08):
        flows = truth(replace(SMALL, cif=Cif(mean_rate=rate)))
        assert flows["cif_factor"].mean() == pytest.approx(1 + rate, abs=0.003)


def test_an_importer_that_values_fob_and_a_broken_year_have_no_cif() -> None:
    broken = found(SMALL).geography.iso3[3]
    world = replace(
        SMALL,
        years=(2015, 2016),
        errors=no_errors(),
        reporting=Reporting(fob_importers=0.3, valuation_breaks=((broken, 2016),)),
    )
    offices = reporters(world)
    valued = both(world).join(
        offices.select("year", "iso3", "import_valuation", "stated_valuation"),
        left_on=["year", "importer_iso3"],
        right_on=["year", "iso3"],
    )
    is_fob = pl.col("import_valuation") == "FOB"
    same = (pl.col("value_usd_m") / pl.col("value_usd") - 1).abs() < 1e-12
    assert valued.select((is_fob == same).all()).item()
    # The break is not announced; the others say what they do in every year.
    unsaid = offices.filter(pl.col("import_valuation") != pl.col("stated_valuation"))
    assert unsaid.select("year", "iso3").rows() == [(2016, broken)]
    assert offices.filter(pl.col("stated_valuation") == "FOB").height > 0


# Errors


@pytest.mark.slow
@pytest.mark.parametrize("errors", [log_normal(), heavy_tailed(), country_biased(bias=0.5)])
def test_each_reporters_errors_have_the_planted_spread_and_centre(errors: Errors) -> None:
    world = World(countries=15, products=400, density=0.5, errors=errors)
    offices = reporters(world)
    flows = both(world)
    scale = T3_MEDIAN_ABSOLUTE if errors.freedom else 0.6745
    for side, error in (
        ("exporter", ln_ratio("value_usd_x", "value_usd")),
        ("importer", ln_ratio("value_usd_m", "value_usd", "cif_factor")),
    ):
        seen = (
            flows.with_columns(error=error)
            .group_by(pl.col(f"{side}_iso3").alias("iso3"))
            .agg(
                pl.len(),
                centre=pl.col("error").median(),
                spread=(pl.col("error") - pl.col("error").median()).abs().median() / scale,
            )
            .join(offices, on="iso3")
        )
        sigma, bias = pl.col(f"sigma_{side}"), pl.col(f"bias_{side}")
        # Five standard errors of a median and of a median absolute deviation.
        off = seen.select(
            centre=((pl.col("centre") - bias) / (6.5 * sigma / pl.col("len").sqrt())).abs(),
            spread=((pl.col("spread") / sigma - 1) / (6.5 / pl.col("len").sqrt())).abs(),
        )
        assert off.max().rows()[0] <= (1, 1)
        assert off["spread"].max() <= 1
        assert seen[f"sigma_{side}"].min() >= 0.05
        assert seen[f"sigma_{side}"].max() <= 1
        assert (seen[f"bias_{side}"].abs() > 0).all() == (errors.bias > 0)


def test_sigmas_are_spread_over_their_range_and_alike_on_both_sides() -> None:
    sigma = reporters(World(countries=230))
    logs = sigma.select(pl.col("sigma_exporter", "sigma_importer").log()).to_numpy()
    quartiles = np.quantile(logs, [0.25, 0.5, 0.75], axis=0)
    uniform = np.log(0.05) + np.array([0.25, 0.5, 0.75]) * np.log(20)
    assert np.abs(quartiles - uniform[:, None]).max() < 0.35
    assert 0.3 < np.corrcoef(logs.T)[0, 1] < 0.65


def test_tails_are_heavy_only_where_configured() -> None:
    def beyond(errors: Errors) -> float:
        world = replace(SMALL, products=400, errors=errors)
        sigma = reporters(world).select(exporter_iso3="iso3", sigma="sigma_exporter")
        error = ln_ratio("value_usd_x", "value_usd") / pl.col("sigma")
        return both(world).join(sigma, on="exporter_iso3").select((error.abs() > 4).mean()).item()

    assert beyond(log_normal()) < 0.0005 < 0.003 < beyond(heavy_tailed()) < 0.02


@pytest.mark.slow
def test_errors_of_mean_one_leave_totals_and_errors_of_median_one_raise_them() -> None:
    world = World(countries=12, products=2000, density=0.5)
    for centre, planted in (("median_one", 0.5), ("mean_one", 0.0)):
        errors = log_normal(low=0.999, high=1.0, centre=centre)
        factor = both(replace(world, errors=errors)).select(
            (pl.col("value_usd_x") / pl.col("value_usd")).mean()
        )
        assert np.log(factor.item()) == pytest.approx(planted, abs=0.04)


def test_re_exports_are_reported_by_hubs_alone_on_top_of_their_own_trade() -> None:
    world = replace(SMALL, errors=one_sided_re_export(hubs=2))
    plain = replace(SMALL, errors=log_normal())
    lasting = found(world)
    hubs = {lasting.geography.iso3[n] for n in np.argsort(-lasting.size)[:2]}
    (exports, imports), (plain_exports, plain_imports) = reports(world), reports(plain)
    assert imports.equals(plain_imports)
    joined = exports.join(plain_exports, on=FLOW, how="full", coalesce=True, suffix="_plain")
    more = pl.col("value_usd") - pl.col("value_usd_plain").fill_null(0)
    assert joined.select((more >= -1e-6).all()).item()
    assert set(joined.filter(more > 1e-6)["exporter_iso3"]) == hubs
    # Rows that no trade stands behind are such rows of hubs.
    unfounded = exports.join(truth(world), on=FLOW, how="anti")
    assert unfounded.height > 0
    assert set(unfounded["exporter_iso3"]) <= hubs


def test_amounts_through_hubs_are_the_documented_ones() -> None:
    errors = one_sided_re_export(low=0.001, high=0.0011, hubs=2, routed=0.4, part=0.5, margin=0.1)
    world = World(countries=20, products=500, density=0.5, errors=errors)
    exports, _ = reports(world)
    plain, _ = reports(replace(world, errors=log_normal(low=0.001, high=0.0011)))
    lasting = found(world)
    hub = lasting.geography.iso3[int(np.argmax(lasting.size))]
    others = pl.col("exporter_iso3") != hub, pl.col("importer_iso3") != hub
    cell = ["importer_iso3", "product_code"]
    possible = truth(world).filter(others).group_by(cell).agg(pl.col("value_usd").sum())
    shares = (
        pl.concat([exports, plain.with_columns(-pl.col("value_usd"))])
        .filter(exporter_iso3=hub)
        .group_by(cell)
        .agg(passed=pl.col("value_usd").sum())
        .join(possible, on=cell, how="right")
        .select(pl.col("passed").fill_null(0) / pl.col("value_usd"))
        .to_series()
    )
    # Of two flows in five half the value goes, by one of two hubs, and grows by a tenth.
    assert shares.mean() == pytest.approx(0.4 * 0.5 / 2 * 1.1, rel=0.05)
    assert shares.max() <= 1.1 * 1.01


def test_quantities_share_in_an_error_as_configured() -> None:
    for share in (0.0, 0.7, 1.0):
        flows = both(replace(SMALL, reporting=Reporting(quantity_share=share)))
        value, quantity = (
            flows.select(ln_ratio(f"{what}_x", what)).to_series().to_numpy()
            for what in ("value_usd", "quantity_kg")
        )
        np.testing.assert_allclose(quantity, share * value, atol=1e-9)


# What reporters leave out or misplace


@pytest.mark.slow
@settings(max_examples=15)
@given(st.integers(0, 2**31), st.floats(0.01, 0.5), st.booleans())
def test_what_goes_to_areas_nes_is_missing_with_partners_and_nowhere_else(
    seed: int, share: float, has_hubs: bool
) -> None:
    world = World(
        countries=8,
        products=20,
        density=0.4,
        seed=seed,
        errors=one_sided_re_export(hubs=1) if has_hubs else log_normal(),
    )
    misplaced = replace(world, reporting=Reporting(nes_reporters=0.7, nes_flows=share))
    (named, imports), (exports, same_imports) = reports(world), reports(misplaced)
    assert imports.equals(same_imports)
    by_product = ["exporter_iso3", "product_code", "year"]
    sums = [
        frame.group_by(by_product)
        .agg(pl.col("value_usd", "quantity_kg").sum())
        .sort(by_product)
        .select("value_usd", "quantity_kg")
        .to_numpy()
        for frame in (named, exports)
    ]
    np.testing.assert_allclose(sums[0], sums[1], rtol=1e-12)
    nes = exports.filter(pl.col("importer_iso3").str.starts_with("comtrade:"))
    users = reporters(misplaced).filter(pl.col("nes_area_code").is_not_null())
    assert set(nes["exporter_iso3"]) <= set(users["iso3"])
    # Every other row is the very row of before.
    others = exports.filter(~pl.col("importer_iso3").str.starts_with("comtrade:"))
    assert others.join(named, on=[*FLOW, "value_usd"], how="anti").is_empty()
    assert exports.select(pl.struct(FLOW).is_unique().all()).item()


def test_a_missing_reporter_has_no_rows_and_its_partners_report_it() -> None:
    world = replace(SMALL, years=(2015, 2016), reporting=Reporting(missing=0.34))
    exports, imports = reports(world)
    offices = reporters(world)
    assert offices.group_by("year").agg((~pl.col("is_reporting")).sum())[
        "is_reporting"
    ].to_list() == [4, 4]
    missing = offices.filter(~pl.col("is_reporting")).select("year", "iso3")
    for frame, reporter, partner in (
        (exports, "exporter_iso3", "importer_iso3"),
        (imports, "importer_iso3", "exporter_iso3"),
    ):
        on = {"right_on": ["year", "iso3"]}
        assert frame.join(missing, left_on=["year", reporter], how="semi", **on).is_empty()
        seen = frame.join(missing, left_on=["year", partner], how="semi", **on)
        assert seen.select("year", partner).n_unique() == missing.height


def test_small_flows_are_left_out_and_large_ones_seldom() -> None:
    world = replace(SMALL, products=400)
    threshold = 2_000.0
    exports, imports = reports(replace(world, reporting=Reporting(threshold_usd=threshold)))
    for frame, whole in zip((exports, imports), reports(world), strict=True):
        assert frame.equals(whole.filter(pl.col("value_usd") >= threshold))
    flows = both(replace(world, reporting=Reporting(omission=0.3)))
    share = pl.col("value_usd_x").is_null().mean()
    median = flows["value_usd"].is_between(15_000, 40_000)
    assert flows.filter(median).select(share).item() == pytest.approx(0.3, abs=0.03)
    small, large = (
        flows.filter(is_so).select(share).item()
        for is_so in (pl.col("value_usd") < 1_000, pl.col("value_usd") > 1_000_000)
    )
    assert small > 0.45
    assert large < 0.15


# Places and products


def test_made_up_places_have_consistent_distances() -> None:
    geography = made_up_geography(60, 3, SEEDS)
    distance = geography.distance
    assert (distance == distance.T).all()
    assert (geography.contiguous == geography.contiguous.T).all()
    apart = distance[~np.eye(60, dtype=bool)]
    assert apart.min() >= 60
    assert apart.max() <= np.pi * 6371.1
    assert 0 < geography.landlocked.sum() < 30
    assert distance[geography.contiguous > 0].max() < np.median(apart)


def test_real_places_have_their_real_distances() -> None:
    geography = real_geography(230, 0, SEEDS)
    between = {
        (one["exporter_iso3"], one["importer_iso3"]): one for one in geography.pairs.to_dicts()
    }
    assert between["USA", "KOR"]["distance_km"] == pytest.approx(11_000, rel=0.05)
    assert between["KOR", "USA"] == {
        **between["USA", "KOR"], "exporter_iso3": "KOR", "importer_iso3": "USA"
    }  # fmt: skip
    assert between["FRA", "DEU"]["is_contiguous"]
    assert not between["FRA", "GBR"]["is_contiguous"]
    assert geography.countries.filter(iso3="AUT")["is_landlocked"].item()


@pytest.mark.parametrize(
    "products", [made_up_products(900, 1), real_products(5000, 1, SEEDS)], ids=["made up", "real"]
)
def test_a_product_is_a_code_of_six_digits_and_all_of_it_is_found_in_the_newer_edition(
    products: object,
) -> None:
    codes = products.codes
    assert codes["product_code"].str.contains(r"^[0-9]{6}$").all()
    assert codes["newer_code"].str.contains(r"^[0-9]{6}$").all()
    assert codes["newer_code"].is_unique().all()
    parts = codes.group_by("product_code").agg(pl.col("newer_part").sum(), pl.len())
    np.testing.assert_allclose(parts["newer_part"], 1)
    assert parts.filter(pl.col("len") > 1).height > 0
    assert products.product_codes == sorted(set(codes["product_code"]))


# Files


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """A world in which offices use both editions, with everything a real file has."""
    world = replace(
        World(countries=14, products=80, density=0.4, years=(2018,)),
        errors=one_sided_re_export(),
        reporting=replace(Reporting.as_in_practice(), nes_reporters=0.5, fob_importers=0.3),
    )
    path = tmp_path_factory.mktemp("world") / "2018.tsv.gz"
    write_bulk_file(world, 2018, path)
    return world, path


@pytest.fixture(scope="module")
def read(written: tuple[World, Path]) -> pl.DataFrame:
    """The file as the project's own reader takes it; it refuses no row."""
    _, path = written
    file = SnapshotFile(
        source_id="un_comtrade",
        release_id="2024-01-01",
        known_from=date(2024, 1, 1),
        table="un_comtrade__trade",
        name=path.name,
        layout="comtrade_bulk_34",
        address=None,
        sha256="",
        bytes=0,
        composed_from=None,
        note=None,
        path=path,
    )
    parsed = parse_download(path.read_bytes(), file, read_areas(SEEDS))
    assert parsed.rejects.is_empty()
    return parsed.frame


def test_a_file_has_the_publishers_header_and_its_rows_are_counted(
    written: tuple[World, Path], read: pl.DataFrame, tmp_path: Path
) -> None:
    world, path = written
    header, *lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert tuple(header.split("\t")) == LAYOUTS["comtrade_bulk_34"].columns
    again = write_bulk_file(world, 2018, tmp_path / "2018.tsv.gz")
    assert again.rows == len(lines) == read.height
    assert again.packed_bytes == path.stat().st_size
    assert (tmp_path / "2018.tsv.gz").read_bytes() == path.read_bytes()


def test_six_digit_rows_are_what_was_reported(
    written: tuple[World, Path], read: pl.DataFrame
) -> None:
    world, path = written
    codes = found(world).products.codes
    common = dict(zip(codes["newer_code"], codes["product_code"], strict=True))
    offices = pl.read_parquet(path.with_name("2018.reporters.parquet"))
    iso3 = dict(zip(offices["area_code"], offices["iso3"], strict=True))
    nes = {one.removeprefix("comtrade:"): one for one in reports(world)[0]["importer_iso3"]}
    names = {code: code for code in nes.values()} | {**nes, **iso3}
    rows = read.filter(pl.col("aggr_level") == 6, pl.col("partner_code") != "0").with_columns(
        pl.col("reporter_code", "partner_code").replace(names),
        pl.when(pl.col("classification_code") == "H5")
        .then(pl.col("cmd_code").replace(common))
        .otherwise("cmd_code"),
    )
    assert set(rows["classification_code"]) == {"H4", "H5"}
    for flow, reported, reporter, partner in (
        ("X", reports(world)[0], "exporter_iso3", "importer_iso3"),
        ("M", reports(world)[1], "importer_iso3", "exporter_iso3"),
    ):
        of_file = (
            rows.filter(flow_code=flow)
            .group_by(
                pl.col("reporter_code").alias(reporter),
                pl.col("partner_code").alias(partner),
                pl.col("cmd_code").alias("product_code"),
                pl.col("ref_year").alias("year"),
            )
            .agg(pl.col("primary_value").cast(pl.Float64).sum(), pl.col("net_weight_kg").sum())
        )
        joined = reported.join(of_file, on=FLOW, how="full", coalesce=True)
        assert joined.height == reported.height == of_file.height
        # A row is rounded to a dollar, and a product has a few rows at most.
        assert joined.select((pl.col("value_usd") - pl.col("primary_value")).abs().max()).item() < 3
        known = joined.filter(pl.col("quantity_kg").is_not_null())
        assert 0 < known.height < joined.height
        np.testing.assert_allclose(known["net_weight_kg"], known["quantity_kg"], atol=0.01)


def test_headings_chapters_totals_and_the_world_add_up_to_the_cent(read: pl.DataFrame) -> None:
    one = ["reporter_code", "flow_code", "partner_code"]
    value = pl.col("primary_value").sum()
    by_level = read.group_by(*one, "aggr_level").agg(value)
    levels = by_level.pivot("aggr_level", index=one, values="primary_value")
    assert levels.select(
        pl.all_horizontal(pl.col("6") == pl.col(level) for level in ("0", "2", "4")).all()
    ).item()
    heading = ["reporter_code", "flow_code", pl.col("cmd_code").str.slice(0, 4).alias("heading")]
    sums, stated = (
        read.filter(pl.col("aggr_level") == level, pl.col("partner_code") == "0")
        .group_by(heading)
        .agg(value)
        for level in (6, 4)
    )
    assert sums.join(stated, on=["reporter_code", "flow_code", "heading", "primary_value"]).height
    assert sums.sort(pl.all()).equals(stated.sort(pl.all()))
    is_world = pl.col("partner_code") == "0"
    world, partners = (
        read.filter(is_so)
        .group_by("reporter_code", "flow_code", "cmd_code")
        .agg(value)
        .sort(pl.all())
        for is_so in (is_world, ~is_world)
    )
    assert world.equals(partners)


def test_re_exports_are_a_part_of_exports_and_re_imports_of_imports(read: pl.DataFrame) -> None:
    row = ["reporter_code", "partner_code", "cmd_code"]
    for part, whole in (("RX", "X"), ("RM", "M")):
        parts = read.filter(flow_code=part)
        assert parts.height > 0
        joined = parts.join(read.filter(flow_code=whole), on=row, how="left", suffix="_whole")
        # Rounding each row may add a dollar a row beneath a sum.
        more = pl.col("primary_value") - pl.col("primary_value_whole")
        assert joined["primary_value_whole"].null_count() == 0
        assert (
            joined.filter(pl.col("aggr_level") == 6, pl.col("partner_code") != "0")
            .select((more <= 1).all())
            .item()
        )


def test_values_are_in_the_column_of_their_valuation(
    written: tuple[World, Path], read: pl.DataFrame
) -> None:
    offices = pl.read_parquet(written[1].with_name("2018.reporters.parquet"))
    assert set(read["reporter_code"]) == set(offices.filter("is_reporting")["area_code"])
    assert offices.filter(~pl.col("is_reporting")).height > 0
    fob = offices.filter(pl.col("stated_valuation") == "FOB")["area_code"].to_list()
    is_cif = pl.col("flow_code").is_in(["M", "RM"]) & ~pl.col("reporter_code").is_in(fob)
    assert read.select(
        (pl.col("cif_value").is_not_null() == is_cif).all(),
        (pl.col("fob_value").is_not_null() != is_cif).all().alias("fob"),
    ).rows() == [(True, True)]
    assert 0 < read.select(is_cif.sum()).item() < read.filter(flow_code="M").height


def test_the_truth_is_written_beside_the_file(written: tuple[World, Path]) -> None:
    world, path = written
    beside = pl.read_parquet(path.with_name("2018.truth.parquet"))
    codes = pl.col("exporter_iso3", "importer_iso3", "product_code")
    assert beside.with_columns(codes.cast(pl.String)).equals(truth(world))


def test_a_file_that_is_not_finished_is_not_there(tmp_path: Path) -> None:
    def stop(done: int, steps: int) -> None:
        if done == steps - 1:
            raise KeyboardInterrupt

    path = tmp_path / "2016.tsv.gz"
    with pytest.raises(KeyboardInterrupt):
        write_bulk_file(SMALL, 2016, path, on_progress=stop)
    assert not path.exists()
