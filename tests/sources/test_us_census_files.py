"""Tests of the end-use workbooks and the seasonally adjusted country file."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from sources.source_files import MONTHS, reject_rows, snapshot_file, workbook_bytes

from dagster_project.sources.parsing import Parsed
from dagster_project.sources.snapshot import SnapshotError
from dagster_project.sources.us_census import (
    CODE_SEED,
    END_USE_SCHEMA,
    LAYOUTS,
    PARTNER_SEED,
    SEASONAL_SCHEMA,
    TABLES,
    census_codes,
    parse_end_use,
    parse_seasonal_file,
    read_end_uses,
    shows_flow,
)

EXPORTS, IMPORTS = LAYOUTS
BY_TABLE = {entry.table: entry for entry in TABLES}
APRIL_2026 = date(2026, 4, 14)
HEADER = "CTY_CODE,CTY_DESC,END_USE,COMM_DESC,value_24,value_25"
WHEAT = '5800,"Korea, South",00000,Wheat,10,0'
COFFEE = '5800,"Korea, South",00000,Green coffee,20,30'
CARS = '5800,"Korea, South",30000,"Passenger cars, new and used",5,6'


@pytest.fixture(scope="module")
def seeds(project_root: Path) -> Path:
    return project_root / "dbt" / "seeds"


def text(*lines: str) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def end_use(
    seeds: Path, content: bytes, layout: str = EXPORTS, known_from: date = APRIL_2026
) -> Parsed:
    file = snapshot_file(layout, "end_use.csv", known_from)
    return parse_end_use(content, file, census_codes(seeds), read_end_uses(seeds))


def shown(content: bytes) -> set[str]:
    return {layout for layout, flow in LAYOUTS.items() if shows_flow(flow)(content, "file")}


def test_years_become_rows_and_no_trade_is_a_figure(seeds: Path) -> None:
    parsed = end_use(seeds, text(HEADER, WHEAT, CARS))
    assert dict(parsed.frame.schema) == END_USE_SCHEMA
    assert parsed.rejects.is_empty()
    korea, wheat = ("5800", "Korea, South"), ("00000", "Wheat")
    assert parsed.frame.rows()[:2] == [
        (2, "value_24", "export", *korea, *wheat, 2024, 12, Decimal(10)),
        (2, "value_25", "export", *korea, *wheat, 2025, 12, Decimal(0)),
    ]


@pytest.mark.parametrize(
    ("lines", "layouts"),
    [
        ([WHEAT, CARS], {EXPORTS}),
        ([COFFEE, CARS], {IMPORTS}),
        (["5800,Korea,0,GREEN  COFFEE,1,1"], {IMPORTS}),
        ([CARS], {EXPORTS, IMPORTS}),
        ([WHEAT, COFFEE], {EXPORTS, IMPORTS}),
    ],
)
def test_the_descriptions_tell_the_flow(lines: list[str], layouts: set[str]) -> None:
    assert shown(text(HEADER, *lines, "")) == layouts
    assert shown(text("CTY_CODE,CTYNAME,value_24", *lines)) == set()


def test_a_file_of_the_other_flow_or_of_both_names_the_line(seeds: Path) -> None:
    for lines in ((CARS, COFFEE), (WHEAT, COFFEE)):
        with pytest.raises(SnapshotError, match=f"line 3.*00000.*Green coffee.*{IMPORTS}"):
            end_use(seeds, text(HEADER, *lines))
    assert end_use(seeds, text(HEADER, CARS), IMPORTS).frame["flow"].unique().to_list() == [
        "import"
    ]


def test_lost_zeros_and_points_of_an_end_use_file_are_undone(seeds: Path) -> None:
    parsed = end_use(seeds, text(HEADER, "0,World Total,10,Rice,1.0,2", "5800.0,Korea,100.0,,3,4"))
    assert parsed.rejects.is_empty()
    assert parsed.frame.select("cty_code", "end_use_code", "value_usd").rows() == [
        ("0000", "00010", Decimal(1)),
        ("0000", "00010", Decimal(2)),
        ("5800", "00100", Decimal(3)),
        ("5800", "00100", Decimal(4)),
    ]


def test_unknown_codes_are_rejected_and_foreign_columns_left_aside(seeds: Path) -> None:
    parsed = end_use(
        seeds,
        text(
            f"{HEADER},,,CHINA",
            f"{WHEAT},,x,7",
            "9999,Atlantis,00000,Wheat,1,1,,,",
            "5800,Korea,99999,Dragons,1,1,,,",
            "5800,Korea,00010,Rice,n.a.,-1,,,",
        ),
    )
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [
        (1, "column 8", None),
        (1, "CHINA", None),
        (3, "CTY_CODE", "9999"),
        (4, "END_USE", "99999"),
        (5, "value_24", "n.a."),
        (5, "value_25", "-1"),
    ]
    reasons = parsed.rejects["reason"].to_list()
    assert PARTNER_SEED in reasons[2]
    assert CODE_SEED in reasons[3]
    assert parsed.frame["row_number"].unique().to_list() == [2]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (HEADER.replace("END_USE", "ENDUSE"), "line 1.*END_USE"),
        ("CTY_CODE,CTY_DESC,END_USE,COMM_DESC", "value_YY"),
        (HEADER.replace("value_25", "value_24"), "value_24.*twice"),
        (HEADER.replace("value_25", "value_2024"), "twice"),
    ],
)
def test_columns_of_the_publisher_have_to_be_whole(seeds: Path, header: str, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        end_use(seeds, text(header, WHEAT))


def test_a_year_that_was_not_complete_has_no_figure(seeds: Path) -> None:
    content = text(HEADER, WHEAT, CARS)
    assert end_use(seeds, content, known_from=date(2026, 2, 1)).rejects.is_empty()
    for day in (date(2025, 10, 5), date(2026, 1, 31)):
        parsed = end_use(seeds, content, known_from=day)
        assert parsed.frame["year"].unique().to_list() == [2024]
        assert [row[:3] for row in reject_rows(parsed.rejects)] == [(1, "value_25", None)]
        assert f"{day}" in parsed.rejects["reason"][0]
    read = BY_TABLE["us_census__end_use"].file_parser(seeds)
    early = read(content, snapshot_file(EXPORTS, known_from=date(2023, 10, 5)))
    assert early.frame.is_empty(), "2024 and 2025 had not begun"


def test_zeros_of_a_year_to_come_are_no_figures(seeds: Path) -> None:
    parsed = end_use(seeds, text(f"{HEADER},value_26,value_27", f"{WHEAT},0,0"))
    assert parsed.frame["year"].to_list() == [2024, 2025]
    assert [row[1] for row in reject_rows(parsed.rejects)] == ["value_26"]


def test_a_workbook_of_end_uses_is_read_like_its_text(seeds: Path) -> None:
    lines = [HEADER.split(","), ["5800", "Korea, South", "00000", "Wheat", "10", "0"]]
    file = snapshot_file(EXPORTS, "end_use.xlsx", APRIL_2026)
    entry = BY_TABLE["us_census__end_use"]
    parsed = entry.file_parser(seeds)(workbook_bytes({"EnduseExp": lines}), file)
    assert parsed.frame["value_usd"].to_list() == [Decimal(10), Decimal(0)]


@pytest.mark.parametrize(
    ("pattern", "layout", "known_from", "rows", "rejects"),
    [
        ("enduse_imports_2014*", IMPORTS, date(2024, 11, 10), 220_420, 3),
        ("enduse_imports_2016*", IMPORTS, date(2026, 4, 14), 220_690, 0),
        ("enduse_exports_korea*", EXPORTS, date(2025, 7, 1), 1_350, 0),
    ],
)
def test_every_saved_end_use_file_is_read_whole(
    real_data: Path,
    seeds: Path,
    pattern: str,
    layout: str,
    known_from: date,
    rows: int,
    rejects: int,
) -> None:
    [path] = (real_data / "census_enduse_country").glob(pattern)
    entry = BY_TABLE["us_census__end_use"]
    content = path.read_bytes()
    file = snapshot_file(layout, path.name, known_from)
    assert shown(entry.readable(content, file)) == {layout}
    parsed = entry.file_parser(seeds)(content, file)
    assert (parsed.frame.height, parsed.rejects.height) == (rows, rejects)


SEASONAL_HEADER = (
    "year",
    "cty_code",
    "cty_desc",
    *(f"{letter}{part}" for letter in "BEI" for part in (*MONTHS, "Q1", "Q2", "Q3", "Q4")),
)


def seasonal(
    seeds: Path, *rows: dict[str, str], header: tuple[str, ...] = SEASONAL_HEADER
) -> Parsed:
    lines = [",".join(row.get(column, "") for column in header) for row in rows]
    file = snapshot_file("census_country_seasonal", "ctyseasonal.csv", date(2025, 4, 3))
    return parse_seasonal_file(text(",".join(header), *lines), file, census_codes(seeds))


def korea(**cells: str) -> dict[str, str]:
    return {"year": "2025", "cty_code": "5800", "cty_desc": "Korea", **cells}


def test_months_of_the_seasonal_file_are_rows_and_derived_cells_are_not(seeds: Path) -> None:
    parsed = seasonal(
        seeds,
        korea(EJAN="1027263697.059298", IJAN="12885055635.722794", BJAN="-11857791938.663496"),
        {**korea(EJAN="5", EFEB="6", EMAR="7.5", EQ1="18.5", IJUN="0"), "year": "2024"},
        {**korea(EFEB="3.0", IMAR="0.0"), "cty_code": "3", "year": "2025.0"},
    )
    assert dict(parsed.frame.schema) == SEASONAL_SCHEMA
    assert parsed.rejects.is_empty()
    keys = ("cty_code", "year", "column_name", "month", "flow", "value_usd")
    assert parsed.frame.select(keys).rows() == [
        ("5800", 2025, "EJAN", 1, "export", Decimal("1027263697.059")),
        ("5800", 2025, "IJAN", 1, "import", Decimal("12885055635.723")),
        ("5800", 2024, "EJAN", 1, "export", Decimal(5)),
        ("5800", 2024, "EFEB", 2, "export", Decimal(6)),
        ("5800", 2024, "EMAR", 3, "export", Decimal("7.5")),
        ("5800", 2024, "IJUN", 6, "import", Decimal(0)),
        ("0003", 2025, "EFEB", 2, "export", Decimal(3)),
    ]


def test_a_balance_or_quarter_that_contradicts_its_months_is_rejected(seeds: Path) -> None:
    parsed = seasonal(
        seeds,
        korea(EJAN="50", IJAN="20", BJAN="-30"),
        {**korea(IAPR="1", IMAY="1", IJUN="1", IQ2="9", EAPR="1", EQ2="1"), "year": "2024"},
    )
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [
        (2, "BJAN", "-30"),
        (3, "IQ2", "9"),
    ]
    assert parsed.frame.height == 6


def test_the_seasonal_file_may_lack_what_is_derived_but_no_month(seeds: Path) -> None:
    months = tuple(column for column in SEASONAL_HEADER if column[0] != "B" and "Q" not in column)
    assert seasonal(seeds, korea(EJAN="1"), header=months).frame.height == 1
    with pytest.raises(SnapshotError, match=r"line 1.*IMAY"):
        seasonal(seeds, korea(), header=tuple(c for c in months if c != "IMAY"))
    with pytest.raises(SnapshotError, match=r"line 1.*XMAY"):
        seasonal(seeds, korea(), header=(*months, "XMAY"))


def test_the_saved_seasonal_file_is_read_whole(real_data: Path, seeds: Path) -> None:
    [path] = (real_data / "census_country_seasonal").glob("*.csv")
    file = snapshot_file("census_country_seasonal", path.name, date(2025, 4, 3))
    parsed = parse_seasonal_file(path.read_bytes(), file, census_codes(seeds))
    assert (parsed.frame.height, parsed.rejects.height) == (8_916, 0)
    november = parsed.frame.filter(
        (pl.col("cty_code") == "5800") & (pl.col("year") == 2023) & (pl.col("month") == 11)
    )
    exports, imports = november["value_usd"].to_list()
    assert round((exports - imports) / 1_000_000, 1) == Decimal("-3455.4")
