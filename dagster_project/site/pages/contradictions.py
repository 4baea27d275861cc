"""Figures of one article that cannot all be true, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dagster_project.claims.words import in_words
from dagster_project.site import addresses
from dagster_project.site.context import PageContext
from dagster_project.site.figure import Figure
from dagster_project.site.numbers import printed

Row = Mapping[str, Any]


def contradicting_figures(
    context: PageContext, document_id: str | None, claim_id: str | None = None
) -> list[Figure]:
    """The figures of an article, or those involving one claim, that cannot all be true."""
    figure = context.table("inconsistencies", document=document_id, claim=claim_id)
    return [figure] if figure.answer else []


def contradictions_in_words(
    context: PageContext, figures: Iterable[Figure]
) -> list[dict[str, Any]]:
    """Each contradiction in words: the equation, both sides, the likely corrections."""
    rows = [row for one in figures if one.id == "inconsistencies" for row in one.answer.rows]
    return [
        {
            "equation": row["equation"],
            "about": in_words(row["about"]) or "the exchange rate",
            "claims": claim_links(context, row["claim_ids"]),
            "left": _side(context, row, "left"),
            "right": _side(context, row, "right"),
            "suspect": claim_links(context, [row["suspect_claim_id"]])[0]
            if row["suspect_claim_id"]
            else None,
            "corrections": [_correction(context, one, row["claim_ids"]) for one in row["repairs"]],
        }
        for row in rows
    ]


def _side(context: PageContext, row: Row, side: str) -> dict[str, Any]:
    low, high = row[f"{side}_low"], row[f"{side}_high"]
    if low is None and high is None:
        words = "any amount"
    elif low is None:
        words = f"at most {printed(high, row['unit'])}"
    elif high is None:
        words = f"at least {printed(low, row['unit'])}"
    elif low == high:
        words = printed(low, row["unit"])
    else:
        words = f"{printed(low, None)} to {printed(high, row['unit'])}"
    return {"claims": claim_links(context, row[f"{side}_claim_ids"]), "words": words}


def _correction(context: PageContext, repair: str, claim_ids: Sequence[str]) -> dict[str, Any]:
    """A likely correction. The mart writes it as claim, colon, mix-up."""
    for one in claim_ids:
        if repair.startswith(f"{one}: "):
            return {
                "claim": claim_links(context, [one])[0],
                "words": in_words(repair[len(one) + 2 :]),
            }
    return {"claim": None, "words": repair}


def claim_links(context: PageContext, claim_ids: Iterable[str]) -> list[tuple[str, str | None]]:
    """Claims by id, each with its address if it has a page."""
    return [
        (one, addresses.of_claim(one) if one in context.outline.claims else None)
        for one in claim_ids
    ]
