"""Reports of USITC DataWeb: requests, replies, tables."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sources.source_files import reject_rows, snapshot_file

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.connector import (
    Chunk,
    Plan,
    Refused,
    Reply,
    Selection,
    SelectionError,
    TryAgain,
)
from dagster_project.sources.parsing import Parsed
from dagster_project.sources.snapshot import SnapshotError
from dagster_project.sources.usitc_dataweb import (
    CONNECTOR,
    SCHEMA,
    TRADE_TYPES,
    parse_report,
    read_measures,
    read_partners,
)
from dagster_project.sources.usitc_dataweb.reports import ReportChunk

SEEDS = PROJECT_ROOT / "dbt" / "seeds"
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
IMPORTS = "dataweb_v2_imports_for_consumption"
DOMESTIC = "dataweb_v2_domestic_exports"
GENERAL = "dataweb_v2_general_imports"
YEARS_RUN = date(2011, 1, 1), date(2016, 12, 1)


def table(
    labels: list[str], *rows: Sequence[object], title: str | None = None
) -> dict[str, object]:
    made: dict[str, object] = {
        "column_groups": [{"columns": [{"label": label} for label in labels]}],
        "row_groups": [{"rowsNew": [{"rowEntries": [{"value": v} for v in row]} for row in rows]}],
    }
    return made if title is None else {**made, "tableInfo": {"dataToReportDesc": title}}


def report(*tables: object, errors: object = ()) -> bytes:
    return json.dumps({"dto": {"errors": list(errors), "tables": list(tables)}}).encode()  # ty: ignore


def parse(content: bytes, layout: str = DOMESTIC, known_from: date = date(2018, 6, 30)) -> Parsed:
    file = snapshot_file(layout, "report.json", known_from)
    return parse_report(content, file, read_measures(SEEDS), read_partners(SEEDS))


def plan(selection: Selection) -> Plan:
    return CONNECTOR.plan(selection, SEEDS, has_key=True)


def asked(chunk: Chunk) -> dict[str, Any]:
    body = json.loads(chunk.request.body or b"")
    return {**body["reportOptions"], **body["searchOptions"]}


def classify_reply(content: bytes, status: int = 200, chunk: Chunk | None = None):
    chunk = chunk or plan(Selection(*YEARS_RUN, partners=("KOR",))).chunks[0]
    return CONNECTOR.classify_reply(chunk, Reply(status, "application/json", content))


# -- what a report says


def test_annual_columns_become_rows_of_years_with_exact_dollars() -> None:
    parsed = parse(
        report(
            table(
                ["Country", "HTS Number", "Description", "2015", "2016"],
                ["South Korea", "01", "Live animals", "1,234,567", "0"],
            )
        )
    )
    assert dict(parsed.frame.schema) == SCHEMA
    assert parsed.rejects.is_empty()
    assert parsed.frame.rows(named=True)[0] == {
        "row_number": 1,
        "column_name": "2015",
        "trade_type": "Export",
        "dataweb_measure": "FAS_VALUE",
        "timeline": "Annual",
        "country_aggregation": "Break Out Countries",
        "partner_name": "South Korea",
        "partner_code": "KOR",
        "commodity_level": "HTS2",
        "chapter": "01",
        "commodity_code": "01",
        "commodity_name": "Live animals",
        "year": 2015,
        "month": None,
        "last_month": 12,
        "value_usd": Decimal(1234567),
    }
    assert parsed.frame["value_usd"].to_list() == [Decimal(1234567), Decimal(0)]


def test_months_of_a_naics_report_for_all_countries_together() -> None:
    cells = [f"{number},000" for number in range(1, 13)]
    parsed = parse(
        report(
            table(["NAIC Number", "Description", "Year", *MONTHS], ["336", "Cars", "2016", *cells])
        )
    )
    assert parsed.frame["month"].to_list() == list(range(1, 13))
    assert parsed.frame["last_month"].to_list() == list(range(1, 13))
    assert parsed.frame["value_usd"].to_list() == [Decimal(1000 * n) for n in range(1, 13)]
    for column, value in {
        "partner_code": "WLD",
        "country_aggregation": "Aggregate Countries",
        "commodity_level": "NAIC3",
        "timeline": "Monthly",
        "chapter": None,
    }.items():
        assert set(parsed.frame[column]) == {value}, column


def test_without_a_column_of_codes_a_table_is_that_of_all_commodities() -> None:
    parsed = parse(report(table(["Country", "2016"], ["Canada - CA - CAN", "5"], ["5700", "7"])))
    assert parsed.frame.select("partner_code", "commodity_level", "commodity_code").rows() == [
        ("CAN", "total", "total"),
        ("CHN", "total", "total"),
    ]


def test_tables_are_known_by_title_and_else_by_their_place() -> None:
    header, row = ["Country", "2016"], ["Canada", "1"]
    by_place = report(*(table(header, row) for _ in range(3)))
    order = ["CONS_CUSTOMS_VALUE", "CONS_COST_INS_FREIGHT", "CONS_CALC_DUTY"]
    assert parse(by_place, IMPORTS).frame["dataweb_measure"].to_list() == order
    titles = ["Calculated Duties", "Customs Value", "CIF Import Value"]
    by_title = report(*(table(header, row, title=title) for title in titles))
    assert parse(by_title, IMPORTS).frame["dataweb_measure"].to_list() == [
        order[2],
        order[0],
        order[1],
    ]
    # Rows are numbered through the tables: no two figures share a place.
    assert parse(by_title, IMPORTS).frame["row_number"].to_list() == [1, 2, 3]


def test_every_layout_reads_the_measures_of_its_own_flow() -> None:
    for layout, trade_type in TRADE_TYPES.items():
        own = [one.code for one in read_measures(SEEDS) if one.trade_type == trade_type]
        frame = parse(
            report(*(table(["Country", "2016"], ["Japan", "9"]) for _ in own)), layout
        ).frame
        assert frame["dataweb_measure"].to_list() == own
        assert set(frame["trade_type"]) == {trade_type}
    assert len(TRADE_TYPES) == 5


def test_total_rows_are_left_out_wherever_the_word_stands() -> None:
    parsed = parse(
        report(
            table(
                ["Country", "HTS Number", "Year", *MONTHS],
                ["Canada", "01", "2016", *["1"] * 12],
                ["Total:", "", "", *["3"] * 12],
                ["Canada", "Subtotal", "", *["3"] * 12],
                ["Togo", "02", "2016", *["2"] * 12],
                ["Tonga", "02", "Total", *["2"] * 12],
            )
        )
    )
    assert parsed.rejects.is_empty()
    assert parsed.frame["partner_code"].unique(maintain_order=True).to_list() == ["CAN", "TGO"]


def test_months_to_come_are_absent_and_true_zeros_of_past_years_are_kept() -> None:
    past = ["5", *["0"] * 11]
    this_year = ["4", "0", "6", *["0"] * 9]
    parsed = parse(
        report(
            table(
                ["Country", "Year", *MONTHS],
                ["Canada", "2015", *past],
                ["Canada", "2016", *this_year],
            )
        ),
        known_from=date(2016, 5, 10),
    )
    assert parsed.frame.filter(year=2015)["month"].to_list() == list(range(1, 13))
    assert parsed.frame.filter(year=2016)["month"].to_list() == [1, 2, 3]


def test_a_year_that_is_not_out_yet_is_rejected_once_a_table() -> None:
    content = report(table(["Country", "2015", "2016"], ["Canada", "1", "2"], ["Japan", "3", "4"]))
    early = parse(content, known_from=date(2017, 1, 31))
    assert early.frame["year"].to_list() == [2015, 2015]
    assert [row[:2] for row in reject_rows(early.rejects)] == [(1, "2016")]
    assert "2017-01-31" in early.rejects["reason"].item()
    assert parse(content, known_from=date(2017, 2, 7)).rejects.is_empty()
    alone = parse(report(table(["Country", "2016"], ["Canada", "1"])), known_from=date(2017, 1, 31))
    assert (alone.frame.height, alone.rejects.height) == (0, 1)


def test_a_blank_cell_is_not_held_and_gives_no_row() -> None:
    parsed = parse(
        report(table(["Country", "2015", "2016"], ["Canada", "", None], ["Japan", "1", "2"]))
    )
    assert parsed.rejects.is_empty()
    assert set(parsed.frame["partner_code"]) == {"JPN"}


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (
            ["Atlantis", "01", "2016", "1"],
            "Country",
            "dataweb_partners.csv",
        ),
        (["", "01", "2016", "1"], "Country", "dataweb_partners.csv"),
        (["Canada", "1", "2016", "1"], "HTS Number", "2, 4, 6, 10"),
        (["Canada", "87.03", "2016", "1"], "HTS Number", "2, 4, 6, 10"),
        (["Canada", "01", "16", "1"], "Year", ""),
        (["Canada", "01", "2019", "1"], "Year", "2018-06-30"),
        (["Canada", "01", "2016", "1,23"], "January", ""),
        (["Canada", "01", "2016", "(D)"], "January", ""),
        (["Canada", "01", "2016", "-5"], "January", ""),
        (["Canada", "01", "2016", 1.5], None, ""),
        (["Canada", "01", "2016"], None, "3 cells.*4"),
    ],
)
def test_a_bad_row_is_rejected_and_its_neighbour_kept(
    row: list[object], column: str | None, reason: str
) -> None:
    header = ["Country", "HTS Number", "Year", "January"]
    parsed = parse(report(table(header, ["Japan", "01", "2016", "1"], row)))
    assert parsed.frame["partner_code"].to_list() == ["JPN"]
    assert [found[:2] for found in reject_rows(parsed.rejects)] == [(2, column)]
    assert re.search(reason, parsed.rejects["reason"].item())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            report(table(["Country", "Quantity", "2016"], ["Canada", "1", "1"])),
            "Quantity",
        ),
        (
            report(table(["Country", "2016", "2016"], ["Canada", "1", "1"])),
            "report.json, table FAS_VALUE.*2016, 2016",
        ),
        (report(table(["Country"], ["Canada"])), "report.json, table FAS_VALUE"),
        (report(table(["Country", "May"], ["Canada", "1"])), "table FAS_VALUE.*Year"),
        (report(table(["2016"], ["1"], title="CIF Import Value")), "'CIF Import Value'.*FAS_VALUE"),
        (report(table(["2016"], ["1"]), table(["2016"], ["1"])), "table 1 of 2"),
        (report(table(["Country", "2016"])), "report.json"),
        (report(), "report.json"),
        (report(errors=["step 8"]), "step 8"),
        (b'{"dto": null}', "None"),
        (b"[]", r"\[\]"),
        (b'{"dto": {', "line 1, column"),
        (b"<html></html>", "<html>"),
    ],
)
def test_a_reply_that_cannot_be_used_says_why(content: bytes, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        parse(content)


def test_two_tables_of_one_measure_are_refused() -> None:
    twice = table(["2016"], ["1"], title="General Customs Value")
    with pytest.raises(SnapshotError, match="GEN_CUSTOMS_VALUE, GEN_CUSTOMS_VALUE"):
        parse(report(twice, twice), GENERAL)


@pytest.mark.slow
@given(st.lists(st.integers(min_value=0, max_value=10**14), min_size=1, max_size=12))
def test_dollars_survive_the_commas(amounts: list[int]) -> None:
    labels = [str(2000 + place) for place in range(len(amounts))]
    parsed = parse(report(table(labels, [f"{amount:,}" for amount in amounts])))
    assert parsed.frame["value_usd"].to_list() == [Decimal(amount) for amount in amounts]


# -- what is asked for


def test_a_pair_over_years_is_one_report_a_flow() -> None:
    made = plan(Selection(*YEARS_RUN, partners=("KOR",), frequency="A"))
    assert [asked(chunk)["tradeType"] for chunk in made.chunks] == [
        "Export",
        "ForeignExp",
        "TotExp",
        "Import",
        "GenImp",
    ]
    assert made.fewest == made.expected_requests == len(made.chunks) == 5
    first = made.chunks[0]
    assert first.name == "Export_total_annual_KOR_2011-2016.json"
    assert first.layout == DOMESTIC
    search = asked(first)
    assert search["componentSettings"]["years"] == [str(year) for year in range(2011, 2017)]
    assert search["componentSettings"]["yearsTimeline"] == "Annual"
    assert search["componentSettings"]["dataToReport"] == ["FAS_VALUE"]
    assert search["countries"]["countries"] == ["5800"]
    assert search["countries"]["countriesSelectType"] == "list"
    assert search["commodities"]["aggregation"] == "Aggregate Commodities"
    assert asked(made.chunks[3])["componentSettings"]["dataToReport"] == [
        "CONS_CUSTOMS_VALUE",
        "CONS_COST_INS_FREIGHT",
        "CONS_CALC_DUTY",
    ]


def test_naics_is_named_as_dataweb_names_it() -> None:
    made = plan(Selection(*YEARS_RUN, partners=("KOR",), level="naics3", flows=("import",)))
    assert {asked(chunk)["classificationSystem"] for chunk in made.chunks} == {"NAIC"}
    assert {asked(chunk)["commodities"]["granularity"] for chunk in made.chunks} == {"3"}


def test_the_world_is_a_report_of_its_own_and_covers_no_country() -> None:
    made = plan(Selection(*YEARS_RUN, partners=("KOR", "WLD"), flows=("import",), frequency="A"))
    assert [chunk.name for chunk in made.chunks] == [
        "Import_total_annual_WLD_2011-2016.json",
        "Import_total_annual_KOR_2011-2016.json",
        "GenImp_total_annual_WLD_2011-2016.json",
        "GenImp_total_annual_KOR_2011-2016.json",
    ]
    world, country = (chunk.covers for chunk in made.chunks[:2])
    assert world
    assert country
    assert world.equal["country_aggregation"] == ("Aggregate Countries",)
    assert country.equal["country_aggregation"] == ("Break Out Countries",)
    assert country.equal["partner_code"] == ("KOR",)
    assert (country.first, country.last) == ("2011-01", "2016-12")


def test_what_a_request_covers_is_what_its_reply_holds() -> None:
    made = plan(
        Selection(*YEARS_RUN, partners=("JPN",), level="hs4", products=("87",), flows=("export",))
    )
    covers = made.chunks[0].covers
    assert covers
    assert covers.equal["chapter"] == ("87",)
    cells = ["1"] * 12
    rows = [["Japan", code, "2016", *cells] for code in ("8703", "8708")]
    frame = parse(report(table(["Country", "HTS Number", "Year", *MONTHS], *rows))).frame
    for column, values in covers.equal.items():
        assert set(frame[column]) <= set(values), column


def test_products_that_no_column_can_name_cover_nothing() -> None:
    of = {"partners": ("JPN",), "flows": ("export",)}
    some = plan(Selection(*YEARS_RUN, level="hs6", products=("8703",), **of)).chunks[0]  # ty: ignore
    full = plan(Selection(*YEARS_RUN, level="hs4", products=("8703",), **of)).chunks[0]  # ty: ignore
    assert some.covers is None
    assert full.covers
    assert full.covers.equal["commodity_code"] == ("8703",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"level": "end_use"}, "'end_use'"),
        ({"reporters": ("KOR",)}, "United States.*KOR"),
        ({"partners": ("KRO",)}, "'KRO'.*ABW"),
        ({"first": date(1980, 1, 1)}, "1989"),
        (
            {"level": "naics3", "first": date(1990, 1, 1), "last": date(1995, 12, 1)},
            "1997",
        ),
        ({"products": ("87",)}, "total"),
        ({"level": "hs2", "products": ("8703",)}, "'8703'.*2 digits"),
        ({"flows": ("balance",)}, "balance"),
    ],
)
def test_a_selection_dataweb_cannot_serve_says_what_it_can(
    changes: dict[str, object], message: str
) -> None:
    base = {"first": YEARS_RUN[0], "last": YEARS_RUN[1]}
    with pytest.raises(SelectionError, match=message):
        plan(Selection(**(base | changes)))  # ty: ignore


@pytest.mark.slow
@given(
    first=st.integers(1997, 2024),
    years=st.integers(1, 25),
    level=st.sampled_from(CONNECTOR.about.levels),
    partners=st.sampled_from([(), ("KOR",), ("KOR", "JPN", "DEU"), ("WLD",), ("WLD", "CHN")]),
    frequency=st.sampled_from(["A", "M"]),
)
def test_plans_are_small_complete_and_within_the_limit(
    first: int, years: int, level: str, partners: tuple[str, ...], frequency: str
) -> None:
    selection = Selection(
        date(first, 1, 1),
        date(first + years - 1, 12, 1),
        partners=partners,
        level=level,
        frequency=frequency,  # ty: ignore
    )
    if level == "naics6" and not partners:
        # Too many rows for a report, and nothing to divide it by.
        with pytest.raises(SelectionError, match="20,000"):
            plan(selection)
        return
    made = plan(selection)
    names = [chunk.name for chunk in made.chunks]
    assert len(set(names)) == len(names) == made.expected_requests
    reports = [chunk.report for chunk in made.chunks if isinstance(chunk, ReportChunk)]
    assert all(report.rows <= 18_000 for report in reports)
    # Where a reply can be filled by years or by chapters, little is left empty.
    assert made.fewest <= made.expected_requests <= ceil(made.fewest * 1.25) + 5
    by_flow: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for chunk in made.chunks:
        search = asked(chunk)
        codes = search["commodities"]["commodities"] or ["all"]
        for year in search["componentSettings"]["years"]:
            for code in codes:
                key = (search["countries"]["aggregation"], f"{year} {code}")
                cells = by_flow[search["tradeType"]]
                assert key not in cells
                cells.add(key)
    for cells in by_flow.values():
        assert {key[1][:4] for key in cells} == {str(first + n) for n in range(years)}


# -- what a reply is


def test_a_report_is_stored_as_it_came_and_an_empty_one_is_nothing() -> None:
    content = report(table(["Country", "2016"], ["Canada", "1"]))
    assert classify_reply(content).content == content
    assert classify_reply(report(table(["Country", "2016"]))).content == b""
    assert classify_reply(report()).content == b""
    assert classify_reply(report(errors=["No records found"])).content == b""


@pytest.mark.parametrize(
    ("content", "status", "kind", "message"),
    [
        (b'{"error": "Dataweb is in data load mode"}', 200, TryAgain, "data load mode"),
        (b'{"dto": null}', 200, TryAgain, "Export_total"),
        (b'{"dto": {"tables": [', 200, TryAgain, "Export_total"),
        (b"", 200, TryAgain, "Export_total"),
        (report(errors=["Invalid dataToReport object selected: X"]), 200, Refused, "selected: X"),
        (b"Invalid dataToReport object selected: X", 400, Refused, "selected: X"),
        (b'{"message": "Unauthorized"}', 401, Refused, "401.*dataweb.usitc.gov"),
        (b"<html>maintenance</html>", 200, TryAgain, "<html>maintenance"),
        (b"[1]", 200, Refused, r"'\[1\]'"),
        (b'{"rows": 1}', 200, Refused, '{"rows": 1}'),
    ],
)
def test_a_reply_without_a_report_says_what_to_do(
    content: bytes, status: int, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        classify_reply(content, status)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [20_000, None])
def test_a_report_that_was_cut_is_asked_for_again_in_two_parts(rows: int | None) -> None:
    selection = Selection(*YEARS_RUN, level="hs4", flows=("export",), partners=("KOR", "JPN"))
    whole = plan(selection).chunks[0]
    content = (
        report(table(["2016"], *([["1"]] * rows)))
        if rows
        else report(errors=["The report has more than 300,000 rows"])
    )
    found = classify_reply(content, chunk=whole)
    assert not found.is_whole
    assert found.content == b""
    assert [chunk.name for chunk in found.more] == [
        "Export_hs4_monthly_KOR-JPN_2011-2013.json",
        "Export_hs4_monthly_KOR-JPN_2014-2016.json",
    ]
    # Parted again and again: years, then partners, then chapters, until nothing is left.
    seen, chunk = [whole.name], whole
    while len(seen) < 12:
        chunk = classify_reply(content, chunk=chunk).more[0]
        seen.append(chunk.name)
    assert len(set(seen)) == len(seen)
    assert seen[-1] == "Export_hs4_monthly_KOR_01_2011.json"
    assert asked(chunk)["commodities"]["commodities"] == ["01"]
    with pytest.raises(Refused, match="Export_hs4_monthly_KOR_01_2011"):
        classify_reply(content, chunk=chunk)


def test_partners_that_are_printed_are_partners_of_the_marts(project_root: Path) -> None:
    known = set(read_partners(project_root / "dbt" / "seeds").values())
    assert {"KOR", "PRK", "CHN", "WLD", "TWN"} <= known
    assert len(known) > 230
