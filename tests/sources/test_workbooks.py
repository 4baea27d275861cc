"""Workbooks: their sheets as text, the part that has a layout, and their limits."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import pytest
from sources.source_files import workbook_bytes

from dagster_project.sources import workbooks
from dagster_project.sources.formats import shows
from dagster_project.sources.snapshot import SnapshotError
from dagster_project.sources.workbooks import (
    as_csv,
    part_with_layout,
    readable,
    workbook_sheets,
)


def test_cells_are_text_without_the_noise_of_a_spreadsheet() -> None:
    book = workbook_bytes(
        {
            "A": [
                ["code", "whole", "noise", "minus", "day", "flag"],
                ["0101", 842.0, 0.1 + 0.2, -1.25, date(2016, 12, 31), True],
                [" x ", 575700000000, 1e15, -0.30000000000000004, None, False],
            ],
            "empty": [],
        }
    )
    sheets = workbook_sheets(book, "a.xlsx")
    assert list(sheets) == ["A", "empty"]
    assert sheets["A"].columns == [f"column_{place}" for place in range(1, 7)]
    assert sheets["A"].rows()[1:] == [
        ("0101", "842", "0.3", "-1.25", "2016-12-31", "true"),
        ("x", "575700000000", "1000000000000000", "-0.3", "", "false"),
    ]
    assert sheets["empty"].is_empty()


def test_line_n_of_the_csv_is_row_n_of_the_sheet() -> None:
    book = workbook_bytes({"A": [[], ["a", "b"], [None, None], ["two\nlines", 'q",'], [1]]})
    lines = as_csv(workbook_sheets(book, "a.xlsx")["A"]).decode().splitlines()
    assert lines == ["", "a,b", "", 'two lines,"q"","', '1,""']


def test_the_first_sheet_with_the_layout_is_read_as_csv() -> None:
    book = workbook_bytes(
        {"Notes": [["read me"]], "Data": [["a", "b"], ["01", 2]], "More": [["a", "b"], [3, 4]]}
    )
    assert part_with_layout(book, "a.xlsx", shows("a,b")) == b"a,b\n01,2\n"
    assert part_with_layout(book, "a.xlsx", shows("c,d")) is None
    assert part_with_layout(book, "a.xlsx", lambda content, _name: content == book) == book
    with pytest.raises(SnapshotError, match=r"a.xlsx: .*Notes, Data, More.*mine"):
        readable(book, "a.xlsx", "mine", shows("c,d"))
    assert readable(b"anything", "a.csv", "mine", shows("c,d")) == b"anything"


def test_a_workbook_that_cannot_be_opened_says_so() -> None:
    whole = workbook_bytes({"A": [["a"]]})
    with pytest.raises(SnapshotError, match=r"a.xlsx: not a complete workbook"):
        workbook_sheets(whole[:-100], "a.xlsx")
    with pytest.raises(SnapshotError, match=r"a.xls: a workbook that cannot be read"):
        workbook_sheets(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.xls")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("data.csv", "a,b\n")
    with pytest.raises(SnapshotError, match=r"a.zip: a zip archive, but no workbook"):
        workbook_sheets(packed.getvalue(), "a.zip")


def test_a_workbook_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    far = workbook_bytes({"A": [["a"]]})
    with zipfile.ZipFile(io.BytesIO(far)) as archive:
        parts = {part.filename: archive.read(part) for part in archive.infolist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b'r="A1"', b'r="XFD1048576"')
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(SnapshotError, match=f"{16_384 * 1_048_576:,} cells"):
        workbook_sheets(packed.getvalue(), "a.xlsx")
    monkeypatch.setattr(workbooks, "MOST_BYTES", 1000)
    with pytest.raises(SnapshotError, match="bytes when unpacked"):
        workbook_sheets(workbook_bytes({"A": [["a"], ["b"]]}), "a.xlsx")
