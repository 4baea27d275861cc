"""Tests of the US Census connector: planned requests and classified replies."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from math import ceil
from pathlib import Path

import pytest
from fetch.publishers.us_census import workbook
from hypothesis import given
from hypothesis import strategies as st
from sources.source_files import COUNTRY_HEADER, api_bytes

from dagster_project.sources.connector import (
    Available,
    Chunk,
    Plan,
    Refused,
    Reply,
    Selection,
    SelectionError,
    TryAgain,
)
from dagster_project.sources.snapshot import Covers
from dagster_project.sources.us_census import CONNECTOR, TABLES
from dagster_project.sources.us_census.planning import BEGINNINGS, LEVELS, MOST_ROWS, shortened

SEEDS = Path(__file__).parents[2] / "dbt" / "seeds"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
IMPORT_VALUES = (
    "GEN_VAL_MO,CON_VAL_MO,GEN_CIF_MO,CON_CIF_MO,GEN_CHA_MO,CON_CHA_MO,CAL_DUT_MO,DUT_VAL_MO"
)


def select(first: str, last: str, **rest: object) -> Selection:
    return Selection(date.fromisoformat(f"{first}-01"), date.fromisoformat(f"{last}-01"), **rest)  # ty: ignore


def plan(selection: Selection, *known: Available, has_key: bool = True) -> Plan:
    return CONNECTOR.plan(selection, SEEDS, has_key=has_key, known=known)


def asked(chunk: Chunk, name: str) -> list[str]:
    return [value for key, value in chunk.request.parameters if key == name]


def periods(chunk: Chunk) -> list[str]:
    if years := asked(chunk, "YEAR"):
        assert asked(chunk, "MONTH") == ["12"]
        return years
    (text,) = asked(chunk, "time")
    first, last = (text[5:12], text[-7:]) if text.startswith("from ") else (text, text)
    start, end = (int(one[:4]) * 12 + int(one[5:]) - 1 for one in (first, last))
    return [f"{one // 12}-{one % 12 + 1:02d}" for one in range(start, end + 1)]


def test_fifteen_years_of_all_subheadings_with_all_partners() -> None:
    made = plan(select("2010-01", "2024-12", level="hs6"))
    assert made.expected_requests == len(made.chunks) == 456
    assert made.fewest == 438
    assert max(chunk.expected_rows for chunk in made.chunks) <= MOST_ROWS


@pytest.mark.slow
@pytest.mark.parametrize("frequency", ["A", "M"])
@pytest.mark.parametrize("level", sorted(LEVELS))
def test_a_plan_is_near_the_fewest_requests(level: str, frequency: str) -> None:
    made = plan(select("2010-01", "2024-12", level=level, frequency=frequency))
    assert made.fewest <= len(made.chunks) <= ceil(made.fewest * 1.05)
    assert max(chunk.expected_rows for chunk in made.chunks) <= MOST_ROWS


MONTHS = st.tuples(st.integers(2010, 2024), st.integers(1, 12)).map(lambda at: date(*at, 1))


@pytest.mark.slow
@given(
    st.tuples(MONTHS, MONTHS).map(sorted),
    st.sampled_from([one for one in LEVELS if one != "total"]),
    st.sampled_from([(), ("KOR",), ("WLD", "KOR", "JPN")]),
    st.sampled_from([("export",), ("import",), ("export", "import")]),
    st.sampled_from([(), ("8",), ("01", "3")]),
)
def test_each_month_and_code_is_asked_for_once(
    bounds: list[date],
    level: str,
    partners: tuple[str, ...],
    flows: tuple[str, ...],
    products: tuple[str, ...],
) -> None:
    length = LEVELS[level].longest_code
    products = tuple(one for one in products if len(one) <= length)
    selection = Selection(*bounds, level=level, partners=partners, flows=flows, products=products)
    made = plan(selection)
    codes = [one.ljust(length, "0") for one in BEGINNINGS[LEVELS[level].system]]
    wanted = [one for one in codes if not products or one.startswith(products)]
    times = Counter[tuple[str, str, str]]()
    for chunk in made.chunks:
        assert chunk.covers is not None
        (endpoint,) = chunk.covers.equal["endpoint"]
        assert chunk.request.address.endswith(endpoint)
        begun = chunk.covers.beginnings.get("commodity_code", ("",))
        for code in codes:
            if code.startswith(begun):
                times.update((endpoint, code, month) for month in periods(chunk))
    months = Counter(month for _, _, month in times)
    first, last = (f"{bound:%Y-%m}" for bound in bounds)
    assert set(times.values()) <= {1}
    assert len(times) == len(wanted) * len(flows) * len(months)
    assert not wanted or (min(months), max(months)) == (first, last)


@pytest.mark.slow
@pytest.mark.parametrize("frequency", ["A", "M"])
@pytest.mark.parametrize("level", sorted(LEVELS))
@pytest.mark.parametrize(
    "partners", [(), ("KOR",), ("WLD", "KOR", "JPN", "CHN", "DEU", "CAN", "MEX", "GBR", "FRA")]
)
def test_the_name_of_a_file_says_its_request(
    level: str, frequency: str, partners: tuple[str, ...]
) -> None:
    chunks = plan(
        select("2010-01", "2019-12", level=level, frequency=frequency, partners=partners)
    ).chunks
    assert len({chunk.name for chunk in chunks}) == len(chunks)
    assert len({chunk.request.stored_address for chunk in chunks}) == len(chunks)
    for chunk in chunks:
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,120}", chunk.name)
        table = next(one for one in TABLES if one.table == chunk.table)
        assert chunk.layout in table.layouts
        assert chunk.covers is not None
        assert chunk.covers.columns <= set(table.columns)


def test_chapters_of_one_partner_are_one_request_a_direction() -> None:
    made = plan(select("2013-01", "2014-12", level="hs2", partners=("KOR",)))
    exports, imports = made.chunks
    assert exports.name == "exports_hs2_5800_all_2013-01_2014-12.json"
    assert exports.request.stored_address == (
        "https://api.census.gov/data/timeseries/intltrade/exports/hs?get=ALL_VAL_MO,E_COMMODITY"
        "&time=from+2013-01+to+2014-12&COMM_LVL=HS2&CTY_CODE=5800&DF=-&DF=1&DF=2"
    )
    assert imports.request.stored_address == (
        f"https://api.census.gov/data/timeseries/intltrade/imports/hs?get={IMPORT_VALUES},"
        "I_COMMODITY&time=from+2013-01+to+2014-12&COMM_LVL=HS2&CTY_CODE=5800"
    )
    assert exports.covers == Covers(
        {
            "endpoint": ("exports/hs",),
            "variable": ("ALL_VAL_MO",),
            "comm_lvl": ("HS2",),
            "cty_code": ("5800",),
        },
        "2013-01",
        "2014-12",
    )


def test_all_partners_are_asked_for_without_their_groups_and_products_by_their_beginning() -> None:
    made = plan(select("2016-03", "2016-03", level="hs6", products=("8703", "870421")))
    (chunk,) = (one for one in made.chunks if "imports" in one.name)
    assert asked(chunk, "get") == [f"{IMPORT_VALUES},CTY_CODE"]
    assert asked(chunk, "I_COMMODITY") == ["8703*", "870421"]
    assert asked(chunk, "SUMMARY_LVL") == ["DET"]
    assert asked(chunk, "time") == ["2016-03"]
    assert chunk.covers is not None
    assert chunk.covers.beginnings == {"commodity_code": ("8703", "870421")}
    assert chunk.covers.equal["summary_lvl"] == ("DET",)


def test_years_are_their_decembers_accumulated() -> None:
    made = plan(select("2013-05", "2016-11", level="naics3", frequency="A", flows=("import",)))
    (chunk,) = made.chunks
    assert asked(chunk, "YEAR") == ["2013", "2014", "2015"]
    assert asked(chunk, "MONTH") == ["12"]
    assert all(name.endswith("_YR") for name in asked(chunk, "get")[0].split(",")[:8])
    assert chunk.covers is not None
    assert chunk.covers.equal["last_month"] == ("12",)
    assert (chunk.covers.first, chunk.covers.last) == ("2013-12", "2015-12")
    assert made.notes == ("2016 is not complete and left out.",)


def test_all_goods_bring_the_country_file_and_what_it_lacks() -> None:
    made = plan(select("2001-01", "2012-12", partners=("KOR", "WLD")))
    file, exports, imports = made.chunks
    assert (file.name, file.table) == ("country.xlsx", "us_census__country_file")
    assert file.request.stored_address == (
        "https://www.census.gov/foreign-trade/balance/country.xlsx"
    )
    assert periods(exports)[0] == periods(imports)[0] == "2010-01"
    assert asked(exports, "CTY_CODE") == ["-", "5800"]
    assert asked(exports, "COMM_LVL") == asked(exports, "E_COMMODITY") == []
    assert made.notes == ("The API begins in 2010-01; the country file goes back to 1985.",)
    older = plan(select("1985-01", "2009-12"))
    assert [chunk.name for chunk in older.chunks] == ["country.xlsx"]
    assert older.fewest == 1


def test_end_use_codes_of_every_length_come_together() -> None:
    (chunk,) = plan(select("2016-01", "2016-12", level="end_use", flows=("import",))).chunks
    assert asked(chunk, "get")[0].endswith(",I_ENDUSE,COMM_LVL,CTY_CODE")
    assert asked(chunk, "COMM_LVL") == []


def test_a_user_without_a_key_is_told_how_long_it_takes() -> None:
    selection = select("2010-01", "2024-12", level="hs10")
    assert plan(selection).notes == ()
    (note,) = plan(selection, has_key=False).notes
    assert "2 days" in note


def test_months_that_are_not_out_are_not_asked_for() -> None:
    known = Available("us_census__trade_api", "2010-01", "2016-07")
    monthly = plan(select("2016-01", "2016-12", level="hs2", partners=("KOR",)), known)
    assert {periods(chunk)[-1] for chunk in monthly.chunks} == {"2016-07"}
    annual = plan(select("2014-01", "2016-12", level="hs2", frequency="A"), known)
    assert {year for chunk in annual.chunks for year in periods(chunk)} == {"2014", "2015"}
    with pytest.raises(SelectionError, match="2016-07"):
        plan(select("2016-08", "2016-12", level="hs2"), known)
    file_alone = plan(select("2016-08", "2016-12"), known)
    assert [chunk.name for chunk in file_alone.chunks] == ["country.xlsx"]


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (select("2016-01", "2016-12", reporters=("KOR",)), "USA"),
        (select("2016-01", "2016-12", partners=("KOS",)), "'KOS'"),
        (select("2016-01", "2016-12", level="hs8"), "'hs8'"),
        (select("2016-01", "2016-12", flows=("re_export",)), "('re_export',)"),
        (select("2016-01", "2016-12", flows=()), "export and import"),
        (select("2016-01", "2016-12", products=("87",)), "'87' is not a code of total"),
        (select("2016-01", "2016-12", level="hs2", products=("8703",)), "2 digits"),
        (select("2016-01", "2016-12", level="hs6", products=("87x",)), "'87x'"),
        (select("1999-01", "2009-12", level="hs2"), "2010-01"),
        (select("1970-01", "1984-12"), "1985-01"),
        (select("2016-12", "2016-01"), "2016-12 to 2016-01"),
        (select("2016-01", "2016-11", level="hs2", frequency="A"), "2016"),
    ],
)
def test_what_cannot_be_served_is_told(selection: Selection, said: str) -> None:
    with pytest.raises(SelectionError, match=re.escape(said)):
        plan(selection)


def test_the_survey_tells_the_months_that_are_out_and_whether_a_total_was_revised() -> None:
    (chunk,) = CONNECTOR.survey(select("2001-01", "2030-12", level="hs6"), SEEDS)
    assert chunk.request.stored_address == (
        "https://api.census.gov/data/timeseries/intltrade/imports/hs"
        "?get=GEN_VAL_MO&time=from+2010-01+to+2030-12&CTY_CODE=-"
    )
    assert chunk.covers is None
    header = ["GEN_VAL_MO", "time", "CTY_CODE"]
    rows = [["5", "2016-02", "-"], ["4", "2016-01", "-"]]
    (found,) = CONNECTOR.available({chunk.name: api_bytes(header, *rows)})
    assert (found.first, found.last) == ("2016-01", "2016-02")
    (again,) = CONNECTOR.available({chunk.name: api_bytes(header, *reversed(rows))})
    assert again == found
    (revised,) = CONNECTOR.available({chunk.name: api_bytes(header, rows[0], ["3", *rows[1][1:]])})
    assert revised.release_key != found.release_key
    assert CONNECTOR.available({chunk.name: b""}) == ()
    assert CONNECTOR.survey(select("1985-01", "2009-12"), SEEDS) == ()


ROWS = plan(select("2016-01", "2016-01", level="hs2", partners=("KOR",), flows=("export",)))
HEADER = ["ALL_VAL_MO", "E_COMMODITY", "time", "COMM_LVL", "CTY_CODE", "DF"]
GOOD = api_bytes(HEADER, ["5", "87", "2016-01", "HS2", "5800", "-"])
PAGE = b"<html><head><title>Invalid Key</title></head><body>A valid key ...</body></html>"
OVERLOADED = (
    b"There was an error while running your query.  We've logged the error and we'll correct it"
)


def classify_reply(content: bytes, kind: str = "application/json", status: int = 200) -> bytes:
    return CONNECTOR.classify_reply(ROWS.chunks[0], Reply(status, kind, content)).content


def test_rows_are_kept_as_they_came_and_nothing_is_nothing() -> None:
    assert classify_reply(GOOD) == GOOD
    assert classify_reply(b"", "", 204) == b""
    assert classify_reply(api_bytes(HEADER)) == b""
    assert classify_reply(
        api_bytes([*HEADER, "DF"], ["5", "87", "2016-01", "HS2", "5800", "-", "-"])
    )


@pytest.mark.parametrize(
    ("content", "kind", "status", "error", "said"),
    [
        (b"error: unknown variable 'XYZ'", "text/plain", 400, Refused, "400"),
        (PAGE, "text/html", 200, Refused, "us_census"),
        (b"<html>Missing Key</html>", "text/html", 302, Refused, "key_signup"),
        (b"<html>Be right back</html>", "text/html", 200, TryAgain, "Be right back"),
        (OVERLOADED, "text/plain", 200, TryAgain, "HTTP 200"),
        (b"", "application/json", 200, TryAgain, "HTTP 200"),
        (GOOD[:-9], "application/json", 200, TryAgain, "char"),
        (b"busy", "application/json", 200, Refused, "'busy'"),
        (b'{"error": "x"}', "application/json", 200, Refused, '{"error": "x"}'),
        (b"[]", "application/json", 200, Refused, "'[]'"),
        (GOOD, "text/plain", 200, TryAgain, "text/plain"),
        (b"gone", "text/plain", 404, Refused, "404"),
        (GOOD.replace(b"ALL_VAL_MO", b"ALL_VALUE"), "application/json", 200, Refused, "ALL_VAL_MO"),
        (GOOD.replace(b'"DF"]', b'"DF", "RP"]'), "application/json", 200, Refused, "RP"),
    ],
)
def test_what_is_no_data_says_what_came_and_what_to_do(
    content: bytes, kind: str, status: int, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=re.escape(said)) as caught:
        classify_reply(content, kind, status)
    assert type(caught.value) is error
    assert "us_census: https://api.census.gov/" in str(caught.value)


def test_the_country_file_is_classified_as_a_workbook() -> None:
    chunk = plan(select("1985-01", "2009-12")).chunks[0]
    book = workbook([COUNTRY_HEADER, tuple("1" for _ in COUNTRY_HEADER)])
    assert CONNECTOR.classify_reply(chunk, Reply(200, XLSX, book)).content == book
    with pytest.raises(TryAgain, match="truncated"):
        CONNECTOR.classify_reply(chunk, Reply(200, XLSX, book[: len(book) // 2]))
    renamed = workbook([("Year", *COUNTRY_HEADER[1:]), tuple("1" for _ in COUNTRY_HEADER)])
    with pytest.raises(Refused, match="column year is missing"):
        CONNECTOR.classify_reply(chunk, Reply(200, XLSX, renamed))
    with pytest.raises(TryAgain, match="a web page"):
        CONNECTOR.classify_reply(chunk, Reply(200, "text/html", b"<html>Be right back</html>"))


@given(st.sets(st.from_regex(r"[0-9]{2}", fullmatch=True), max_size=100))
def test_fewer_beginnings_are_the_same_codes(beginnings: set[str]) -> None:
    short = shortened(beginnings)
    codes = {f"{number:02d}" for number in range(100)}
    assert {code for code in codes if code.startswith(short)} == beginnings
    assert len(short) <= len(beginnings)


def test_planning_keeps_no_code_list_of_its_own(tmp_path: Path) -> None:
    seeds = tmp_path
    (seeds / "source_list.csv").write_text("source_id,reporter_iso3\nus_census,XYZ\n")
    (seeds / "census_partners.csv").write_text(
        "census_code,partner_code,is_aggregate,partner_list\n"
        "-,WLD,true,API\n9999,ABC,false,all\n9998,ABC,false,country file\n"
    )
    selection = select("2016-01", "2016-01", level="hs2", partners=("ABC",), reporters=("XYZ",))
    chunk = CONNECTOR.plan(selection, seeds, has_key=True).chunks[0]
    assert asked(chunk, "CTY_CODE") == ["9999"]


def test_replies_are_classified_alike_whatever_stands_around_the_rows() -> None:
    spaced = json.dumps(json.loads(GOOD), indent=1).encode()
    assert classify_reply(b"\n" + spaced) == b"\n" + spaced
