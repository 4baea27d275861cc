"""The words and charts of a pair and its years: sentences, and positions of bars."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.site.charts import balances, bridge, theme
from dagster_project.site.charts.balances import Dot, Line, spread
from dagster_project.site.numbers import period_in_words
from dagster_project.site.pages import bridge as bridges
from dagster_project.site.pages import pair, year
from dagster_project.site.queries import Answer

_DOLLARS = st.decimals(-(10**12), 10**12, places=3, allow_nan=False, allow_infinity=False)
_BN = Decimal(10**9)


def answer(*rows: dict[str, Any]) -> Answer:
    return Answer("select", tuple(rows[0]) if rows else (), list(rows))


def spread_row(year: int, bases: int, **changed: Any) -> dict[str, Any]:
    return {
        "year": year,
        "bases": bases,
        "low_basis_id": "cif",
        "low_usd": -3 * _BN,
        "high_basis_id": "total_consumption",
        "high_usd": -1 * _BN,
        "spread_usd": 2 * _BN,
        "preferred_basis_id": "census",
        "preferred_usd": -2 * _BN,
        "why_preferred": "The headline of its office",
        "is_widest": False,
        "bridge_id": None,
        **changed,
    }


def basis(name: str, usd: Decimal, **changed: Any) -> dict[str, Any]:
    return {
        "basis_id": name,
        "balance_usd": usd,
        "is_preferred": False,
        "is_partial_year": False,
        "period": "2016",
        "reason": "imports valued cif instead of customs",
        **changed,
    }


def steps_of(*steps: tuple[str, int, str]) -> Answer:
    return answer(
        *(
            {
                "role": "step",
                "name": name,
                "amount_usd": Decimal(usd),
                "gap_share": Decimal(share),
            }
            for name, usd, share in steps
        )
    )


def in_order(text: str, *facts: str) -> bool:
    """Whether a sentence has all the facts, one after the other."""
    return re.search(".*".join(map(re.escape, facts)), text) is not None


# -- words -------------------------------------------------------------------------------


def test_a_pair_is_described_by_its_last_year_with_several_bases() -> None:
    rows = [spread_row(2025, 1), spread_row(2023, 3), spread_row(2019, 4, is_widest=True)]
    first, preferred, steps, widest = pair.summary(answer(*rows), None, "goods")
    low, high = bridges.named("total_consumption"), bridges.named("cif")
    assert in_order(first, "2023", "deficit", f"$1.00 billion ({low})", f"$3.00 billion ({high})")
    because = bridges.within(rows[1]["why_preferred"])
    assert in_order(preferred, "−$2.00 billion (census)", f": {because}.")  # noqa: RUF001
    # There is no bridge, so no amount.
    assert not re.search(r"\d", steps)
    assert in_order(widest, "2019", "$2.00 billion", high, low)


def test_the_widest_year_is_not_repeated() -> None:
    sentences = pair.summary(answer(spread_row(2023, 3, is_widest=True)), None, "goods")
    assert len(sentences) == 3


def test_causes_have_amount_and_share() -> None:
    steps = steps_of(("Re-exports", -1_500_000_000, "0.75"), ("Release", 20_000_000, "-0.01"))
    assert bridges.causes(steps) == "Re-exports −1,500.0 (75.0 %); Release +20.0 (−1.0 %)"  # noqa: RUF001
    sentences = pair.summary(answer(spread_row(2023, 2)), steps, "goods")
    assert "Re-exports −1,500.0 (75.0 %)" in sentences[2]  # noqa: RUF001


def test_a_pair_without_a_balance_has_a_sentence_and_no_figure() -> None:
    (sentence,) = pair.summary(answer(), None, "services")
    assert "services" in sentence
    assert not re.search(r"\d", sentence)


@pytest.mark.parametrize(("years", "counted"), [([2016], []), ([2016, 2011], [["2"]])])
def test_a_single_basis_is_named(years: list[int], counted: list[list[str]]) -> None:
    rows = answer(*(spread_row(one, 1) for one in years))
    first, *rest = pair.summary(rows, None, "services")
    assert in_order(first, "2016", "services deficit", "$2.00 billion", "census")
    assert [re.findall(r"\d+", one) for one in rest] == counted


def test_a_year_names_its_ends_and_the_preferred_balance() -> None:
    rows = answer(
        basis("census", -2 * _BN, is_preferred=True, reason="The headline"),
        basis("cif", -3 * _BN),
        basis("mirror", _BN),
    )
    first, preferred, causes = year.summary(
        rows, "goods", 2016, ("mirror", "Release +3,000.0 (100.0 %)")
    )
    ends = ("−$3.00 billion (cif)", "$1.00 billion (mirror).")  # noqa: RUF001
    assert in_order(first, "2016", "goods balance", *ends, "3 bases")
    assert in_order(preferred, "−$2.00 billion (census)", ": the headline.")  # noqa: RUF001
    assert in_order(causes, "mirror", "Release +3,000.0 (100.0 %).")


def test_an_incomplete_year_says_so() -> None:
    row = basis("census", _BN, is_preferred=True, is_partial_year=True, period="2026-01/2026-07")
    first, warning = year.summary(answer(row), "goods", 2026, None)
    assert in_order(first, "January", "July 2026", "goods surplus", "$1.00 billion")
    complete = year.summary(answer({**row, "is_partial_year": False}), "goods", 2026, None)
    assert warning
    assert complete == [first]


@pytest.mark.parametrize(
    ("period", "words"),
    [
        ("2016", "2016"),
        ("2016-01/2016-11", "January to November 2016"),
        ("2026-01/2026-01", "January 2026"),
        ("2016-07/2017-06", "2016-07/2017-06"),
    ],
)
def test_months_of_one_year_are_named(period: str, words: str) -> None:
    assert period_in_words(period) == words


@pytest.mark.parametrize(
    ("reason", "within"), [("The headline", "the headline"), ("", ""), ("Used", "used")]
)
def test_a_reason_goes_on_after_a_colon(reason: str, within: str) -> None:
    assert bridges.within(reason) == within


def test_bridges_of_releases_have_names_of_their_own() -> None:
    row = {
        "trade_kind": "goods",
        "a_basis_id": "census",
        "b_basis_id": "census",
        "a_release_key": "us_census 2017-01",
        "b_release_key": "us_census 2026-09",
    }
    names = {
        bridges.anchor(one)
        for one in (
            row,
            {**row, "a_release_key": "us_census 2020-10"},
            {**row, "b_basis_id": "cif"},
            {**row, "b_basis_id": "cif", "trade_kind": "services"},
        )
    }
    assert len(names) == 4
    assert all(re.fullmatch(r"[a-z0-9_-]+", name) for name in names)


# -- the waterfall -----------------------------------------------------------------------


def fall(start: Decimal, *amounts: Decimal) -> list[bridge.Bar]:
    bars, level = [bridge.total("from", start, theme.TOTAL)], start
    for amount in amounts:
        bars.append(bridge.step("cause", level, amount))
        level += amount
    return [*bars, bridge.total("to", level, theme.TOTAL)]


@given(_DOLLARS, st.lists(_DOLLARS, min_size=1, max_size=5))
def test_every_bar_lies_on_the_axis(start: Decimal, amounts: list[Decimal]) -> None:
    bars = fall(start, *amounts)
    axis = bridge.axis_of(bars)
    for bar in bars:
        assert axis.low <= bar.end <= axis.high
        assert not bar.is_step or axis.low <= bar.start <= axis.high
    assert axis.low <= axis.base <= axis.high
    assert axis.is_cut or axis.low <= 0 <= axis.high


@given(_DOLLARS, st.lists(_DOLLARS, min_size=1, max_size=5))
def test_an_axis_is_cut_only_where_no_bar_crosses_zero(
    start: Decimal, amounts: list[Decimal]
) -> None:
    bars = fall(start, *amounts)
    if bridge.axis_of(bars).is_cut:
        signs = {bar.end > 0 for bar in bars}
        assert len(signs) == 1
        assert all(bar.end for bar in bars)


def test_totals_alone_stand_on_zero() -> None:
    bars = [bridge.total(name, Decimal(usd), theme.INK) for name, usd in (("a", 100), ("b", 101))]
    assert bridge.axis_of(bars) == bridge.Axis(Decimal(0), Decimal(101), Decimal(0))


def test_a_small_step_is_shown_by_cutting_the_axis() -> None:
    far, near = fall(-28 * _BN, 20 * _BN), fall(-28 * _BN, Decimal(21_900_000))
    assert not bridge.axis_of(far).is_cut
    assert bridge.axis_of(near).is_cut


@given(st.lists(st.text(max_size=120), min_size=1, max_size=6))
def test_rows_do_not_overlap(names: list[str]) -> None:
    bars = [bridge.total(name, Decimal(1), theme.INK) for name in names]
    for above, below in pairwise(bridge.places_of(bars)):
        assert below.text > above.bar > above.text


def extents(svg: str) -> list[tuple[str, float, float]]:
    """Each bar of a drawing: what it says, its left and its right edge."""
    found = re.findall(r'<path aria-label="([^"]*)"[^>]* d="M([\d.]+),[\d.]+h([\d.]+)v', svg)
    return [(says, float(left), float(left) + float(width)) for says, left, width in found]


@pytest.mark.slow
def test_bars_are_as_long_as_their_amounts_and_meet() -> None:
    bars = fall(Decimal(-27_624_600_000), Decimal(1_135_537_410), Decimal(3_138_493_692))
    drawn = extents(bridge.draw(bars, "name"))
    assert [says for says, _, _ in drawn] == [
        "from, −27,624.6 million US dollars",  # noqa: RUF001
        "cause, +1,135.5 million US dollars",
        "cause, +3,138.5 million US dollars",
        "to, −23,350.6 million US dollars",  # noqa: RUF001
    ]
    first, one, other, last = (right - left for _, left, right in drawn)
    assert one / first == pytest.approx(1_135_537_410 / 27_624_600_000, abs=0.001)
    assert other / first == pytest.approx(3_138_493_692 / 27_624_600_000, abs=0.001)
    assert first == pytest.approx(one + other + last, abs=0.5)
    # Upwards is to the right: a step ends where the next begins.
    assert drawn[1][1:] == pytest.approx((drawn[0][1], drawn[2][1]), abs=0.2)
    assert drawn[3][1] == pytest.approx(drawn[2][2], abs=0.2)


def test_steps_differ_by_sign_not_only_by_colour() -> None:
    up, down = (bridge.step("x", Decimal(0), Decimal(usd)) for usd in (5_000_000, -5_000_000))
    assert (up.written, down.written) == ("+5.0", "−5.0")  # noqa: RUF001
    assert up.colour != down.colour


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\bbar\b"):
        bridge.draw([], "name")


# -- lines by year -----------------------------------------------------------------------


@given(
    st.lists(st.floats(-50, 450), min_size=1, max_size=20).map(sorted),
    st.floats(1, 20),
)
def test_names_stand_apart_and_inside(places: list[float], step: float) -> None:
    moved = spread(places, [step] * len(places), 400.0)
    assert len(moved) == len(places)
    assert all(below - above >= step - 1e-6 for above, below in pairwise(moved))
    assert moved[-1] <= 400.0
    # Where all names fit they stay inside; 20 of 20 pixels just do.
    assert moved[0] >= min(0.0, 400.0 - step * len(places)) - 1e-6


def test_names_that_do_not_meet_stay_where_they_are() -> None:
    assert spread([10.0, 50.0, 90.0], [15.0] * 3, 100.0) == [10.0, 50.0, 90.0]


@pytest.mark.parametrize(("years", "has"), [([2011, 2016], False), ([2011, 2012, 2016], True)])
def test_a_line_needs_two_years_that_follow_each_other(years: list[int], has: bool) -> None:
    line = Line("census", 0, True, [(one, Decimal(1)) for one in years])
    assert line.has_stretch is has


def test_a_missing_year_breaks_the_line() -> None:
    line = Line("census", 0, True, [(one, one * _BN) for one in (2001, 2002, 2005, 2006)])
    svg = balances.draw([line], [], theme.WIDE, "name")
    paths = re.findall(r'<path aria-label="census"[^>]* d="([^"]*)"', svg)
    assert [path.count("L") for path in paths] == [1, 1]


def test_a_dot_on_no_line_is_hollow() -> None:
    dots = [Dot("A prints", 2001, _BN, 0), Dot("B prints", 2002, _BN, None)]
    line = Line("census", 0, True, [(2001, _BN), (2002, _BN)])
    svg = balances.draw([line], dots, theme.WIDE, "name")
    fills = dict(re.findall(r'aria-label="(\w) prints:[^"]*"[^>]*? fill="([^"]*)"', svg))
    assert fills == {"A": theme.colour(0), "B": theme.PAPER}
