"""The tables of the grammar say what the reader and the warehouse know, and each row is reached."""

from __future__ import annotations

import csv
import re
from datetime import date
from itertools import product

import pytest

from dagster_project.reading import word_lists
from dagster_project.reading.grammar import TABLES, grammar
from dagster_project.reading.phrases import Phrases
from dagster_project.reading.reader import read
from dagster_project.reading.tokens import tokens
from dagster_project.reading.word_lists import GrammarError, rows
from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.claim_vocabulary import vocabulary_from_seeds

SLOTS = {
    "year": "2016",
    "month": "October",
    "day": "13",
    "count": "ten",
    "number": "2",
    "ordinal": "third",
    "place": "Colombia",
    "event": "NAFTA",
}
KNOWN = vocabulary_from_seeds(PROJECT_ROOT / "dbt" / "seeds")


def spelled(phrase: str) -> str:
    """The shortest text of a phrase: first alternatives, no optional words, slots filled."""
    words = [part.split("|")[0] for part in re.sub(r"\[[^\]]*\]", "", phrase).split()]
    return " ".join(SLOTS[word[1:-1]] if word[0] == "{" else word for word in words)


PHRASES = [
    (table, row["words"])
    for table in TABLES
    for row in rows(table)
    if "{number}" not in row["words"]
]


@pytest.mark.slow
@pytest.mark.parametrize(("table", "phrase"), PHRASES, ids=lambda one: one[:40])
def test_every_phrase_finds_its_own_words(table: str, phrase: str) -> None:
    words = spelled(phrase)
    found = tokens(words, 0, len(words))
    match = grammar().phrases[table].at(found, 0)
    assert match is not None
    assert match.end == len(found), (match.value["words"], words)


@pytest.mark.parametrize(
    ("phrase", "text", "is_found"),
    [
        ("US", "US", True),
        ("US", "us", False),
        ("May", "may", False),
        ("May", "MAY", True),
        ("year on year", "year-on-year", True),
        ("in|over [the] year", "over year", True),
        ("since [early {year}|then]", "since then", True),
        ("first {count} months", "first twenty-one months", True),
    ],
)
def test_a_phrase_matches_as_its_module_says(phrase: str, text: str, is_found: bool) -> None:
    phrases = Phrases([{"words": phrase}], _slots())
    found = tokens(text, 0, len(text))
    match = phrases.at(found, 0)
    assert (match is not None and match.end == len(found)) == is_found


def _slots() -> dict:
    return grammar().phrases["periods"]._slots


@pytest.mark.parametrize("phrase", ["", "[the]", "in {century}"])
def test_a_phrase_that_cannot_be_found_is_refused(phrase: str) -> None:
    with pytest.raises(GrammarError):
        Phrases([{"words": phrase}], _slots())


def test_a_row_with_a_comma_too_many_is_named(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kinds.csv").write_text("words,trade_kind\ngoods, and services,goods\n")
    monkeypatch.setattr(word_lists, "FOLDER", tmp_path)
    with pytest.raises(GrammarError, match=r"kinds\.csv, line 2"):
        rows("kinds")


def test_codes_are_those_of_the_warehouse() -> None:
    assert {row["hedge"] for row in rows("hedges")} <= KNOWN.hedges
    assert {row["trade_kind"] for row in rows("kinds")} <= KNOWN.trade_kinds
    places = {row["place"] for row in rows("places")} - {"?", "it"}
    assert places <= KNOWN.partners
    assert {row["place"] for row in rows("sources")} - {""} <= KNOWN.partners
    assert {row["place"] for row in rows("currencies")} <= KNOWN.partners
    assert {one for row in rows("events") for one in row["places"].split()} <= KNOWN.partners


def test_every_measure_that_is_read_is_one_of_the_warehouse() -> None:
    flows = {"exports", "imports", "two_way_trade", "deficit", "surplus"}
    measures = {
        *flows,
        "balance",
        "balance_size",
        *(f"{kind}{flow}" for kind, flow in product(("change_", "growth_pct_", "ratio_"), flows)),
        *(f"{kind}_{flow}" for kind, flow in product(("rank", "share_of_world"), flows)),
        *(f"share_pct_{flow}" for flow in flows),
        "streak_deficit_years",
        "streak_surplus_years",
    }
    assert measures <= KNOWN.measures


def test_an_agreement_is_the_one_of_the_warehouse() -> None:
    """A month stands in the grammar where the agreement took effect for all its places at once."""
    months: dict[str, dict[str, str]] = {}
    with (PROJECT_ROOT / "dbt" / "seeds" / "agreements.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            of_agreement = months.setdefault(row["agreement_id"], {})
            of_agreement[row["partner_code"]] = row["in_force_from"][:7]
    american = [
        row for row in rows("events") if row["kind"] == "agreement" and row["event"] != "ceta"
    ]
    assert len(american) > 15
    for row in american:
        of_agreement = months[row["event"]]
        assert set(row["places"].split()) == set(of_agreement), row["event"]
        assert {row["month"] or "several"} == (
            set(of_agreement.values()) if len(set(of_agreement.values())) == 1 else {"several"}
        ), row["event"]


@pytest.mark.parametrize(
    ("words", "period", "others"),
    [
        ("in October", "2017-10", []),
        ("in 2016", "2016", []),
        ("last year", "2017", []),
        ("in the first half of 2017", "2017-01/2017-06", []),
        ("in the third quarter of 2016", "2016-07/2016-09", []),
        ("in the first eleven months of 2017", "2017-01/2017-11", []),
        ("from January to May 2017", "2017-01/2017-05", []),
        ("in the year to June 2017", "2017-01/2017-06", ["2016-07/2017-06"]),
        ("in the twelve months to June 2017", "2016-07/2017-06", []),
        ("in Q2 2016", "2016-04/2016-06", []),
        ("in fiscal 2016", "2015-10/2016-09", []),
        ("in November 2016", "2016-11", []),
    ],
)
def test_times_are_read_from_the_day_of_print(words: str, period: str, others: list[str]) -> None:
    (one,) = read(f"US exports to Korea were $5.0 billion {words}.", date(2018, 3, 1))
    assert one.period == period
    assert [other["period"] for other in one.alternatives] == others
    assert (one.confidence == "open") == bool(others)
