"""Tests that breaks in import valuation are found and kept out of the CIF rates."""

from __future__ import annotations

import csv
import math
import zipfile
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from world.laboratory import (
    COMPARED,
    COMPARED_COLUMNS,
    OBSERVATIONS,
    VALUATIONS,
    Laboratory,
    show,
    valuations,
    world_distances,
)

from dagster_project.settings import Settings
from dagster_project.warehouse import connect_published
from tests.world_generator import World, log_normal, reports
from tests.world_generator.parameters import Cif, Reporting
from tests.world_generator.truth import found as foundations

FOUND = "int_breaks__found"
KNOWN = "int_breaks__known"
LEVELS = "int_breaks__levels_measured"
FOB = "int_mirror__fob_importers"
COUNTED = "int_mirror__reporters_counted"
YEARS = range(2000, 2008)
COUNTED_COLUMNS: dict[str, pl.DataType] = {
    "year": pl.Int32(),
    "reporter_iso3": pl.String(),
    "flow": pl.String(),
    "rows_reported": pl.Int64(),
    "rows_valued_twice": pl.Int64(),
    "rows_valued_alike": pl.Int64(),
    "mean_ln_cif": pl.Float64(),
}
LEVEL_COLUMNS: dict[str, pl.DataType] = {
    "found_by": pl.String(),
    "series": pl.String(),
    "source_id": pl.String(),
    "release_id": pl.String(),
    "reporter_iso3": pl.String(),
    "year": pl.Int32(),
    "compared_valuation": pl.String(),
    "level": pl.Float64(),
    "standard_error": pl.Float64(),
    "partners": pl.Int64(),
    "flows": pl.Int64(),
}
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def no_seed(laboratory: Laboratory) -> pl.DataFrame:
    return laboratory.models.seeds["basis_breaks"].clear()


def releases(years: Any) -> pl.DataFrame:
    return pl.DataFrame(
        {"year": list(years), "source_id": "un_comtrade", "release_id": "r1", "recency": 1},
        schema={
            "year": pl.Int32,
            "source_id": pl.String,
            "release_id": pl.String,
            "recency": pl.Int32,
        },
    )


def rows(laboratory: Laboratory, given: dict[str, pl.DataFrame], wanted: str) -> pl.DataFrame:
    """A model as it comes out of `given`, the reference data telling of no break."""
    nothing = {
        "basis_breaks": no_seed(laboratory),
        "int_mirror__releases": releases(YEARS),
        COUNTED: pl.DataFrame(schema=COUNTED_COLUMNS),
    }
    return laboratory.rows({**nothing, **given}, wanted)


def breaks(frame: pl.DataFrame) -> dict[tuple[str, int], str]:
    return {(row["reporter_iso3"], row["year"]): row["valuation"] for row in frame.to_dicts()}


# Where years are parted.


def levels(values: list[float], *, error: float = 0.004, against: str = "fob") -> pl.DataFrame:
    return pl.DataFrame(
        [
            ("mirror", "s", "un_comtrade", "r1", "AAA", 2000 + n, against, value, error, 50, 900)
            for n, value in enumerate(values)
        ],
        schema=LEVEL_COLUMNS,
        orient="row",
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([0.05, 0.0, 0.001, 0.05, 0.049, 0.051], {2001: "fob", 2002: "fob"}, id="fall"),
        pytest.param([0.0, 0.001, 0.05, -0.001, 0.0, 0.002], {2002: "cif"}, id="rise"),
        # A reporter whose errors have a median of their own is still told by the step.
        pytest.param([-0.15, -0.1, -0.101, -0.1, -0.099], {2000: "fob"}, id="biased reporter"),
        pytest.param(
            [0.0, 0.0, 0.0, 0.05, 0.05, 0.05],
            {2000: "fob", 2001: "fob", 2002: "fob"},
            id="of two equal parts the upper is usual",
        ),
        pytest.param([0.05, 0.0, 0.05], {}, id="too few usual years"),
        pytest.param([0.05, 0.042, 0.05, 0.051, 0.049], {}, id="smaller than freight"),
        pytest.param([0.05, -0.64, 0.05, 0.051, 0.049], {}, id="half a report is no valuation"),
        pytest.param([0.05, 0.74, 0.05, 0.051, 0.049], {}, id="nor is a double one"),
        pytest.param([n * 0.01 for n in range(16)], {}, id="a drift has no step"),
        pytest.param([0.06, 0.04, 0.06, 0.04, 0.02, 0.06, 0.04], {}, id="within its own noise"),
    ],
)
def test_years_are_split_at_a_step_that_freight_can_make(
    laboratory: Laboratory, values: list[float], expected: dict[int, str]
) -> None:
    found = rows(laboratory, {LEVELS: levels(values)}, FOUND)
    assert {year: valuation for (_, year), valuation in breaks(found).items()} == expected


def test_a_break_has_the_valuation_of_what_it_was_compared_with(laboratory: Laboratory) -> None:
    given = {LEVELS: levels([0.04, 0.0, 0.04, 0.041, 0.04], against="customs")}
    (row,) = rows(laboratory, given, FOUND).to_dicts()
    assert (row["year"], row["valuation"], row["years_usual"]) == (2001, "customs", 4)
    assert row["level"] == pytest.approx(0.0)
    assert row["usual_level"] == pytest.approx(0.04025)


# A reporter's own columns.


def columns(alike: list[int], *, twice: int = 90, reported: int = 100) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (2000 + n, "AAA", "import", reported, twice, equal, 0.05 * (1 - equal / twice))
            for n, equal in enumerate(alike)
        ],
        schema=COUNTED_COLUMNS,
        orient="row",
    )


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        pytest.param(columns([2, 90, 3, 1]), {("AAA", 2001): "fob"}, id="equal in one year"),
        pytest.param(columns([90, 90, 3, 90]), {("AAA", 2002): "cif"}, id="apart in one year"),
        pytest.param(columns([90, 90, 90, 90]), {}, id="always equal is a practice"),
        pytest.param(columns([2, 70, 3, 1]), {}, id="equal in part is neither"),
        pytest.param(columns([2, 90, 3]), {}, id="too few usual years"),
        pytest.param(columns([2, 40, 3, 1], twice=40), {}, id="few rows have both"),
    ],
)
def test_columns_that_are_equal_throughout_one_year_are_a_break(
    laboratory: Laboratory, counted: pl.DataFrame, expected: dict[tuple[str, int], str]
) -> None:
    given = {COUNTED: counted, LEVELS: levels([])}
    assert breaks(rows(laboratory, given, FOUND)) == expected


# Partners' exports.


def world(seed: int, planted: tuple[tuple[str, int], ...] = ()) -> World:
    """Reporters with some hundreds to thousands of mirrored flows a year, freight of a tenth."""
    return World(
        countries=24,
        products=250,
        years=tuple(YEARS),
        seed=seed,
        density=0.5,
        errors=log_normal(0.05, 0.2),
        cif=Cif(mean_rate=0.1),
        reporting=Reporting(valuation_breaks=planted, omission=0.2, no_quantity=0.1),
    )


def summed(exports: pl.DataFrame, imports: pl.DataFrame) -> dict[str, pl.DataFrame]:
    key = ["year", "exporter_iso3", "importer_iso3", "product_code"]
    flows = exports.join(imports, on=key, how="full", coalesce=True, suffix="_imported").select(
        *key,
        exporter_reported_usd="value_usd",
        importer_reported_usd="value_usd_imported",
        re_exported_usd=pl.lit(None, pl.Float64),
        exporter_kg="quantity_kg",
        importer_kg="quantity_kg_imported",
        is_settled=pl.lit(value=True),
    )
    return {
        "int_mirror__pairs_summed": flows,
        "int_mirror__pairs_deduplicated": flows.drop("is_settled").clear(),
    }


def planted_breaks(seed: int) -> tuple[tuple[str, int], ...]:
    iso3 = foundations(world(seed)).geography.iso3
    return ((iso3[0], 2003), (iso3[4], 2000), (iso3[4], 2001), (iso3[9], 2007))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_breaks_are_found_and_nothing_else(laboratory: Laboratory, seed: int) -> None:
    """All that stand well above their noise, and none that were not planted."""
    planted = planted_breaks(seed)
    given = summed(*reports(world(seed, planted)))
    found = breaks(rows(laboratory, given, FOUND))
    measured = rows(laboratory, given, LEVELS)
    untouched = rows(laboratory, summed(*reports(world(seed))), LEVELS)
    shifts = measured.join(untouched, on=["reporter_iso3", "year"], suffix="_untouched").select(
        "reporter_iso3",
        "year",
        noises=(pl.col("level_untouched") - pl.col("level")) / pl.col("standard_error"),
    )
    clear = {
        (iso3, year)
        for iso3, year, noises in shifts.iter_rows()
        if (iso3, year) in planted and noises >= 8
    }
    show(f"seed {seed}: {len(found)} of {len(planted)} found, {len(clear)} clear")
    assert clear
    assert clear <= set(found) <= set(planted)
    assert set(found.values()) == {"fob"}


@pytest.mark.slow
def test_what_all_importers_or_one_exporter_do_is_no_break(laboratory: Laboratory) -> None:
    exports, imports = reports(world(5))
    (exporter,) = exports["exporter_iso3"].unique().sort().head(1)
    moved = pl.col("value_usd") * pl.when(
        (pl.col("year") == 2002) | ((pl.col("exporter_iso3") == exporter) & (pl.col("year") > 2004))
    ).then(1.07).otherwise(1.0)
    given = summed(exports.with_columns(moved), imports)
    assert rows(laboratory, given, FOUND).is_empty()


@pytest.mark.slow
def test_a_change_of_partners_is_no_break(laboratory: Laboratory) -> None:
    """An importer that loses half of its partners is compared over those it keeps."""
    exports, imports = reports(world(6))
    importer = imports["importer_iso3"].unique().sort()[3]
    lost = imports["exporter_iso3"].unique().sort().gather_every(3).to_list()
    kept = ~(
        (pl.col("importer_iso3") == importer)
        & (pl.col("year") == 2004)
        & pl.col("exporter_iso3").is_in(lost)
    )
    assert rows(laboratory, summed(exports, imports.filter(kept)), FOUND).is_empty()


@pytest.mark.slow
def test_a_reporter_that_doubles_its_report_does_not_change_valuation(
    laboratory: Laboratory,
) -> None:
    exports, imports = reports(world(7))
    importer = imports["importer_iso3"].unique().sort()[2]
    twice = pl.col("value_usd") * pl.when(
        (pl.col("importer_iso3") == importer) & (pl.col("year") == 2005)
    ).then(2.0).otherwise(1.0)
    doubled = imports.with_columns(twice)
    assert rows(laboratory, summed(exports, doubled), FOUND).is_empty()


@pytest.mark.slow
def test_goods_that_were_not_recorded_are_no_break(laboratory: Laboratory) -> None:
    """Values and weights that fall together leave what a kilogram is worth as it was."""
    exports, imports = reports(replace(world(8), reporting=Reporting(omission=0.2)))
    importer = imports["importer_iso3"].unique().sort()[1]
    part = pl.when((pl.col("importer_iso3") == importer) & (pl.col("year") == 2003)).then(0.9)
    less = pl.col("value_usd", "quantity_kg") * part.otherwise(1.0)
    assert rows(laboratory, summed(exports, imports.with_columns(less)), FOUND).is_empty()
    light = imports.with_columns(pl.col("value_usd") * part.otherwise(1.0))
    assert breaks(rows(laboratory, summed(exports, light), FOUND)) == {(importer, 2003): "fob"}


# Two sources of the same imports.


def compared(ratios: dict[int, float]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "source_id": "un_comtrade",
                "raw_table": "un_comtrade__trade",
                "release_id": "r1",
                "reporter_iso3": "USA",
                "partner_code": "WLD",
                "product": "total:total",
                "year": year,
                "compared_with": "us_census general customs",
                "compared_valuation": "customs",
                "ln_ratio": math.log(ratio),
            }
            for year, ratio in ratios.items()
        ],
        schema=COMPARED_COLUMNS,
    )


NO_FLOWS = {
    "int_mirror__import_levels": pl.DataFrame(
        schema={
            "year": pl.Int32,
            "exporter_iso3": pl.String,
            "importer_iso3": pl.String,
            "flows_mirrored": pl.Int64,
            "flows_near": pl.Int64,
            "sum_ln_ratio": pl.Float64,
            "sum_squares": pl.Float64,
            "importer_reported_usd": pl.Float64,
        }
    )
}


def test_us_imports_of_2000_and_2001_are_found_in_the_shipped_rows(
    laboratory: Laboratory, built_warehouse: Settings
) -> None:
    """With the seed emptied; what the seed made of the labels is undone as well."""
    with connect_published(built_warehouse) as connection:
        observations = connection.sql("select * from marts.observations").pl()
    labelled = (pl.col("source_id") == "un_comtrade") & (pl.col("flow") == "import")
    unlabelled = observations.with_columns(
        valuation=pl.when(labelled).then(pl.lit("cif")).otherwise("valuation")
    )
    # The value without freight that the collection gives beside CIF is no series to be tested.
    second = unlabelled.filter(labelled & (pl.col("valuation") == "cif")).with_columns(
        valuation=pl.lit("customs"),
        value_usd=(pl.col("value_usd") * Decimal("0.9")).cast(unlabelled.schema["value_usd"]),
        last_known_from=pl.lit(date(2026, 12, 31)),
    )
    assert second.height
    both = pl.concat([second, unlabelled])
    before, found = (
        rows(laboratory, {OBSERVATIONS: frame, **NO_FLOWS}, FOUND) for frame in (unlabelled, both)
    )
    assert_frame_equal(found, before)
    assert breaks(found) == {("USA", 2000): "customs", ("USA", 2001): "customs"}
    assert set(found["found_by"]) == {"two_sources"}
    assert found["level"].abs().max() < 0.001
    assert 0.03 < found["usual_level"].max() < 0.04


def test_us_imports_of_2001_are_found_in_the_total_over_all_partners(
    laboratory: Laboratory, real_data: Path
) -> None:
    census = real_data / "census_country_file" / "us-trade_vintage_2017-01.csv"
    with census.open(newline="") as lines:
        customs = {
            int(row["year"]): float(row["IYR"]) * 1e6
            for row in csv.DictReader(lines)
            if row["CTY_CODE"] == "0015" and row["year"] and int(row["year"]) <= 2015
        }
    book = real_data / "comtrade_mirror_usa_xlsx" / "USA_1.1_trade_balance_2001-2023.xlsx"
    ratios = {
        year: value / customs[year] for year, value in totals(book).items() if year in customs
    }
    assert sorted(ratios) == list(range(2001, 2016))
    found = rows(laboratory, {COMPARED: compared(ratios), **NO_FLOWS}, FOUND)
    assert breaks(found) == {("USA", 2001): "customs"}


def totals(book: Path) -> dict[int, float]:
    """Imports by year: the first column is the year, the second what the importer reported."""
    with zipfile.ZipFile(book) as parts:
        shared = ElementTree.fromstring(parts.read("xl/sharedStrings.xml"))
        sheet = ElementTree.fromstring(parts.read("xl/worksheets/sheet1.xml"))
    texts = ["".join(part.text or "" for part in item.iter(f"{_SHEET}t")) for item in shared]
    read = {}
    for row in list(sheet.iter(f"{_SHEET}row"))[1:]:
        year, value = [cell.findtext(f"{_SHEET}v") or "" for cell in row.iter(f"{_SHEET}c")][:2]
        read[int(texts[int(year)])] = float(value)
    return read


# What comes of it.


def told(laboratory: Laboratory, valuation: str) -> pl.DataFrame:
    row = {
        "source_id": "un_comtrade",
        "reporter_iso3": "AAA",
        "flow": "import",
        "first_year": 2001,
        "last_year": 2001,
        "valuation": valuation,
        "reason": "told",
    }
    return pl.DataFrame([row], schema=no_seed(laboratory).schema)


def test_listed_breaks_come_before_estimated_ones_and_those_before_the_publisher(
    laboratory: Laboratory,
) -> None:
    fall = {
        LEVELS: levels([0.05, 0.0, 0.05, 0.05, 0.05]),
        VALUATIONS: valuations({("AAA", year): "cif" for year in YEARS}),
    }
    assert rows(laboratory, fall, FOB).rows() == [(2001, "AAA", "fob")]
    seed = {"basis_breaks": told(laboratory, "cif")}
    assert rows(laboratory, {**fall, **seed}, FOB).is_empty()
    assert rows(laboratory, {**fall, **seed}, KNOWN)["known_by"].to_list() == ["reference"]

    rise = {
        LEVELS: levels([0.0, 0.05, 0.0, 0.0, 0.0]),
        VALUATIONS: valuations({("AAA", year): "fob" for year in YEARS}),
    }
    assert 2001 not in rows(laboratory, rise, FOB)["year"]
    assert rows(laboratory, rise, FOB).height == len(YEARS) - 1


def test_equal_columns_come_before_what_partners_show(laboratory: Laboratory) -> None:
    given = {
        LEVELS: levels([0.0, 0.05, 0.05, 0.05, 0.05]),
        COUNTED: columns([90, 2, 3, 1]),
    }
    assert rows(laboratory, given, KNOWN).rows() == [(2000, "AAA", "fob", "own_columns")]


@pytest.mark.slow
def test_a_year_with_a_break_is_not_in_the_cif_sample(laboratory: Laboratory) -> None:
    exports, imports = reports(world(1))
    importer = imports["importer_iso3"].unique().sort()[0]
    year = pl.col("year") == 2001
    given = {
        **summed(exports.filter(year), imports.filter(year)),
        "int_mirror__distances": world_distances(world(1)),
        KNOWN: pl.DataFrame(
            {"year": [2001], "importer_iso3": [importer], "valuation": ["fob"], "known_by": ["x"]}
        ).cast({"year": pl.Int32}),
    }
    sample = "int_mirror__cif_sample"
    with_break = rows(laboratory, given, sample).height
    without = rows(laboratory, {**given, KNOWN: given[KNOWN].clear()}, sample).height
    weighed = summed(exports.filter(year), imports.filter(year))["int_mirror__pairs_summed"].filter(
        (pl.col("importer_iso3") == importer)
        & (pl.col("exporter_kg") > 0)
        & (pl.col("importer_kg") > 0)
    )
    assert 0 < without - with_break == weighed.height


def test_another_year_of_evidence_leaves_the_flags_of_years_as_they_were(
    laboratory: Laboratory,
) -> None:
    """Models made by year read this table: a row that moved would make its year stale."""
    values = [0.05, 0.0, 0.052, 0.05, 0.049]
    before = rows(laboratory, {LEVELS: levels(values)}, FOB)
    after = rows(laboratory, {LEVELS: levels([*values, 0.055])}, FOB)
    assert before.columns == ["year", "importer_iso3", "valuation"]
    assert before.rows() == after.rows() == [(2001, "AAA", "fob")]
