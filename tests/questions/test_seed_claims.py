"""The shipped articles come out as the method says they must, by its general rules."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dagster_project.questions.replay import Replay

# Claim, status, reading where the method names one.
EXPECTED = [
    ("dw01", "confirmed", "census"),
    ("dw03", "confirmed", "census"),
    ("dw04", "confirmed", "census"),
    ("dw05", "confirmed", "census"),
    ("as01", "confirmed", "census"),
    ("as05", "confirmed", "census"),
    ("as06", "confirmed", "census"),
    ("st01", "confirmed", "census"),
    ("sj03", "confirmed", "census"),
    ("at05", "confirmed", None),
    ("at03", "confirmed", "cif"),
    ("at04", "confirmed", "cif"),
    ("sj01", "confirmed", "census"),
    ("sj02", "confirmed", "census"),
    ("at07", "confirmed", "bop"),
    ("at06", "confirmed", None),
    ("as03", "revised", "census"),
    ("at09", "confirmed", "census"),
    ("at10", "confirmed", "census"),
    # With the article's own 18.8, a share of the surplus on another basis.
    ("at02", "other_basis", "cif"),
    ("as02", "contradicted", None),
    ("as04", "contradicted", None),
    ("st02", "confirmed", "census"),
    ("as07", "undetermined", None),
    ("as08", "undetermined", None),
    ("as09", "undetermined", None),
    ("at01", "undetermined", None),
    ("sj04", "undetermined", None),
    ("sj05", "undetermined", None),
    ("sj06", "undetermined", None),
    ("at08", "undetermined", None),
    ("dw02", "undetermined", None),
    ("st03", "confirmed", "bop"),
]


@pytest.fixture(scope="module")
def verdicts(warehouse: Replay) -> dict[str, dict]:
    rows = warehouse.published("from warehouse.marts.claim_verdicts")
    return {row["claim_id"]: row for row in rows.iter_rows(named=True)}


def test_every_shipped_claim_is_expected_something(verdicts: dict[str, dict]) -> None:
    assert sorted(verdicts) == sorted(claim_id for claim_id, *_ in EXPECTED)


@pytest.mark.parametrize(("claim_id", "status", "reading"), EXPECTED)
def test_a_shipped_claim_has_its_verdict(
    verdicts: dict[str, dict], claim_id: str, status: str, reading: str | None
) -> None:
    verdict = verdicts[claim_id]
    assert verdict["status"] == status, verdict["reason_code"]
    if reading is not None:
        assert verdict["basis_id"] == reading, verdict["reason_code"]
    if status == "undetermined":
        assert verdict["missing_rows"]
    else:
        assert verdict["evidence"]


@pytest.mark.parametrize(
    ("claim_id", "product_group", "period"),
    [
        ("as07", "autos.end_use300", "2016"),
        ("at01", "autos_and_parts.end_use3", "2016"),
        ("sj04", "textiles_apparel.otexa", "2016"),
    ],
)
def test_what_would_decide_is_named(
    warehouse: Replay, verdicts: dict[str, dict], claim_id: str, product_group: str, period: str
) -> None:
    ((name,),) = warehouse.published(
        "select definition_name from warehouse.seeds.sector_definitions"
        f" where product_group = '{product_group}'"
    ).rows()
    assert any(
        row.startswith(f"{name}, ") and row.split(", ")[-1] == period
        for row in verdicts[claim_id]["missing_rows"]
    )


def test_the_release_that_would_decide_is_named(verdicts: dict[str, dict]) -> None:
    """One release of services is available, eight years later than the article."""
    (row,) = verdicts["at08"]["missing_rows"]
    assert {"bea_ita"} <= set(row.split())


def test_the_exchange_rate_that_would_decide_is_named(verdicts: dict[str, dict]) -> None:
    (row,) = verdicts["dw02"]["missing_rows"]
    assert {"EUR", "USD,", "2011"} <= set(row.split())


def test_the_inconsistencies_of_the_shipped_texts_are_the_two_known(warehouse: Replay) -> None:
    rows = {
        tuple(row["claim_ids"]): row
        for row in warehouse.published("from warehouse.marts.claim_inconsistencies").iter_rows(
            named=True
        )
    }
    assert {row["document_id"] for row in rows.values()} == {"american_shipper_2017_12"}
    dropped = rows.pop(("as01", "as02", "as03"))
    assert dropped["suspect_claim_id"] == "as02"
    assert any(repair.endswith(" 43.5") for repair in dropped["repairs"])
    # The level of exports is not needed: they fell, so imports rose by 27.65 less 13.15 at most.
    ((claim_ids, rise),) = rows.items()
    assert claim_ids == ("as03", "as04", "as05", "as06")
    assert rise["left_claim_ids"] == ["as04"]
    assert rise["right_high"] == 14.5e9
    assert rise["repairs"] == []


def test_the_bridge_of_the_two_deficits_is_freight_and_insurance(warehouse: Replay) -> None:
    rows = warehouse.published(
        "select b.a_usd, b.b_usd, b.closes, s.cause_code, s.amount_usd"
        " from warehouse.marts.bridges as b"
        " inner join warehouse.marts.bridge_steps as s on b.bridge_id = s.bridge_id"
        " where b.bridge_id = 'claims: dw03 to at04' order by s.step_order"
    ).rows()
    assert [row[3] for row in rows] == ["CIF", "ROUNDING"]
    assert round(rows[0][4] / 10**6, 1) == Decimal("2000.8")
    assert all(row[2] for row in rows)
    assert rows[0][0] + sum(row[4] for row in rows) == rows[0][1]
