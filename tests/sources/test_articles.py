"""Tests of claims files, the shipped one and a user's own."""

from __future__ import annotations

import csv
import errno
import os
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sources.source_files import (
    CLAIM,
    claims_bytes,
    csv_bytes,
    numbers_in,
    reject_rows,
    workbook_bytes,
)

from dagster_project.sources.articles import (
    CLAIMS_SCHEMA,
    DOCUMENTS_SCHEMA,
    parse_claims,
    parse_documents,
    read_claims,
)
from dagster_project.sources.claim_vocabulary import (
    Agreement,
    ClaimVocabulary,
    units_by_word,
    vocabulary_from_seeds,
)
from dagster_project.sources.parsing import Parsed
from dagster_project.sources.periods import FiscalYear
from dagster_project.sources.place_names import Country
from dagster_project.sources.snapshot import SnapshotError

VOCABULARY = ClaimVocabulary(
    measures=frozenset({"deficit", "surplus", "exports"}),
    sectors=frozenset({"total", "autos"}),
    units=frozenset({"USD bn", "pct"}),
    hedges=frozenset({"exact", "about"}),
    reporters=frozenset({"USA", "KOR"}),
    partners=frozenset({"USA", "KOR", "census:0003"}),
)


def claims(*changes: dict[str, str]) -> Parsed:
    return parse_claims(claims_bytes(*changes), "claims.csv", VOCABULARY)


def test_a_claim_keeps_its_words_and_its_exact_value(tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    path.write_bytes(claims_bytes({"attributed_to": "USTR"}))
    parsed = read_claims(path, VOCABULARY)
    assert dict(parsed.frame.schema) == CLAIMS_SCHEMA
    assert parsed.frame.row(0, named=True) == {
        **CLAIM,
        "row_number": 2,
        "column_name": "value",
        "base_period": None,
        "attributed_to": "USTR",
        "compared_with": None,
        "quoted": None,
        "confidence": None,
        "value": Decimal("27.6"),
        "rounding": Decimal("0.1"),
    }
    assert parsed.rejects.is_empty()


@pytest.mark.parametrize(
    "changes",
    [
        {"sector": "hs2:87"},
        {"sector": "naics3:336"},
        {"sector": "hs10:8703230000"},
        {"partner": "census:0003"},
        {"period": "2016-01"},
        {"period": "2016-07/2017-06", "base_period": "2015"},
        {"value": "-2.7", "unit": "pct"},
    ],
)
def test_what_a_claim_may_say(changes: dict[str, str]) -> None:
    parsed = claims(changes)
    assert parsed.rejects.is_empty()
    assert parsed.frame.height == 1


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        # What is close to the value or allowed; where there is no such, the place says it.
        ("claim_id", "", ""),
        ("trade_kind", "good", r"\bgoods\b"),
        ("measure", "defict", r"\bdeficit\b"),
        ("measure", "zzz", r"\bdeficit, exports, surplus\b"),
        ("reporter", "US", r"\bUSA\b"),
        ("partner", "XYZ", r"\bKOR, USA, census:0003\b"),
        ("sector", "cars", r"\bautos, total\b.*\bhs2:87\b"),
        ("sector", "hs3:870", r"\bhs\d\b"),
        ("sector", "hs2:8", r"\bhs2\b.*\[0-9\]\{2\}"),
        ("period", "2016/17", r"\bYYYY, YYYY-MM, YYYY-MM/YYYY-MM\b.*\bYYYYQ1\b"),
        ("period", "2016-13", r"\bYYYY-MM\b"),
        ("period", "2016.5", r"\bYYYY-MM\b"),
        ("period", "2017-06/2016-07", r"^[^Y\d]+$"),
        ("period", "0216", r"\b1900 to 2100\b"),
        ("base_period", "last year", r"\bYYYY-MM\b"),
        ("value", "27,6", r"\b6\b"),
        ("value", "about 27", r"\b6\b"),
        # A European billion may be a thousand times as much, so the units are listed.
        ("unit", "USD bio", r"\bUSD bn, pct$"),
        ("value", "$27.6 million", r"\bUSD mn\b.*\bUSD bn\b"),
        ("value", "27.6 bushels", r"\bbushels\b"),
        ("rounding", "0", r"\b0\.1\b.*\b27\.6\b"),
        ("hedge", "abuot", r"\babout\b"),
    ],
)
def test_a_bad_claim_is_rejected_with_what_to_do_and_its_neighbour_kept(
    column: str, value: str, named: str
) -> None:
    parsed = claims({"claim_id": "good"}, {column: value})
    assert parsed.frame["claim_id"].to_list() == ["good"]
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [(3, column, value)]
    assert re.search(named, parsed.rejects["reason"].item())


def test_every_problem_of_a_claim_is_named_in_the_order_of_the_columns() -> None:
    parsed = claims({"claim_id": "good"}, {"measure": "x", "unit": "y", "period": "z"})
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [
        (3, "measure", "x"),
        (3, "period", "z"),
        (3, "unit", "y"),
    ]


def test_one_claim_id_may_not_say_two_things() -> None:
    parsed = claims(
        {"claim_id": "a"},
        {"claim_id": "b"},
        {"claim_id": "a"},
        {"claim_id": "b", "value": "29.6"},
    )
    assert parsed.frame["row_number"].to_list() == [2]
    found = {row[0]: row[1:] for row in reject_rows(parsed.rejects)}
    # The row that is repeated, or the rows of one key and the first of them.
    assert {row: (*place, numbers_in(reason)) for row, (*place, reason) in found.items()} == {
        3: ("claim_id", "b", ["2", "3"]),
        4: ("claim_id", "a", ["2"]),
        5: ("claim_id", "b", ["2", "3"]),
    }


def test_a_claims_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=rf"nowhere\.csv.*{os.strerror(errno.ENOENT)}"):
        read_claims(tmp_path / "nowhere.csv", VOCABULARY)
    path = tmp_path / "claims.csv"
    path.write_bytes(claims_bytes({}).replace(b",hedge", b",hegde"))
    with pytest.raises(SnapshotError, match=r"line 1.*hegde.*hedge"):
        read_claims(path, VOCABULARY)


@pytest.mark.parametrize(
    ("value", "hedge", "read"),
    [
        ("$27.6 billion", "", ("exact", "27.6", "0.1")),
        ("nearly $20 billion", "", ("nearly", "20", "1")),
        ("in excess of 300", "", ("more_than", "300", "1")),
        ("300", "Up to", ("at_most", "300", "1")),
        ("-4.60", "roughly", ("about", "-4.60", "0.01")),
    ],
)
def test_a_claim_needs_five_columns_and_says_the_usual_in_the_others(
    project_root: Path, value: str, hedge: str, read: tuple[str, str, str]
) -> None:
    words = vocabulary_from_seeds(project_root / "dbt" / "seeds")
    text = (
        "measure,reporter,partner,period,value,unit,hedge\n"
        f'exports,US,South Korea,2016,"{value}",USD bn,{hedge}\n'
    )
    parsed = parse_claims(text.encode(), "letters/monday.csv", words)
    assert parsed.rejects.is_empty()
    row = parsed.frame.row(0, named=True)
    assert (row["hedge"], row["value"], row["rounding"]) == (
        read[0],
        Decimal(read[1]),
        Decimal(read[2]),
    )
    assert (row["claim_id"], row["document_id"]) == ("line 2", "monday")
    assert (row["trade_kind"], row["sector"], row["partner"]) == ("goods", "total", "KOR")


def test_the_vocabulary_comes_from_the_seeds(project_root: Path, tmp_path: Path) -> None:
    words = vocabulary_from_seeds(project_root / "dbt" / "seeds")
    assert "deficit" in words.measures
    assert "total" in words.sectors
    assert "USD bn" in words.units
    assert "exact" in words.hedges
    assert {"USA", "KOR"} <= words.reporters <= words.partners
    assert "WLD" in words.partners - words.reporters
    with pytest.raises(SnapshotError, match=r"country_list\.csv"):
        vocabulary_from_seeds(tmp_path)


DOCUMENT = {
    "document_id": "d1",
    "publisher": "A paper",
    "title_in_short": "A title",
    "published_on": "2017-07-13",
    "seed_file": "",
}


def documents(*changes: dict[str, str]) -> Parsed:
    content = csv_bytes(tuple(DOCUMENT), [{**DOCUMENT, **change} for change in changes])
    return parse_documents(content, "documents.csv")


def test_a_document_keeps_its_day() -> None:
    parsed = documents({})
    assert dict(parsed.frame.schema) == DOCUMENTS_SCHEMA
    assert parsed.frame.rows() == [
        (2, None, "d1", "A paper", "A title", date(2017, 7, 13), None, None, None),
    ]


def test_a_document_without_a_day_or_with_a_taken_id_is_rejected() -> None:
    parsed = documents(
        {},
        {"document_id": "d2", "published_on": "13 July"},
        {"document_id": "d3", "title_in_short": ""},
        {},
    )
    assert parsed.frame["document_id"].to_list() == ["d1"]
    assert {row[:3] for row in reject_rows(parsed.rejects)} == {
        (3, "published_on", "13 July"),
        (4, "title_in_short", ""),
        (5, "document_id", "d1"),
    }


RULED = replace(
    VOCABULARY,
    measures=VOCABULARY.measures | {"growth_pct_exports"},
    hedges=VOCABULARY.hedges | {"doubled"},
    units=VOCABULARY.units | {"ratio"},
    units_of_measures=units_by_word(
        [("deficit", "money"), ("growth_pct_exports", "percent"), ("exports", "")],
        [("USD bn", "money"), ("pct", "percent"), ("ratio", "ratio")],
    ),
    units_of_hedges=units_by_word([("exact", ""), ("doubled", "ratio")], [("ratio", "ratio")]),
    measures_with_base=frozenset({"growth_pct_exports"}),
)


@pytest.mark.parametrize(
    ("change", "column", "named"),
    [
        ({"unit": "pct"}, "unit", r"\bdeficit\b.*\bUSD bn\b"),
        ({"hedge": "doubled"}, "hedge", r"\bdoubled\b.*\bratio\b"),
        (
            {"measure": "growth_pct_exports", "unit": "pct", "base_period": ""},
            "base_period",
            r"\bperiod\b",
        ),
    ],
)
def test_a_measure_its_unit_hedge_and_base_belong_together(
    change: dict[str, str], column: str, named: str
) -> None:
    parsed = parse_claims(claims_bytes(change), "claims.csv", RULED)
    assert parsed.frame.is_empty()
    problem = parsed.rejects.row(0, named=True)
    assert problem["column_name"] == column
    assert re.search(named, problem["reason"])


SPOKEN = replace(
    VOCABULARY,
    measures=VOCABULARY.measures | {"two_way_trade", "growth", "times", "average", "record"},
    measures_of_places=frozenset({"record"}),
    measures_of_two_partners=frozenset({"times"}),
    measures_of_averages=frozenset({"average"}),
    agreements={
        "korus": [Agreement(frozenset({"USA", "KOR"}), date(2012, 3, 15))],
        "korus signed": [Agreement(frozenset({"USA", "KOR"}), date(2007, 6, 30))],
        "nafta": [Agreement(frozenset({"USA", "census:0003"}), date(1994, 1, 1))],
    },
    fiscal_years={"USA": FiscalYear(10)},
    units=VOCABULARY.units | {"USD mn", "USD th"},
    places={
        "united states": Country("USA", "United States"),
        "korea": Country("KOR", "South Korea"),
        "eu": Country("census:0003", "European Union"),
    },
)


FROM_KOREA = {"reporter": "KOR", "partner": "USA", "period": "2016"}
GROWTH = {"measure": "growth"}


def spoken(text: str | bytes) -> Parsed:
    content = text.encode() if isinstance(text, str) else text
    return parse_claims(content, "claims.csv", SPOKEN)


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({"measure": " deficit ", "reporter": "USA ", "value": " 27.6"}, {}),
        ({"measure": "Deficit", "sector": "TOTAL", "trade_kind": "Goods", "hedge": "Exact"}, {}),
        ({"measure": "two-way trade"}, {"measure": "two_way_trade"}),
        ({"period": "2016.0"}, {}),
        ({"period": "2016-01 / 2016-06"}, {"period": "2016-01/2016-06"}),
        ({"reporter": "United States", "partner": "Korea"}, {}),
        ({"partner": "EU"}, {"partner": "census:0003"}),
        (
            {"measure": "record", "value": "1", "base_period": "2015"},
            {"measure": "record", "value": Decimal(1), "base_period": "2015"},
        ),
        ({"period": "2016-Q1"}, {"period": "2016-01/2016-03"}),
        ({"period": "2012/2016"}, {"period": "2012-01/2016-12"}),
        # The fiscal year of the reporter, and a calendar year where none is known.
        ({"period": "FY2016"}, {"period": "2015-10/2016-09"}),
        ({"period": "FY2016", "reporter": "KOR", "partner": "USA"}, {**FROM_KOREA}),
        (
            {"measure": "growth", "base_period": "FY 2011"},
            {**GROWTH, "base_period": "2010-10/2011-09"},
        ),
        ({"measure": "growth", "base_period": "KORUS"}, {**GROWTH, "base_period": "korus"}),
        (
            {"measure": "growth", "base_period": "korus signed"},
            {**GROWTH, "base_period": "korus signed"},
        ),
        (
            {"measure": "times", "compared_with": "the EU"},
            {"measure": "times", "compared_with": "census:0003"},
        ),
        ({"value": "27,600.5", "unit": "USD mn"}, {"value": Decimal("27600.5"), "unit": "USD mn"}),
        ({"value": "\N{MINUS SIGN}27.6"}, {"value": Decimal("-27.6")}),
        ({"value": "(27.6)"}, {"value": Decimal("-27.6")}),
        ({"value": "$27.6 billion"}, {}),
        ({"value": "$27.6 billion", "unit": ""}, {}),
        ({"value": "27.6bn"}, {}),
        ({"value": "$27.6"}, {}),
        ({"unit": "USD BN"}, {}),
        ({"unit": "$ billion"}, {}),
        ({"unit": "USD thousand"}, {"unit": "USD th"}),
        ({"value": "9 %", "unit": ""}, {"value": Decimal(9), "unit": "pct"}),
    ],
)
def test_a_claim_is_read_as_people_write_it(
    change: dict[str, str], read: dict[str, object]
) -> None:
    parsed = parse_claims(claims_bytes(change), "claims.csv", SPOKEN)
    assert reject_rows(parsed.rejects) == []
    (row,) = parsed.frame.to_dicts()
    expected = {
        **CLAIM,
        "row_number": 2,
        "column_name": "value",
        "base_period": None,
        "attributed_to": None,
        "compared_with": None,
        "quoted": None,
        "confidence": None,
        "value": Decimal("27.6"),
        "rounding": Decimal("0.1"),
    }
    assert row == expected | read


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        ({"value": "$27.6 billion", "unit": "USD mn"}, ["value"]),
        ({"value": "€27.6 billion"}, ["value"]),
        # Nobody means 27.6 dollars, and no unit says what is meant.
        ({"value": "27.6 billion", "unit": ""}, ["value", "unit"]),
        ({"value": "27.6", "unit": "billion"}, ["unit"]),
        ({"reporter": "EU"}, ["reporter"]),
        ({"base_period": "nafta"}, ["base_period"]),
        ({"base_period": "korus", "period": "2011"}, ["base_period"]),
        ({"measure": "times"}, ["compared_with"]),
        ({"measure": "times", "compared_with": "Atlantis"}, ["compared_with"]),
        ({"measure": "times", "compared_with": "Korea"}, ["compared_with"]),
        # Only a comparison of two partners has a second one.
        ({"compared_with": "EU"}, ["compared_with"]),
        ({"measure": "average", "period": "2016-01/2016-11"}, ["period"]),
        ({"partner": "Korea + EU"}, ["partner"]),
        ({"measure": "record", "value": "1.5"}, ["value"]),
        ({"measure": "record", "value": "1", "base_period": "2016"}, ["base_period"]),
        ({"period": "FY2015-17"}, ["period"]),
        ({"period": "2016Q5"}, ["period"]),
        ({"period": "2016H3"}, ["period"]),
        ({"base_period": "2011Q0"}, ["base_period"]),
    ],
)
def test_a_unit_or_place_that_does_not_fit_is_named(
    change: dict[str, str], columns: list[str]
) -> None:
    parsed = parse_claims(claims_bytes(change), "claims.csv", SPOKEN)
    assert parsed.frame.is_empty()
    assert parsed.rejects["column_name"].to_list() == columns


SHEET = claims_bytes({"says": "le déficit"}, {"claim_id": "c2", "value": "28.6"}).decode()


@pytest.mark.parametrize(
    "content",
    [
        SHEET.replace(",", ";").encode(),
        SHEET.replace(",", "\t").encode(),
        SHEET.replace(",", ";").replace(".", ",").encode(),
        SHEET.encode("utf-8-sig"),
        SHEET.encode("cp1252"),
        SHEET.replace(",", "\t").encode("utf-16"),
        SHEET.replace("\n", ",,\r\n").encode(),
        SHEET.replace(",", " , ").encode(),
        workbook_bytes({"notes": [["by hand"]], "claims": list(csv.reader(SHEET.splitlines()))}),
    ],
    ids=["semicolons", "tabs", "commas", "bom", "western", "utf16", "wide", "spaces", "workbook"],
)
def test_claims_are_read_from_every_file_a_spreadsheet_writes(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "claims.xlsx"
    path.write_bytes(content)
    parsed = read_claims(path, SPOKEN)
    assert reject_rows(parsed.rejects) == []
    assert parsed.frame.select("row_number", "claim_id", "says", "value").rows() == [
        (2, "c1", "le déficit", Decimal("27.6")),
        (3, "c2", "deficit", Decimal("28.6")),
    ]


def test_an_empty_row_of_a_sheet_is_no_claim() -> None:
    lines = SHEET.splitlines()
    parsed = spoken("\n".join([lines[0], "," * 14, lines[1], " ,\t" + "," * 13, ""]))
    assert reject_rows(parsed.rejects) == []
    assert parsed.frame["row_number"].to_list() == [3]
    with pytest.raises(SnapshotError, match=r"claims\.csv: a header but no usable row"):
        spoken("\n".join([lines[0], "," * 14, ""]))


def test_a_comma_before_three_digits_is_refused_where_commas_separate_decimals() -> None:
    rows = claims_bytes({"value": "367~172"}, {"claim_id": "c2", "value": "1.367~2"}).decode()
    parsed = spoken(rows.replace(",", ";").replace("~", ","))
    assert parsed.frame["value"].to_list() == [Decimal("1367.2")]
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [(2, "value", "367,172")]


def test_a_share_of_the_world_in_itself_is_refused(project_root: Path) -> None:
    words = vocabulary_from_seeds(project_root / "dbt" / "seeds")
    share = {"measure": "share_pct_deficit", "unit": "pct", "value": "49", "rounding": "1"}
    parsed = parse_claims(
        claims_bytes(
            {**share, "partner": "World"},
            {**share, "claim_id": "c2", "partner": "China"},
            {**share, "claim_id": "c3", "partner": "World", "sector": "autos"},
        ),
        "claims.csv",
        words,
    )
    assert parsed.frame["claim_id"].to_list() == ["c2", "c3"]
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [(2, "partner", "World")]
