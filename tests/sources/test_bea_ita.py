"""Replies of BEA's International Transactions Accounts."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sources.source_files import reject_rows, snapshot_file

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.bea_ita import (
    CONNECTOR,
    LAYOUT,
    SCHEMA,
    parse_transactions,
    read_areas,
    read_indicators,
    without_key,
)
from dagster_project.sources.bea_ita.replies import OBTAINED_AT
from dagster_project.sources.connector import (
    Plan,
    Refused,
    Reply,
    Selection,
    SelectionError,
    TryAgain,
)
from dagster_project.sources.parsing import Parsed
from dagster_project.sources.snapshot import SnapshotError

SEEDS = PROJECT_ROOT / "dbt" / "seeds"
KEY = "0A1b2C3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d"
YEARS = date(2014, 1, 1), date(2016, 12, 1)


def row(**changes: object) -> dict[str, object]:
    made: dict[str, object] = {
        "Indicator": "ExpGds",
        "AreaOrCountry": "SouthKorea",
        "Frequency": "A",
        "Year": "2016",
        "TimeSeriesId": "1",
        "TimeSeriesDescription": "Exports of goods; South Korea",
        "TimePeriod": "2016",
        "CL_UNIT": "USD",
        "UNIT_MULT": "6",
        "DataValue": "1,234.5",
        "NoteRef": "1",
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not ...}


def reply(results: object, *, key: str = KEY, **parameters: str) -> bytes:
    listed = {"USERID": key, "METHOD": "GETDATA", **parameters}
    echoed = [{"ParameterName": n, "ParameterValue": v} for n, v in listed.items()]
    return json.dumps(
        {"BEAAPI": {"Request": {"RequestParam": echoed}, "Results": results}}
    ).encode()


def data(*rows: object, key: str = KEY, **parameters: str) -> bytes:
    return reply({"Data": list(rows)}, key=key, **parameters)


def error(text: str, code: str = "1") -> bytes:
    return reply({"Error": {"APIErrorCode": code, "APIErrorDescription": text}})


def parse(content: bytes, known_from: date = date(2018, 6, 30)) -> Parsed:
    file = snapshot_file(LAYOUT, "reply.json", known_from)
    return parse_transactions(content, file, read_areas(SEEDS), tuple(read_indicators(SEEDS)))


def plan(selection: Selection) -> Plan:
    return CONNECTOR.plan(selection, SEEDS, has_key=True)


def classify_reply(content: bytes, status: int = 200):
    chunk = plan(Selection(*YEARS, partners=("KOR",), frequency="A")).chunks[0]
    return CONNECTOR.classify_reply(chunk, Reply(status, "application/json", content))


# -- what a reply says


def test_a_row_keeps_the_publishers_codes_and_the_printed_value() -> None:
    parsed = parse(data(row(), row(TimePeriod="2015", DataValue="42,309")))
    assert dict(parsed.frame.schema) == SCHEMA
    assert parsed.rejects.is_empty()
    assert parsed.frame.rows(named=True)[0] == {
        "row_number": 1,
        "column_name": "DataValue",
        "indicator": "ExpGds",
        "area_or_country": "SouthKorea",
        "frequency": "A",
        "time_period": "2016",
        "year": 2016,
        "first_month": 1,
        "last_month": 12,
        "time_series_id": "1",
        "time_series_description": "Exports of goods; South Korea",
        "unit": "USD",
        "unit_multiplier": 6,
        "value": Decimal("1234.5"),
        "rounding": Decimal("0.1"),
    }
    # 42,309 stands in a file of tenths: the zero was not printed.
    assert parsed.frame["rounding"].to_list() == [Decimal("0.1")] * 2
    assert parse(data(row(DataValue="42,309"))).frame["rounding"].to_list() == [Decimal(1)]


@pytest.mark.parametrize("frequency", ["QSA", "QNSA"])
def test_a_quarter_has_its_three_months(frequency: str) -> None:
    quarters = [row(Frequency=frequency, TimePeriod=f"2016Q{n}") for n in range(1, 5)]
    frame = parse(data(*quarters)).frame
    assert frame.select("first_month", "last_month").rows() == [(1, 3), (4, 6), (7, 9), (10, 12)]
    assert set(frame["frequency"]) == {frequency}


def test_what_a_row_leaves_out_is_what_was_asked_for() -> None:
    bare = {"TimePeriod": "2016", "DataValue": "5", "UNIT_MULT": "6"}
    asked = {"INDICATOR": "IMPSERV", "AREAORCOUNTRY": "SOUTHKOREA", "FREQUENCY": "A"}
    frame = parse(data(bare, **asked)).frame
    assert frame.select("indicator", "area_or_country", "frequency").rows() == [
        ("ImpServ", "SouthKorea", "A")
    ]
    # A list does not say which of its values a row has.
    with_list = parse(data(bare, row(), **(asked | {"INDICATOR": "ImpServ,ExpServ"})))
    assert [found[:3] for found in reject_rows(with_list.rejects)] == [(1, "Indicator", None)]


def test_parts_of_results_and_a_single_row_are_read() -> None:
    listed = reply([{"Data": [row()]}, {"Data": row(TimePeriod="2015")}])
    assert parse(listed).frame["year"].to_list() == [2016, 2015]


def test_a_row_with_a_field_twice_is_rejected() -> None:
    content = data(row(), row(Year="2015", TimePeriod="2015"))
    place = content.rindex(b'"DataValue"')
    parsed = parse(content[:place] + b'"DataValue": "1", ' + content[place:])
    assert parsed.frame["row_number"].to_list() == [1]
    assert reject_rows(parsed.rejects) == [(2, "DataValue", None, "the field appears twice")]


@pytest.mark.parametrize(
    ("changes", "column", "reason"),
    [
        (
            {"AreaOrCountry": "Atlantis"},
            "AreaOrCountry",
            "unknown area: if it is a new one, add it",
        ),
        ({"Indicator": "PfInvAssets"}, "Indicator", "unknown indicator: if it is one of trade"),
        ({"Frequency": "M"}, "Frequency", "unknown frequency"),
        ({"TimePeriod": "2016Q1"}, "TimePeriod", "not a period of this frequency"),
        ({"Frequency": "QSA"}, "TimePeriod", "not a period of this frequency"),
        ({"TimePeriod": "2018"}, "TimePeriod", "a release known from 2018-06-30 cannot hold"),
        ({"CL_UNIT": "EUR"}, "CL_UNIT", "not US dollars"),
        ({"UNIT_MULT": "5"}, "UNIT_MULT", "not 0, 3, 6 or 9"),
        ({"DataValue": ""}, "DataValue", "no figure is given"),
        ({"DataValue": None}, "DataValue", "no figure is given"),
        ({"DataValue": "(D)"}, "DataValue", "withheld by the publisher"),
        ({"DataValue": "(*)"}, "DataValue", "not zero, but less than half"),
        ({"DataValue": "n.a."}, "DataValue", "not available"),
        ({"DataValue": "1.234,5"}, "DataValue", "not a number as the publisher prints it"),
        ({"DataValue": "-5"}, "DataValue", "a trade value cannot be negative"),
    ],
)
def test_a_bad_row_is_rejected_and_its_neighbour_kept(
    changes: dict[str, object], column: str, reason: str
) -> None:
    parsed = parse(data(row(), row(**changes)))
    assert parsed.frame["row_number"].to_list() == [1]
    assert [found[:2] for found in reject_rows(parsed.rejects)] == [(2, column)]
    assert parsed.rejects["reason"].item().startswith(reason)


def test_only_the_residual_of_seasonal_adjustment_may_be_negative() -> None:
    residual = row(
        AreaOrCountry="ResidualSeas", Frequency="QSA", TimePeriod="2016Q1", DataValue="-7"
    )
    assert parse(data(residual)).frame["value"].to_list() == [Decimal(-7)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (error("Invalid API UserId"), "1 Invalid API UserId"),
        (data(), "reply.json"),
        (data(row(DataValue=...)), "row 1.*DataValue"),
        (b'{"BEAAPI": {"Request": {}}}', "no BEAAPI.Results"),
        (b"[]", "no BEAAPI.Results"),
        (data(row())[:-20], "line 1, column"),
        (b"<html></html>", "<html>"),
    ],
)
def test_a_reply_that_cannot_be_used_says_why(content: bytes, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        parse(content)


@given(st.decimals(min_value=0, max_value=10**7, places=1))
def test_a_value_survives_its_commas(value: Decimal) -> None:
    assert parse(data(row(DataValue=f"{value:,}"))).frame["value"].item() == value


# -- what is asked for


def test_one_country_is_one_request_with_all_indicators() -> None:
    made = plan(Selection(*YEARS, partners=("KOR",), frequency="A"))
    assert (len(made.chunks), made.expected_requests, made.fewest) == (1, 1, 1)
    (chunk,) = made.chunks
    assert chunk.name == "ExpGds_ImpGds_ExpServ_ImpServ_SouthKorea_A_2014-2016.json"
    assert chunk.request.stored_address == (
        "https://apps.bea.gov/api/data?method=GetData&datasetname=ITA"
        "&Indicator=ExpGds,ImpGds,ExpServ,ImpServ&AreaOrCountry=SouthKorea&Frequency=A"
        "&Year=2014,2015,2016&ResultFormat=JSON"
    )
    assert chunk.covers
    assert chunk.covers.equal == {
        "indicator": ("ExpGds", "ImpGds", "ExpServ", "ImpServ"),
        "frequency": ("A",),
        "area_or_country": ("SouthKorea",),
    }


@pytest.mark.parametrize(
    ("partners", "flows", "areas", "requests"),
    [
        ((), ("export", "import"), "All", 4),
        (("WLD",), ("export", "import"), "AllCountries", 4),
        (("KOR", "JPN"), ("export", "import"), "SouthKorea", 2),
        (("KOR", "WLD"), ("export", "import"), "SouthKorea,AllCountries", 4),
        (
            ("KOR", "JPN", "CHN", "DEU", "FRA"),
            ("export",),
            "SouthKorea,Japan,China,Germany,France",
            2,
        ),
    ],
)
def test_lists_are_of_indicators_or_of_areas_never_of_both(
    partners: tuple[str, ...], flows: tuple[str, ...], areas: str, requests: int
) -> None:
    made = plan(Selection(*YEARS, partners=partners, flows=flows, frequency="A"))
    asked = [dict(chunk.request.parameters) for chunk in made.chunks]
    assert len(asked) == made.fewest == requests
    assert asked[0]["AreaOrCountry"] == areas
    for one in asked:
        one_area = "," not in one["AreaOrCountry"] and not one["AreaOrCountry"].startswith("All")
        assert one_area or "," not in one["Indicator"]
    assert len({chunk.name for chunk in made.chunks}) == requests


def test_months_are_asked_for_as_quarters_and_the_plan_says_so() -> None:
    made = plan(Selection(*YEARS, partners=("KOR",)))
    assert dict(made.chunks[0].request.parameters)["Frequency"] == "QSA,QNSA"
    assert "no months" in made.notes[0]


def test_a_code_of_former_times_is_read_and_not_asked_for() -> None:
    assert parse(data(row(AreaOrCountry="KoreaRepOf"))).rejects.is_empty()
    areas = dict(plan(Selection(*YEARS, partners=("KOR",))).chunks[0].request.parameters)
    assert areas["AreaOrCountry"] == "SouthKorea"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"level": "hs2"}, "bea_ita.*level total"),
        ({"products": ("87",)}, "bea_ita.*products"),
        ({"reporters": ("KOR",)}, "bea_ita.*KOR"),
        ({"partners": ("AFG",)}, "bea_ita.*AFG"),
        ({"flows": ("balance",)}, "bea_ita.*balance"),
        ({"first": date(1950, 1, 1)}, "bea_ita.*1960"),
    ],
)
def test_a_selection_bea_cannot_serve_says_what_it_can(
    changes: dict[str, object], message: str
) -> None:
    base = {"first": YEARS[0], "last": YEARS[1]}
    with pytest.raises(SelectionError, match=message):
        plan(Selection(**(base | changes)))  # ty: ignore


# -- what a reply is


def test_the_key_is_nowhere_in_what_is_stored_and_all_else_is() -> None:
    content = reply(
        {
            "Data": [row()],
            "Notes": [
                {"NoteText": f"see https://apps.bea.gov/api/data?UserID={KEY}&method=GetData"}
            ],
            "Echo": KEY.upper(),
        }
    )
    kept = classify_reply(content).content
    assert KEY.lower() not in kept.decode().lower()
    assert kept == content.replace(KEY.encode(), b"SCRUBBED").replace(
        KEY.upper().encode(), b"SCRUBBED"
    )
    assert json.loads(kept)["BEAAPI"]["Request"]["RequestParam"][0] == {
        "ParameterName": "USERID",
        "ParameterValue": "SCRUBBED",
    }
    assert parse(kept).frame["value"].to_list() == [Decimal("1234.5")]


def test_a_short_key_is_taken_out_of_its_place_alone() -> None:
    kept = without_key(data(row(), key="6"))
    assert parse(kept).frame["unit_multiplier"].to_list() == [6]
    assert b'"ParameterValue": "6"' not in kept


@given(st.text("abcdef0123456789-", min_size=6, max_size=36))
def test_no_key_of_any_kind_survives(key: str) -> None:
    value_first = json.dumps(
        {"RequestParam": [{"ParameterValue": key, "ParameterName": "UserID"}], "said": [key]}
    )
    assert key not in without_key(value_first.encode()).decode()
    assert json.loads(without_key(value_first.encode()))["said"] == ["SCRUBBED"]


def test_no_data_is_nothing_there() -> None:
    assert (
        classify_reply(error("No data exist for the combination of parameters", "101")).content
        == b""
    )
    assert classify_reply(data()).content == b""


@pytest.mark.parametrize(
    ("content", "status", "kind", "message"),
    [
        (error("Invalid API UserId"), 200, Refused, OBTAINED_AT),
        (error("This UserId is not active.", "4"), 200, Refused, OBTAINED_AT),
        (error("Too many requests; throttled"), 200, TryAgain, "100"),
        (
            error("The parameter Indicator has an unknown value"),
            200,
            Refused,
            "parameter Indicator",
        ),
        (b'{"BEAAPI": {"Error": {"APIErrorDescription": "bad"}}}', 200, Refused, "'bad'"),
        (b'{"BEAAPI": {"Results": {"Da', 200, TryAgain, "bea_ita"),
        (b"", 200, TryAgain, "bea_ita"),
        (b"<html>", 200, TryAgain, "status 200.*<html>"),
        (b"Forbidden", 403, Refused, "status 403.*Forbidden"),
        (b'{"other": 1}', 200, Refused, "no BEAAPI.Results"),
        (data(row()), 400, Refused, "status 400"),
    ],
)
def test_a_reply_without_data_says_what_to_do_and_never_the_key(
    content: bytes, status: int, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message) as raised:
        classify_reply(content, status)
    assert KEY not in str(raised.value)


def test_areas_are_countries_or_flagged_as_groups() -> None:
    areas = read_areas(SEEDS)
    assert {area.partner_code for area in areas.values()} >= {"KOR", "WLD", "bea:EU"}
    current = [area.partner_code for area in areas.values() if area.is_current]
    assert len(set(current)) == len(current)
    assert [area.code for area in areas.values() if area.is_residual] == ["ResidualSeas"]


def test_a_reply_in_windows_1252_is_read() -> None:
    content = data(row(TimeSeriesDescription="Curaçao")).replace(rb"\u00e7", b"\xe7")
    assert b"Cura\xe7ao" in content
    parsed = parse(content)
    assert parsed.frame["time_series_description"].to_list() == ["Curaçao"]
