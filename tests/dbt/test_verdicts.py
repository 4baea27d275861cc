"""One claim at a time through all models of a verdict, over figures that a test makes up."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from compiled_models import CompiledModels
from dbt.composed import EXPORTS, IMPORTS, YEAR, Figure, Release, tables_of

RELEASE = Release("us_census", date(2017, 2, 7), 0, "2017-02")
REVISED = Release("us_census", date(2018, 6, 6), 0, "2018-06")
BILLION = 10**9
CLAIMS: dict[str, Any] = {
    "claim_id": pl.String(),
    "document_id": pl.String(),
    "says": pl.String(),
    "trade_kind": pl.String(),
    "measure": pl.String(),
    "reporter_iso3": pl.String(),
    "partner_code": pl.String(),
    "sector": pl.String(),
    "period": pl.String(),
    "base_period": pl.String(),
    "reported_value": pl.Decimal(20, 6),
    "unit": pl.String(),
    "rounding": pl.Decimal(20, 6),
    "hedge": pl.String(),
    "attributed_to": pl.String(),
    "release_id": pl.String(),
    "snapshot_file": pl.String(),
    "snapshot_sha256": pl.String(),
    "row_number": pl.Int64(),
}


def figures() -> list[Figure]:
    """US goods trade with Korea in 2016: a deficit of 27.5, after revision of 28 billion dollars."""
    of_year = [
        (RELEASE, EXPORTS, 42.0),
        (RELEASE, IMPORTS, 69.5),
        (REVISED, EXPORTS, 42.0),
        (REVISED, IMPORTS, 70.0),
    ]
    return [
        Figure(
            *(row_number, release, "us_census__country_file", series, ("total", "total"), YEAR),
            value=int(value * BILLION),
            half=50_000,
            unit="USD",
        )
        for row_number, (release, series, value) in enumerate(of_year, start=1)
    ]


def verdict(models: CompiledModels, **claim: Any) -> dict[str, Any]:
    row = {
        "claim_id": "c1",
        "document_id": "d1",
        "says": "a claim",
        "trade_kind": "goods",
        "measure": "deficit",
        "reporter_iso3": "USA",
        "partner_code": "KOR",
        "sector": "total",
        "period": "2016",
        "unit": "USD bn",
        "rounding": 0.1,
        "hedge": "exact",
    } | claim
    given = tables_of(figures()) | {
        "claims_given": pl.DataFrame([row], schema=CLAIMS),
        "documents_given": pl.DataFrame(
            [("d1", "a newspaper", "trade", date(2018, 7, 1))],
            schema=["document_id", "publisher", "title_in_short", "published_on"],
            orient="row",
        ),
    }
    # These are found from the claim.
    del given["int_claims__cells"]
    with models.run(given, "claim_verdicts") as connection:
        (found,) = connection.sql("from marts.claim_verdicts").pl().to_dicts()
    return found


@pytest.mark.parametrize(
    ("claim", "status", "release"),
    [
        ({"reported_value": 28.0}, "confirmed", REVISED),
        ({"reported_value": 27.5}, "confirmed", RELEASE),
        ({"reported_value": 27.8}, "revised", REVISED),
        ({"reported_value": 70.0, "measure": "imports"}, "confirmed", REVISED),
        ({"reported_value": 42.0}, "mislabelled", REVISED),
        ({"reported_value": 99.0}, "contradicted", REVISED),
        ({"reported_value": 28.0, "period": "2015"}, "undetermined", None),
    ],
)
def test_a_claim_has_the_verdict_of_the_figures(
    compiled_models: CompiledModels, claim: dict[str, Any], status: str, release: Release | None
) -> None:
    found = verdict(compiled_models, **claim)
    key = release and f"us_census {release.release_id}"
    assert (found["status"], found["release_key"]) == (status, key)
    assert (found["evidence"] == []) == (release is None)
