"""Figures of one document that cannot all be true, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dagster_project.site import addresses
from dagster_project.site.context import PageContext
from dagster_project.site.figure import Basis, Figure
from dagster_project.site.numbers import printed
from dagster_project.site.pages.claim_words import reading_words

Row = Mapping[str, Any]


def broken(
    context: PageContext, document_id: str | None, claim_id: str | None = None
) -> list[Figure]:
    """The figures of a document, or those around one claim, that cannot all be true."""
    answer = context.ask("inconsistencies", document=document_id, claim=claim_id)
    if not answer:
        return []
    return [
        Figure(
            id="inconsistencies",
            title="Figures of this document that cannot all be true",
            unit="Found by arithmetic on what the prints allow; no statistic is consulted.",
            basis=Basis(
                "the printed figures alone",
                "as printed",
                context.outline.documents.get(document_id or "", document_id or "none"),
            ),
            answer=answer,
        )
    ]


def told_clashes(context: PageContext, figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """Each inconsistency in words: the equation, both sides, what would repair it."""
    rows = [row for one in figures if one.id == "inconsistencies" for row in one.answer.rows]
    return [
        {
            "equation": row["equation"],
            "about": reading_words(row["about"]) or "the rate of exchange",
            "claims": claim_links(context, row["claim_ids"]),
            "left": _side(context, row, "left"),
            "right": _side(context, row, "right"),
            "suspect": claim_links(context, [row["suspect_claim_id"]])[0]
            if row["suspect_claim_id"]
            else None,
            "repairs": [_repair(context, one, row["claim_ids"]) for one in row["repairs"]],
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


def _repair(context: PageContext, repair: str, claim_ids: Sequence[str]) -> dict[str, Any]:
    """A repair is written as its claim, a colon and the slip."""
    for one in claim_ids:
        if repair.startswith(f"{one}: "):
            return {
                "claim": claim_links(context, [one])[0],
                "words": reading_words(repair[len(one) + 2 :]),
            }
    return {"claim": None, "words": repair}


def claim_links(context: PageContext, claim_ids: Iterable[str]) -> list[tuple[str, str | None]]:
    """Claims by name, each with its address where it has a page."""
    return [
        (one, addresses.of_claim(one) if one in context.outline.claims else None)
        for one in claim_ids
    ]
