"""Finds the contradictions in a frame of claims, for the build and for the commands."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable

import polars as pl

from dagster_project.claims.consistency.constraints import Figure, figure
from dagster_project.claims.consistency.contradictions import Contradiction, Whole, contradictions
from dagster_project.claims.consistency.simplex import Effort, EffortSpent

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


# The arithmetic that one article may take: changed coefficients, of which a second allows about a
# million. A thousand figures of which half contradict others take a third of it.
_EFFORT = 500_000
_EFFORT_PER_FIGURE = 1_000


def warn_unfinished(document_id: str, figures: int) -> None:
    logging.getLogger(__name__).warning(unfinished(document_id, figures))


def unfinished(document_id: str, figures: int) -> str:
    """What to say of an article whose search has not come to its end."""
    return (
        f"{document_id}: its {figures:,} figures contradict each other in more ways than are"
        " searched. The contradictions listed are right, others may be missing. Correct these and"
        " check again, or divide the article."
    )


def inconsistencies(
    claims: pl.DataFrame,
    wholes: pl.DataFrame,
    on_unfinished: Callable[[str, int], None] = warn_unfinished,
) -> pl.DataFrame:
    """The sets of figures of one article that cannot all be true, in the columns `SCHEMA`.

    Args:
        claims: rows of marts.claims; needs `COLUMNS`.
        wholes: `claim_id` of a share, `part_claim_id` of the article's own part, and a `basis` of
            the whole for which the share of that part is true.
        on_unfinished: called with the document and its number of figures where the search took
            more effort than one article may.
    """
    by_document: dict[str, list[Figure]] = defaultdict(list)
    for row in claims.select(COLUMNS).iter_rows(named=True):
        one = figure(row)
        if one is not None:
            by_document[row["document_id"]].append(one)
    other_wholes = [
        Whole(*row) for row in wholes.select("claim_id", "part_claim_id", "basis").iter_rows()
    ]
    rows = []
    for document_id, figures in by_document.items():
        effort = Effort(_EFFORT + _EFFORT_PER_FIGURE * len(figures))
        try:
            for one in contradictions(figures, other_wholes, effort):
                rows.append(_row(document_id, one))
        except EffortSpent:
            on_unfinished(document_id, len(figures))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("inconsistency_id")


def _row(document_id: str, one: Contradiction) -> dict[str, object]:
    return {
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
