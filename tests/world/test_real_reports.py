"""Tests with real reports of both sides, which are not part of the project."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from world.laboratory import BULK, BULK_COLUMNS, FILES, Laboratory, fetched, known_releases

from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources.inbox import ingest_named

_TABLE = "un_comtrade__bulk"
_STAGED = {
    "ref_year": "year",
    "period": "reference_period",
    "reporter_code": "reporter_area_code",
    "partner_code": "partner_area_code",
    "partner2_code": "partner2_area_code",
    "qty": "quantity",
    "cif_value": "cif_value_usd",
    "fob_value": "fob_value_usd",
    "primary_value": "value_usd",
}


@pytest.fixture(scope="module")
def fuels(
    takes_long: None, real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> pl.DataFrame:
    """Chapter 27 of all reporters, as `bilateral import` leaves it and staging names it."""
    settings = Settings(PROJECT_ROOT, tmp_path_factory.mktemp("fuels"), None)
    rows = 0
    for path in sorted((real_data / "comtrade_both_reporters" / "hs27").glob("*.csv.gz")):
        taken = ingest_named(path, settings, {"table": _TABLE}, datetime.now(UTC))
        assert taken.rejects == 0, path.name
        rows += taken.rows
    assert rows == 221_802
    raw = pl.read_parquet(settings.raw / _TABLE / "year=*" / "*.parquet").rename(_STAGED)
    return raw.with_columns(
        snapshot_sha256=pl.format("file of {}", "release_id"),
        reference_month=pl.lit(None, pl.Int32),
    ).select(pl.col(name).cast(dtype) for name, dtype in BULK_COLUMNS.items())


@pytest.fixture(scope="module")
def built(laboratory: Laboratory, fuels: pl.DataFrame) -> Iterator[duckdb.DuckDBPyConnection]:
    releases = dict.fromkeys(sorted(fuels["release_id"].unique()), date(2020, 1, 1))
    given = {BULK: fuels, FILES: known_releases(releases)}
    with laboratory.run(given, "mirror_years", "mirror_reporters", "mirror_gaps") as connection:
        yield connection


def test_over_half_of_the_flows_with_two_reports_differ_by_a_factor_of_two(
    built: duckdb.DuckDBPyConnection,
) -> None:
    years = fetched(built, "mirror_years").sort("year")
    assert years["year"].to_list() == list(range(2005, 2018))
    assert years["twice_apart_share"].min() > 0.5
    assert years["mirrored_share"].is_between(0.45, 0.55).all()


def test_without_quantities_no_rate_is_fitted_and_the_rate_is_one(
    built: duckdb.DuckDBPyConnection,
) -> None:
    assert fetched(built, "int_mirror__cif_fits").is_empty()
    cells = fetched(built, "int_mirror__cells")
    assert (cells["cif_rate"].drop_nulls() == 1).all()


def test_large_careful_offices_rank_before_those_that_report_little(
    built: duckdb.DuckDBPyConnection,
) -> None:
    found = fetched(built, "mirror_reporters").filter(pl.col("flows_mirrored") > 200)
    rank = {
        (flow, iso3): place
        for flow, iso3, place in found.select("flow", "reporter_iso3", "reliability_rank").rows()
    }
    assert all(
        rank["export", good] < 20 < 140 < rank["export", poor]
        for good in ("DEU", "FRA", "USA")
        for poor in ("KWT", "PAN", "ARE")
    )


def test_an_asymmetry_is_that_of_the_two_countries_rows(
    built: duckdb.DuckDBPyConnection, fuels: pl.DataFrame
) -> None:
    gaps = fetched(built, "mirror_gaps").filter(
        pl.col("product_system") == "total", exporter_iso3="USA", importer_iso3="KOR"
    )
    assert gaps.height == 13
    one = gaps.row(by_predicate=pl.col("year") == 2016, named=True)
    rows = fuels.filter(year=2016, cmd_code="27")

    def reported(reporter: str, flow: str, partner: str) -> float:
        return rows.filter(reporter_area_code=reporter, flow_code=flow, partner_area_code=partner)[
            "value_usd"
        ].item()

    exported, imported = reported("842", "X", "410"), reported("410", "M", "842")
    assert one["exporter_reported_usd"] == pytest.approx(exported, rel=1e-12)
    assert one["gap_usd"] == pytest.approx(imported - exported, rel=1e-9)
    assert one["likely_cause"] == "unexplained"
