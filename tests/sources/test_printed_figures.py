"""Tests of quoted figures."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sources.source_files import csv_bytes, reject_rows, snapshot_file

from dagster_project.sources.parsing import Parsed
from dagster_project.sources.printed_figures import SCHEMA, parse_figures
from dagster_project.sources.snapshot import SnapshotError

FILE = snapshot_file("published_figures", "figures.csv")
FIGURE = {
    "publisher": "USTR",
    "dataset_or_page": "Korea country page",
    "published": "2017",
    "reporter": "USA",
    "partner": "KOR",
    "trade_kind": "goods",
    "measure": "balance",
    "export_concept": "total",
    "import_concept": "general",
    "valuation": "",
    "account_basis": "census",
    "period": "2016",
    "value": "-27.7",
    "unit": "USD bn",
    "rounding": "0.1",
    "address": "example.org",
}


def figures(*changes: dict[str, str]) -> Parsed:
    content = csv_bytes(tuple(FIGURE), [{**FIGURE, **change} for change in changes])
    return parse_figures(content, FILE, {"USA", "KOR"}, {"USD bn", "USD mn"})


def test_a_printed_figure_keeps_its_words_and_its_exact_value() -> None:
    parsed = figures({})
    assert dict(parsed.frame.schema) == SCHEMA
    row = parsed.frame.row(0, named=True)
    assert row == {
        **FIGURE,
        "row_number": 2,
        "column_name": "value",
        "valuation": None,
        "value": Decimal("-27.7"),
        "rounding": Decimal("0.1"),
    }
    assert parsed.rejects.is_empty()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("publisher", ""),
        ("reporter", "US"),
        ("published", "early 2017"),
        ("period", "2016-13"),
        ("unit", "bn"),
        ("value", "27,7"),
        ("rounding", "0.0"),
        ("rounding", "-0.1"),
        ("rounding", "x"),
    ],
)
def test_a_bad_figure_is_rejected_and_its_neighbour_kept(column: str, value: str) -> None:
    parsed = figures({}, {column: value})
    assert parsed.frame["row_number"].to_list() == [2]
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [(3, column, value)]
    assert parsed.rejects["reason"].item()


def test_a_list_without_a_column_names_it() -> None:
    header = [column for column in FIGURE if column != "rounding"]
    content = csv_bytes(header, [{column: FIGURE[column] for column in header}])
    with pytest.raises(SnapshotError, match=r"figures\.csv, line 1.*rounding"):
        parse_figures(content, FILE, {"USA"}, {"USD bn"})
