"""Formats the figures of a claim for the cells of a table, with unit codes.

A row is a claim of `marts.claims` with its verdict of `marts.claim_verdicts`. Sentences spell
units out; see `phrases.py`.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from dagster_project.claims.words import Row, hedged
from dagster_project.site.numbers import ABSENT, basis_name, compared, printed, value_is_absent


def figure_of(claim: Row) -> str:
    """The quoted figure with its hedge."""
    return hedged(claim, printed(claim["reported_value"], claim["unit"]))


def document_name(claim: Row) -> str:
    """Publisher and date; the title, where a publisher is not known."""
    title = claim.get("document_title")
    name = claim["document_publisher"] or title or claim["document_id"] or "an unnamed article"
    day = claim["published_on"]
    return f"{name}, {day.isoformat() if day else 'undated'}"


def value_of(claim: Row, value: Any) -> str:
    return compared(value, claim["unit"], claim["rounding"])


def allowed(claim: Row) -> str:
    """The range in words, with open ends marked."""
    low, high, unit = claim["low"], claim["high"], claim["unit"]
    if value_is_absent(low) or value_is_absent(high):
        return "no range"
    if unit == "sign":
        inside = [
            printed(one, unit)
            for one in (1, 0, -1)
            if (low < one or (low == one and claim["low_is_closed"]))
            and (one < high or (one == high and claim["high_is_closed"]))
        ]
        return " or ".join(inside) or ABSENT
    if unit == "rank":
        # Ranks are whole numbers.
        low, high = Decimal(math.ceil(low)), Decimal(math.floor(high))
    if low == high:
        return printed(low, unit)
    ends = printed(low, None), printed(high, unit)
    if claim["low_is_closed"] and claim["high_is_closed"]:
        return f"{ends[0]} to {ends[1]}"
    lower = f"from {ends[0]}" if claim["low_is_closed"] else f"above {ends[0]}"
    upper = f"up to {ends[1]}" if claim["high_is_closed"] else f"below {ends[1]}"
    return f"{lower} and {upper}"


def products_of(row: Row) -> str:
    """The products that a candidate counts."""
    if row["part_claim_id"]:
        return f"the article's own figure {row['part_claim_id']} as a share of the total"
    return str(row["products"] or ABSENT)


def bases_in_words(bases: str) -> str:
    """The bases of a candidate, or its series if no named basis uses it."""
    return ", ".join(map(basis_name, bases.split(", ")))
