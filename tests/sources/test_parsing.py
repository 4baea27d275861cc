"""Tests of files that cannot be read at all."""

from __future__ import annotations

import re

import polars as pl
import pytest
from sources.source_files import numbers_in

from dagster_project.sources.parsing import (
    Check,
    checked_numbers,
    closest,
    read_csv_cells,
    read_json,
    read_xml,
    reject_duplicates,
    reject_faulty,
)
from dagster_project.sources.snapshot import SnapshotError

COLUMNS = ("code", "value")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "some.csv"),
        (b" \n\n", "some.csv"),
        (b"code,value\n01,caf\xe9\n", "byte 17, line 2.*0xe9"),
        (b"code,value\n01,2\n\0\0\0\0", "line 3"),
        (b"<html><title>Invalid Key</title>", "Invalid Key"),
        (b"code,amount\n01,2\n", "line 1.*value.*amount"),
        (b"code,value,extra\n01,2,3\n", "line 1.*extra"),
        (b"code,value,code\n01,2,01\n", "line 1.*code"),
        (b"code,value\n", "some.csv"),
        (b'code,value\n01,"2\n02,3\n', "line 2"),
        (b"code,value\n01,2\n02", "line 3.* 1 of 2"),
        (b"code,value\n01\n", "line 2: 1 "),
    ],
)
def test_a_csv_file_that_cannot_be_used_says_where_and_why(content: bytes, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        read_csv_cells(content, "some.csv", COLUMNS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "reply.xml"),
        (b"<a>\xe9</a>", "byte 3, line 1.*0xe9"),
        ("<?xml version='1.0' encoding='UTF-16'?><a/>".encode("utf-16"), "byte 0, line 1"),
        (b"<!doctype html><html></html>", "<!doctype html>"),
        (b"\n<HTML><title>Busy</title>", "Busy"),
        (b'<?xml version="1.0"?>\n<html/>', "<html/>"),
        (b"<a><b>1</b>", "line 1, column 11"),
        (b"<a>1</a><b/>", "line 1, column 8"),
        (b"error: unknown variable", "error: unknown variable"),
        (b'<!DOCTYPE a [<!ENTITY x "1">]><a>&x;</a>', "line 1"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE a SYSTEM "http://h/a.dtd"><a/>', "line 2"),
        (b"<a>&x;</a>", "line 1, column 3"),
    ],
)
def test_xml_that_cannot_be_used_says_why(content: bytes, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        read_xml(content, "reply.xml")


def test_xml_is_read_as_utf_8_whatever_it_declares() -> None:
    content = "\ufeff<?xml version='1.0' encoding='ISO-8859-1'?><a>총계 &amp; &lt;</a>".encode()
    assert read_xml(content, "reply.xml").text == "총계 & <"


@pytest.mark.slow
def test_xml_that_is_nested_deeply_is_read_and_forgotten_without_harm() -> None:
    depth = 200_000
    root = read_xml(b"<a>" * depth + b"</a>" * depth, "reply.xml")
    assert sum(1 for _ in root.iter()) == depth


def test_codes_keep_their_leading_zeros_and_columns_may_stand_in_any_order() -> None:
    cells, rejects = read_csv_cells(b"value,code\n1,01\n", "some.csv", COLUMNS)
    assert cells.rows(named=True) == [{"row_number": 2, "code": "01", "value": "1"}]
    assert rejects.is_empty()


def test_a_row_of_another_width_is_rejected_and_its_neighbours_kept() -> None:
    content = b"code,value\n01,2\n02\n\n03,4\n04,5,6\n"
    cells, rejects = read_csv_cells(content, "some.csv", COLUMNS)
    assert cells["row_number"].to_list() == [2, 5]
    # The cells of the row, and those of the header.
    assert [(*row, numbers_in(reason)) for *row, reason in rejects.rows()] == [
        (3, None, "02", ["1", "2"]),
        (6, None, "04,5,6", ["3", "2"]),
    ]


def test_the_row_number_is_the_first_line_of_a_record_that_spans_lines() -> None:
    content = b'code,value\n01,"a\nb"\n02,c\n'
    cells, _ = read_csv_cells(content, "some.csv", COLUMNS)
    assert cells.rows() == [(2, "01", "a\nb"), (4, "02", "c")]


def test_a_byte_order_mark_does_not_become_part_of_the_first_name() -> None:
    cells, _ = read_csv_cells("\ufeffcode,value\n01,2\n".encode(), "some.csv", COLUMNS)
    assert cells["code"].to_list() == ["01"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[["a","b"],["1"', "some.json, line 1, column 16"),
        (b'[["a","b"],["1', "line 1, column 13"),
        (b"error: unknown variable 'XYZ'", "line 1, column 1.*XYZ"),
        (b"<!DOCTYPE html><title>Invalid Key</title>", "Invalid Key"),
        (b"", "some.json"),
    ],
)
def test_a_json_file_that_cannot_be_used_says_where_and_why(content: bytes, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        read_json(content, "some.json")


@pytest.mark.parametrize("text", ["1.5e3", "1,234", "n/a", "1.2345678", " 1", "\u0661", "--1", "."])
def test_text_that_is_no_plain_number_is_rejected_not_guessed(text: str) -> None:
    cells = pl.DataFrame({"row_number": [2, 3], "column_name": "v", "text": ["7.5", text]})
    good, rejects = checked_numbers(cells, text="text", value="value", precision=20, scale=6)
    assert good["row_number"].to_list() == [2]
    # The decimals that may be written.
    assert [(*row, numbers_in(reason)) for *row, reason in rejects.rows()] == [
        (3, "v", text, ["6"])
    ]


def test_a_negative_trade_value_is_rejected() -> None:
    cells = pl.DataFrame({"row_number": [2], "column_name": "v", "text": ["-1"]})
    good, rejects = checked_numbers(cells, text="text", value="value", precision=20, scale=0)
    assert good.is_empty()
    # The text is a number, so no form is prescribed.
    assert [(*row, numbers_in(reason)) for *row, reason in rejects.rows()] == [(2, "v", "-1", [])]


def test_repeated_rows_are_kept_once_and_contradicting_rows_not_at_all() -> None:
    frame = pl.DataFrame(
        [(2, "a", 1), (3, "b", 1), (4, "a", 1), (5, "b", 2), (6, "c", 1)],
        schema=["row_number", "key", "value"],
        orient="row",
    )
    kept, rejects = reject_duplicates(frame, ["key"], ["row_number"])
    assert kept.rows() == [(2, "a", 1), (6, "c", 1)]
    # The rows of one key and the first of them, or the row that is repeated.
    assert sorted((*row, numbers_in(reason)) for *row, reason in rejects.rows()) == [
        (3, "b", ["2", "3"]),
        (4, "a", ["2"]),
        (5, "b", ["2", "3"]),
    ]


def test_the_nearest_word_is_offered() -> None:
    known = {"deficit", "surplus"}
    assert known & set(re.findall(r"\w+", closest("defict", known))) == {"deficit"}
    assert known & set(re.findall(r"\w+", closest("zzz", known))) == known


@pytest.mark.parametrize(
    ("value", "allowed", "meant"),
    [
        ("DEFICIT", ("deficit", "exports"), "deficit"),
        ("usd bn", ("USD bn", "USD tn"), "USD bn"),
        # Another code, another number: no misspelling.
        ("WLF", ("WLD", "WLS"), None),
        ("all", ("ALB", "ALL"), "ALL"),
        ("hs3", ("hs2", "hs4"), None),
        ("census:0015", ("census:0016", "census:0025"), None),
    ],
)
def test_a_suggestion_is_a_misspelling_and_no_other_code(
    value: str, allowed: tuple[str, ...], meant: str | None
) -> None:
    words = closest(value, allowed)
    assert words == (f"perhaps {meant}" if meant else f"allowed: {', '.join(allowed)}")
    assert not words.endswith(("?", "."))


@pytest.mark.parametrize("first", ["y", "x", None])
@pytest.mark.parametrize("second", ["y", "x", None])
def test_a_fault_is_found_whether_or_not_all_rows_share_it(
    first: str | None, second: str | None
) -> None:
    """Checks of a column that is the same throughout look at one row, and reject them all."""
    cells = pl.DataFrame(
        {"row_number": [2, 3], "flag": pl.Series([first, second], dtype=pl.String)}
    )
    reasons = {"x": "an x", None: "the field is empty"}
    checks = [
        Check(pl.col("flag").eq_missing(pl.lit(flag, pl.String)), "flag", reason)
        for flag, reason in reasons.items()
    ]
    kept, rejects = reject_faulty(cells, checks)
    given = [(2, first), (3, second)]
    assert kept.rows() == [row for row in given if row[1] == "y"]
    assert sorted(
        row for _, bad in rejects for row in bad.select("row_number", "reason").rows()
    ) == [(place, reasons[flag]) for place, flag in given if flag in reasons]
