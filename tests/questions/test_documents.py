"""Documents that agree with themselves raise no alarm; one spoiled figure is found and named."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from decimal import Decimal

import pytest
from questions.feasibility import can_all_be_true
from questions.held_figures import HeldFigures
from questions.printed_claims import given
from questions.random_documents import SLIPS, Document, Spoiled, spoil, write
from questions.random_figures import Writer

from dagster_project.questions.check import CONSISTENCY_INPUTS, find_inconsistencies
from dagster_project.questions.replay import Replay

SEEDS = (4, 17, 112)
CONSISTENT_EACH = 100
SPOILED_EACH = 110


def inconsistencies(warehouse: Replay, claims: list) -> list[dict]:
    warehouse.answer({"claims_given": given(claims)}, CONSISTENCY_INPUTS)
    return find_inconsistencies(warehouse)


@pytest.fixture(scope="module")
def documents(held: HeldFigures) -> list[Document]:
    written = []
    for seed in SEEDS:
        writer = Writer(held, seed)
        written += [
            write(writer, f"d{seed}_{n}", with_part=n % 4 == 0) for n in range(CONSISTENT_EACH)
        ]
    return written


@pytest.fixture(scope="module")
def spoiled(held: HeldFigures, measured: list[str]) -> list[Spoiled]:
    """One figure spoiled in each, by more than rounding can hide, each slip in its turn."""
    found: list[Spoiled] = []
    hidden: Counter[str] = Counter()
    for seed in SEEDS:
        writer = Writer(held, seed + 1000)
        slips = iter(list(SLIPS) * SPOILED_EACH * 3)
        wanted = len(found) + SPOILED_EACH
        while len(found) < wanted:
            slip = next(slips)
            of_part = slip in ("wrong share", "part over whole")
            document = write(writer, f"x{seed}_{len(found)}", with_part=of_part)
            one = spoil(writer, document, slip)
            if one is None:
                continue
            if can_all_be_true(one.claims):
                hidden[slip] += 1
                continue
            found.append(one)
    measured.append(
        f"{len(found)} spoiled; {sum(hidden.values())} more that rounding hides: {dict(hidden)}"
    )
    return found


def test_the_documents_written_from_one_reading_can_all_be_true(documents: list[Document]) -> None:
    """Else an alarm would be no false one."""
    assert all(can_all_be_true(document.claims) for document in documents)


def test_no_consistent_document_raises_an_alarm(
    warehouse: Replay, documents: list[Document], measured: list[str]
) -> None:
    claims = [claim for document in documents for claim in document.claims]
    alarms = inconsistencies(warehouse, claims)
    measured.append(
        f"{len(documents)} consistent documents, {len(claims)} figures, {len(alarms)} alarms"
    )
    assert alarms == []


def test_a_spoiled_figure_is_found_and_named(
    warehouse: Replay, spoiled: list[Spoiled], measured: list[str]
) -> None:
    told = inconsistencies(warehouse, [claim for one in spoiled for claim in one.claims])
    by_document: dict[str, list[dict]] = defaultdict(list)
    for row in told:
        by_document[row["document_id"]].append(row)
    caught: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    restorable, restored, right = 0, 0, 0
    for one in spoiled:
        rows = by_document[one.claims[0].document or ""]
        naming = [row for row in rows if one.claim_id in row["claim_ids"]]
        right += len(naming)
        tried[one.slip] += 1
        caught[one.slip] += bool(naming)
        if naming and one.slip in ("a digit dropped", "a thousandfold"):
            restorable += 1
            restored += any(_restores(one, repair) for row in naming for repair in row["repairs"])
    recall = sum(caught.values()) / len(spoiled)
    precision = right / len(told)
    by_slip = {slip: f"{caught[slip]}/{tried[slip]}" for slip in SLIPS}
    measured.append(
        f"{len(spoiled)} spoiled documents: recall {recall:.3f}, precision {precision:.3f}"
        f" of {len(told)} told; {by_slip};"
        f" original restored {restored} of {restorable}"
    )
    assert len(spoiled) >= 200
    assert all(tried[slip] for slip in SLIPS)
    assert recall == 1
    assert precision == 1
    assert restored > 0.95 * restorable


def _restores(one: Spoiled, repair: str) -> bool:
    named, _, slip = repair.partition(": ")
    if named != one.claim_id:
        return False
    value = Decimal(slip.rpartition(", ")[2])
    if one.slip == "a thousandfold":
        # The digits were kept and the unit was not.
        return value in (one.original * 1000, one.original / 1000)
    return value == one.original


def test_a_document_is_told_little_and_only_of_itself(
    warehouse: Replay, spoiled: list[Spoiled]
) -> None:
    told = inconsistencies(warehouse, [claim for one in spoiled for claim in one.claims])
    rows = Counter(row["document_id"] for row in told)
    # One figure is wrong: a list of all that follows from it helps nobody.
    assert set(rows.values()) == {1}
    claims = {claim.claim_id: claim.document for one in spoiled for claim in one.claims}
    for row in told:
        assert {claims[claim_id] for claim_id in row["claim_ids"]} == {row["document_id"]}


def test_the_same_figure_twice_to_different_digits_is_no_clash(
    warehouse: Replay, documents: list[Document]
) -> None:
    """27.6 and 28 are one figure."""
    claims = []
    for document in documents[:60]:
        for claim in document.claims:
            claims.append(claim)
            coarse = claim.rounding * 10
            value = (claim.value / coarse).quantize(Decimal(1)) * coarse
            if claim.transform == "level" and value:
                again = f"{claim.claim_id} again"
                claims.append(replace(claim, claim_id=again, value=value, rounding=coarse))
    # A figure rounded twice may be off by the first rounding: that is asked of feasibility.
    by_document: dict[str | None, list] = defaultdict(list)
    for claim in claims:
        by_document[claim.document].append(claim)
    agreeing = [c for group in by_document.values() if can_all_be_true(group) for c in group]
    assert len(agreeing) > len(claims) / 2
    assert inconsistencies(warehouse, agreeing) == []
