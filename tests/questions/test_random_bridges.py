"""Ten thousand bridges between random ends close to the last digit, on rows that exist."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from questions.held_figures import HeldFigures
from questions.random_bridges import (
    STANDARD_ORDER,
    Request,
    draw_request,
    requests_given,
    resolve,
    walk,
)
from questions.random_figures import Writer

from dagster_project.questions.replay import Replay

SEEDS = (2011, 2016, 2017, 2021, 2026)
DRAWN_EACH = 5_600
BY_HAND_EACH = 250

PLACE = {code: place for place, codes in enumerate(STANDARD_ORDER) for code in codes}


@dataclass
class Answered:
    """Every request with its bridge and steps, by seed."""

    requests: dict[str, Request] = field(default_factory=dict)
    bridges: dict[str, dict] = field(default_factory=dict)
    steps: dict[str, list[dict]] = field(default_factory=lambda: defaultdict(list))


@pytest.fixture(scope="module")
def answered(warehouse: Replay, held: HeldFigures) -> Answered:
    everything = Answered()
    for seed in SEEDS:
        writer = Writer(held, seed)
        requests = [draw_request(writer, f"{seed}-{n}") for n in range(DRAWN_EACH)]
        warehouse.answer(
            {"bridges_requested": requests_given(requests)}, ["bridges", "bridge_steps"]
        )
        everything.requests |= {request.bridge_id: request for request in requests}
        everything.bridges |= {
            row["bridge_id"]: row
            for row in warehouse.rows("bridges", "bridge_id")
            if row["bridge_id"] in everything.requests
        }
        for row in warehouse.rows("bridge_steps", "bridge_id, step_order"):
            everything.steps[row["bridge_id"]].append(row)
    return everything


def test_ten_thousand_bridges_with_a_step_at_least_are_walked(
    answered: Answered, measured: list[str]
) -> None:
    steps = Counter(len(answered.steps[bridge_id]) for bridge_id in answered.bridges)
    causes = Counter(
        code
        for bridge_id in answered.bridges
        for step in answered.steps[bridge_id]
        for code in step["cause_code"].split(" + ")
    )
    measured.append(
        f"{len(answered.requests)} asked, {len(answered.bridges)} with rows at both ends;"
        f" by steps {dict(sorted(steps.items()))}; causes {dict(causes.most_common())}"
    )
    assert len(answered.bridges) - steps[0] >= 10_000
    assert {"PERIOD_DEFINITION", "SECTOR_DEFINITION", "RELEASE", "REEXPORT", "CIF"} <= set(causes)
    assert {"GENERAL_VS_CONSUMPTION", "PARTNER_IMPORTS", "PARTNER_EXPORTS"} <= set(causes)


def test_every_bridge_closes_to_the_last_digit(answered: Answered) -> None:
    for bridge_id, bridge in answered.bridges.items():
        amounts = [step["amount_usd"] for step in answered.steps[bridge_id]]
        assert bridge["a_usd"] + sum(amounts, Decimal(0)) == bridge["b_usd"], bridge_id
        assert bridge["residual_usd"] == 0, bridge_id
        assert bridge["closes"], bridge_id


def test_every_step_follows_from_the_one_before_in_the_standard_order(answered: Answered) -> None:
    for bridge_id, bridge in answered.bridges.items():
        steps = answered.steps[bridge_id]
        places = [PLACE[code] for step in steps for code in step["cause_code"].split(" + ")]
        assert places == sorted(set(places)), bridge_id
        at = bridge["a_usd"]
        for step in steps:
            assert step["before_usd"] == at, bridge_id
            at = step["after_usd"]
            assert step["amount_usd"] == step["after_usd"] - step["before_usd"], bridge_id


def test_every_amount_lies_within_its_range_over_orders(answered: Answered) -> None:
    for bridge_id in answered.bridges:
        for step in answered.steps[bridge_id]:
            assert step["amount_min_usd"] <= step["amount_usd"] <= step["amount_max_usd"], step


def test_every_step_names_rows_that_are_held(warehouse: Replay, answered: Answered) -> None:
    held_rows = set(
        warehouse.published("select reference_id from warehouse.marts.raw_references")
        .to_series()
        .to_list()
    )
    steps = [step for bridge_id in answered.bridges for step in answered.steps[bridge_id]]
    assert steps
    for step in steps:
        assert step["evidence"], step
        assert held_rows.issuperset(step["evidence"]), step


def test_a_bridge_that_is_not_found_has_an_end_without_rows(
    held: HeldFigures, answered: Answered, measured: list[str]
) -> None:
    missing = [r for name, r in answered.requests.items() if name not in answered.bridges]
    sample = missing[:: max(len(missing) // 500, 1)]
    measured.append(
        f"{len(missing)} of {len(answered.requests)} not found, {len(sample)} looked at"
    )
    assert sample
    for request in sample:
        ends = resolve(held, request, request.a), resolve(held, request, request.b)
        assert None in ends, request


@pytest.mark.parametrize("seed", SEEDS)
def test_ends_steps_and_ranges_are_those_found_by_hand(
    held: HeldFigures, answered: Answered, seed: int
) -> None:
    of_seed = [name for name in answered.bridges if name.startswith(f"{seed}-")]
    looked_at = 0
    # The longest walks first: there an order can matter.
    for name in sorted(of_seed, key=lambda n: (-len(answered.steps[n]), n))[:BY_HAND_EACH]:
        request, bridge = answered.requests[name], answered.bridges[name]
        a, b = resolve(held, request, request.a), resolve(held, request, request.b)
        assert a is not None, request
        assert b is not None, request
        sense = request.direction
        assert (bridge["a_usd"], bridge["b_usd"]) == (sense * a.value, sense * b.value), request
        by_hand = walk(held, request, a, b)
        told = [
            (tuple(PLACE[code] for code in step["cause_code"].split(" + ")), step["amount_usd"])
            for step in answered.steps[name]
        ]
        assert told == [(changed, sense * amount) for changed, amount in by_hand.steps], request
        for step, (changed, amount) in zip(answered.steps[name], by_hand.steps, strict=True):
            ends = by_hand.ranges.get(changed, (amount, amount))
            low, high = sorted(sense * end for end in ends)
            assert (step["amount_min_usd"], step["amount_max_usd"]) == (low, high), request
        looked_at += 1
    assert looked_at == BY_HAND_EACH


def test_the_way_back_is_the_way_there_with_the_sign_turned(
    warehouse: Replay, answered: Answered
) -> None:
    there = [r for name, r in answered.requests.items() if name in answered.bridges][:500]
    back = [Request(r.bridge_id, r.quantity, r.direction, r.b, r.a) for r in there]
    warehouse.answer({"bridges_requested": requests_given(back)}, ["bridges"])
    returned = {row["bridge_id"]: row for row in warehouse.rows("bridges", "bridge_id")}
    for request in there:
        one, other = answered.bridges[request.bridge_id], returned[request.bridge_id]
        assert one["gap_usd"] == -other["gap_usd"], request
        assert (one["a_usd"], one["b_usd"]) == (other["b_usd"], other["a_usd"]), request
