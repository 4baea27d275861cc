"""What is reported of a text cannot hold, and any fewer of it can: by a second method."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any

import polars as pl
import pytest
from claims.elimination import Row, can_all_be_true
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.claims.consistency.frames import COLUMNS, inconsistencies

_NO_WHOLES = pl.DataFrame(
    schema={"claim_id": pl.String, "part_claim_id": pl.String, "basis": pl.String}
)
_TYPES: dict[str, Any] = {
    **dict.fromkeys(COLUMNS, pl.String),
    **dict.fromkeys(("is_in_scope", "is_exact", "low_is_closed", "high_is_closed"), pl.Boolean),
    **dict.fromkeys(("period_start", "period_end", "base_start", "base_end"), pl.Date),
    **dict.fromkeys(("claimed", "half", "low", "high"), pl.Decimal(32, 6)),
    **dict.fromkeys(("reported_value", "rounding"), pl.Decimal(20, 6)),
    "direction": pl.Int32,
}
_QUANTITIES = ("exports", "imports", "balance", "two_way")


def claim(
    claim_id: str,
    quantity: str,
    value: str | int | Decimal,
    transform: str = "level",
    *,
    year: int = 2016,
    base: int = 2011,
    sector: str = "total",
    direction: int = 1,
    unit: str = "USD",
    rounding: str = "0.1",
    source: str | None = None,
    ends: tuple[bool, bool] = (True, True),
    document: str = "d",
) -> Row:
    """A row of marts.claims; money in whole units of its currency."""
    kind = {"growth": "percent", "share": "percent", "ratio": "ratio"}.get(transform, "money")
    if unit == "sign":
        kind = "sign"
    compared = transform in ("change", "growth", "ratio")
    amount, half = Decimal(value), Decimal(rounding) / 2
    return {
        "claim_id": claim_id,
        "document_id": document,
        "attributed_to": source,
        "trade_kind": "goods",
        "quantity": quantity,
        "transform": transform,
        "direction": direction,
        "is_in_scope": True,
        "reporter_iso3": "AAA",
        "partner_code": "BBB",
        "sector": sector,
        "period_start": date(year, 1, 1),
        "period_end": date(year, 12, 31),
        "base_start": date(base, 1, 1) if compared else None,
        "base_end": date(base, 12, 31) if compared else None,
        "reported_value": amount,
        "unit_kind": kind,
        "currency": unit if kind == "money" else None,
        "rounding": Decimal(rounding),
        "is_exact": True,
        "claimed": amount,
        "half": half,
        "low": amount - half,
        "high": amount + half,
        "low_is_closed": ends[0],
        "high_is_closed": ends[1],
    }


def found(claims: Sequence[Row], wholes: pl.DataFrame = _NO_WHOLES) -> list[dict]:
    return inconsistencies(_frame(claims), wholes).to_dicts()


def _frame(claims: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame([dict(one) for one in claims], schema=_TYPES, orient="row")


# ---------------------------------------------------------------------------
# Any text
# ---------------------------------------------------------------------------


@st.composite
def texts(draw: st.DrawFn) -> list[Row]:
    """A few figures of trade that never was, some of them wrong."""
    flows: dict[tuple[str, int, str], int] = {}
    for year in (2011, 2016):
        for flow in ("exports", "imports"):
            flows["total", year, flow] = draw(st.integers(5, 60))
            flows["autos", year, flow] = draw(st.integers(1, flows["total", year, flow]))
    claims = []
    for number in range(draw(st.integers(3, 9))):
        transform = draw(st.sampled_from(("level", "level", "change", "growth", "ratio", "share")))
        sector = draw(st.sampled_from(("total", "total", "autos")))
        quantity, year = draw(st.sampled_from(_QUANTITIES)), draw(st.sampled_from((2011, 2016)))
        unit, beside = "USD", Decimal(1)
        end = _amount(flows, sector, year, quantity)
        start = _amount(flows, sector, 4027 - year, quantity)
        direction = -1 if quantity == "balance" and end < 0 else 1
        value = direction * (end - start if transform == "change" else end)
        if transform in ("level", "change") and draw(st.booleans()):
            unit, beside = draw(st.sampled_from((("USD", Decimal(1)), ("EUR", Decimal("1.25")))))
            value /= beside
        if transform in ("growth", "ratio"):
            value, direction = end / start if start else Decimal(1), -1 if start < 0 else 1
        if transform == "share":
            sector = "autos"
            whole = _amount(flows, "total", year, quantity)
            value = _amount(flows, "autos", year, quantity) / whole if whole else Decimal(0)
            direction = -1 if whole < 0 else 1
        if transform in ("growth", "share"):
            value = value * 100 - (100 if transform == "growth" else 0)
        if draw(st.sampled_from((False, False, False, True))):
            value *= draw(st.sampled_from((Decimal("1.2"), Decimal("0.7"), 2, -1)))
        value = value.quantize(Decimal("0.1") if transform == "ratio" else Decimal(1))
        if transform == "change" and value and draw(st.booleans()):
            unit, value = "sign", value / abs(value)
        claims.append(
            claim(
                f"c{number}",
                quantity,
                value,
                transform,
                year=year,
                base=4027 - year,
                sector=sector,
                direction=direction,
                unit=unit,
                rounding="0.1" if transform == "ratio" else "1",
                source=draw(st.sampled_from((None, None, None, "an office", "an institute"))),
                ends=(draw(st.booleans()), draw(st.booleans())),
            )
        )
    return claims


def _amount(flows: Mapping[tuple[str, int, str], int], *about: Any) -> Decimal:
    sector, year, quantity = about
    exports, imports = (flows[sector, year, flow] for flow in ("exports", "imports"))
    told = {"balance": exports - imports, "two_way": exports + imports}
    return Decimal({"exports": exports, "imports": imports, **told}[quantity])


def voices(claims: Sequence[Row]) -> list[list[Row]]:
    """What the text says itself, with each of those it quotes."""
    sources = {one["attributed_to"] for one in claims} | {None}
    return [[one for one in claims if one["attributed_to"] in (None, x)] for x in sources]


@pytest.mark.slow
@settings(max_examples=300)
@given(claims=texts())
def test_a_reported_set_cannot_hold_and_any_fewer_of_it_can(claims: list[Row]) -> None:
    by_id = {one["claim_id"]: one for one in claims}
    for row in found(claims):
        told = [by_id[claim_id] for claim_id in row["claim_ids"]]
        assert not can_all_be_true(told), row
        for fewer in combinations(told, len(told) - 1):
            assert can_all_be_true(fewer), (row, [one["claim_id"] for one in fewer])


@pytest.mark.slow
@settings(max_examples=300)
@given(claims=texts())
def test_a_text_is_reported_where_it_contradicts_itself_and_nowhere_else(claims: list[Row]) -> None:
    rows = found(claims)
    contradicts = not all(can_all_be_true(voice) for voice in voices(claims))
    assert bool(rows) == contradicts
    named = {claim_id for row in rows for claim_id in row["claim_ids"]}
    rest = [one for one in claims if one["claim_id"] not in named]
    assert all(can_all_be_true(voice) for voice in voices(rest))


@pytest.mark.slow
@settings(max_examples=60)
@given(claims=texts(), chance=st.randoms(use_true_random=False))
def test_the_order_of_the_claims_changes_nothing(claims: list[Row], chance: random.Random) -> None:
    rows = found(claims)
    chance.shuffle(claims)
    assert found(claims) == rows


@pytest.mark.slow
@settings(max_examples=150)
@given(claims=texts())
def test_the_other_side_is_all_that_the_others_leave(claims: list[Row]) -> None:
    """In the interval that is told the figure would agree; a little beyond it would not."""
    by_id = {one["claim_id"]: one for one in claims}
    for row in found(claims):
        (first,) = (by_id[claim_id] for claim_id in row["left_claim_ids"])
        others = [by_id[claim_id] for claim_id in row["right_claim_ids"]]
        is_growth = first["transform"] in ("growth", "ratio", "share")
        if row["about"] == first["quantity"] and is_growth:
            continue
        if first["unit_kind"] == "sign":
            first = {**first, "unit_kind": "money", "currency": "USD"}
        low, high = row["right_low"], row["right_high"]
        if first["direction"] < 0 and not is_growth:
            low, high = -high, -low
        margin = 1e-5 * max(1.0, *(abs(x) for x in (low, high) if abs(x) < 1e29), 1.0)
        inside = _saying(first, low - margin, high + margin)
        assert can_all_be_true([*others, inside]), row
        for beyond in ((low - 1e6, low - margin), (high + margin, high + 1e6)):
            if abs(sum(beyond)) < 1e29:
                assert not can_all_be_true([*others, _saying(first, *beyond)]), row


def _saying(one: Row, low: float, high: float) -> Row:
    """The claim with other ends, given as a factor or fraction where it is told in per cent."""
    scale, start = {"growth": (100, 1), "share": (100, 0)}.get(one["transform"], (1, 0))
    ends = [Decimal(str((x - start) * scale)) for x in (low, high)]
    return {**one, "low": ends[0], "high": ends[1], "low_is_closed": True, "high_is_closed": True}


# ---------------------------------------------------------------------------
# Some texts
# ---------------------------------------------------------------------------


def test_a_sum_that_does_not_add_up_is_told_with_its_identity() -> None:
    (row,) = found(
        [
            claim("x", "exports", 10),
            claim("m", "imports", 15),
            claim("d", "balance", 9, direction=-1),
            claim("far", "exports", 99, year=2012),
        ]
    )
    assert row["claim_ids"] == ["d", "m", "x"]
    assert row["equation"] == "exports = balance + imports"
    assert (row["about"], row["left_claim_ids"]) == ("balance", ["d"])
    assert (row["left_low"], row["left_high"]) == (-9.05, -8.95)
    assert (row["right_low"], row["right_high"]) == (-5.1, -4.9)


@pytest.mark.parametrize(
    ("claims", "equation"),
    [
        ([claim("a", "exports", 5), claim("b", "exports", 6)], "as printed"),
        (
            [claim("a", "exports", 5, sector="autos"), claim("b", "exports", 4)],
            "part <= whole",
        ),
        (
            [
                claim("a", "exports", 5, sector="autos"),
                claim("b", "exports", 10),
                claim("c", "exports", 60, "share", sector="autos"),
            ],
            "part of exports = share × whole",  # noqa: RUF001
        ),
        (
            [
                claim("a", "exports", 10),
                claim("b", "exports", 8, unit="EUR"),
                claim("c", "imports", 20),
                claim("d", "imports", 10, unit="EUR"),
            ],
            "dollars = EUR × exchange rate of the text",  # noqa: RUF001
        ),
        (
            [
                claim("a", "exports", 10),
                claim("b", "exports", 8, year=2011),
                claim("c", "exports", 4, "change"),
            ],
            "exports at the end = at the start + change",
        ),
        (
            [claim("a", "exports", 10), claim("b", "two_way", 8)],
            "two-way trade = exports + imports",
        ),
        ([claim("a", "exports", -10)], "exports >= 0"),
        ([claim("a", "exports", -130, "growth")], "exports >= 0"),
        ([claim("a", "exports", 130, "share", sector="autos")], "part <= whole"),
    ],
)
def test_the_equation_that_is_broken_is_named(claims: list[Row], equation: str) -> None:
    (row,) = found(claims)
    assert row["claim_ids"] == [one["claim_id"] for one in claims]
    assert row["equation"] == equation


def test_an_end_that_is_left_out_is_respected() -> None:
    """More than 10, and 10 at most."""
    more = claim("more", "exports", 11, rounding="2", ends=(False, True))
    most = claim("most", "exports", 9, rounding="2")
    (row,) = found([more, most])
    assert (row["left_low"], row["right_high"]) == (10, 10)
    assert found([{**more, "low_is_closed": True}, most]) == []


def test_growth_of_a_deficit_says_that_there_was_one() -> None:
    (row,) = found(
        [
            claim("g", "balance", 5, "growth", direction=-1),
            claim("s", "balance", 7, year=2011),
        ]
    )
    assert row["claim_ids"] == ["g", "s"]
    assert (row["left_claim_ids"], row["about"]) == (["s"], "balance")
    assert (row["left_low"], row["right_high"]) == (6.95, 0)


def test_the_digit_that_was_dropped_is_found_by_all_the_rest() -> None:
    """Its set alone would allow 43.5 to 45; another figure of the text leaves 43.5."""
    claims = [
        claim("end", "exports", "42.3", source="an office"),
        claim("start", "exports", "3.5", year=2011, source="an office"),
        claim("growth", "exports", "-5", "growth", rounding="5", source="an office"),
        claim("sum", "two_way", "60.5", year=2011, source="an office"),
        claim("imports", "imports", "17.0", year=2011, source="an office"),
    ]
    (row,) = found(claims)
    assert row["suspect_claim_id"] == "start"
    (repair,) = row["repairs"]
    assert re.fullmatch(r"start: .*, 43\.5", repair)


def test_two_whom_a_text_quotes_are_not_compared_and_the_text_is_with_each() -> None:
    first = claim("a", "exports", 5, source="an office")
    other = claim("b", "exports", 6, source="an institute")
    assert found([first, other]) == []
    text = claim("t", "exports", 7)
    assert {tuple(row["claim_ids"]) for row in found([first, other, text])} == {
        ("a", "t"),
        ("b", "t"),
    }
    assert {
        tuple(row["claim_ids"]) for row in found([first, {**other, "document_id": "e"}])
    } == set()


def test_another_whole_of_the_warehouse_repairs_a_share() -> None:
    claims = [
        claim("part", "exports", 5, sector="autos"),
        claim("share", "exports", 60, "share", sector="autos"),
        claim("whole", "exports", 10),
    ]
    wholes = pl.DataFrame(
        {"claim_id": ["share"], "part_claim_id": ["part"], "basis": ["cif"]},
        schema=_NO_WHOLES.schema,
    )
    (row,) = found(claims, wholes)
    assert "share: another whole: cif" in row["repairs"]


@pytest.mark.parametrize(("share", "is_inconsistent"), [(50, False), (60, True)])
def test_a_share_of_all_products_is_of_the_trade_with_the_world(
    share: int, is_inconsistent: bool
) -> None:
    claims = [
        claim("part", "exports", 5),
        claim("share", "exports", share, "share"),
        claim("whole", "exports", 10) | {"partner_code": "WLD"},
        # The same partner's autos are another part.
        claim("autos", "exports", 1, sector="autos"),
    ]
    names = [row["claim_ids"] for row in found(claims)]
    assert names == ([["part", "share", "whole"]] if is_inconsistent else [])


def test_what_says_nothing_that_adds_up_is_left_aside() -> None:
    wrong = [claim("a", "exports", 5), claim("b", "exports", 6)]
    for change in (
        {"document_id": None},
        {"is_in_scope": False},
        {"transform": "rank"},
        {"period_start": None},
    ):
        assert found([wrong[0], {**wrong[1], **change}]) == [], change
    barely = {**claim("c", "exports", -1, "change", unit="sign"), "is_exact": False}
    assert found([claim("a", "exports", 5, "change"), barely]) == []
    assert found([claim("a", "exports", 5, "change"), {**barely, "is_exact": True}])


# ---------------------------------------------------------------------------
# A long text
# ---------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [0, 1])
def test_the_effort_for_four_hundred_figures_is_bounded(wrong: int) -> None:
    claims = _long_text(random.Random(3), 400, wrong)
    started = time.process_time()
    rows = found(claims)
    assert time.process_time() - started < 60
    assert bool(rows) == bool(wrong)


def _long_text(chance: random.Random, size: int, wrong: int) -> list[Row]:
    """Figures of five sectors and twenty years that agree, but for the first ones."""
    sectors, years = ("total", "autos", "steel", "chips", "ships"), range(1995, 2016)
    flows: dict[tuple[str, int, str], int] = {}
    for year in years:
        for flow in ("exports", "imports"):
            flows["total", year, flow] = chance.randint(1_000, 1_000_000)
            for sector in sectors[1:]:
                flows[sector, year, flow] = (
                    flows["total", year, flow] * chance.randint(1, 20) // 100
                )

    claims: list[Row] = []
    while len(claims) < size:
        sector, quantity = chance.choice(sectors), chance.choice(_QUANTITIES)
        transform = chance.choice(("level", "level", "change", "growth", "share"))
        year, base = chance.sample(years, 2)
        end, start = (_amount(flows, sector, x, quantity) for x in (year, base))
        sense = -1 if quantity == "balance" and end < 0 else 1
        whole = sense * _amount(flows, "total", year, quantity)
        if transform == "growth" and sense * start <= 0:
            continue
        if transform == "share" and (sector == "total" or whole <= 0):
            continue
        value = (
            sense
            * {
                "level": end,
                "change": end - start,
                "growth": (end / start - 1) * 100 * sense if start else end,
                "share": end / whole * 100 if whole else end,
            }[transform]
        )
        value = value.quantize(Decimal("0.1"))
        if len(claims) < wrong:
            value *= Decimal("1.4")
        name = f"c{len(claims):03}"
        claims.append(
            claim(
                name,
                quantity,
                value,
                transform,
                year=year,
                base=base,
                sector=sector,
                direction=sense,
            )
        )
    return claims


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [1, 1_000])
def test_the_effort_for_a_long_text_is_bounded_and_its_end_is_told(wrong: int) -> None:
    claims = _long_text(random.Random(3), 1_000, wrong)
    told: list[tuple[str, int]] = []
    started = time.process_time()
    rows = inconsistencies(_frame(claims), _NO_WHOLES, lambda *one: told.append(one))
    assert time.process_time() - started < 60
    assert not rows.is_empty()
    assert told == ([] if wrong == 1 else [("d", 1_000)])


@pytest.mark.slow
@pytest.mark.parametrize("size", [250, 1_000])
def test_many_figures_for_one_quantity_are_all_compared_within_the_bounds(size: int) -> None:
    claims = [claim(f"c{n:04}", "exports", 1_000 + n) for n in range(size)]
    started = time.process_time()
    rows = found(claims)
    assert time.process_time() - started < 60
    blamed = {name for row in rows for name in row["claim_ids"]}
    assert blamed == {one["claim_id"] for one in claims}


def test_a_tighter_figure_left_out_gives_way_to_the_next() -> None:
    """Of many bounds on one quantity only the tightest is required: each is found in its turn."""
    claims = [
        *(claim(f"low{n}", "exports", 10 * n, rounding="1") for n in range(1, 8)),
        claim("sum", "two_way", 5, rounding="1"),
    ]
    rows = found(claims)
    assert sorted({name for row in rows for name in row["claim_ids"]}) == sorted(
        one["claim_id"] for one in claims
    )
