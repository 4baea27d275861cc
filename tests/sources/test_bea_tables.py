"""BEA's tables for download: trade by area, and with the world."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
from sources.source_files import reject_rows, snapshot_file, workbook_bytes

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.bea_ita import SCHEMA, TABLES
from dagster_project.sources.bea_ita.tables import LAYOUT
from dagster_project.sources.parsing import Parsed
from dagster_project.sources.snapshot import SnapshotError

SEEDS = PROJECT_ROOT / "dbt" / "seeds"
UNIT = "[Millions of dollars, quarters seasonally adjusted]"
Row = Sequence[object]


def parse(content: bytes, known_from: date = date(2025, 3, 6)) -> Parsed:
    return TABLES[0].parser(SEEDS)(content, snapshot_file(LAYOUT, "tables.xlsx", known_from))


def table(subject: str, header: Row, *rows: Row, unit: str = UNIT) -> list[Row]:
    return [
        ["Last updated March 6, 2025"],
        ["Table 4. U.S. International Trade by Selected Countries and Areas"],
        [subject],
        [unit],
        [],
        ["Period", *header],
        ["Annual"],
        *rows,
        [],
        ["(R) Revised"],
        ["n.a. Not available"],
        ["www.bea.gov/help"],
    ]


def as_csv(rows: Sequence[Row]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def test_years_and_quarters_of_one_column_become_figures_of_their_own() -> None:
    rows = table(
        "Exports of Goods",
        ["Korea, South", "South/\nCentral America"],
        ["2016", 42914, "1,234"],
        ["Quarterly"],
        ["2024 3 (R)", 16000, 51730],
        ["2024 4", 16001, 52694],
    )
    parsed = parse(workbook_bytes({"Readme": [["Last updated"]], "Table 4": rows}))
    assert dict(parsed.frame.schema) == SCHEMA
    assert parsed.rejects.is_empty()
    assert parsed.frame.row(0, named=True) == {
        "row_number": 8,
        "column_name": "Table 4!Korea, South",
        "indicator": "ExpGds",
        "area_or_country": "SouthKorea",
        "frequency": "A",
        "time_period": "2016",
        "year": 2016,
        "first_month": 1,
        "last_month": 12,
        "time_series_id": None,
        "time_series_description": "Exports of Goods",
        "unit": "USD",
        "unit_multiplier": 6,
        "value": Decimal(42914),
        "rounding": Decimal(1),
    }
    shown = parsed.frame.select(
        "area_or_country", "frequency", "time_period", "first_month", "value"
    )
    assert shown.rows()[1:] == [
        ("SouthAndCenAm", "A", "2016", 1, Decimal(1234)),
        ("SouthKorea", "QSA", "2024Q3", 7, Decimal(16000)),
        ("SouthAndCenAm", "QSA", "2024Q3", 7, Decimal(51730)),
        ("SouthKorea", "QSA", "2024Q4", 10, Decimal(16001)),
        ("SouthAndCenAm", "QSA", "2024Q4", 10, Decimal(52694)),
    ]


@pytest.mark.parametrize(
    ("subject", "indicator"),
    [
        ("Exports of Goods", "ExpGds"),
        ("Imports of Services", "ImpServ"),
        ("Exports of Goods and Services", "ExpGdsServ"),
    ],
)
def test_the_subject_of_a_table_is_its_indicator(subject: str, indicator: str) -> None:
    parsed = parse(as_csv(table(subject, ["China"], ["2016", 5])))
    assert parsed.frame["indicator"].to_list() == [indicator]


def test_marks_are_counted_and_balances_are_left_out_with_their_number() -> None:
    header = ["Vietnam", "All other countries", "CAFTA-DR", "European Union"]
    parsed = parse(as_csv(table("Imports of Services", header, ["1999", "n.a.", "(*)", "(D)", 7])))
    assert parsed.frame.select("area_or_country", "value").rows() == [("EU", Decimal(7))]
    assert [bad[:3] for bad in reject_rows(parsed.rejects)] == [
        (8, "Vietnam", "n.a."),
        (8, "All other countries", "(*)"),
        (8, "CAFTA-DR", "(D)"),
    ]
    balance = table("Balance on Goods", ["China"], ["2015", -5], ["2016", -6])
    goods = table("Exports of Goods", ["China"], ["2016", 5])
    both = parse(workbook_bytes({"Table 6": balance, "Table 4": goods}))
    assert both.frame["value"].to_list() == [Decimal(5)]
    row, column, value, reason = reject_rows(both.rejects)[0]
    assert (row, column, value) == (8, "Table 6!China", "Balance on Goods")
    assert "2 are not read" in reason


def test_the_table_of_the_world_has_flows_over_goods_and_services() -> None:
    rows = [
        ["Table 1. U.S. International Trade in Goods and Services"],
        ["Exports, Imports, and Balances"],
        ["[Millions of dollars, months seasonally adjusted]"],
        ["Period", "", "Balance", "", "", "Exports", "", "", "Imports", ""],
        ["", *["Total", "Goods 1", "Services"] * 3],
        ["2024", 1, 2, 3, 3190606, 2083247, 1107358, 4108441, 3296236, 812205],
        ["Monthly"],
        ["2025 Feb (R)", 1, 2, 3, 278000, 181897, 96103, 401195, 328939, 72256],
        ["1 Data are presented on a balance of payments basis."],
    ]
    parsed = parse(as_csv(rows))
    assert set(parsed.frame["area_or_country"]) == {"AllCountries"}
    shown = parsed.frame.select("indicator", "frequency", "time_period", "value").rows()
    assert shown[:2] == [
        ("ExpGdsServ", "A", "2024", Decimal(3190606)),
        ("ExpGds", "A", "2024", Decimal(2083247)),
    ]
    assert shown[-1] == ("ImpServ", "MSA", "2025M02", Decimal(72256))
    assert parsed.rejects["value"].to_list() == [
        "Balance of Goods and Services",
        "Balance of Goods",
        "Balance of Services",
    ]


@pytest.mark.parametrize(
    ("header", "row", "column"),
    [
        (["Atlantis"], ["2016", 5], "Atlantis"),
        (["China"], ["2016", -5], "China"),
        (["China"], ["2016", "5 bn"], "China"),
        (["China"], ["2025 1", 5], "China"),
        (["China"], ["2025", 5], "China"),
        (["China"], ["2024 Foo", 5], "China"),
    ],
)
def test_a_bad_cell_is_rejected_and_its_neighbour_kept(header: Row, row: Row, column: str) -> None:
    parsed = parse(as_csv(table("Exports of Goods", [*header, "Japan"], ["2015", 1, 2], row)))
    assert Decimal(2) in parsed.frame["value"].to_list()
    assert (9, column) in [bad[:2] for bad in reject_rows(parsed.rejects)]


def test_a_table_without_a_unit_is_refused() -> None:
    with pytest.raises(SnapshotError, match="Millions of dollars"):
        parse(as_csv(table("Exports of Goods", ["China"], ["2016", 5], unit="[Index]")))


def test_the_tables_are_recognised_as_workbook_and_as_csv() -> None:
    rows = table("Exports of Goods", ["China"], ["2016", 5])
    detect = TABLES[0].layout_detectors[LAYOUT]
    assert detect(as_csv(rows), "data.bin")
    assert detect(workbook_bytes({"Readme": [["a"]], "Table 4": rows}), "data.bin")
    assert not detect(as_csv([["Period", "China"], ["2016", 5]]), "data.bin")
