"""Tests of the UN Comtrade connector: planned calls and classified replies."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sources.source_files import comtrade_bytes, comtrade_row

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.connector import (
    Available,
    Chunk,
    Plan,
    QuotaSpent,
    Refused,
    Reply,
    ReplyError,
    ReplyResult,
    Selection,
    SelectionError,
    TryAgain,
)
from dagster_project.sources.un_comtrade import TABLES
from dagster_project.sources.un_comtrade.connector import CONNECTOR
from dagster_project.sources.un_comtrade.planning import (
    PERIODS_A_CALL,
    ROWS_A_CALL,
    ROWS_WITHOUT_KEY,
)
from dagster_project.sources.un_comtrade.replies import KEY_ADDRESS, METADATA_LAYOUT
from dagster_project.sources.un_comtrade.trade import LAYOUT, read_areas

SEEDS = PROJECT_ROOT / "dbt" / "seeds"
AREAS = read_areas(SEEDS)


def years(first: int, last: int, *reporters: str, **rest: object) -> Selection:
    fields = {"frequency": "A", "reporters": reporters or ("USA",), **rest}
    return Selection(date(first, 1, 1), date(last, 12, 1), **fields)  # ty: ignore


def planned(
    selection: Selection, *, has_key: bool = True, known: tuple[Available, ...] = ()
) -> Plan:
    return CONNECTOR.plan(selection, SEEDS, has_key=has_key, known=known)


def trade(plan: Plan) -> list[Chunk]:
    return [chunk for chunk in plan.chunks if chunk.layout == LAYOUT]


def asked(chunk: Chunk, name: str) -> list[str]:
    given_ = dict(chunk.request.parameters)
    return given_[name].split(",") if name in given_ else []


def cells(chunks: list[Chunk]) -> list[tuple[str, ...]]:
    """Every combination of codes that the calls ask for, each as often as it is asked for."""
    names = ("reporterCode", "period", "flowCode", "cmdCode")
    return [
        cell
        for chunk in chunks
        for cell in product(
            *(asked(chunk, name) for name in names), asked(chunk, "partnerCode") or ["all"]
        )
    ]


def examined(chunk: Chunk, content: bytes | str, status: int = 200) -> ReplyResult:
    body = content if isinstance(content, bytes) else content.encode()
    return CONNECTOR.classify_reply(chunk, Reply(status, "application/json", body))


def test_a_call_has_the_constants_without_which_rows_multiply() -> None:
    (chunk,) = trade(planned(years(2011, 2016, "USA", "KOR", partners=("USA", "KOR"))))
    request = chunk.request
    assert request.address == "https://comtradeapi.un.org/data/v1/get/C/A/HS"
    assert request.parameters == (
        ("reporterCode", "410,842,840,841"),
        ("period", "2011,2012,2013,2014,2015,2016"),
        ("flowCode", "X,DX,RX,M"),
        ("cmdCode", "TOTAL"),
        ("partnerCode", "842,840,841,410"),
        ("partner2Code", "0"),
        ("customsCode", "C00"),
        ("motCode", "0"),
        ("maxRecords", "100000"),
        ("includeDesc", "false"),
    )


def test_without_a_key_the_preview_is_asked_and_no_metadata() -> None:
    plan = planned(years(2016, 2016, "KOR", partners=("USA",)), has_key=False)
    (chunk,) = plan.chunks
    assert chunk.request.address == "https://comtradeapi.un.org/public/v1/preview/C/A/HS"
    assert asked(chunk, "maxRecords") == [str(ROWS_WITHOUT_KEY)]
    assert "comtradedeveloper.un.org" in plan.notes[0]


def test_with_a_key_metadata_of_the_same_reporters_and_periods_are_asked_for() -> None:
    plan = planned(years(2001, 2015, "DEU", "KOR", partners=("USA",)))
    listings = [chunk for chunk in plan.chunks if chunk.layout == METADATA_LAYOUT]
    assert [chunk.table for chunk in listings] == ["un_comtrade__reporting"] * 2
    assert [year for chunk in listings for year in asked(chunk, "period")] == [
        str(year) for year in range(2001, 2016)
    ]
    assert asked(listings[0], "reporterCode") == ["276", "280", "410"]


@pytest.mark.parametrize(
    ("selection", "has_key", "requests", "fewest"),
    [
        # One reporter, all partners: 15 years; then what a dealer in totals would ask.
        (years(2001, 2015, level="hs6"), True, 67, 67),
        (years(2001, 2015, level="hs4"), True, 27, 27),
        (years(2001, 2015, level="hs2"), True, 7, 7),
        (years(2001, 2015), True, 4, 4),
        (years(2001, 2015), False, 17, 16),
        (years(1995, 2019, "USA", "KOR", partners=("USA", "KOR")), False, 3, 3),
        (years(2010, 2019, "KOR", partners=("USA",), level="hs2"), False, 5, 5),
        (years(2001, 2020, "DEU", "FRA", "ITA", "JPN", level="hs2"), True, 30, 28),
        (years(2001, 2020, level="hs6", products=("870323",)), True, 4, 4),
        (years(2013, 2015, partners=("KOR",), level="hs6", frequency="M"), True, 6, 6),
    ],
)
def test_a_plan_needs_hardly_more_than_the_fewest_calls(
    selection: Selection, has_key: bool, requests: int, fewest: int
) -> None:
    plan = planned(selection, has_key=has_key)
    assert (plan.expected_requests, plan.fewest) == (requests, fewest)
    assert len(plan.chunks) == requests


SELECTIONS = st.builds(
    lambda first, length, reporters, partners, level, frequency, flows: Selection(
        date(first, 1, 1),
        date(first + length, 12, 1),
        reporters=tuple(reporters),
        partners=tuple(partners),
        level=level,
        flows=tuple(flows),
        frequency=frequency,
    ),
    first=st.integers(1988, 2015),
    length=st.integers(0, 14),
    reporters=st.lists(st.sampled_from(["USA", "KOR", "DEU", "LUX"]), min_size=1, unique=True),
    partners=st.lists(st.sampled_from(["USA", "KOR", "WLD", "comtrade:899"]), unique=True),
    level=st.sampled_from(["total", "hs2", "hs4", "hs6"]),
    frequency=st.sampled_from("AM"),
    flows=st.lists(st.sampled_from(["export", "import"]), min_size=1, unique=True),
)


@settings(max_examples=40)
@given(selection=SELECTIONS)
def test_the_calls_of_a_plan_ask_for_everything_once_and_stay_within_the_limits(
    selection: Selection,
) -> None:
    plan = planned(selection)
    chunks = trade(plan)
    found = cells(chunks)
    assert len(set(found)) == len(found)
    reporters = {code for name in selection.reporters for code in AREAS.codes_of[name]}
    partners = {code for name in selection.partners for code in AREAS.codes_of[name]}
    if not partners:
        partners = {cell[4] for cell in found}
        assert partners in ({"all"}, set(AREAS.partner_codes))
    months = [""] if selection.frequency == "A" else [f"{month:02d}" for month in range(1, 13)]
    span = range(selection.first.year, selection.last.year + 1)
    periods = {f"{year}{month}" for year in span for month in months}
    flows = {"export": {"X", "DX", "RX"}, "import": {"M"}}
    codes = {code for flow in selection.flows for code in flows[flow]}
    assert len(found) == len(reporters) * len(periods) * len(codes) * len(partners)
    assert {cell[0] for cell in found} == reporters
    assert {cell[1] for cell in found} == periods
    assert {cell[2] for cell in found} == codes
    assert {cell[4] for cell in found} == partners
    assert all(len(asked(chunk, "period")) <= PERIODS_A_CALL for chunk in plan.chunks)
    assert all(0 < chunk.expected_rows <= ROWS_A_CALL for chunk in chunks)
    names = [chunk.name for chunk in plan.chunks]
    assert len(set(names)) == len(names)
    assert plan.fewest <= plan.expected_requests == len(plan.chunks)


def test_a_name_is_decided_by_the_request_alone() -> None:
    one = planned(years(2011, 2016, partners=("KOR", "USA"), level="hs2")).chunks
    same = planned(years(2011, 2016, partners=("KOR", "USA"), level="hs2")).chunks
    other = planned(years(2011, 2016, partners=("KOR", "JPN"), level="hs2")).chunks
    assert [chunk.name for chunk in one] == [chunk.name for chunk in same]
    assert one[0].name != other[0].name
    assert trade(planned(years(2016, 2016, "KOR", partners=("JPN",))))[0].name == (
        "A_410_2016_X-M.4.e126620c_TOTAL_392.json"
    )


def test_a_call_covers_what_it_asks_for_and_no_more() -> None:
    (chunk,) = trade(planned(years(2015, 2016, "KOR", partners=("JPN",), level="hs2")))
    assert chunk.covers is not None
    assert (chunk.covers.first, chunk.covers.last) == ("2015-01", "2016-12")
    assert chunk.covers.equal == {
        "type_code": ("C",),
        "freq_code": ("A",),
        "period": ("2015", "2016"),
        "reporter_code": ("410",),
        "flow_code": ("X", "DX", "RX", "M"),
        "classification_code": ("HS", "H0", "H1", "H2", "H3", "H4", "H5", "H6"),
        "aggr_level": ("2",),
        "partner2_code": ("0",),
        "customs_code": ("C00",),
        "mot_code": ("0",),
        "partner_code": ("392",),
    }
    (narrow,) = trade(planned(years(2016, 2016, "KOR", level="hs2", products=("27", "87"))))
    assert narrow.covers is not None
    assert narrow.covers.equal["cmd_code"] == ("27", "87")
    columns = {table.table: set(table.columns) for table in TABLES}
    for one in planned(years(2016, 2016, "KOR", level="hs6")).chunks:
        assert one.covers is not None
        assert set(one.covers.equal) <= columns[one.table]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (years(2016, 2016, reporters=()), "un_comtrade"),
        (years(2016, 2016, "comtrade:97"), "reporter 'comtrade:97'"),
        (years(2016, 2016, "XYZ"), "reporter 'XYZ'"),
        (years(2016, 2016, partners=("EU",)), "partner 'EU'"),
        (years(2016, 2016, level="naics3"), "level 'naics3'"),
        (years(2016, 2016, level="hs6", products=("87",)), "87.*hs6"),
        (years(2016, 2016, products=("87",)), "87.*total"),
        (years(2016, 2016, flows=("balance",)), "flow 'balance'"),
        (years(1950, 1955), "1962.*1950-01 to 1955-12"),
        (years(2016, 2015), "2016-01 to 2015-12"),
    ],
)
def test_a_selection_that_cannot_be_served_says_what_can(
    selection: Selection, message: str
) -> None:
    with pytest.raises(SelectionError, match=message):
        planned(selection)


def test_what_does_not_fit_a_call_however_it_is_cut_is_refused_before_it_is_asked() -> None:
    with pytest.raises(SelectionError, match="500 rows"):
        planned(years(2016, 2016, partners=("KOR",), level="hs6"), has_key=False)


def dataset(reporter: int, period: int, **changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "typeCode": "C",
        "freqCode": "A",
        "period": period,
        "reporterCode": reporter,
        "classificationCode": "H4",
        "totalRecords": 720_000,
        "datasetChecksum": 123,
        "firstReleased": "2017-05-05T00:00:00",
        "lastReleased": "2018-06-07T00:00:00",
    }
    return {**row, **changes}


def available(*datasets: object) -> tuple[Available, ...]:
    return CONNECTOR.available({"available.json": comtrade_bytes(*datasets), "none.json": b""})


def test_a_survey_gives_release_key_and_day_of_each_reporter_and_period() -> None:
    assert available(
        dataset(410, 2016),
        dataset(410, 2015, datasetChecksum=5, lastReleased="2017-01-01T00:00:00"),
        # An earlier release of the same, in another edition of the classification.
        dataset(410, 2016, datasetChecksum=9, lastReleased="2017-12-01T00:00:00"),
    ) == (
        Available("C-A-HS-410-2015", "2015-01", "2015-12", "5", date(2017, 1, 1), 720_000),
        Available("C-A-HS-410-2016", "2016-01", "2016-12", "123", date(2018, 6, 7), 720_000),
    )
    (month,) = available(dataset(410, 201602, totalRecords=None, lastReleased=None))
    assert month == Available("C-M-HS-410-201602", "2016-02", "2016-02", "123", None, None)


def test_a_survey_of_another_form_is_refused() -> None:
    with pytest.raises(Refused, match="without period, reporter, checksum or days"):
        available({"period": 2016})


def test_a_survey_asks_twelve_periods_at_a_time_without_a_key() -> None:
    chunks = CONNECTOR.survey(years(2001, 2015, "KOR", "DEU"), SEEDS)
    assert [len(asked(chunk, "period")) for chunk in chunks] == [8, 7]
    assert chunks[0].request.stored_address == (
        "https://comtradeapi.un.org/public/v1/getDa/C/A/HS"
        "?reporterCode=410,276,280&period=2001,2002,2003,2004,2005,2006,2007,2008"
    )


def test_what_is_not_there_is_not_asked_for() -> None:
    known = available(dataset(410, 2014), dataset(410, 2015), dataset(276, 2015))
    selection = years(2010, 2016, "KOR", "DEU", "LUX", level="hs6")
    plan = planned(selection, known=known)
    assert {year for chunk in plan.chunks for year in asked(chunk, "period")} == {"2014", "2015"}
    assert not {cell[0] for cell in cells(trade(plan))} & {"442"}
    assert "Nothing is available for LUX" in plan.notes[0]


def since(day: date, *datasets: Available) -> tuple[Available, ...]:
    return tuple(replace(one, unchanged_since=day) for one in datasets)


def test_what_is_unchanged_is_neither_asked_for_nor_called_missing() -> None:
    same = since(date(2026, 3, 2), *available(dataset(410, 2014), dataset(276, 2015)))
    selection = years(2014, 2015, "KOR", "DEU", "LUX", level="hs6")
    plan = planned(selection, known=(*same, *available(dataset(410, 2015))))
    assert {cell[:2] for cell in cells(trade(plan))} == {("410", "2015")}
    assert "Nothing is available for LUX in" in plan.notes[0]
    nothing = planned(selection, known=same)
    assert (nothing.chunks, nothing.expected_requests, nothing.fewest) == ((), 0, 0)
    assert nothing.notes == ("Nothing is available for LUX in these periods.",)


def test_a_country_is_asked_for_while_one_of_its_codes_has_changed() -> None:
    """Germany is 276 today and was 280."""
    former = available(dataset(280, 1990))
    same = since(date(2026, 3, 2), *available(dataset(276, 1990)))
    selection = years(1990, 1990, "DEU", partners=("USA",))
    assert len(trade(planned(selection, known=(*same, *former)))) == 1
    assert planned(selection, known=since(date(2026, 3, 2), *former, *same)).chunks == ()


REPORTERS = {"KOR": 410, "LUX": 442, "JPN": 392, "MEX": 484}


@pytest.mark.slow
@given(
    st.sets(st.tuples(st.sampled_from(sorted(REPORTERS)), st.integers(2001, 2016)), min_size=1),
    st.sampled_from(["total", "hs2", "hs6"]),
    st.sampled_from([(), ("USA",)]),
    st.integers(200, 900_000),
)
def test_whatever_changed_is_asked_for_once_in_no_more_calls_than_all(
    changed: set[tuple[str, int]], level: str, partners: tuple[str, ...], size: int
) -> None:
    everything = available(
        *(
            dataset(code, year, totalRecords=size)
            for code in REPORTERS.values()
            for year in range(2001, 2017)
        )
    )
    is_open = {f"C-A-HS-{REPORTERS[name]}-{year}" for name, year in changed}
    known = tuple(
        one if one.name in is_open else since(date(2026, 3, 2), one)[0] for one in everything
    )
    selection = years(2001, 2016, *REPORTERS, level=level, partners=partners)
    whole, plan = planned(selection, known=everything), planned(selection, known=known)
    asked_for = cells(trade(plan))
    assert len(asked_for) == len(set(asked_for))
    assert {(str(REPORTERS[name]), str(year)) for name, year in changed} <= {
        cell[:2] for cell in asked_for
    }
    assert len(trade(plan)) <= len(trade(whole))
    assert set(asked_for) <= set(cells(trade(whole)))
    assert is_open <= {name for chunk in trade(plan) for name in chunk.datasets}
    assert plan.fewest <= plan.expected_requests
    # What nobody wants is taken along only where reporters or periods share a call.
    apart = [planned(selection, known=(one,)) for one in known if one.unchanged_since is None]
    assert len(trade(plan)) <= sum(len(trade(one)) for one in apart)


def test_the_size_of_a_dataset_makes_fewer_calls_of_a_small_reporter() -> None:
    selection = years(2006, 2015, "LUX", level="hs6")
    small = available(*(dataset(442, year, totalRecords=20_000) for year in range(2006, 2016)))
    unknown, surveyed = planned(selection), planned(selection, known=small)
    assert (unknown.expected_requests, surveyed.expected_requests) == (45, 3)
    assert surveyed.fewest == 3


CHUNK = trade(planned(years(2015, 2016, "KOR", "DEU", partners=("USA", "JPN"))))[0]


def test_a_good_reply_is_stored_as_it_came() -> None:
    content = comtrade_bytes(comtrade_row(), comtrade_row(flowCode="X"))
    assert examined(CHUNK, content) == ReplyResult(content=content)


def test_an_empty_result_stores_nothing_and_is_no_error() -> None:
    empty = '{"elapsedTime": "0.08 secs", "count": 0, "data": [], "error": ""}'
    assert examined(CHUNK, empty) == ReplyResult(content=b"")


@pytest.mark.parametrize(
    ("content", "status", "error", "message"),
    [
        ('{"count":0,"data":[],"error":"Query timed out"}', 200, TryAgain, "Query timed out"),
        ('{"count":0,"data":[],"error":"Invalid cmdCode"}', 200, Refused, "Invalid cmdCode"),
        ('{"count":0,"data":[],"error":"Invalid cmdCode"}', 400, Refused, "Invalid cmdCode"),
        ('{"count":5,"data":[],"error":""}', 200, TryAgain, "5 rows.* 0"),
        ('{"count":0,"data":[]', 200, TryAgain, "20 bytes"),
        ("<html><body>Service unavailable</body></html>", 200, TryAgain, "Service unavailable"),
        ("", 200, TryAgain, "status 200"),
        ("[]", 200, Refused, r"\[\]"),
        ('{"count":0,"error":""}', 200, Refused, "data"),
        ('{"statusCode":401,"message":"Access denied"}', 200, Refused, KEY_ADDRESS),
        ('{"statusCode":404,"message":"Resource not found"}', 404, Refused, "Resource not found"),
        (
            '{"statusCode":403,"message":"Out of call volume quota."}',
            403,
            QuotaSpent,
            "Out of call volume",
        ),
        (
            "Out of call volume quota. Replenished in 03:14:17.",
            400,
            QuotaSpent,
            "Out of call volume",
        ),
        ('{"statusCode":429,"message":"Rate limit is exceeded."}', 200, TryAgain, "Rate limit"),
    ],
)
def test_a_reply_that_is_no_data_is_told_by_what_it_says(
    content: str, status: int, error: type[ReplyError], message: str
) -> None:
    with pytest.raises(ReplyError, match=message) as caught:
        examined(CHUNK, content, status)
    assert type(caught.value) is error
    assert "un_comtrade, https://comtradeapi.un.org/data/v1/get/C/A/HS?" in str(caught.value)


def test_a_wait_that_the_publisher_asks_for_is_kept() -> None:
    said = '{"statusCode":429,"message":"Rate limit is exceeded. Try again in 7 seconds."}'
    with pytest.raises(TryAgain) as caught:
        examined(CHUNK, said)
    assert caught.value.after_seconds == 7


def test_a_column_that_is_named_otherwise_is_refused_before_anything_is_stored() -> None:
    row = comtrade_row()
    row["primaryValueX"] = row.pop("primaryValue")
    with pytest.raises(Refused, match="primaryValue"):
        examined(CHUNK, comtrade_bytes(row))


def test_a_reply_at_the_limit_is_left_aside_for_two_halves_until_nothing_can_be_halved() -> None:
    chunk = planned(
        years(2015, 2016, "KOR", "LUX", partners=("FRA",), flows=("import",)), has_key=False
    ).chunks[0]
    full = comtrade_bytes(*[comtrade_row()] * ROWS_WITHOUT_KEY)
    assert examined(chunk, comtrade_bytes(*[comtrade_row()] * (ROWS_WITHOUT_KEY - 1))).is_whole
    waiting, whole, divided_by = [chunk], [], []
    while waiting:
        one = waiting.pop(0)
        try:
            result = examined(one, full)
        except Refused:
            whole.append(one)
            continue
        assert (result.content, result.is_whole, len(result.more)) == (b"", False, 2)
        assert sorted(cells(list(result.more))) == sorted(cells([one]))
        assert [half.name for half in examined(one, full).more] == [h.name for h in result.more]
        divided_by.append(
            next(
                name
                for name in ("period", "flowCode", "reporterCode", "partnerCode")
                if asked(one, name) != asked(result.more[0], name)
            )
        )
        waiting += result.more
    with pytest.raises(Refused, match="nothing left to divide it by"):
        examined(whole[0], full)
    assert divided_by[:3] == ["period", "reporterCode", "reporterCode"]
    assert sorted(cells(whole)) == sorted(cells([chunk]))
    assert all(len(asked(one, name)) == 1 for one in whole for name in ("period", "partnerCode"))


def test_every_request_is_json_of_the_publishers_host_without_a_key() -> None:
    selection = years(2014, 2016, "KOR", level="hs4")
    chunks = (*planned(selection).chunks, *CONNECTOR.survey(selection, SEEDS))
    assert {chunk.request.accept for chunk in chunks} == {("application/json",)}
    assert all(chunk.request.address.startswith("https://comtradeapi.un.org/") for chunk in chunks)
    assert "key" not in json.dumps([chunk.request.parameters for chunk in chunks])
    assert not CONNECTOR.about.terms.is_redistributable
