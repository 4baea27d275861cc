"""Pictures say what they were given: every amount, in its unit, in a sentence of its own."""

from __future__ import annotations

import re
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.site.charts import balances, bars, dots
from dagster_project.site.numbers import BILLIONS, MILLIONS, money_for

_MARK = re.compile(r'aria-label="([^"]+)"')


def _says(svg: str) -> set[str]:
    return set(_MARK.findall(svg))


@pytest.mark.slow
def test_each_bar_says_whose_it_is_of_what_and_how_much() -> None:
    svg = bars.draw(
        [
            bars.Group("2016", [bars.Bar("hs87", 0, Decimal(23_000_865_532))]),
            bars.Group("2017", [bars.Bar("hs87", 0, Decimal(-34_567_325))]),
        ],
        "gaps",
    )
    assert {
        "hs87, 2016: 23,000.9 million US dollars",
        "hs87, 2017: −34.6 million US dollars",  # noqa: RUF001
    } <= _says(svg)


def test_what_is_not_held_has_no_bar() -> None:
    svg = bars.draw([bars.Group("A", [bars.Bar("x", 0, 1e9), bars.Bar("y", 1, None)])], "gaps")
    assert not any(one.startswith("y,") for one in _says(svg))


def test_a_picture_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="bar"):
        bars.draw([bars.Group("A", [bars.Bar("x", 0, None)])], "gaps")
    with pytest.raises(ValueError, match="dot"):
        dots.draw([], "reporters")


def test_the_heads_of_bars_are_text_and_never_markup() -> None:
    svg = bars.draw([bars.Group("<script>x</script>", [bars.Bar("a", 0, 1.0)])], "gaps")
    assert "<script" not in svg
    assert "&lt;script" in svg


def test_control_characters_are_shown_and_do_not_end_a_drawing() -> None:
    named = "A\x1b[31m\x00\x9b\ud800\ufffe"
    svg = bars.draw([bars.Group(named, [bars.Bar(named, 0, 1e9)])], "gaps")
    svg += dots.draw([dots.Dot(named, 0, named, 0.05)], "reporters")
    ElementTree.fromstring(f"<svgs>{svg}</svgs>")
    assert r"A\x1b[31m\x00\x9b\ud800\ufffe" in svg


def test_the_best_and_the_worst_differ_in_shape_and_not_in_colour_alone() -> None:
    svg = dots.draw(
        [dots.Dot("most reliable", 0, "A", 0.05), dots.Dot("least reliable", 1, "B", 1.5)],
        "reporters",
    )
    assert {"most reliable, A: 0.05", "least reliable, B: 1.50"} <= _says(svg)
    marks = re.findall(r'<path aria-label="(?:most|least)[^"]*"[^>]* d="([^"]+)"', svg)
    assert len(marks) == len(set(marks)) == 2


def test_lines_without_dots_leave_no_mark_without_words() -> None:
    line = balances.Line("census", 0, True, [(2015, Decimal(10**9)), (2016, Decimal(2 * 10**9))])
    svg = balances.draw([line], [], 720, "balances")
    assert "census, 2016: 2.00 billion US dollars" in _says(svg)
    assert "mark-symbol" in svg
    assert not re.search(r'<g [^>]*mark container"/>', svg)


@given(st.lists(st.decimals(-(10**12), 10**12, places=3), max_size=5))
def test_billions_are_taken_only_where_an_amount_reaches_one(amounts: list[Decimal]) -> None:
    reaches = any(abs(usd) >= 10**9 for usd in amounts)
    assert money_for(amounts).words == (BILLIONS if reaches else MILLIONS)
