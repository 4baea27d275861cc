"""Downloads of the Korea Customs Service's site: workbooks, and their sheet as CSV."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
from sources.source_files import reject_rows, snapshot_file, workbook_bytes

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.korea_customs import SCHEMA, TABLES
from dagster_project.sources.korea_customs.downloads import LAYOUT
from dagster_project.sources.parsing import Parsed
from dagster_project.sources.snapshot import SnapshotError

SEEDS = PROJECT_ROOT / "dbt" / "seeds"
BY_CHAPTER = ["기간", "품목명", "품목코드", "국가명", "수출중량", "수입중량"]
VALUES = ["수출금액", "수입금액", "무역수지"]
BY_COUNTRY = ["기간", "국가명", *VALUES]
Row = Sequence[object]


def parse(content: bytes, known_from: date = date(2026, 11, 30)) -> Parsed:
    return TABLES[0].parser(SEEDS)(content, snapshot_file(LAYOUT, "data.xlsx", known_from))


def as_csv(*rows: Row, encoding: str = "utf-8") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode(encoding)


def made_on(content: bytes, day: str) -> bytes:
    """A workbook that says when it was created."""
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a") as archive:
        core = f"<dcterms:created xsi:type='dcterms:W3CDTF'>{day}T01:51:47Z</dcterms:created>"
        archive.writestr("docProps/core.xml", f"<cp:coreProperties>{core}</cp:coreProperties>")
    return buffer.getvalue()


def test_a_row_becomes_one_figure_per_flow_in_dollars() -> None:
    row = ["2016", "살아 있는 동물", "01", "일본", "7.0", "40.5", "293", "4,280", "-3,987"]
    for content in (
        workbook_bytes({"실적": [[*BY_CHAPTER, *VALUES], row]}),
        as_csv([*BY_CHAPTER, *VALUES], row),
        as_csv([*BY_CHAPTER, *VALUES], row, encoding="cp949"),
    ):
        parsed = parse(content)
        assert dict(parsed.frame.schema) == SCHEMA
        shared = ("download", "JP", 2016, None, "hs2", "01", "")
        assert parsed.frame.rows() == [
            (2, "수출금액", *shared, "export", Decimal(293000), 1000),
            (2, "수입금액", *shared, "import", Decimal(4280000), 1000),
        ]
        assert parsed.rejects.is_empty()
        assert TABLES[0].layout_detectors[LAYOUT](content, "data.bin")


def test_periods_are_years_or_months_and_the_unit_may_be_in_the_header() -> None:
    header = ["기간", "국가", "수출 금액(USD)", "수입 금액(USD)", "무역수지(USD)"]
    parsed = parse(
        as_csv(
            ["(단위 : USD)"],
            header,
            *([text, "미국", 5, 2, 3] for text in ("2016.05", "2016년 12월")),
        )
    )
    found = parsed.frame.select("month", "unit_usd", "value_usd").rows()
    assert found == [
        (5, 1, Decimal(5)),
        (5, 1, Decimal(2)),
        (12, 1, Decimal(5)),
        (12, 1, Decimal(2)),
    ]


def test_half_a_year_does_not_pass_for_the_year() -> None:
    rows = [BY_COUNTRY, ["2017", "미국", 68_609, 50_749, 17_860], ["2018", "미국", 5, 2, 3]]
    book = workbook_bytes({"실적": rows})
    for parsed in (
        parse(made_on(book, "2018-08-11")),
        parse(book, known_from=date(2018, 11, 1)),
        parse(book, known_from=date(2019, 1, 10)),
    ):
        assert set(parsed.frame["year"]) == {2017}
        assert [bad[:3] for bad in reject_rows(parsed.rejects)] == [(3, "기간", "2018")]
    assert set(parse(made_on(book, "2019-08-11")).frame["year"]) == {2017, 2018}


def test_part_of_a_month_does_not_pass_for_the_month() -> None:
    rows = [BY_COUNTRY, ["2018.07", "미국", 9, 2, 7], ["2018.08", "미국", 5, 2, 3]]
    book = workbook_bytes({"실적": rows})
    early, whole = parse(made_on(book, "2018-08-11")), parse(made_on(book, "2018-08-31"))
    assert set(early.frame["month"]) == {7}
    assert [row[1] for row in reject_rows(early.rejects)] == ["기간"]
    assert set(whole.frame["month"]) == {7, 8}


def test_the_row_of_totals_is_compared_and_left_out() -> None:
    rows = [["2016", "미국", "1,000", 2, 998], ["2016", "일본", 5, "3,000", "-2,995"]]
    parsed = parse(as_csv(BY_COUNTRY, ["총계", "", "1,005", "3,002", "-1,997"], *rows))
    assert parsed.frame["country_code"].to_list() == ["US", "US", "JP", "JP"]
    assert [bad[:3] for bad in reject_rows(parsed.rejects)] == [(2, "기간", "총계")]
    with pytest.raises(SnapshotError, match=r"수출금액.*1,105.*1,005"):
        parse(as_csv(BY_COUNTRY, ["총계", "", "1,105", "3,002", "-1,897"], *rows))


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (["2016", "아틀란티스", 5, 2, 3], "국가명"),
        (["2016", "", 5, 2, 3], "국가명"),
        (["16", "미국", 5, 2, 3], "기간"),
        (["2016.13", "미국", 5, 2, 3], "기간"),
        (["2027.01", "미국", 5, 2, 3], "기간"),
        (["2016", "미국", "5.5", 2, 3], "수출금액"),
        (["2016", "미국", 5, -2, 7], "수입금액"),
        (["2016", "미국", 2, 5, 3], "무역수지"),
        (["2016", "미국", 2], None),
    ],
)
def test_a_bad_row_is_rejected_and_its_neighbour_kept(row: Row, column: str | None) -> None:
    parsed = parse(as_csv(BY_COUNTRY, row, ["2016", "일본", 5, 2, 3]))
    assert set(parsed.frame["country_code"]) == {"JP"}
    assert [bad[:2] for bad in reject_rows(parsed.rejects)] == [(2, column)]


def test_columns_that_are_missing_or_unknown_are_named() -> None:
    for header, word in (
        (["기간", "품목코드", *VALUES], "국가명"),
        (["기간", "국가명", "수출금액", "무역수지"], "수입금액"),
        ([*BY_COUNTRY, "세율"], "세율"),
    ):
        with pytest.raises(SnapshotError, match=re.escape(word)):
            parse(as_csv(header, ["2016", *["1"] * (len(header) - 1)]))


def test_areas_that_are_no_country_stay_areas_of_the_publisher() -> None:
    names = ("대만", "콩고", "콩고민주공화국", "기타국", "국제통화기금", "자이르", "네덜란드 열도")
    parsed = parse(as_csv(BY_COUNTRY, *(["2016", name, 1, 0, 1] for name in names)))
    codes = parsed.frame.filter(flow="export")["country_code"].to_list()
    assert codes == ["TW", "CG", "CD", "ZZ", "Z1", "ZR", "AN"]
