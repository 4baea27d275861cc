"""Finds the contradictions in a frame of claims, for the build and for the commands."""

from __future__ import annotations

from collections import defaultdict

import polars as pl

from dagster_project.claims.consistency.constraints import Figure, figure
from dagster_project.claims.consistency.contradictions import Whole, contradictions

COLUMNS = (
    "claim_id",
    "document_id",
    "attributed_to",
    "trade_kind",
    "quantity",
    "transform",
    "direction",
    "is_in_scope",
    "reporter_iso3",
    "partner_code",
    "sector",
    "period_start",
    "period_end",
    "base_start",
    "base_end",
    "reported_value",
    "unit_kind",
    "currency",
    "rounding",
    "is_exact",
    "claimed",
    "half",
    "low",
    "high",
    "low_is_closed",
    "high_is_closed",
)
SCHEMA: dict[str, pl.DataType] = {
    "inconsistency_id": pl.String(),
    "document_id": pl.String(),
    "claim_ids": pl.List(pl.String()),
    "equation": pl.String(),
    "about": pl.String(),
    "left_claim_ids": pl.List(pl.String()),
    "left_low": pl.Float64(),
    "left_high": pl.Float64(),
    "right_claim_ids": pl.List(pl.String()),
    "right_low": pl.Float64(),
    "right_high": pl.Float64(),
    "suspect_claim_id": pl.String(),
    "repairs": pl.List(pl.String()),
}


def inconsistencies(claims: pl.DataFrame, wholes: pl.DataFrame) -> pl.DataFrame:
    """The sets of figures of one article that cannot all be true, in the columns `SCHEMA`.

    Args:
        claims: rows of marts.claims; needs `COLUMNS`.
        wholes: `claim_id` of a share, `part_claim_id` of the article's own part, and a `basis` of
            the whole for which the share of that part is true.
    """
    by_document: dict[str, list[Figure]] = defaultdict(list)
    for row in claims.select(COLUMNS).iter_rows(named=True):
        one = figure(row)
        if one is not None:
            by_document[row["document_id"]].append(one)
    other_wholes = [
        Whole(*row) for row in wholes.select("claim_id", "part_claim_id", "basis").iter_rows()
    ]
    rows = [
        {
            "inconsistency_id": f"{document_id} | {' + '.join(one.claim_ids)}",
            "document_id": document_id,
            "claim_ids": one.claim_ids,
            "equation": one.equation,
            "about": one.about,
            "left_claim_ids": one.left.claim_ids,
            "left_low": one.left.low,
            "left_high": one.left.high,
            "right_claim_ids": one.right.claim_ids,
            "right_low": one.right.low,
            "right_high": one.right.high,
            "suspect_claim_id": one.suspect,
            "repairs": [str(repair) for repair in one.repairs],
        }
        for document_id, figures in by_document.items()
        for one in contradictions(figures, other_wholes)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("inconsistency_id")
