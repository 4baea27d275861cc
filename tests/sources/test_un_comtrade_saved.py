"""Files of UN Comtrade as people have them: saved by the site, a spreadsheet or a script."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal

import pytest
from sources.source_files import (
    comtrade_bytes,
    comtrade_row,
    reject_rows,
    snapshot_file,
    workbook_bytes,
)

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.bulk import BulkTable, count_rows
from dagster_project.sources.catalog import table_named
from dagster_project.sources.parsing import Parsed
from dagster_project.sources.raw import SourceTable
from dagster_project.sources.snapshot import SnapshotError
from dagster_project.sources.un_comtrade import downloads
from dagster_project.sources.un_comtrade.trade import parse_reply, read_areas

SEEDS = PROJECT_ROOT / "dbt" / "seeds"
AREAS = read_areas(SEEDS)
KNOWN_FROM = date(2024, 1, 31)
COLUMNS = downloads.LAYOUTS["comtrade_csv_47"].columns
ROW = {
    "type_code": "C",
    "freq_code": "A",
    "ref_period_id": "20220101",
    "ref_year": "2022",
    "ref_month": "52",
    "period": "2022",
    "reporter_code": "842",
    "reporter_iso": "USA",
    "flow_code": "M",
    "partner_code": "156",
    "partner_iso": "CHN",
    "partner_desc": "China",
    "partner2code": "0",
    "classification_code": "H6",
    "cmd_code": "TOTAL",
    "aggr_level": "0",
    "customs_code": "C00",
    "mos_code": "0",
    "mot_code": "0",
    "qty_unit_code": "-1",
    "cifvalue": "575000000000",
    "fobvalue": "536000000000",
    "primary_value": "575000000000",
    "legacy_estimation_flag": "4",
    "is_reported": "false",
    "is_aggregate": "true",
}


def header() -> list[str]:
    """The names as the site prints them: typeCode, partner2Code, cifvalue."""
    first = [column.split("_") for column in COLUMNS]
    return ["".join([words[0], *map(str.capitalize, words[1:])]) for words in first]


def cells(**changes: str) -> list[str]:
    row = {**ROW, **changes}
    return [row.get(column, "") for column in COLUMNS]


def written(*rows: Sequence[str], encoding: str = "utf-8", separator: str = ",") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue().encode(encoding)


def read(content: bytes, layout: str = "comtrade_csv_47") -> Parsed:
    """The rows as they would be imported, from text or a workbook."""
    entry = table_named("un_comtrade__trade")
    assert isinstance(entry, SourceTable)
    return entry.file_parser(SEEDS)(content, snapshot_file(layout, "data", KNOWN_FROM))


def shown_layouts(content: bytes) -> list[str]:
    return [name for name, is_shown in downloads.SIGNS.items() if is_shown(content, "data")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1"])
def test_the_sites_own_encoding_and_its_cell_too_many_are_read(encoding: str) -> None:
    names = ("Côte d'Ivoire", "Türkiye")
    rows = [[*cells(partner_desc=name), ""] for name in names]
    content = written(header(), *rows, encoding=encoding)
    assert shown_layouts(content) == ["comtrade_csv_47"]
    parsed = read(content)
    assert parsed.rejects.is_empty()
    assert parsed.frame["primary_value"].to_list() == [Decimal(575_000_000_000)] * 2


def test_bytes_that_windows_leaves_undefined_are_read_too() -> None:
    content = written(header(), cells(partner_desc="x\x81y"), encoding="latin-1")
    assert read(content).frame.height == 1


def test_a_quoted_empty_cell_too_many_is_no_fault() -> None:
    lines = written(header(), cells()).decode().splitlines()
    parsed = read(f'{lines[0]}\r\n{lines[1]},""\r\n{lines[1]},"x"\r\n'.encode())
    assert parsed.frame["row_number"].to_list() == [2]
    assert [row[0] for row in reject_rows(parsed.rejects)] == [3]


def test_large_files_are_read_in_the_sites_encoding() -> None:
    entry = table_named("un_comtrade__bulk")
    assert isinstance(entry, BulkTable)
    file = snapshot_file("comtrade_csv_47", "data", KNOWN_FROM)
    content = written(header(), cells(partner_desc="Türkiye", cmd_code="1", aggr_level="2"))
    western = content.decode().encode("cp1252")
    assert count_rows(entry, file, content, SEEDS) == count_rows(entry, file, western, SEEDS)
    assert count_rows(entry, file, western, SEEDS) == (1, 0)


def test_the_publishers_misspelt_names_are_understood() -> None:
    printed = {"partner2code": "Prtner2Code", "alt_qty": "AtlQty"}
    names = [
        printed.get(column, name[0].upper() + name[1:])
        for column, name in zip(COLUMNS, header(), strict=True)
    ]
    content = written(names, cells(), cells(partner2code="999x"))
    parsed = read(content)
    assert parsed.frame["partner2_code"][0] == "0"
    assert parsed.frame["column_name"].unique().to_list() == ["PrimaryValue"]
    # At another place, such a name may be another column.
    moved = [*names[1:], names[0]]
    with pytest.raises(SnapshotError, match=r"partner2code.*Prtner2Code"):
        read(written(moved, [*cells()[1:], "C"]))


@pytest.mark.parametrize("label", ["", "Unnamed: 0"])
def test_labels_of_rows_that_a_script_saved_are_left_out(label: str) -> None:
    content = written([label, *header()], ["0", *cells()], ["7", *cells(flow_code="X")])
    assert shown_layouts(content) == ["comtrade_csv_47"]
    parsed = read(content)
    assert parsed.rejects.is_empty()
    assert parsed.frame.select("row_number", "flow_code").rows() == [(2, "M"), (3, "X")]


def test_a_column_without_a_name_that_counts_nothing_is_an_error() -> None:
    content = written(["", *header()], ["0", *cells()], ["mine", *cells()])
    with pytest.raises(SnapshotError, match=r"line 3: column 1 .*'mine'.*Remove"):
        read(content)


@pytest.mark.parametrize("is_label_kept", [True, False])
def test_cells_that_a_script_shifted_by_one_are_read_under_their_names(
    is_label_kept: bool,
) -> None:
    # A reader takes the first of 48 cells for a label, and the others for the 47 names.
    row = [*cells(cmd_code="84", aggr_level="2"), ""]
    content = written(["", *header()], row) if is_label_kept else written(header(), row[1:])
    frame = read(content).frame
    assert frame.select("type_code", "freq_code", "cmd_code", "is_aggregate").rows() == [
        ("C", "A", "84", True)
    ]


def test_codes_saved_as_decimal_numbers_are_whole_again() -> None:
    floats = {column: f"{value}.0" for column, value in ROW.items() if value.lstrip("-").isdigit()}
    parsed = read(written(header(), cells(**floats), cells(**{**floats, "ref_year": "2022.5"})))
    row = parsed.frame.row(0, named=True)
    assert (row["period"], row["reporter_code"], row["mot_code"]) == ("2022", "842", "0")
    assert (row["ref_year"], row["qty_unit_code"], row["estimation_flag"]) == (2022, "-1", "4")
    assert [one[:3] for one in reject_rows(parsed.rejects)] == [(3, "refYear", "2022.5")]


def test_a_file_saved_by_r_is_read() -> None:
    missing = {
        column: "NA"
        for column in COLUMNS
        if column not in ROW or column in ("fobvalue", "mos_code")
    }
    row = {**ROW, **missing, "cifvalue": "5.75e+11", "primary_value": "5.75e+11"}
    parsed = read(written(["", *header()], ["1", *(row[column] for column in COLUMNS)]))
    assert parsed.rejects.is_empty()
    assert parsed.frame.select("mos_code", "cif_value", "fob_value", "qty").rows() == [
        ("0", Decimal(575_000_000_000), None, None)
    ]


def test_a_file_of_a_european_spreadsheet_is_read() -> None:
    content = written(
        header(), cells(partner_desc="Türkiye, neu"), encoding="cp1252", separator=";"
    )
    assert shown_layouts(content) == ["comtrade_csv_47"]
    assert read(content).frame["primary_value"].to_list() == [Decimal(575_000_000_000)]


def test_a_workbook_gives_the_rows_of_the_text() -> None:
    def stored(text: str) -> object:
        is_flag = text in ("true", "false")
        return text == "true" if is_flag else int(text) if text.isdigit() else text or None

    rows = [cells(), cells(cmd_code="010121", aggr_level="6"), cells(cmd_code="01", aggr_level="2")]
    book = workbook_bytes(
        {"Notes": [["saved on Monday"]], "Data": [header(), *(map(stored, row) for row in rows)]}
    )
    text, saved = read(written(header(), *rows)), read(book)
    assert saved.rejects.is_empty()
    assert saved.frame.equals(text.frame)
    assert saved.frame["cmd_code"].to_list() == ["TOTAL", "010121", "01"]


@pytest.mark.parametrize(
    ("edition", "level", "printed", "restored"),
    [
        ("H6", "2", "1", "01"),
        ("H6", "4", "101", "0101"),
        ("H6", "6", "10121", "010121"),
        ("H6", "", "10121", "010121"),
        ("H6", "2", "84.0", "84"),
        ("H6", "2", "1.0", "01"),
        ("H6", "6", "9999AA", "9999AA"),
        ("H6", "0", "TOTAL", "TOTAL"),
        ("S4", "1", "0", "0"),
        ("S4", "3", "1", "001"),
        ("S4", "", "1", "1"),
        ("B5", "2", "11", "11"),
        ("EB10", "3", "SPX1", "SPX1"),
    ],
)
def test_product_codes_have_the_digits_of_their_level(
    edition: str, level: str, printed: str, restored: str
) -> None:
    row = cells(classification_code=edition, aggr_level=level, cmd_code=printed)
    parsed = read(written(header(), row))
    assert parsed.rejects.is_empty()
    assert parsed.frame["cmd_code"].to_list() == [restored]


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"aggr_level": "6", "cmd_code": "1"}, "cmdCode", "1"),
        ({"aggr_level": "6", "cmd_code": "84"}, "cmdCode", "84"),
        ({"aggr_level": "2", "cmd_code": "8471"}, "cmdCode", "8471"),
        ({"aggr_level": "", "cmd_code": "0"}, "cmdCode", "0"),
        ({"aggr_level": "", "cmd_code": "12345678"}, "cmdCode", "12345678"),
        ({"aggr_level": "", "cmd_code": "Total"}, "cmdCode", "Total"),
        ({"classification_code": "S4", "cmd_code": "123456"}, "cmdCode", "123456"),
        ({"classification_code": "X1"}, "classificationCode", "X1"),
        ({"primary_value": ""}, "primaryValue", None),
        ({"primary_value": "1e400"}, "primaryValue", "1e400"),
        ({"primary_value": "5.75E+11"}, "primaryValue", "5.75E+11"),
    ],
)
def test_what_no_build_can_publish_is_rejected_with_its_line(
    changes: Mapping[str, str], column: str, value: str | None
) -> None:
    parsed = read(written(header(), cells(**changes), cells()))
    assert parsed.frame["row_number"].to_list() == [3]
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [(2, column, value)]


def test_every_layout_has_its_zeros_restored() -> None:
    columns = downloads.LAYOUTS["comtrade_legacy_22"].columns
    row = {
        "Classification": "H4",
        "Year": "2016",
        "Period": "2016",
        "Aggregate Level": "6",
        "Trade Flow Code": "1",
        "Reporter Code": "842",
        "Reporter ISO": "USA",
        "Partner Code": "410",
        "Partner ISO": "KOR",
        "Commodity Code": "10121",
        "Trade Value (US$)": "5",
        "Flag": "0",
    }
    content = written(columns, [row.get(column, "") for column in columns])
    assert read(content, "comtrade_legacy_22").frame["cmd_code"].to_list() == ["010121"]
    bulk = downloads.LAYOUTS["comtrade_bulk_34"].columns
    coded = {**ROW, "cmd_code": "10121", "is_reported": "0", "is_aggregate": "1"}
    content = written(bulk, [coded.get(column, "") for column in bulk], separator="\t")
    assert read(content, "comtrade_bulk_34").frame["cmd_code"].to_list() == ["010121"]


def reply(edit: Callable[[str], str]) -> Parsed:
    """A reply of two rows, the second one edited as text."""
    content = comtrade_bytes(comtrade_row(), comtrade_row(flowCode="X")).decode()
    second = content.rindex("{")
    content = content[:second] + edit(content[second:])
    return parse_reply(content.encode(), snapshot_file("comtrade_v1", "data.json"), AREAS)


@pytest.mark.parametrize(
    ("old", "new", "column", "reason"),
    [
        ('"primaryValue": 71887.5', '"primaryValue": 1e400', "primaryValue", "digits are lost"),
        ('"primaryValue": 71887.5', '"primaryValue": 1e999999999', "primaryValue", "digits"),
        ('"primaryValue": 71887.5', f'"primaryValue": {"9" * 5000}', "primaryValue", "not a"),
        ('"primaryValue": 71887.5', '"primaryValue": NaN', "primaryValue", "not a number"),
        ('"primaryValue": 71887.5', '"primaryValue": null', "primaryValue", "the value is missing"),
        ('"cmdCode": "TOTAL"', '"cmdCode": "1234567"', "cmdCode", "not a product code"),
        ('"flowCode"', '"flowCode": "M", "flowCode"', "flowCode", "the field appears twice"),
    ],
)
def test_a_row_of_a_reply_that_cannot_be_used_is_rejected(
    old: str, new: str, column: str, reason: str
) -> None:
    parsed = reply(lambda text: text.replace(old, new, 1))
    assert parsed.frame["row_number"].to_list() == [1]
    assert [row[:2] for row in reject_rows(parsed.rejects)] == [(2, column)]
    assert parsed.rejects["reason"].item().startswith(reason)
    assert len(parsed.rejects["value"].item() or "") < 6000


def test_an_envelope_with_a_field_twice_is_an_error() -> None:
    content = comtrade_bytes(comtrade_row()).replace(b'"count": 1', b'"count": 1, "count": 1')
    with pytest.raises(SnapshotError, match="field count appears twice"):
        parse_reply(content, snapshot_file("comtrade_v1", "data.json"), AREAS)


def test_codes_of_a_reply_may_be_decimal_numbers() -> None:
    content = comtrade_bytes(comtrade_row(reporterCode=842.0, refYear=2016.0, cmdCode="1"))
    content = content.replace(b'"cmdCode": "1"', b'"cmdCode": "1", "aggrLevel": 2')
    frame = parse_reply(content, snapshot_file("comtrade_v1", "data.json"), AREAS).frame
    assert frame.select("reporter_code", "ref_year", "cmd_code").rows() == [("842", 2016, "01")]


def test_the_column_of_the_second_value_is_known() -> None:
    frame = read(written(header(), cells(), cells(fobvalue=""))).frame
    assert frame["fob_column_name"].to_list() == ["fobvalue", None]
    assert frame["fob_value"].to_list() == [Decimal(536_000_000_000), None]
