"""The figures of whole texts are read as a careful reader reads them."""

from __future__ import annotations

from datetime import date

import pytest
from reading.scoring import documents, score

from dagster_project.reading.reader import read


def test_every_figure_of_the_given_texts_is_read() -> None:
    result = score("given")
    assert result.wrong == []
    assert result.asked == result.found == result.every == 79


@pytest.mark.parametrize(
    ("folder", "figures", "measure", "fields"),
    [
        ("held_out_1", 193, 0.99, 0.99),
        ("held_out_2", 181, 0.99, 0.99),
        ("held_out_3", 107, 0.99, 0.99),
        ("held_out_4", 75, 0.99, 0.99),
        ("held_out_5", 65, 0.92, 0.92),
        ("held_out_6", 50, 0.99, 0.99),
        ("published_forms", 82, 0.97, 0.97),
    ],
)
def test_texts_of_other_kinds_are_read(
    folder: str, figures: int, measure: float, fields: float
) -> None:
    result = score(folder)
    assert result.asked == figures
    assert min(result.measure) >= measure, result.wrong
    assert min(result.fields) >= fields, result.wrong


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("held_out_1", "h11_non_trade"),
        ("held_out_2", "k17_not_trade"),
        ("held_out_3", "m23"),
        ("held_out_4", "n14"),
    ],
)
def test_figures_of_other_things_are_not_taken(folder: str, name: str) -> None:
    (text, day) = next((text, day) for one, text, day in documents(folder) if one == name)
    assert [one for one in read(text, day) if one.is_claim] == []


def test_what_is_denied_planned_or_foreseen_is_listed_and_not_asserted() -> None:
    found = {
        text[one.start : one.end]: one
        for name, text, day in documents("held_out_1")
        if name == "h10_negation"
        for one in read(text, day)
    }
    assert found["$68.9 billion"].measure == "deficit"
    assert {
        quoted: one.why for quoted, one in found.items() if one.confidence == "not asserted"
    } == {"$100 billion": "negation", "$10 billion": "hypothesis", "5 percent": "forecast"}


@pytest.mark.parametrize(
    "text",
    [
        "Retail sales rose 0.4 percent in May to $455.6 billion.",
        "Car sales in the U.S. dropped 2 percent to 17.2 million vehicles.",
        "Exports of the firm rose by 10 percent to $2.1 billion.",
        "The company ships cars worth $7 billion from South Carolina each year.",
        "Imports accounted for 24 percent of sales at the chain.",
        "Canada's current account deficit was C$16.6 billion in the second quarter.",
        "The trade ministry spent $5 billion, and the free trade agreement covers 95 percent of"
        " tariff lines.",
        "Services made up 32 percent of American exports to Ireland in 2019.",
        "Exports to Canada and Mexico together came to $525 billion in 2017.",
    ],
)
def test_what_only_looks_like_trade_is_not_judged(text: str) -> None:
    assert [one for one in read(text, date(2018, 6, 20)) if one.is_claim] == []
