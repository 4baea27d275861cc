"""Which claims are judged where several files have claims of one article, or share ids."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
from compiled_models import CompiledModels

CLAIM = {
    "says": "exports in 2016",
    "quoted": None,
    "confidence": None,
    "trade_kind": "goods",
    "measure": "exports",
    "reporter_iso3": "USA",
    "partner_code": "KOR",
    "sector": "total",
    "period": "2016",
    "base_period": None,
    "unit": "USD bn",
    "hedge": "exact",
    "attributed_to": None,
    "compared_with": None,
    "snapshot_sha256": "0",
    "row_number": 2,
}


def given(*claims: tuple[str, str, str, float]) -> dict[str, pl.DataFrame]:
    """Claims as release, article, id and value; releases come out in the order of their names."""
    rows = [
        CLAIM
        | {
            "release_id": release,
            "snapshot_file": f"articles/{release}/claims.csv",
            "document_id": document,
            "claim_id": claim,
            "reported_value": value,
            "rounding": 0.1,
        }
        for release, document, claim, value in claims
    ]
    releases = sorted({release for release, *_ in claims})
    files = [
        {
            "snapshot_file": f"articles/{release}/claims.csv",
            "table_name": "articles__claims",
            "known_from": date(2026, 11, 1 + place),
            "retrieved_at": datetime(2026, 11, 1 + place),
        }
        for place, release in enumerate(releases)
    ]
    text = {name: pl.String for name, value in CLAIM.items() if not isinstance(value, int)}
    return {
        "stg_articles__claims": pl.DataFrame(rows, schema_overrides=text),
        "stg_snapshots__files": pl.DataFrame(files),
    }


def judged(models: CompiledModels, *claims: tuple[str, str, str, float]) -> set[tuple]:
    found = models.run(given(*claims), "claims_given").sql(
        "select claim_id, document_id, reported_value from questions.claims_given"
    )
    return set(found.fetchall())


def test_an_article_has_the_claims_of_its_last_release(compiled_models: CompiledModels) -> None:
    assert judged(
        compiled_models,
        ("a", "korea", "k1", 42.3),
        ("a", "korea", "k2", 69.9),
        ("a", "japan", "j1", 63.2),
        ("b", "korea", "k1", 42.4),
    ) == {("k1", "korea", 42.4), ("j1", "japan", 63.2)}


def test_an_id_that_two_articles_use_is_told_apart(compiled_models: CompiledModels) -> None:
    assert judged(
        compiled_models, ("a", "korea", "f1", 42.3), ("b", "japan", "f1", 63.2)
    ) == {("f1", "korea", 42.3), ("japan f1", "japan", 63.2)}
