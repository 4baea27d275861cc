"""What must hold of any figure, any text and any three ends, drawn by hypothesis."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from questions.feasibility import can_all_be_true
from questions.held_figures import TOTAL, Cell, HeldFigures, Period
from questions.printed_claims import MULTIPLIER, Claim, print_number
from questions.printed_claims import given as as_given
from questions.random_bridges import End, Request, requests_given

from dagster_project.questions.check import CONSISTENCY_INPUTS, find_inconsistencies
from dagster_project.questions.replay import Replay

# One example is many figures: a question costs the same for one as for a hundred.
few = settings(
    max_examples=8,
    # Shrinking asks the warehouse hundreds of times for a smaller example.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

CELL = Cell("USA", "KOR", "goods", TOTAL, Period.of_year(2015))
BASE = Period.of_year(2011)

HEDGES = ("exact", "about", "nearly", "more_than", "at_least", "less_than", "at_most")


@st.composite
def printed_levels(draw: st.DrawFn) -> list[Claim]:
    claims = []
    for place in range(60):
        rounding = Decimal(1).scaleb(draw(st.integers(-3, 2)))
        value = rounding * draw(st.integers(-(10**6), 10**6).filter(bool))
        claims.append(
            Claim(
                f"c{place}",
                CELL,
                "total",
                "balance",
                "level",
                draw(st.sampled_from((1, -1))),
                value,
                draw(st.sampled_from(("USD", "USD th", "USD mn", "USD bn"))),
                rounding,
                draw(st.sampled_from(HEDGES)),
            )
        )
    return claims


@few
@given(claims=printed_levels())
def test_words_allow_the_interval_the_method_says(warehouse: Replay, claims: list[Claim]) -> None:
    warehouse.answer({"claims_given": as_given(claims)}, ["claims"])
    rows = {row["claim_id"]: row for row in warehouse.rows("claims", "claim_id")}
    for claim in claims:
        row, interval = rows[claim.claim_id], claim.interval
        assert (row["low"], row["high"]) == (interval.low, interval.high), claim
        assert row["low_is_closed"] == interval.low_closed, claim
        assert row["high_is_closed"] == interval.high_closed, claim
        assert row["claimed"] == claim.value * MULTIPLIER[claim.unit]


@st.composite
def invented_texts(draw: st.DrawFn) -> list[Claim]:
    """Ten texts about trade that never was, each true of its own figures."""
    claims = []
    for text in range(10):
        flows = {
            (flow, period.text): Decimal(draw(st.integers(10**7, 10**12)))
            for flow in ("exports", "imports")
            for period in (CELL.period, BASE)
        }
        for quantity in ("exports", "imports", "balance", "two_way"):
            end, start = (_of(quantity, flows, p) for p in (CELL.period, BASE))
            digits = draw(st.integers(0, 3))
            rounding = Decimal(1).scaleb(-digits)
            menu = {
                "level": (end / 10**9, CELL, None),
                "level before": (start / 10**9, CELL.at(period=BASE), None),
                "change": ((end - start) / 10**9, CELL, BASE),
            }
            if start > 0:
                menu["growth"] = ((end / start - 1) * 100, CELL, BASE)
                menu["ratio"] = (end / start, CELL, BASE)
            for name in draw(st.sets(st.sampled_from(sorted(menu)), max_size=3)):
                amount, cell, base = menu[name]
                transform = name.split()[0]
                unit = {"growth": "pct", "ratio": "ratio"}.get(transform, "USD bn")
                value = print_number(amount, rounding)
                claims.append(
                    Claim(
                        f"t{text} {quantity} {name}",
                        cell,
                        "total",
                        quantity,
                        transform,
                        1,
                        value,
                        unit,
                        rounding,
                        base=base,
                        document=f"t{text}",
                    )
                )
    return claims


def _of(quantity: str, flows: dict[tuple[str, str], Decimal], period: Period) -> Decimal:
    exports, imports = flows[("exports", period.text)], flows[("imports", period.text)]
    return {
        "exports": exports,
        "imports": imports,
        "balance": exports - imports,
        "two_way": exports + imports,
    }[quantity]


@few
@given(claims=invented_texts())
def test_a_text_true_of_any_trade_raises_no_alarm(warehouse: Replay, claims: list[Claim]) -> None:
    warehouse.answer({"claims_given": as_given(claims)}, CONSISTENCY_INPUTS)
    assert find_inconsistencies(warehouse) == []


@few
@given(claims=invented_texts(), place=st.integers(0, 10**6), factor=st.integers(2, 30))
def test_what_is_display_measure_a_clash_is_one(
    warehouse: Replay, claims: list[Claim], place: int, factor: int
) -> None:
    """Every set of figures told cannot be true together, by another method."""
    spoiled = [
        Claim(**{**vars(c), "value": c.value * factor}) if n % 7 == place % 7 else c
        for n, c in enumerate(claims)
    ]
    warehouse.answer({"claims_given": as_given(spoiled)}, CONSISTENCY_INPUTS)
    by_id = {claim.claim_id: claim for claim in spoiled}
    for row in find_inconsistencies(warehouse):
        told = [by_id[name] for name in row["claim_ids"]]
        assert not can_all_be_true(told), (row, told)


READINGS = ("census", "cif", "domestic", "domestic_general", "total_consumption", "mirror")


@st.composite
def ends(draw: st.DrawFn) -> End:
    cell = CELL.at(period=Period.of_year(draw(st.integers(2011, 2015))))
    as_of = draw(st.sampled_from((None, date(2027, 1, 1), date(2026, 10, 1))))
    return End(cell, draw(st.sampled_from(READINGS)), as_of)


@few
@given(triples=st.lists(st.tuples(ends(), ends(), ends()), min_size=20, max_size=40))
def test_two_bridges_in_a_row_are_the_bridge_across(
    warehouse: Replay, held: HeldFigures, triples: list[tuple[End, End, End]]
) -> None:
    requests = []
    for n, (a, b, c) in enumerate(triples):
        for name, start, end in (("ab", a, b), ("bc", b, c), ("ac", a, c), ("aa", a, a)):
            requests.append(Request(f"{n} {name}", "balance", -1, start, end))
    warehouse.answer({"bridges_requested": requests_given(requests)}, ["bridges", "bridge_steps"])
    gaps = {row["bridge_id"]: row for row in warehouse.rows("bridges", "bridge_id")}
    compared = 0
    for n in range(len(triples)):
        if not all(f"{n} {name}" in gaps for name in ("ab", "bc", "ac")):
            continue
        first, second, across = (gaps[f"{n} {name}"]["gap_usd"] for name in ("ab", "bc", "ac"))
        assert first + second == across
        assert gaps[f"{n} aa"]["gap_usd"] == 0
        assert gaps[f"{n} aa"]["steps"] == 0
        compared += 1
    assert compared


@pytest.mark.parametrize("hedge", HEDGES)
def test_a_figure_is_true_of_what_it_is_printed_from(hedge: str) -> None:
    """The second opinion is itself held to the method's own examples."""
    claim = Claim(
        "c", CELL, "total", "balance", "level", 1, Decimal("27.6"), "USD bn", Decimal("0.1"), hedge
    )
    bounds = {
        "exact": ("27.55", "27.65"),
        "about": ("26.22", "28.98"),
        "nearly": ("26.22", "27.6"),
        "more_than": ("27.6", "276"),
        "at_least": ("27.6", "276"),
        "less_than": ("2.76", "27.6"),
        "at_most": ("2.76", "27.6"),
    }[hedge]
    interval = claim.interval
    assert (interval.low, interval.high) == tuple(Decimal(x) * 10**9 for x in bounds)
