"""Korea Customs Service: requests, the portal's errors, and replies in XML."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sources.source_files import reject_rows, snapshot_file

from dagster_project.sources.connector import (
    Chunk,
    QuotaSpent,
    Refused,
    Reply,
    ReplyError,
    ReplyResult,
    Selection,
    SelectionError,
    TryAgain,
)
from dagster_project.sources.korea_customs import (
    CONNECTOR,
    SCHEMA,
    TABLES,
    korea_customs_partners,
    parse_trade,
)
from dagster_project.sources.parsing import Parsed
from dagster_project.sources.snapshot import Covers, SnapshotError, SnapshotFile

PARTNERS = {"US": "USA", "JP": "JPN", "NA": "NAM", "ZZ": "korea_customs:ZZ"}
ITEMS_ADDRESS = (
    "https://apis.data.go.kr/1220000/nitemtrade/getNitemtradeList"
    "?strtYymm=201601&endYymm=201612&cntyCd=US&hsSgn=87&pageNo=1&numOfRows=100000"
)
Cells = dict[str, str]


def item(year: str, hs: str, exported: int, imported: int, **changes: str) -> Cells:
    return {
        "balPayments": str(exported - imported),
        "expDlr": str(exported),
        "expWgt": "12",
        "hsCd": hs,
        "impDlr": str(imported),
        "impWgt": "7",
        "statCd": "US",
        "statCdCntnKor1": "미국",
        "statKor": "자동차",
        "year": year,
        **changes,
    }


def country(year: str, code: str, exported: int, imported: int, **changes: str) -> Cells:
    cells = item(year, "", exported, imported, statCd=code, expCnt="3", impCnt="4")
    unused = {"hsCd", "statKor", "expWgt", "impWgt"}
    return {name: text for name, text in cells.items() if name not in unused} | changes


def total(*rows: Cells, **changes: str) -> Cells:
    exported = sum(int(row["expDlr"].replace(",", "")) for row in rows)
    imported = sum(int(row["impDlr"].replace(",", "")) for row in rows)
    dashes = dict.fromkeys(("statCd", "statCdCntnKor1", "statKor"), "-")
    return item("총계", "-", exported, imported, **dashes) | changes


def xml(*rows: Cells, code: str = "00", message: str = "정상서비스.", after: str = "") -> bytes:
    items = "".join(
        "<item>"
        + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in row.items())
        + "</item>"
        for row in rows
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><response><header>'
        f"<resultCode>{code}</resultCode><resultMsg>{message}</resultMsg></header>"
        f"<body><items>{items}</items>{after}</body></response>"
    ).encode()


def portal_error(code: str, message: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<OpenAPI_ServiceResponse>\n<cmmMsgHeader>\n'
        f"<errMsg>{message}</errMsg><returnAuthMsg>말씀</returnAuthMsg>"
        f"<returnReasonCode>{code}</returnReasonCode>\n</cmmMsgHeader>\n</OpenAPI_ServiceResponse>"
    ).encode()


def file_of(layout: str, address: str | None) -> SnapshotFile:
    return replace(snapshot_file(layout, "reply.xml"), address=address)


ITEMS_FILE = file_of("korea_customs_items", ITEMS_ADDRESS)
COUNTRIES_FILE = file_of("korea_customs_countries", None)


def parse(*rows: Cells, file: SnapshotFile = ITEMS_FILE, after: str = "") -> Parsed:
    return parse_trade(xml(*rows, after=after), file, PARTNERS)


def cells_of(parsed: Parsed) -> list[tuple[object, ...]]:
    return parsed.frame.select("row_number", "country_code", "hs_code", "flow", "value_usd").rows()


# Replies as rows


def test_an_item_becomes_a_row_for_each_flow_with_its_level() -> None:
    rows = (
        item("2016.01", "8703", 1_000, 200, expDlr="1,000"),
        item("2016.02", "8708", 0, 5, statKor="부분품 & <그 밖의 것>"),
    )
    parsed = parse(total(*rows), *rows)
    assert dict(parsed.frame.schema) == SCHEMA
    first = ("items", "US", 2016, 1, "hs4", "8703", "87")
    second = ("items", "US", 2016, 2, "hs4", "8708", "87")
    assert parsed.frame.rows() == [
        (2, "expDlr", *first, "export", Decimal(1000), 1),
        (2, "impDlr", *first, "import", Decimal(200), 1),
        (3, "expDlr", *second, "export", Decimal(0), 1),
        (3, "impDlr", *second, "import", Decimal(5), 1),
    ]
    assert parsed.rejects.is_empty()


def test_countries_have_no_codes_and_no_row_of_totals() -> None:
    parsed = parse(
        country("2016.12", "JP", 12_006_733_027, 6_762_138_027),
        country("2016.12", "NA", 3, 0),
        file=COUNTRIES_FILE,
    )
    shared = ("countries", "JP", 2016, 12, "total", "total", "")
    assert parsed.frame.rows()[:2] == [
        (1, "expDlr", *shared, "export", Decimal(12_006_733_027), 1),
        (1, "impDlr", *shared, "import", Decimal(6_762_138_027), 1),
    ]
    assert parsed.frame["country_code"].to_list() == ["JP", "JP", "NA", "NA"]


@pytest.mark.parametrize(
    ("hs", "level", "parent"),
    [
        ("87", "hs2", ""),
        ("0101", "hs4", "01"),
        ("010121", "hs6", "0101"),
        ("0101211000", "hs10", "010121"),
    ],
)
def test_the_level_is_the_length_of_the_code(hs: str, level: str, parent: str) -> None:
    frame = parse(item("2016.01", hs, 1, 1)).frame
    assert set(frame.select("item_level", "hs_code", "parent_code").rows()) == {(level, hs, parent)}


def test_rows_without_a_country_have_the_one_that_was_asked_for() -> None:
    row = {name: text for name, text in item("2016.01", "8703", 1, 2).items() if name != "statCd"}
    assert cells_of(parse(row))[0][1] == "US"
    silent = file_of("korea_customs_items", ITEMS_ADDRESS.replace("&cntyCd=US", ""))
    for file in (silent, file_of("korea_customs_items", None)):
        with pytest.raises(SnapshotError, match="cntyCd"):
            parse(row, file=file)


@pytest.mark.parametrize(
    ("changes", "column", "value", "reason"),
    [
        ({"year": "2016"}, "year", "2016", "YYYY.MM"),
        ({"year": "2016.13"}, "year", "2016.13", "YYYY.MM"),
        ({"year": "2017.02"}, "year", "2017.02", "2017-01-31"),
        ({"statCd": "QQ"}, "statCd", "QQ", "korea_customs_partners.csv"),
        ({"statCd": "JP"}, "statCd", "JP", "US"),
        ({"expDlr": "1.5"}, "expDlr", "1.5", ""),
        ({"expDlr": "10,00"}, "expDlr", "10,00", ""),
        ({"impDlr": ""}, "impDlr", "", ""),
        ({"impDlr": "-3"}, "impDlr", "-3", ""),
        ({"impDlr": "1" * 21}, "impDlr", "1" * 21, ""),
        ({"balPayments": "70"}, "balPayments", "70", ""),
        ({"hsCd": "8703231"}, "hsCd", "8703231", "2, 4, 6 or 10"),
        ({"hsCd": "87"}, "hsCd", "87", "4 digits"),
    ],
)
def test_a_row_that_cannot_be_read_is_rejected_and_its_neighbours_kept(
    changes: dict[str, str], column: str, value: str, reason: str
) -> None:
    parsed = parse(item("2016.01", "8701", 9, 1), item("2016.01", "8703", 100, 20) | changes)
    assert [row[:3] for row in cells_of(parsed)] == [(1, "US", "8701")] * 2
    [(row_number, at, found, why)] = reject_rows(parsed.rejects)
    assert (row_number, at, found) == (2, column, value)
    assert reason in why


def test_a_field_that_one_row_lacks_is_rejected_there() -> None:
    short = {name: text for name, text in item("2016.01", "8703", 1, 2).items() if name != "hsCd"}
    parsed = parse(item("2016.01", "8701", 9, 1), short)
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [(2, "hsCd", None)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "reply.xml"),
        (b"<html><title>Service busy</title></html>", "Service busy"),
        (xml(item("2016.01", "8703", 1, 2))[:-40], "line 1, column"),
        (b'<!DOCTYPE r [<!ENTITY e "1">]><response>&e;</response>', "line 1"),
        (xml(code="99", message="시작과 종료"), r"\(99\)"),
        (portal_error("30", "SERVICE_KEY"), r"\(30\)"),
        (b"<other/>", r"\(other\)"),
        (xml(), "reply.xml"),
        (
            xml(
                {
                    "expDlrX" if k == "expDlr" else k: v
                    for k, v in item("2016.01", "1", 1, 2).items()
                }
            ),
            "expDlr .*expDlrX",
        ),
        (xml(item("2016.01", "8703", 1, 2, won="7")), "won.*/1220000"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(content: bytes, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        parse_trade(content, ITEMS_FILE, PARTNERS)


def test_the_publishers_total_finds_a_row_that_is_missing_or_twice_there() -> None:
    rows = [item("2016.01", f"870{n}", 100 * n, 10 * n) for n in range(1, 5)]
    assert parse(total(*rows), *rows).frame.height == 8
    for wrong in (rows[:-1], [*rows, rows[0]]):
        with pytest.raises(SnapshotError, match=r"expDlr.* 1,000"):
            parse(total(*rows), *wrong)
    with pytest.raises(SnapshotError, match=r"impDlr.* 107"):
        parse(total(*rows, impDlr="107"), *rows)


def test_the_total_is_held_to_its_rows_as_rounding_allows() -> None:
    rows = [item("2016.01", f"870{n}", 100, 10) for n in range(1, 5)]
    assert parse(total(*rows, expDlr="402"), *rows).frame.height == 8
    with pytest.raises(SnapshotError, match=r"403.* 4 rows .*400"):
        parse(total(*rows, expDlr="403"), *rows)


def test_a_row_that_cannot_be_read_keeps_the_total_from_telling() -> None:
    rows = [item("2016.01", "8701", 5, 5), item("2016.01", "8703", 5, 5)]
    parsed = parse(total(*rows), rows[0], rows[1] | {"expDlr": "?", "balPayments": ""})
    assert parsed.frame.height == 2
    assert reject_rows(parsed.rejects)[0][:3] == (3, "expDlr", "?")


def test_a_page_is_not_held_to_the_total_of_all_pages() -> None:
    rows = [item("2016.01", f"870{n}", 100, 10) for n in range(1, 5)]
    page = parse(total(*rows), rows[0], after="<totalCount>5</totalCount>")
    assert page.frame.height == 2


# Plans


def plan(project_root: Path, **changes: object) -> list[Chunk]:
    asked = Selection(date(2016, 1, 1), date(2016, 12, 1))
    seeds = project_root / "dbt" / "seeds"
    made = CONNECTOR.plan(replace(asked, **changes), seeds, has_key=True)  # type: ignore[arg-type]
    names = [chunk.name for chunk in made.chunks]
    assert len(set(names)) == len(names) == made.expected_requests == made.fewest
    return list(made.chunks)


def test_totals_of_every_country_are_one_request_a_year(project_root: Path) -> None:
    [chunk] = plan(project_root)
    assert chunk.name == "countries_2016-01_2016-12.xml"
    assert chunk.layout == "korea_customs_countries"
    assert chunk.request.stored_address == (
        "https://apis.data.go.kr/1220000/nationtrade/getNationtradeList"
        "?strtYymm=201601&endYymm=201612&pageNo=1&numOfRows=100000"
    )
    assert chunk.covers == Covers({"service": ("countries",)}, "2016-01", "2016-12")
    assert chunk.expected_rows == 240 * 12


def test_a_single_partner_is_asked_by_itself_and_several_together(project_root: Path) -> None:
    [alone] = plan(project_root, partners=("USA",))
    assert ("cntyCd", "US") in alone.request.parameters
    assert alone.name == "countries_US_2016-01_2016-12.xml"
    assert alone.covers == Covers(
        {"service": ("countries",), "country_code": ("US",)}, "2016-01", "2016-12"
    )
    [together] = plan(project_root, partners=("USA", "JPN"))
    assert together == plan(project_root)[0]


def test_months_are_asked_in_runs_of_a_year_from_the_first(project_root: Path) -> None:
    chunks = plan(project_root, first=date(2015, 7, 1), last=date(2017, 9, 1))
    assert [chunk.request.parameters[:2] for chunk in chunks] == [
        (("strtYymm", "201507"), ("endYymm", "201606")),
        (("strtYymm", "201607"), ("endYymm", "201706")),
        (("strtYymm", "201707"), ("endYymm", "201709")),
    ]


@given(st.integers(0, 400), st.integers(0, 400))
def test_windows_hold_each_month_once_and_never_more_than_a_year(begin: int, length: int) -> None:
    seeds = Path(__file__).parents[2] / "dbt" / "seeds"
    first, last = (date(1990 + n // 12, n % 12 + 1, 1) for n in (begin, begin + length))
    made = CONNECTOR.plan(Selection(first, last), seeds, has_key=True)
    months: list[int] = []
    for chunk in made.chunks:
        asked = dict(chunk.request.parameters)
        low, high = (
            int(text[:4]) * 12 + int(text[4:])
            for text in map(asked.get, ("strtYymm", "endYymm"))
            if text
        )
        assert 0 <= high - low < 12
        months.extend(range(low, high + 1))
    assert len(months) == length + 1
    assert all(later - earlier == 1 for earlier, later in pairwise(months))
    assert len(made.chunks) == -(-(length + 1) // 12)


@pytest.mark.parametrize(
    ("level", "products", "partners", "codes"),
    [
        ("hs4", ("87",), (), ["87"]),
        ("hs4", ("8703", "8708"), ("USA", "JPN"), ["87"]),
        ("hs4", ("9",), (), [f"9{n}" for n in range(10)]),
        ("hs6", ("8703", "870821", "870829"), (), ["8703", "8708"]),
        ("hs10", ("870323", "8703231010"), (), ["870323"]),
    ],
)
def test_products_are_asked_by_the_code_above_them(
    project_root: Path,
    level: str,
    products: tuple[str, ...],
    partners: tuple[str, ...],
    codes: list[str],
) -> None:
    chunks = plan(project_root, level=level, products=products, partners=partners)
    assert [dict(chunk.request.parameters)["hsSgn"] for chunk in chunks] == codes
    for chunk, code in zip(chunks, codes, strict=True):
        assert chunk.covers is not None
        assert chunk.covers.equal == {
            "service": ("items",),
            "item_level": (level,),
            "parent_code": (code,),
        }


def test_all_headings_are_a_request_a_chapter(project_root: Path) -> None:
    codes = [dict(one.request.parameters)["hsSgn"] for one in plan(project_root, level="hs4")]
    assert codes == [f"{number:02d}" for number in range(1, 100)]


def test_ten_digits_are_asked_by_country_or_by_code_whichever_is_less(project_root: Path) -> None:
    wide = plan(project_root, level="hs10", partners=("USA", "JPN"))
    assert [chunk.name for chunk in wide] == [
        "items_US_2016-01_2016-12.xml",
        "items_JP_2016-01_2016-12.xml",
    ]
    assert all("hsSgn" not in dict(chunk.request.parameters) for chunk in wide)
    assert wide[0].covers is not None
    assert wide[0].covers.equal == {
        "service": ("items",),
        "item_level": ("hs10",),
        "country_code": ("US",),
    }
    codes = ("870323", "870324", "870325")
    assert len(plan(project_root, level="hs10", partners=("USA", "JPN"), products=codes)) == 2
    [one] = plan(project_root, level="hs10", partners=("USA", "JPN"), products=codes[:1])
    assert one.name == "items_870323_2016-01_2016-12.xml"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reporters": ("USA",)}, "KOR.*USA"),
        ({"partners": ("WLD",)}, "world"),
        ({"partners": ("USS",)}, "'USS'.*alpha-3"),
        ({"frequency": "A"}, "frequency M"),
        ({"last": date(2015, 1, 1)}, "2016-01.*2015-01"),
        ({"level": "hs2"}, "'hs2'.*total, hs4, hs6, hs10"),
        ({"products": ("87",)}, "hs4, hs6, hs10"),
        ({"level": "hs4", "products": ("AB",)}, "'AB'"),
        ({"level": "hs4", "products": ("870323",)}, "870323.*hs4"),
        (
            {"level": "hs4", "products": ("00",)},
            "hs4.* 2 digits",
        ),
        ({"level": "hs6"}, "hs6.* 4 digits"),
        ({"level": "hs6", "products": ("8703", "85")}, " 4 digits"),
        ({"level": "hs10"}, " 6 digits, or partners"),
    ],
)
def test_a_selection_that_cannot_be_served_is_told_what_can(
    project_root: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(SelectionError, match=message):
        plan(project_root, **changes)


def test_every_code_of_the_publisher_is_a_partner(project_root: Path) -> None:
    partners = korea_customs_partners(project_root / "dbt" / "seeds")
    assert (partners["US"], partners["NA"], partners["XK"]) == ("USA", "NAM", "XKX")
    assert (partners["CS"], partners["ZZ"]) == ("SCG", "korea_customs:ZZ")
    assert len(set(partners.values())) == len(partners)


# Replies as they come


ROWS = [item("2016.01", f"87{n:02d}", 100 * n, 10 * n) for n in range(1, 8)]


def chunk_of(project_root: Path, page: str = "1", size: str = "100000") -> Chunk:
    [chunk] = plan(project_root, level="hs4", products=("87",), partners=("USA",))
    changed = {"pageNo": page, "numOfRows": size}
    parameters = tuple((k, changed.get(k, v)) for k, v in chunk.request.parameters)
    return replace(chunk, request=replace(chunk.request, parameters=parameters))


def classify_reply(project_root: Path, content: bytes, status: int = 200) -> ReplyResult:
    return CONNECTOR.classify_reply(
        chunk_of(project_root), Reply(status, "application/xml", content)
    )


def test_a_good_reply_is_kept_byte_for_byte(project_root: Path) -> None:
    for after in ("", "<totalCount>8</totalCount>"):
        content = xml(total(*ROWS), *ROWS, after=after)
        assert classify_reply(project_root, content) == ReplyResult(content)


@pytest.mark.parametrize(
    "content",
    [
        xml(),
        xml(after="<totalCount>0</totalCount>"),
        xml(code="03", message="NODATA_ERROR"),
        portal_error("03", "NODATA_ERROR"),
    ],
)
def test_nothing_is_nothing_and_no_error(project_root: Path, content: bytes) -> None:
    assert classify_reply(project_root, content) == ReplyResult(b"")


def test_a_good_code_without_items_says_nothing_about_rows(project_root: Path) -> None:
    for content in (
        b"<response><header><resultCode>00</resultCode></header></response>",
        b"<response><header><resultCode>00</resultCode></header><body/></response>",
    ):
        with pytest.raises(Refused, match="<items>"):
            classify_reply(project_root, content)


JSON_ERROR = b'{"OpenAPI_ServiceResponse": {"cmmMsgHeader": {"errMsg": "HTTP_ERROR", \
"returnAuthMsg": "HTTP", "returnReasonCode": "04"}}}'


@pytest.mark.parametrize(
    ("content", "status", "kind", "message"),
    [
        (xml(code="22", message="LIMITED"), 200, QuotaSpent, r"22 \(LIMITED\)"),
        (portal_error("22", "LIMITED_NUMBER"), 200, QuotaSpent, r"22 \(LIMITED_NUMBER 말씀\)"),
        (xml(code="30", message="SERVICE KEY"), 200, Refused, "30 .*https://www.data"),
        (portal_error("30", "SERVICE_KEY"), 403, Refused, "30 .*https://www.data"),
        (portal_error("20", "SERVICE_KEY_IS_NULL"), 401, Refused, "20 .*https://www.data"),
        (portal_error("31", "DEADLINE"), 200, Refused, "31 .*https://www.data"),
        (portal_error("12", "NO_OPENAPI_SERVICE"), 400, Refused, "12 "),
        (portal_error("10", "INVALID_REQUEST"), 200, Refused, "10 "),
        (portal_error("1", "APPLICATION_ERROR"), 200, TryAgain, "APPLICATION_ERROR"),
        (portal_error("99", "UNKNOWN_ERROR"), 200, TryAgain, "UNKNOWN_ERROR"),
        (JSON_ERROR, 200, TryAgain, r"04 \(HTTP_ERROR HTTP\)"),
        (b'{"a": 1}', 200, Refused, "JSON"),
        (xml(code="99", message="1년이내 기간만"), 200, Refused, r"\(99: 1년이내 기간만\)"),
        (b"Unauthorized", 401, Refused, "401.*https://www.data"),
        (b"<html><title>Busy</title></html>", 200, TryAgain, "Busy"),
        (b"<html>Not Found</html>", 404, Refused, "404"),
        (b"", 200, TryAgain, "200"),
        (xml(*ROWS)[:-30], 200, TryAgain, "line 1, column"),
        (b'<!DOCTYPE r [<!ENTITY e "1">]><response/>', 200, TryAgain, "line 1"),
        (b"<other/>", 200, Refused, "<other>"),
        (xml(total(*ROWS), *ROWS[1:]), 200, TryAgain, "expDlr.* 6 rows"),
        (xml(*ROWS, after="<totalCount>9</totalCount>"), 200, TryAgain, "7 rows.* 9"),
        (xml(item("2016.01", "8703", 1, 2, won="7")), 200, Refused, "won.*/1220000"),
    ],
)
def test_a_reply_that_is_no_data_says_what_to_do(
    project_root: Path, content: bytes, status: int, kind: type[ReplyError], message: str
) -> None:
    with pytest.raises(kind, match=message) as raised:
        classify_reply(project_root, content, status)
    assert type(raised.value) is kind
    assert "items_87_US_2016-01_2016-12.xml" in str(raised.value)


def test_the_first_page_announces_the_others_and_each_is_known_by_its_request(
    project_root: Path,
) -> None:
    rows = [total(*ROWS), *ROWS]
    first = chunk_of(project_root, size="3")
    after = "<numOfRows>3</numOfRows><pageNo>1</pageNo><totalCount>8</totalCount>"
    content = xml(*rows[:3], after=after)
    examined = CONNECTOR.classify_reply(first, Reply(200, "application/xml", content))
    assert examined.content == content
    assert [chunk.name for chunk in examined.more] == [
        "items_87_US_2016-01_2016-12_page-0002.xml",
        "items_87_US_2016-01_2016-12_page-0003.xml",
    ]
    assert [dict(chunk.request.parameters)["pageNo"] for chunk in examined.more] == ["2", "3"]
    assert {dict(chunk.request.parameters)["numOfRows"] for chunk in examined.more} == {"3"}
    assert [chunk.covers for chunk in examined.more] == [first.covers] * 2
    last = xml(*rows[6:], after=after.replace(">1<", ">3<"))
    assert CONNECTOR.classify_reply(examined.more[1], Reply(200, "", last)) == ReplyResult(last)
    for cut in (xml(after=after), xml(*rows[6:7], after=after)):
        with pytest.raises(TryAgain, match=" 2 were"):
            CONNECTOR.classify_reply(examined.more[1], Reply(200, "", cut))


def test_a_publisher_that_has_its_own_size_of_page_is_followed(project_root: Path) -> None:
    rows = [total(*ROWS), *ROWS]
    after = "<numOfRows>2</numOfRows><totalCount>8</totalCount>"
    examined = classify_reply(project_root, xml(*rows[:2], after=after))
    assert [dict(chunk.request.parameters)["pageNo"] for chunk in examined.more] == ["2", "3", "4"]
    assert {dict(chunk.request.parameters)["numOfRows"] for chunk in examined.more} == {"2"}


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=30),
    st.integers(1, 31),
)
def test_any_split_into_pages_gives_the_same_rows(values: list[tuple[int, int]], size: int) -> None:
    seeds = Path(__file__).parents[2] / "dbt" / "seeds"
    rows = [item("2016.01", f"87{n:02d}", *pair) for n, pair in enumerate(values)]
    sent = [total(*rows), *rows]
    asked = Selection(date(2016, 1, 1), date(2016, 12, 1), (), ("USA",), "hs4", ("87",))
    [first] = CONNECTOR.plan(asked, seeds, has_key=True).chunks
    waiting, parsed = [first], []
    while waiting:
        chunk = waiting.pop(0)
        page = int(dict(chunk.request.parameters)["pageNo"])
        part = sent[(page - 1) * size : page * size]
        after = f"<numOfRows>{size}</numOfRows><totalCount>{len(sent)}</totalCount>"
        examined = CONNECTOR.classify_reply(
            chunk, Reply(200, "application/xml", xml(*part, after=after))
        )
        file = file_of(chunk.layout, chunk.request.stored_address)
        parsed.append(parse_trade(examined.content, file, PARTNERS))
        waiting.extend(examined.more)
    assert len(parsed) == -(-len(sent) // size)
    keys = ["hs_code", "flow", "value_usd"]
    together = pl.concat([one.frame for one in parsed]).select(keys)
    assert together.equals(parse(*sent).frame.select(keys))


def test_a_key_never_stands_in_a_request_or_a_message(project_root: Path) -> None:
    chunk = chunk_of(project_root)
    assert CONNECTOR.about.key is not None
    assert CONNECTOR.about.key.name not in dict(chunk.request.parameters)
    assert chunk.table in {table.table for table in TABLES}
