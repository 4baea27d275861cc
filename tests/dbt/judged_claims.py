"""Claims through all models of a verdict, over figures that a test makes up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl
from compiled_models import CompiledModels
from dbt.composed import Figure, tables_of

CLAIMS: dict[str, Any] = {
    "claim_id": pl.String(),
    "document_id": pl.String(),
    "says": pl.String(),
    "quoted": pl.String(),
    "confidence": pl.String(),
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
    "compared_with": pl.String(),
    "release_id": pl.String(),
    "snapshot_file": pl.String(),
    "snapshot_sha256": pl.String(),
    "row_number": pl.Int64(),
}


def verdict_of(
    models: CompiledModels, figures: list[Figure], published_on: date | None, **claim: Any
) -> dict[str, Any]:
    """The verdict on a claim about US goods trade with Korea in 2016, unless it says otherwise."""
    return verdicts_of(models, figures, {"c1": claim}, published_on)["c1"]


def verdicts_of(
    models: CompiledModels,
    figures: list[Figure],
    claims: Mapping[str, Mapping[str, Any]],
    published_on: date | None = None,
) -> dict[str, dict[str, Any]]:
    """The verdict on each claim, every one in an article of its own."""
    given = tables_of_claims(figures, claims, published_on)
    with models.run(given, "claim_verdicts") as connection:
        found = connection.sql("from marts.claim_verdicts").pl().to_dicts()
    return {row["claim_id"]: row for row in found}


def tables_of_claims(
    figures: list[Figure],
    claims: Mapping[str, Mapping[str, Any]],
    published_on: date | None = None,
) -> dict[str, pl.DataFrame]:
    """The tables that the models read: of the figures, the claims and their articles."""
    usual = {
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
    }
    rows = [
        {"claim_id": claim_id, "document_id": claim_id, **usual, **claim}
        for claim_id, claim in claims.items()
    ]
    given = tables_of(figures) | {
        "claims_given": pl.DataFrame(rows, schema=CLAIMS),
        "documents_given": pl.DataFrame(
            [
                {
                    "document_id": claim_id,
                    "publisher": "a newspaper",
                    "title_in_short": "trade",
                    "published_on": published_on,
                }
                for claim_id in claims
            ],
            schema={
                **dict.fromkeys(("document_id", "publisher", "title_in_short"), pl.String()),
                "published_on": pl.Date(),
                **dict.fromkeys(("address", "article_sha256"), pl.String()),
            },
            orient="row",
        ),
    }
    # These are found from the claims.
    del given["int_claims__cells"]
    return given
