"""Tests that each check of a fetch fails on spoilt rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from fetch.homes import home as home_of
from sources.source_files import api_bytes

from dagster_project.settings import Settings
from dagster_project.sources.catalog import CATALOG, CONNECTORS, load_table, table_named
from dagster_project.sources.fetch_checks import compare_totals, find_missing, find_row_loss
from dagster_project.sources.snapshot import (
    Covers,
    NewFile,
    NewRelease,
    add_release,
    discover_releases,
)

ENTRY = table_named("us_census__trade_api")
MONTHS = tuple(f"2016-{month:02d}" for month in range(1, 13))
CHAPTERS = {"01": 10, "85": 200, "87": 300}
TOTAL = Covers({"comm_lvl": ("-",)}, "2016-01", "2016-12")
ASKED = Covers({"comm_lvl": ("HS2",), "cty_code": ("5800",)}, "2016-01", "2016-12")


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return home_of(tmp_path, "home", "http://127.0.0.1:9")


def bring(
    home: Settings,
    day: int,
    *,
    months: tuple[str, ...] = MONTHS,
    chapters: Mapping[str, int] = CHAPTERS,
    total: int | None = 510,
    covers: Covers = ASKED,
) -> str:
    """A release of these chapters, with the publisher's total beside them; its id."""
    header = ["CTY_CODE", "I_COMMODITY", "GEN_VAL_MO", "time", "COMM_LVL"]
    parts = [
        ["5800", code, str(value), month, "HS2"]
        for month in months
        for code, value in chapters.items()
    ]
    files = [("hs2.json", parts, covers)] if parts else []
    if total is not None:
        whole = [["5800", "-", str(total), month, "-"] for month in months]
        files.append(("total.json", whole, TOTAL))
    release_id = f"2026-11-{day:02d}"
    held = discover_releases(home.snapshot_roots)
    add_release(
        home.fetched_snapshots,
        NewRelease(
            source_id="us_census",
            release_id=release_id,
            known_from=date(2026, 11, day),
            known_from_precision="day",
            retrieved_on=date(2026, 11, day),
            licence="public domain",
            redistributable=True,
            files=tuple(
                NewFile(
                    name=name,
                    table=ENTRY.table,
                    layout="census_api_imports_hs",
                    address=None,
                    content=api_bytes(header, *rows),
                    covers=asked,
                )
                for name, rows, asked in files
            ),
        ),
        held,
    )
    load_table(ENTRY, home)
    return release_id


def test_a_first_release_loses_nothing(home: Settings) -> None:
    new = bring(home, 1)
    loss = find_row_loss(ENTRY, home, [ASKED], {new})
    assert (loss.before, loss.lost, loss.is_large) == (0, 0, False)


def test_a_release_without_a_third_of_the_rows_is_a_large_loss(home: Settings) -> None:
    bring(home, 1)
    new = bring(home, 2, chapters={"01": 10, "85": 200})
    loss = find_row_loss(ENTRY, home, [ASKED], {new})
    assert (loss.before, loss.lost, loss.is_large) == (36, 12, True)


def test_new_rows_do_not_hide_lost_ones(home: Settings) -> None:
    bring(home, 1)
    new = bring(home, 2, chapters={"01": 10, "85": 200, "88": 300})
    assert find_row_loss(ENTRY, home, [ASKED], {new}).lost == 12


def test_a_row_taken_back_here_and_there_is_no_large_loss(home: Settings) -> None:
    bring(home, 1, chapters={f"{number:02d}": number for number in range(1, 60)})
    new = bring(home, 2, chapters={f"{number:02d}": number for number in range(1, 59)})
    loss = find_row_loss(ENTRY, home, [ASKED], {new})
    assert (loss.lost, loss.is_large) == (12, False)


def test_what_was_not_asked_for_is_not_lost(home: Settings) -> None:
    bring(home, 1)
    asked = Covers(ASKED.equal, "2016-01", "2016-03")
    new = bring(home, 2, months=("2016-01", "2016-02", "2016-03"), total=None, covers=asked)
    loss = find_row_loss(ENTRY, home, [asked], {new})
    assert (loss.before, loss.lost) == (9, 0)


def test_parts_that_add_up_are_compared_and_right(home: Settings) -> None:
    bring(home, 1)
    sums = compare_totals(ENTRY, home, [ASKED])
    assert (sums.compared, sums.wrong.height) == (12, 0)


def test_a_part_that_was_read_wrongly_is_found_in_its_month(home: Settings) -> None:
    bring(home, 1)
    bring(home, 2, months=("2016-05",), chapters={**CHAPTERS, "87": 30}, total=None)
    [wrong] = compare_totals(ENTRY, home, [ASKED]).wrong.to_dicts()
    assert (wrong["month"], wrong["parts"], wrong["total"]) == (5, 240.0, 510.0)
    assert wrong["parts_level"] == "HS2"


def test_a_rounding_below_a_thousandth_is_none(home: Settings) -> None:
    bring(home, 1, chapters={"87": 1_000_000}, total=1_000_900)
    assert compare_totals(ENTRY, home, [ASKED]).wrong.is_empty()
    bring(home, 2, chapters={"87": 1_000_000}, total=1_001_100)
    assert compare_totals(ENTRY, home, [ASKED]).wrong.height == 12


def test_without_a_total_nothing_is_compared(home: Settings) -> None:
    bring(home, 1, total=None)
    assert compare_totals(ENTRY, home, [ASKED]).compared == 0


def test_all_that_was_asked_for_is_there(home: Settings) -> None:
    bring(home, 1)
    assert find_missing(ENTRY, home, [ASKED]) == []


def test_a_month_inside_is_missing_and_one_to_come_is_not(home: Settings) -> None:
    bring(home, 1, months=tuple(month for month in MONTHS[:9] if month != "2016-04"))
    [words] = find_missing(ENTRY, home, [ASKED])
    assert "no 2016-04" in words
    assert "2016-10" not in words


def test_a_month_that_another_request_brought_is_out(home: Settings) -> None:
    bring(home, 1, months=MONTHS[:9])
    assert find_missing(ENTRY, home, [ASKED, TOTAL]) == []
    bring(home, 2, months=MONTHS[9:10], chapters={}, covers=Covers({}, "2015-01", "2015-01"))
    [words] = find_missing(ENTRY, home, [ASKED, TOTAL])
    assert "no 2016-10 for comm_lvl HS2" in words


def test_years_are_not_missed_by_the_month(home: Settings) -> None:
    asked = Covers(ASKED.equal, "2014-01", "2016-12")
    bring(home, 1, months=("2014-12", "2016-12"), covers=asked)
    [words] = find_missing(ENTRY, home, [asked])
    assert "no 2015-12" in words


def test_a_partner_without_any_row_is_missing(home: Settings) -> None:
    bring(home, 1)
    asked = Covers({"comm_lvl": ("HS2",), "cty_code": ("5800", "1220")}, "2016-01", "2016-12")
    [words] = find_missing(ENTRY, home, [asked])
    assert "no cty_code 1220" in words


def test_a_request_that_brought_nothing_is_missing_unless_it_is_too_early(home: Settings) -> None:
    bring(home, 1)
    canada = Covers({"comm_lvl": ("HS2",), "cty_code": ("1220",)}, "2016-01", "2016-12")
    to_come = Covers(ASKED.equal, "2017-01", "2017-12")
    missing = find_missing(ENTRY, home, [ASKED, canada, to_come])
    assert len(missing) == 1
    assert "comm_lvl HS2; cty_code 1220" in missing[0]
    # Nothing at all came, so the table is named and no part of the request.
    [words] = find_missing(ENTRY, home, [canada])
    assert words.startswith(f"{ENTRY.table}: ")
    assert "cty_code" not in words


def test_totals_are_told_by_columns_that_the_tables_have() -> None:
    totalled = [entry for entry in CATALOG if entry.total]
    assert {entry.source_id for entry in totalled} < set(CONNECTORS)
    assert len(totalled) > 2
    for entry in totalled:
        assert entry.total is not None
        assert {entry.total.level, *entry.total.by} <= set(entry.columns), entry.table
        assert entry.total.amount in entry.values, entry.table
