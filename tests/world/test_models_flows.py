"""Tests that the publisher's rows become flows with two sides, each counted once."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from world.laboratory import (
    BULK,
    DOWNLOAD,
    FILES,
    WHOLE_REPORT,
    Areas,
    Laboratory,
    known_releases,
    only,
    said,
)

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.un_comtrade import BULK_TABLES

FLOWS = "int_mirror__pairs"
EARLIER, LATER = "2017-06-01-aaaaaaaa", "2018-02-03-bbbbbbbb"
RELEASES = known_releases({EARLIER: date(2017, 6, 1), LATER: date(2018, 2, 3)})


def flows(laboratory: Laboratory, areas: Areas, *rows: dict[str, Any]) -> pl.DataFrame:
    """Every flow these rows make, two releases known."""
    made = laboratory.rows({BULK: areas.rows(*rows), FILES: RELEASES}, FLOWS)
    return made.sort("year", "exporter_iso3", "importer_iso3", "product_code")


def test_both_reports_of_a_flow_are_in_one_row(laboratory: Laboratory, areas: Areas) -> None:
    one = only(
        flows(
            laboratory,
            areas,
            said("USA", "X", "KOR", 100, kg=10),
            said("USA", "RX", "KOR", 7),
            said("KOR", "M", "USA", 120, kg=11),
        )
    )
    assert (one["exporter_iso3"], one["importer_iso3"]) == ("USA", "KOR")
    assert (one["exporter_reported_usd"], one["exporter_kg"]) == (100, 10)
    assert (one["importer_reported_usd"], one["importer_kg"]) == (120, 11)
    assert one["re_exported_usd"] == 7


VALUES = ("exporter_iso3", "importer_iso3", "product_code", "exporter_reported_usd")


def test_a_later_whole_report_replaces_an_earlier_file_that_it_spans(
    laboratory: Laboratory, areas: Areas
) -> None:
    """A row that it no longer has is gone; years and reporters it lacks stay as they were."""
    found = flows(
        laboratory,
        areas,
        said("USA", "X", "KOR", 100, release_id=EARLIER),
        said("USA", "X", "JPN", 200, release_id=EARLIER),
        said("USA", "X", "JPN", 20, product="010129", release_id=EARLIER),
        said("USA", "X", "KOR", 105, release_id=LATER),
        said("USA", "X", "JPN", 210, release_id=LATER),
        said("USA", "X", "KOR", 90, year=2015, release_id=EARLIER),
        said("KOR", "M", "USA", 120, release_id=EARLIER),
    )
    assert found.select("year", *VALUES, "importer_reported_usd").rows() == [
        (2015, "USA", "KOR", "010121", 90, None),
        (2016, "USA", "JPN", "010121", 210, None),
        (2016, "USA", "KOR", "010121", 105, 120),
    ]


@pytest.mark.parametrize("layout", [WHOLE_REPORT, DOWNLOAD])
def test_files_with_parts_of_one_report_are_united(
    laboratory: Laboratory, areas: Areas, layout: str
) -> None:
    """Split by partner, by chapter and by direction; a row of both is the later file's."""
    third = "2018-09-09-cccccccc"
    releases = {EARLIER: date(2017, 6, 1), LATER: date(2018, 2, 3), third: date(2018, 9, 9)}
    rows = areas.rows(
        said("USA", "X", "KOR", 100, release_id=EARLIER),
        said("USA", "X", "JPN", 200, release_id=LATER),
        said("USA", "X", "KOR", 110, release_id=LATER),
        said("USA", "X", "KOR", 300, product="870321", release_id=third),
        said("USA", "M", "KOR", 400, release_id=third),
    )
    both = {BULK: rows, FILES: known_releases(releases, layout=layout)}
    found = laboratory.rows(both, FLOWS).sort(*VALUES[:3])
    assert found.select(*VALUES, "importer_reported_usd").rows() == [
        ("KOR", "USA", "010121", None, 400),
        ("USA", "JPN", "010121", 200, None),
        ("USA", "KOR", "010121", 110, None),
        ("USA", "KOR", "870321", 300, None),
    ]


def test_what_a_download_does_not_repeat_of_an_earlier_one_stays(
    laboratory: Laboratory, areas: Areas
) -> None:
    rows = areas.rows(
        said("USA", "X", "KOR", 100, release_id=EARLIER),
        said("USA", "X", "KOR", 20, product="010129", release_id=EARLIER),
        said("USA", "X", "KOR", 110, release_id=LATER),
    )
    known = known_releases({EARLIER: date(2017, 6, 1), LATER: date(2018, 2, 3)}, layout=DOWNLOAD)
    found = laboratory.rows({BULK: rows, FILES: known}, FLOWS).sort("product_code")
    assert found["exporter_reported_usd"].to_list() == [110, 20]


def test_parts_in_two_editions_count_a_product_of_the_common_edition_once(
    laboratory: Laboratory, areas: Areas
) -> None:
    """Two codes of the earlier file are one code in the edition of the later file."""
    conversions = laboratory.models.seeds["hs_conversions"].filter(
        pl.col("to_edition") == "H4", pl.col("from_code") != pl.col("to_code")
    )
    code, edition = conversions.select("to_code", "from_edition").row(0)
    parts = conversions.filter(to_code=code, from_edition=edition)["from_code"].to_list()
    rows = areas.rows(
        *(
            said(
                *("USA", "X", "KOR", 100),
                product=part,
                classification_code=edition,
                release_id=EARLIER,
            )
            for part in parts
        ),
        said("USA", "X", "KOR", 170, product=code, release_id=LATER),
    )
    known = known_releases({EARLIER: date(2017, 6, 1), LATER: date(2018, 2, 3)}, layout=DOWNLOAD)
    one = only(laboratory.rows({BULK: rows, FILES: known}, FLOWS))
    assert (one["product_code"], one["exporter_reported_usd"]) == (code, 170)


def test_layouts_of_whole_reports_are_those_of_the_parser() -> None:
    [bulk] = (one for one in BULK_TABLES if one.table == "un_comtrade__bulk")
    project = yaml.safe_load((PROJECT_ROOT / "dbt" / "dbt_project.yml").read_text())
    assert set(project["vars"]["layouts_of_whole_reports"]) == bulk.whole_reports


def test_a_release_of_another_kind_of_rows_does_not_withdraw_a_year(
    laboratory: Laboratory, areas: Areas
) -> None:
    """The later release has months and chapters of that reporter, nothing that mirrors."""
    one = only(
        flows(
            laboratory,
            areas,
            said("USA", "X", "KOR", 100, release_id=EARLIER),
            said("USA", "X", "KOR", 9, release_id=LATER, freq_code="M", reference_period="201601"),
            said("USA", "X", "KOR", 400, release_id=LATER, product="01"),
        )
    )
    assert one["exporter_reported_usd"] == 100


def test_rows_of_united_files_are_counted_once(laboratory: Laboratory, areas: Areas) -> None:
    rows = areas.rows(
        said("USA", "X", "KOR", 100, release_id=EARLIER),
        said("USA", "X", "JPN", 100, release_id=EARLIER),
        said("USA", "X", "JPN", 110, release_id=LATER),
        said("KOR", "M", "USA", 120, release_id=EARLIER),
        said("KOR", "M", "JPN", 120, release_id=EARLIER),
    )
    counted = laboratory.rows({BULK: rows, FILES: RELEASES}, "int_mirror__reporters_counted")
    assert sorted(counted.select("reporter_iso3", "flow", "rows_reported").rows()) == [
        ("KOR", "import", 2),
        ("USA", "export", 2),
    ]


def test_a_file_that_a_later_release_repeats_counts_as_of_that_release(
    laboratory: Laboratory, areas: Areas
) -> None:
    """Raw has the rows once, as of the first release that had them."""
    latest = "2018-09-09-cccccccc"
    days = {EARLIER: date(2017, 6, 1), LATER: date(2018, 2, 3), latest: date(2018, 9, 9)}
    rows = areas.rows(
        said("USA", "X", "KOR", 100, release_id=EARLIER),
        said("USA", "X", "KOR", 110, release_id=LATER),
    )
    before = known_releases({EARLIER: days[EARLIER], LATER: days[LATER]})
    assert only(laboratory.rows({BULK: rows, FILES: before}, FLOWS))["exporter_reported_usd"] == 110
    after = known_releases(days, again={latest: EARLIER})
    assert only(laboratory.rows({BULK: rows, FILES: after}, FLOWS))["exporter_reported_usd"] == 100


@pytest.mark.parametrize(
    ("day", "value"), [(date(2018, 2, 2), 100), (date(2018, 2, 3), 110)], ids=str
)
def test_as_of_a_day_the_release_known_on_it_counts(
    laboratory: Laboratory, areas: Areas, day: date, value: float
) -> None:
    rows = areas.rows(
        said("USA", "X", "KOR", 100, release_id=EARLIER),
        said("USA", "X", "KOR", 110, release_id=LATER),
    )
    one = only(laboratory.rows({BULK: rows, FILES: RELEASES}, FLOWS, as_of=day))
    assert one["exporter_reported_usd"] == value


@pytest.mark.parametrize(
    ("day", "products"),
    [(date(2018, 2, 2), {"4403": 100}), (date(2018, 2, 3), {"440310": 110})],
    ids=str,
)
def test_reports_that_are_not_known_yet_do_not_decide_the_level_of_products(
    laboratory: Laboratory, areas: Areas, day: date, products: dict[str, float]
) -> None:
    rows = areas.rows(
        said("USA", "X", "KOR", 100, product="4403", release_id=EARLIER),
        said("KOR", "M", "USA", 120, product="4403", release_id=EARLIER),
        said("USA", "X", "KOR", 110, product="440310", release_id=LATER),
        said("KOR", "M", "USA", 130, product="440310", release_id=LATER),
    )
    found = laboratory.rows({BULK: rows, FILES: RELEASES}, FLOWS, as_of=day)
    assert dict(found.select("product_code", "exporter_reported_usd").rows()) == products


@pytest.mark.parametrize("first", [True, False])
def test_a_repeated_row_counts_once(laboratory: Laboratory, areas: Areas, first: bool) -> None:
    row = said("USA", "X", "KOR", 100, kg=10)
    mirror = said("KOR", "M", "USA", 120, kg=11)
    rows = (row, row, mirror) if first else (mirror, row, mirror)
    one = only(flows(laboratory, areas, *rows))
    assert (one["exporter_reported_usd"], one["importer_reported_usd"]) == (100, 120)
    assert (one["exporter_kg"], one["importer_kg"]) == (10, 11)


@pytest.mark.parametrize("summed", [80.0, 130.0])
def test_a_reported_row_counts_before_one_summed_by_the_publisher(
    laboratory: Laboratory, areas: Areas, summed: float
) -> None:
    one = only(
        flows(
            laboratory,
            areas,
            said("USA", "X", "KOR", summed, kg=3, is_aggregate=True, is_reported=False),
            said("USA", "X", "KOR", 100, kg=10),
        )
    )
    assert (one["exporter_reported_usd"], one["exporter_kg"]) == (100, 10)


def test_a_row_summed_by_the_publisher_counts_where_there_is_no_other(
    laboratory: Laboratory, areas: Areas
) -> None:
    row = said("USA", "X", "KOR", 80, is_aggregate=True, is_reported=False)
    assert only(flows(laboratory, areas, row))["exporter_reported_usd"] == 80
    assert only(flows(laboratory, areas, row, row))["exporter_reported_usd"] == 80


def test_codes_of_later_editions_are_converted_and_added(
    laboratory: Laboratory, areas: Areas
) -> None:
    """HS 2017 has 4403.95 to 4403.98 in the place of one rest, which HS 2012 has as 4403.99."""
    found = flows(
        laboratory,
        areas,
        said("USA", "X", "KOR", 10, kg=1, product="440395", classification_code="H5"),
        said("USA", "X", "KOR", 20, kg=2, product="440396", classification_code="H5"),
        said("USA", "X", "KOR", 40, kg=4, product="440399", classification_code="H5"),
        said("KOR", "M", "USA", 75, kg=7, product="440399", classification_code="H4"),
    )
    one = only(found)
    assert one["product_code"] == "440399"
    assert (one["exporter_reported_usd"], one["exporter_kg"]) == (70, 7)
    assert (one["importer_reported_usd"], one["importer_kg"]) == (75, 7)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edition", "code", "common"),
    [
        # HS 2022 0309.90 is HS 2017 0307.92, which is HS 2012 0307.99.
        ("H6", "030990", "030799"),
        # HS 2022 0302.49 is the same in HS 2017, and 0302.89 in HS 2012.
        ("H6", "030249", "030289"),
        ("H5", "030249", "030289"),
        ("H4", "030249", "030249"),
        ("H5", "010121", "010121"),
    ],
)
def test_a_code_of_two_editions_later_is_converted_twice(
    laboratory: Laboratory, areas: Areas, edition: str, code: str, common: str
) -> None:
    row = said("USA", "X", "KOR", 10, product=code, classification_code=edition)
    assert only(flows(laboratory, areas, row))["product_code"] == common


def test_a_code_that_another_edition_converts_is_itself_in_its_own(
    laboratory: Laboratory, areas: Areas
) -> None:
    """Each reporter by the edition it used: two of one code are not one product."""
    found = flows(
        laboratory,
        areas,
        said("USA", "X", "KOR", 10, product="030249", classification_code="H5"),
        said("KOR", "M", "USA", 12, product="030289", classification_code="H4"),
    )
    assert only(found)["importer_reported_usd"] == 12


def test_a_weight_missing_for_a_part_is_missing_for_the_whole(
    laboratory: Laboratory, areas: Areas
) -> None:
    parts = (
        said("USA", "X", "KOR", 10, kg=1, product="440395", classification_code="H5"),
        said("USA", "X", "KOR", 20, product="440396", classification_code="H5"),
    )
    one = only(flows(laboratory, areas, *parts))
    assert one["exporter_reported_usd"] == 30
    assert one["exporter_kg"] is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("columns", "kg"),
    [
        ({"net_weight_kg": 5.0, "qty_unit_code": "8", "quantity": 9.0}, 5),
        ({"net_weight_kg": None, "qty_unit_code": "8", "quantity": 9.0}, 9),
        ({"net_weight_kg": 0.0, "qty_unit_code": "8", "quantity": 9.0}, 9),
        ({"net_weight_kg": None, "qty_unit_code": "5", "quantity": 9.0}, None),
        ({"net_weight_kg": 0.0, "qty_unit_code": "-1", "quantity": None}, None),
    ],
)
def test_the_quantity_is_a_weight_or_counted_in_kilograms(
    laboratory: Laboratory, areas: Areas, columns: dict[str, Any], kg: float | None
) -> None:
    row = {**said("USA", "X", "KOR", 100), **columns}
    assert only(flows(laboratory, areas, row))["exporter_kg"] == kg


def test_areas_not_elsewhere_specified_are_one(laboratory: Laboratory, areas: Areas) -> None:
    one = only(
        flows(
            laboratory,
            areas,
            said("USA", "X", "899", 40),
            said("USA", "X", "568", 20),
            said("USA", "X", "577", 3),
        )
    )
    assert (one["importer_iso3"], one["exporter_reported_usd"]) == ("nes", 63)


@pytest.mark.slow
@pytest.mark.parametrize(
    "row",
    [
        said("USA", "X", "USA", 100),
        said("USA", "M", "USA", 100),
        # The world and other groups have no mirror.
        said("USA", "X", "0", 100),
        # Special categories and bunkers are where no country is.
        said("USA", "X", "839", 100),
        said("USA", "X", "837", 100),
        said("USA", "X", "KOR", 100, product="TOTAL"),
        said("USA", "X", "KOR", 100, product="8703"),
        # Left to each country, and goods not specified.
        said("USA", "X", "KOR", 100, product="980100"),
        said("USA", "X", "KOR", 100, product="999999"),
        said("USA", "X", "KOR", 100, type_code="S"),
        said("USA", "X", "KOR", 100, freq_code="M"),
        said("USA", "X", "KOR", 100, partner2_area_code="156"),
        said("USA", "X", "KOR", 100, customs_code="C01"),
        said("USA", "X", "KOR", 100, mot_code="1000"),
        said("USA", "X", "KOR", 100, mos_code="1"),
        # Re-imports are a part of imports.
        said("USA", "RM", "KOR", 100),
    ],
    ids=lambda row: " ".join(str(value) for value in row.values()),
)
def test_what_has_no_mirror_is_no_flow(
    laboratory: Laboratory, areas: Areas, row: dict[str, Any]
) -> None:
    base = said("USA", "X", "JPN", 5)
    assert flows(laboratory, areas, base, row)["importer_iso3"].to_list() == ["JPN"]


def test_a_country_under_two_codes_counts_once(laboratory: Laboratory, areas: Areas) -> None:
    """842 and 840 are both the United States in the publisher's lists; a report is not two."""
    codes = dict(
        laboratory.models.seeds["country_list"].select("iso3", "comtrade_codes").iter_rows()
    )["USA"].split()
    assert len(codes) > 1
    one = only(flows(laboratory, areas, *(said(code, "X", "KOR", 100) for code in codes)))
    assert one["exporter_reported_usd"] == 100


reports = st.lists(
    st.builds(
        said,
        st.sampled_from(["USA", "KOR", "JPN"]),
        st.sampled_from(["X", "M", "RX"]),
        st.sampled_from(["USA", "KOR", "JPN", "899", "568", "0"]),
        st.integers(1, 1000),
        product=st.sampled_from(["440395", "440396", "440399", "010121"]),
        classification_code=st.just("H5"),
        kg=st.none() | st.integers(1, 50).map(float),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda row: (row["reporter"], row["flow_code"], row["partner"], row["cmd_code"]),
)


@pytest.mark.slow
@settings(max_examples=15)
@given(rows=reports)
def test_nothing_is_lost_and_nothing_counted_twice(
    laboratory: Laboratory, areas: Areas, rows: list[dict[str, Any]]
) -> None:
    """Values of all rows that can have a mirror, by direction; and the same with each row twice."""
    counted = [row for row in rows if row["partner"] not in ("0", row["reporter"])]
    inputs = {BULK: areas.rows(*rows), FILES: RELEASES}
    once = laboratory.rows(inputs, FLOWS)
    for flow, column in (
        ("X", "exporter_reported_usd"),
        ("M", "importer_reported_usd"),
        ("RX", "re_exported_usd"),
    ):
        total = sum(row["value_usd"] for row in counted if row["flow_code"] == flow)
        assert once[column].sum() == total
    keys = ["exporter_iso3", "importer_iso3", "product_code"]
    assert not once.select(keys).is_duplicated().any()
    twice = laboratory.rows({BULK: areas.rows(*rows, *rows), FILES: RELEASES}, FLOWS)
    assert twice.sort(keys).equals(once.sort(keys))
