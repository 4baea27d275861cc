"""Files of CSV, JSON and XML: what is read of them, and what is said of those that cannot be."""

from __future__ import annotations

import resource
from collections.abc import Callable

import pytest
from sources.source_files import numbers_in

from dagster_project.sources.formats import MOST_VALUES, read_csv_cells, read_json, read_xml
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
        (b"code,value\n01,2\n02", "line 3.*end of line"),
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


@pytest.mark.parametrize(
    ("read", "content"),
    [
        (read_json, b"\xef\xbb\xbf [" + b"[]," * (MOST_VALUES // 2) + b"[]]"),
        (read_json, b'{"a":[' + b"1," * MOST_VALUES + b"1]}"),
        (read_xml, b"<a>" + b'<b c="1"/>' * (MOST_VALUES // 2) + b"</a>"),
    ],
    ids=["lists", "numbers", "attributes"],
)
def test_more_values_than_fit_in_memory_are_refused_before_they_are_read(
    read: Callable[[bytes, str], object], content: bytes
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SnapshotError, match=f"{MOST_VALUES:,} values"):
        read(content, "dense")
    # Kilobytes: less than the text alone would take.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000


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
