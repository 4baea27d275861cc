"""Tests that exports to areas n.e.s. are allocated to partners that report more imports."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.laboratory import (
    BULK,
    DISTANCES,
    FITS,
    NOWHERE,
    Areas,
    Laboratory,
    cif_fit,
    fetched,
    said,
)

CELLS = "int_mirror__cells"
# All imports at one rate, a binary fraction, so that the arithmetic below is exact.
RATE = 1.25


def given_rows(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {BULK: rows, DISTANCES: NOWHERE, FITS: cif_fit(mean_cif_rate=RATE)}


def cells(laboratory: Laboratory, areas: Areas, *rows: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Cells of one exporter and product, by importer."""
    made = laboratory.rows(given_rows(areas.rows(*rows)), CELLS)
    assert made.select("exporter_iso3", "product_code").n_unique() == 1
    return {row["importer_iso3"]: row for row in made.iter_rows(named=True)}


def test_a_worked_example(laboratory: Laboratory, areas: Areas) -> None:
    """The USA sells 100 to Korea, 50 to Japan and 60 to nobody it names.

    Importers, FOB: Korea 162.5 / 1.25 = 130, Japan 50 / 1.25 = 40, Brazil 62.5 / 1.25 = 50.
    Gap: 130 + 40 + 50 - 100 - 50 = 70; to be spread: min(60, 70) = 60.
    Shortfalls: Korea 30, Brazil 50, Japan none; together 80, of which 60 / 80 = 3 / 4 is filled.
    Korea gets 22.5, Brazil 37.5, and the gap of 70 is 10 afterwards. To Brazil the USA reports
    nothing that its share could complete: Brazil's report decides.
    """
    found = cells(
        laboratory,
        areas,
        said("USA", "X", "KOR", 100),
        said("USA", "X", "JPN", 50),
        said("USA", "X", "899", 45),
        said("USA", "X", "568", 15),
        said("KOR", "M", "USA", 162.5),
        said("JPN", "M", "USA", 50),
        said("BRA", "M", "USA", 62.5),
    )
    assert {
        importer: (row["nes_allocated_usd"], row["exporter_usd"], row["provenance"])
        for importer, row in found.items()
    } == {
        "KOR": (22.5, 122.5, "nes_allocated"),
        "JPN": (0, 50, "both"),
        "BRA": (37.5, None, "importer_only"),
    }
    assert found["KOR"]["exporter_reported_usd"] == 100
    assert found["BRA"]["exporter_reported_usd"] is None


def test_no_more_than_the_asymmetry_is_allocated(laboratory: Laboratory, areas: Areas) -> None:
    """Gap 130 + 40 - 100 - 60 = 10 of 500 without a partner; Korea alone is short, by 30."""
    found = cells(
        laboratory,
        areas,
        said("USA", "X", "KOR", 100),
        said("USA", "X", "JPN", 60),
        said("USA", "X", "899", 500),
        said("KOR", "M", "USA", 162.5),
        said("JPN", "M", "USA", 50),
    )
    assert found["KOR"]["nes_allocated_usd"] == 10
    assert found["JPN"]["nes_allocated_usd"] == 0


def test_without_an_asymmetry_nothing_is_allocated(laboratory: Laboratory, areas: Areas) -> None:
    """Korea is short by 30, but the exporter names more than all importers say came."""
    found = cells(
        laboratory,
        areas,
        said("USA", "X", "KOR", 100),
        said("USA", "X", "JPN", 80),
        said("USA", "X", "899", 500),
        said("KOR", "M", "USA", 162.5),
        said("JPN", "M", "USA", 50),
    )
    assert [row["nes_allocated_usd"] for row in found.values()] == [0, 0]
    assert {row["provenance"] for row in found.values()} == {"both"}


def test_imports_from_areas_nes_and_re_exports_are_not_allocated(
    laboratory: Laboratory, areas: Areas
) -> None:
    rows = areas.rows(
        said("KOR", "M", "899", 500),
        said("USA", "RX", "899", 500),
        said("KOR", "M", "USA", 162.5),
        said("USA", "X", "KOR", 100),
    )
    with laboratory.run(given_rows(rows), CELLS) as run:
        assert fetched(run, "int_mirror__nes_shares").is_empty()
        (one,) = fetched(run, CELLS).iter_rows(named=True)
    assert (one["importer_iso3"], one["nes_allocated_usd"]) == ("KOR", 0)


money = st.none() | st.floats(0.01, 1e9) | st.integers(1, 100).map(float)
partners = st.dictionaries(
    st.sampled_from(["KOR", "JPN", "BRA", "DEU", "TCD"]), st.tuples(money, money), min_size=1
)
# A product of an exporter in a year: what it sends nowhere, and by partner both sides.
trades = st.dictionaries(
    st.tuples(
        st.sampled_from([2015, 2016]),
        st.sampled_from(["USA", "FRA"]),
        st.sampled_from(["010121", "870323"]),
    ),
    st.tuples(money, partners),
    min_size=1,
)


@pytest.mark.slow
@settings(max_examples=25)
@given(trades=trades)
def test_allocation_closes_asymmetries_and_opens_none(
    laboratory: Laboratory,
    areas: Areas,
    trades: dict[tuple[int, str, str], tuple[float | None, dict[str, Any]]],
) -> None:
    rows = []
    for (year, exporter, product), (nowhere, by_partner) in trades.items():
        at = {"product": product, "year": year}
        if nowhere is not None:
            rows.append(said(exporter, "X", "899", nowhere, **at))
        for partner, (x, m) in by_partner.items():
            if x is not None:
                rows.append(said(exporter, "X", partner, x, **at))
            if m is not None:
                rows.append(said(partner, "M", exporter, m, **at))
    if not rows:
        return
    made = laboratory.rows(given_rows(areas.rows(*rows)), CELLS)
    x, mf = pl.col("exporter_reported_usd").fill_null(0), pl.col("importer_fob_usd").fill_null(0)
    allocated = pl.col("nes_allocated_usd")
    seen = made.with_columns(x=x, mf=mf, short=(mf - x).clip(0), before=(mf - x).abs())
    # To the millionth of a value a thousand million apart.
    little = 1e-9 * (seen["x"] + seen["mf"]) + 1e-9
    assert (seen["nes_allocated_usd"] >= 0).all()
    assert (seen["nes_allocated_usd"] <= seen["short"] + little).all()
    after = (seen["mf"] - seen["x"] - seen["nes_allocated_usd"]).abs()
    assert (after <= seen["before"] + little).all()
    silent = seen.filter(pl.col("importer_reported_usd").is_null())
    assert silent["nes_allocated_usd"].to_list() == [0] * silent.height
    completed = (allocated > 0) & (pl.col("exporter_reported_usd") > 0)
    assert seen.select((completed == (pl.col("provenance") == "nes_allocated")).all()).item()
    for (year, exporter, product), (nowhere, _) in trades.items():
        group = seen.filter(year=year, exporter_iso3=exporter, product_code=product)
        gap = group["mf"].sum() - group["x"].sum()
        spread = max(min(nowhere or 0, gap), 0)
        scale = group["mf"].sum() + group["x"].sum()
        assert group["nes_allocated_usd"].sum() == pytest.approx(spread, abs=1e-9 * scale)
        if spread > 1e-6 * scale:
            share = group.filter(pl.col("short") > 1e-6 * scale).select(allocated / pl.col("short"))
            assert share.to_series().to_numpy() == pytest.approx(
                spread / group["short"].sum(), rel=1e-5
            )
