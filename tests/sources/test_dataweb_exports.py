"""Exports of USITC DataWeb's page: workbooks, and their sheets as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
from sources.source_files import reject_rows, snapshot_file, workbook_bytes

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.parsing import Parsed
from dagster_project.sources.snapshot import SnapshotError
from dagster_project.sources.usitc_dataweb import SCHEMA, TABLES
from dagster_project.sources.usitc_dataweb.exports import LAYOUT, span_of

SEEDS = PROJECT_ROOT / "dbt" / "seeds"
DATED = date(2026, 11, 30)
Row = Sequence[object]


def parse(content: bytes, known_from: date = DATED) -> Parsed:
    file = snapshot_file(LAYOUT, "DataWeb-Query-Export.xlsx", known_from)
    return TABLES[0].parser(SEEDS)(content, file)


def sheet(
    header: Row,
    *rows: Row,
    flow: str = "General Imports",
    time: str = "Annual Data",
    count: int = -1,
) -> list[Row]:
    announced = len([row for row in rows if row[0] != "Total: "]) if count < 0 else count
    return [[f"{flow}|{time}"], ["Data Row Count", announced], header, *rows]


def as_csv(rows: Sequence[Row], delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode()


def parameters(**changes: str) -> list[Row]:
    stated = {
        "downloaded": "2025-10-11 13:15:17.519",
        "flow": "Imports For Consumption",
        "system": "HTS Items",
        "scale": "1",
        "years": "2023",
        "countries": "Use All Countries",
        "country_list": "",
        "commodities": "Use All Commodities",
        "commodity_list": "",
        "districts": "Use All Districts",
        **changes,
    }
    period = [
        [name, stated[key]]
        for key, name in (
            ("start_month", "Start Month"),
            ("end_month", "End Month"),
            ("start_date", "Start Date"),
            ("end_date", "End Date"),
        )
        if key in stated
    ]
    return [
        ["Download Date", stated["downloaded"]],
        ["Step 1: Trade Flow and Classification System"],
        ["Trade Flow", stated["flow"]],
        ["Classification System", stated["system"]],
        ["Step 2: Data and Years"],
        ["Data Format", stated["scale"]],
        *period,
        ["Years", stated["years"]],
        ["Step 3: Countries"],
        ["Select Type", stated["countries"]],
        ["Country List", stated["country_list"]],
        ["Step 4: Commodities"],
        ["Select Type", stated["commodities"]],
        ["Commodity List", stated["commodity_list"]],
        ["Step 7: Districts"],
        ["Select Type", stated["districts"]],
    ]


def book(*sheets: Sequence[Row], **changes: str) -> bytes:
    named = {f"Sheet {n}": rows for n, rows in enumerate(sheets, start=1)}
    return workbook_bytes({"Query Parameters": parameters(**changes), **named})


def values(parsed: Parsed, *columns: str) -> list[tuple[object, ...]]:
    return parsed.frame.select(*columns, "value_usd").rows()


# -- what is in an export


def test_the_title_and_the_data_type_say_flow_and_measure() -> None:
    rows = sheet(
        ["Data Type", "Country", "2015", "2016"],
        ["General Customs Value", "China", "483,201,655,000", "462420000000.00"],
        ["General Customs Value", "Montserrat ", "0.00", "7"],
        ["Total: ", "", "483,201,655,000", "462,420,000,007"],
        time="Annual data for 2015,2016",
    )
    for delimiter in (",", ";"):
        parsed = parse(as_csv(rows, delimiter))
        assert dict(parsed.frame.schema) == SCHEMA
        assert parsed.frame.row(0, named=True) == {
            "row_number": 4,
            "column_name": "2015",
            "trade_type": "GenImp",
            "dataweb_measure": "GEN_CUSTOMS_VALUE",
            "timeline": "Annual",
            "country_aggregation": "Break Out Countries",
            "partner_name": "China",
            "partner_code": "CHN",
            "commodity_level": "total",
            "chapter": None,
            "commodity_code": "total",
            "commodity_name": None,
            "year": 2015,
            "month": None,
            "last_month": 12,
            "value_usd": Decimal(483201655000),
        }
        assert values(parsed, "partner_code", "year")[1:] == [
            ("CHN", 2016, Decimal(462420000000)),
            ("MSR", 2015, Decimal(0)),
            ("MSR", 2016, Decimal(7)),
        ]
        assert [bad[:3] for bad in reject_rows(parsed.rejects)] == [(6, "Data Type", "Total:")]


def test_sheets_of_a_workbook_are_measures_and_quantities_are_left_out_with_their_number() -> None:
    header = ["Data Type", "Country", "Year", "HTS Number", "Description"]
    parsed = parse(
        book(
            [[*header, "Customs Value"], ["Customs Value", "Japan", "2023", "07", "VEG", 10]],
            [
                [*header, "Import Charges"],
                ["Charges, Insurance, and Freight", "Japan", "2023", "07", "VEG", 2],
            ],
            # Without a year, it is that of the query.
            [
                ["Data Type", "Country", "HTS Number", "CIF Import Value"],
                ["CIF Import Value", "Japan", "07", 12],
            ],
            [
                [*header, "Quantity Description", "2023", "2023_Suppressed"],
                ["First Unit of Quantity", "Japan", "", "07", "VEG", "kilograms", 3, "N"],
                ["First Unit of Quantity", "Japan", "", "08", "NUT", "kilograms", 4, "N"],
            ],
            [
                [*header, "Landed Duty-Paid Value"],
                ["Landed Duty-Paid Value", "Japan", "2023", "07", "VEG", 13],
            ],
        )
    )
    assert values(parsed, "column_name", "dataweb_measure", "year", "commodity_code") == [
        ("Sheet 1!Customs Value", "CONS_CUSTOMS_VALUE", 2023, "07", Decimal(10)),
        ("Sheet 2!Import Charges", "CONS_CHARGES_INS_FREIGHT", 2023, "07", Decimal(2)),
        ("Sheet 3!CIF Import Value", "CONS_COST_INS_FREIGHT", 2023, "07", Decimal(12)),
    ]
    assert [(row, column) for row, column, *_ in reject_rows(parsed.rejects)] == [
        (2, "Sheet 4!Data Type"),
        (2, "Sheet 5!Data Type"),
    ]
    assert "2 rows" in parsed.rejects["reason"][0]


def test_months_are_columns_or_rows_or_both_names() -> None:
    across = sheet(
        ["Data Type", "Country", "Year", "January", "February"],
        ["General Customs Value", "Australia", "2024", "814426.00", ""],
        time="Monthly data for 2024",
    )
    assert values(parse(as_csv(across)), "year", "month") == [(2024, 1, Decimal(814426))]
    named = sheet(
        ["Data Type", "Country", "Jan 2011", "February_2011"],
        ["General Customs Value", "Australia", "1", "2"],
    )
    assert values(parse(as_csv(named)), "year", "month") == [
        (2011, 1, Decimal(1)),
        (2011, 2, Decimal(2)),
    ]
    down = book(
        [
            ["Data Type", "SITC Number", "Year", "Month", "FAS Value"],
            ["FAS Value", "0", "2011", "1", 6975981388],
        ],
        flow="Domestic Exports",
        system="SITC Codes",
    )
    found = parse(down).frame.row(0, named=True)
    assert (found["commodity_level"], found["month"], found["partner_code"]) == ("SITC1", 1, "WLD")


def test_rows_that_differ_in_the_unit_of_the_quantity_are_one_figure() -> None:
    rows = sheet(
        ["Data Type", "Country", "HTS Number", "Quantity Description", "2016"],
        ["General Customs Value", "Japan", "8505", "Value for: kilograms", "5"],
        ["General Customs Value", "Japan", "8505", "Value for: number", "6"],
    )
    assert values(parse(as_csv(rows)), "row_number", "commodity_code") == [(4, "8505", Decimal(11))]


# -- years that are not whole


@pytest.mark.parametrize(
    ("label", "span"),
    [
        ("2016", (2016, None, False, False)),
        ("January", (None, 1, False, False)),
        ("Jan 2011", (2011, 1, False, False)),
        ("January_2024_to_december_2024", (2024, None, False, True)),
        ("January_2025_to_august_2025", (2025, None, True, False)),
        ("Jan-Jul 2025", (2025, None, True, False)),
        ("July_2024_to_june_2025", (2025, None, True, False)),
        ("2025_Year_to_date", (2025, None, True, False)),
        ("2025 Year to Date", (2025, None, True, False)),
        ("1993_Suppressed", None),
        ("Change 2015-2016", None),
        ("Special Import Program", None),
    ],
)
def test_the_label_of_a_column_says_its_months(label: str, span: tuple[object, ...] | None) -> None:
    found = span_of(label)
    shown = found and (found.year, found.month, bool(found.part), found.is_custom)
    assert shown == span


@pytest.mark.parametrize(
    ("label", "changes"),
    [
        ("January_2025_to_august_2025", {}),
        ("2023_Year_to_date", {}),
        ("2025", {}),
        ("2023", {"start_month": "01", "end_month": "08"}),
        ("2023", {"start_date": "05/2010", "end_date": "10/2023"}),
    ],
)
def test_a_part_of_a_year_does_not_pass_for_the_year(label: str, changes: dict[str, str]) -> None:
    rows = sheet(
        ["Data Type", "Country", "2022", label],
        ["Customs Value", "Japan", 5, 6],
        flow="Imports For Consumption",
    )
    if changes:
        del rows[2][2], rows[3][2]  # ty: ignore
    parsed = parse(book(rows, **changes))
    assert parsed.frame["year"].to_list() == ([] if changes else [2022])
    assert [(row, column) for row, column, *_ in reject_rows(parsed.rejects)] == [
        (4, f"Sheet 1!{label}")
    ]


def test_the_last_years_of_zeros_are_not_figures_if_nothing_says_when_they_were_exported() -> None:
    rows = sheet(
        ["Data Type", "Country", "2019", "2020", "2024", "2025"],
        ["General Customs Value", "Japan", "0", "1.00", "0.00", "0"],
    )
    parsed = parse(as_csv(rows))
    assert parsed.frame["year"].to_list() == [2019, 2020]
    assert parsed.rejects["column_name"].to_list() == ["2024", "2025"]
    custom = sheet(
        ["Data Type", "Country", "January_2024_to_december_2024"],
        ["General Customs Value", "Japan", "5"],
    )
    assert parse(as_csv(custom)).frame.is_empty()
    assert parse(book(custom)).frame["year"].to_list() == [2024]


# -- completeness


def test_missing_rows_are_named_and_the_others_kept() -> None:
    rows = sheet(
        ["Data Type", "Country", "2015"], ["General Customs Value", "Mexico", "5"], count=4
    )
    parsed = parse(as_csv(rows))
    assert values(parsed, "partner_code") == [("MEX", Decimal(5))]
    row, column, value, reason = reject_rows(parsed.rejects)[0]
    assert (row, column, value) == (2, "Data Row Count", "4")
    assert re.search("1 rows .*announces 4", reason)


def test_rows_that_do_not_add_up_to_the_total_are_refused() -> None:
    rows = sheet(
        ["Data Type", "Country", "2015", "2016"],
        ["General Customs Value", "Mexico", "5", "1"],
        ["Total: ", "", "5", "1,002"],
    )
    with pytest.raises(SnapshotError, match=r"row 5, column 2016.*1,002"):
        parse(as_csv(rows))


# -- what restricts a query


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"districts": "Select Individual Districts"}, "districts"),
        ({"scale": "1,000"}, "1,000"),
        ({"flow": "Gold"}, "Gold"),
        (
            {"countries": "Select Individual Countries", "country_list": "China, Japan"},
            "China, Japan",
        ),
        (
            {"commodities": "Select Individual Commodities", "commodity_list": "8703, 8704"},
            "8703, 8704",
        ),
    ],
)
def test_a_part_of_the_trade_does_not_pass_for_the_whole(
    changes: dict[str, str], message: str
) -> None:
    rows = [["Data Type", "Year", "Customs Value"], ["Customs Value", "2023", "5"]]
    with pytest.raises(SnapshotError, match=message):
        parse(book(rows, **changes))


def test_the_one_country_and_the_one_code_of_a_query_are_those_of_its_figures() -> None:
    rows = [["Data Type", "Year", "Customs Value"], ["Customs Value", "2023", "5"]]
    parsed = parse(
        book(
            rows,
            countries="Select Individual Countries",
            country_list="China",
            commodities="Select Individual Commodities",
            commodity_list="8703",
        )
    )
    assert values(parsed, "partner_code", "commodity_level", "commodity_code") == [
        ("CHN", "HTS4", "8703", Decimal(5))
    ]
    assert values(parse(book(rows)), "partner_code", "commodity_level") == [
        ("WLD", "total", Decimal(5))
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (sheet(["Data Type", "2016"], ["General Customs Value", "5"]), "Country"),
        ([["Data Type", "Country", "2016"], ["FAS Value", "Japan", "5"]], "trade flow"),
        (
            [["Data Type", "Country", "CIF Import Value"], ["CIF Import Value", "Japan", "5"]],
            "year",
        ),
        (
            sheet(
                ["Data Type", "Country", "District", "2016"],
                ["General Customs Value", "Japan", "", "5"],
            ),
            "District",
        ),
        (parameters(), "parameters"),
    ],
)
def test_a_sheet_that_does_not_say_enough_is_refused(rows: Sequence[Row], message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        parse(as_csv(rows))


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (["Happiness", "Japan", "01", "5"], "Data Type"),
        (["General Customs Value", "Atlantis", "01", "5"], "Country"),
        (["General Customs Value", "Japan", "1", "5"], "HTS Number"),
        (["General Customs Value", "Japan", "01", "5.5"], "2016"),
        (["General Customs Value", "Japan", "01", "-5"], "2016"),
        (["General Customs Value", "Japan"], None),
    ],
)
def test_a_bad_row_is_rejected_and_its_neighbour_kept(row: Row, column: str | None) -> None:
    good = ["General Customs Value", "South Korea", "01", "7"]
    parsed = parse(as_csv(sheet(["Data Type", "Country", "HTS Number", "2016"], row, good)))
    assert values(parsed, "partner_code") == [("KOR", Decimal(7))]
    assert [bad[:2] for bad in reject_rows(parsed.rejects)] == [(4, column)]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Czechia (Czech Republic)", "CZE"),
        ("Côte d`Ivoire", "CIV"),
        ("Democratic Republic of the Congo", "COD"),
        ("Republic of the Congo", "COG"),
        ("Soviet Union", "SUN"),
        ("Yugoslavia", "YUG"),
        ("East Germany", "DDR"),
        ("West Bank", "census:5083"),
        ("Transshipment", "census:8220"),
    ],
)
def test_the_names_of_the_page_are_those_of_the_partners_they_were(name: str, code: str) -> None:
    rows = sheet(["Data Type", "Country", "1990"], ["General Customs Value", name, "5"])
    assert parse(as_csv(rows)).frame["partner_code"].to_list() == [code]


def test_an_export_is_recognised_as_workbook_and_as_csv() -> None:
    rows = sheet(["Data Type", "Country", "1990"], ["General Customs Value", "Japan", "5"])
    detect = TABLES[0].layout_detectors[LAYOUT]
    for content in (as_csv(rows), as_csv(rows[2:]), as_csv(parameters()), book(rows)):
        assert detect(content, "data.bin")
    for content in (b"year,CTY_CODE\n1,2\n", workbook_bytes({"a": [["Period", "Canada"]]})):
        assert not detect(content, "data.bin")
