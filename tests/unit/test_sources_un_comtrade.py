"""Replies of UN Comtrade, version 1."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from unit.source_files import comtrade_bytes, comtrade_row, reject_rows, snapshot_file

from dagster_project.sources.reading import Parsed
from dagster_project.sources.snapshot import SnapshotError
from dagster_project.sources.un_comtrade import SCHEMA, comtrade_areas, parse_trade

AREAS = {"842": "USA", "840": "USA", "410": "KOR", "4": "AFG"}
FILE = snapshot_file("comtrade_v1", "data.json")


def parse(*rows: object) -> Parsed:
    return parse_trade(comtrade_bytes(*rows), FILE, AREAS)


def test_a_row_keeps_the_publishers_codes_and_exact_values() -> None:
    parsed = parse(comtrade_row())
    assert dict(parsed.frame.schema) == SCHEMA
    assert parsed.frame.rows(named=True) == [
        {
            "row_number": 1,
            "column_name": "primaryValue",
            "type_code": "C",
            "freq_code": "A",
            "period": "2016",
            "ref_year": 2016,
            "ref_month": 52,
            "reporter_code": "842",
            "reporter_iso": "USA",
            "flow_code": "M",
            "partner_code": "410",
            "partner_iso": "KOR",
            "partner2_code": "0",
            "classification_code": "H4",
            "cmd_code": "TOTAL",
            "customs_code": "C00",
            "mot_code": "0",
            "cif_value": Decimal("71887.5"),
            "fob_value": None,
            "primary_value": Decimal("71887.5"),
            "is_reported": True,
            "is_aggregate": False,
        }
    ]
    assert parsed.rejects.is_empty()


def test_the_world_and_older_codes_of_a_country_are_understood() -> None:
    parsed = parse(
        comtrade_row(reporterCode=840, partnerCode=0, partnerISO="W00"),
        comtrade_row(partnerCode=4, partnerISO=None, isReported=None, motCode="0 "),
    )
    assert parsed.rejects.is_empty()
    assert parsed.frame.select("reporter_iso", "partner_code", "partner_iso").rows() == [
        ("USA", "0", "W00"),
        ("USA", "4", "AFG"),
    ]
    assert parsed.frame["is_reported"].to_list() == [True, None]
    assert parsed.frame["mot_code"].to_list() == ["0", "0"]


@pytest.mark.parametrize(
    ("changes", "column", "reason"),
    [
        ({"partnerCode": 999}, "partnerCode", "unknown area code: if it is a country, add it to"),
        ({"partnerISO": "AFG"}, "partnerISO", "code 410 is KOR, not this"),
        ({"primaryValue": None}, "primaryValue", "the value is missing"),
        ({"primaryValue": "12"}, "primaryValue", "not a number"),
        ({"primaryValue": -1}, "primaryValue", "a trade value cannot be negative"),
        ({"cifvalue": 0.0001}, "cifvalue", "more digits than a value in dollars can have"),
        ({"cifvalue": 10**17}, "cifvalue", "more digits than a value in dollars can have"),
        ({"refYear": "2016"}, "refYear", "not a whole number"),
        ({"period": "2015"}, "period", "does not lie in refYear"),
        ({"refYear": 2019, "period": "2019"}, "refYear", "a release known from 2017-01-31 cannot"),
        ({"flowCode": None}, "flowCode", "the field is empty"),
        ({"isAggregate": "no"}, "isAggregate", "neither true nor false"),
    ],
)
def test_a_bad_row_is_rejected_and_its_neighbour_kept(
    changes: dict[str, object], column: str, reason: str
) -> None:
    parsed = parse(comtrade_row(), comtrade_row(**changes))
    assert parsed.frame["row_number"].to_list() == [1]
    assert [row[:2] for row in reject_rows(parsed.rejects)] == [(2, column)]
    assert parsed.rejects["reason"].item().startswith(reason)


def test_a_row_that_lost_a_field_is_rejected() -> None:
    short = comtrade_row()
    del short["cmdCode"]
    parsed = parse(comtrade_row(), short, "text")
    assert reject_rows(parsed.rejects) == [
        (2, "cmdCode", None, "the field is missing"),
        (3, None, "text", "not an object"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (comtrade_bytes(error="Parameter period is invalid"), "an error: 'Parameter period"),
        (b'{"statusCode": 401, "message": "Access denied"}', "an error: 'Access denied'"),
        (comtrade_bytes(), "data.json: no rows"),
        (comtrade_bytes(comtrade_row(), count=2), "says 2 rows but holds 1: cut short"),
        (b'{"count": 0}', "field data is missing from the envelope"),
        (b"[]", "not an envelope"),
        (comtrade_bytes({"yr": 2016}), "row 1: field typeCode, freqCode, .* is missing"),
        (comtrade_bytes(comtrade_row())[:-30], "the JSON is cut short"),
        (b"<html></html>", "a web page or XML instead of data"),
        (b"", "the file is empty"),
    ],
)
def test_a_reply_that_cannot_be_used_says_why(content: bytes, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        parse_trade(content, FILE, AREAS)


def test_every_code_of_the_country_list_means_one_country(project_root: Path) -> None:
    areas = comtrade_areas(project_root / "dbt" / "seeds")
    assert {areas[code] for code in ("842", "840", "841")} == {"USA"}
    assert areas["410"] == "KOR"
    assert areas["251"] == areas["250"] == "FRA"


def test_a_recorded_reply_is_read_whole(real_data: Path, project_root: Path) -> None:
    paths = sorted((real_data / "fixtures" / "comtradr" / "data").glob("*.json"))
    assert paths
    areas = comtrade_areas(project_root / "dbt" / "seeds")
    for path in paths:
        parsed = parse_trade(path.read_bytes(), FILE, areas)
        assert parsed.rejects.is_empty()
        assert parsed.frame.height == 4
