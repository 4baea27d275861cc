"""Claims in words: the quoted figure, its range after rounding, why candidates fit or not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dagster_project.site.numbers import (
    ABSENT,
    apart,
    basis_name,
    capital,
    compared,
    printed,
    value_is_absent,
)

Row = Mapping[str, Any]


def status_words(status: str) -> str:
    return status.replace("_", " ")


def figure_of(claim: Row) -> str:
    """The quoted figure with its hedge."""
    text = printed(claim["reported_value"], claim["unit"])
    if claim["hedge"] in (None, "exact", "doubled") or claim["unit"] == "sign":
        return text
    return f"{claim['hedge'].replace('_', ' ')} {text}"


def document_name(claim: Row) -> str:
    """Publisher and date; the marts have no title."""
    name = claim["document_publisher"] or claim["document_id"] or "an unnamed article"
    day = claim["published_on"]
    return f"{name}, {day.isoformat() if day else 'undated'}"


def in_words(code: str | None) -> str:
    """A code in a sentence."""
    return (code or "").replace("_", " ")


def outside(claim: Row, row: Row | None) -> str:
    """How far a candidate is outside the range."""
    if row is None:
        return "outside the range"
    if row["side"] == "inside":
        return "within the range"
    if not row["distance"]:
        return "on the end of the range that the wording excludes"
    return f"{_length(claim, row['distance'])} {row['side']} the range"


def _revision(claim: Row, row: Row | None) -> str:
    return "its measured size" if row is None else f"up to {_length(claim, row['revision'])}"


def _length(claim: Row, amount: Any) -> str:
    """A distance in the unit of the claim; percentages differ by percentage points."""
    unit = claim["unit"]
    noun = {"pct": "percentage points", "rank": "places", "ratio": "", "sign": "steps"}
    return f"{apart(amount, unit, claim['rounding'])} {noun.get(unit, unit)}".strip()


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


def _meaning(hypothesis: str | None) -> str:
    return in_words(hypothesis or "as_stated")


def candidate_in_words(claim: Row, row: Row) -> dict[str, Any]:
    """A candidate as a row of the table, with its result."""
    return {
        "bases": bases_in_words(row["bases"]),
        "meaning": _meaning(row["hypothesis"]),
        "products": products_of(row),
        "value": value_of(claim, row["value"]),
        "release": row["release_key"],
        "fit": row["fit"],
        "is_chosen": row["is_chosen"],
        "why": _why(claim, row),
    }


def _why(claim: Row, row: Row) -> str:
    """Why a candidate fits or not."""
    status = claim["status"]
    if row["is_chosen"]:
        return {
            "confirmed": "Within the range; basis of the verdict.",
            "ambiguous": "Within the range, as are others.",
            "other_basis": "Within the range, but on a different basis from the source's other"
            " figures.",
            "revised": f"{capital(outside(claim, row))}; revisions have moved the series by"
            f" {_revision(claim, row)}.",
            "mislabelled": "Equals the quoted figure; basis of the verdict.",
        }.get(status, f"{capital(outside(claim, row))}; cited in the verdict.")
    if row["fit"] == "exact":
        if not row["is_as_stated"]:
            return "Equals the quoted figure, but is not what the article says."
        if status == "undetermined":
            return (
                "Matches only the article's own figures, which is no evidence."
                if row["part_claim_id"]
                else "Within the range, but data for other candidates is missing."
            )
        return (
            "Within the range, as are others."
            if status == "ambiguous"
            else "Also within the range; ranks below the chosen one."
        )
    if row["fit"] == "possible":
        if row["evidence_kind"] == "lower bound":
            return "The run starts in the first available year, so it may be longer."
        return (
            f"{capital(outside(claim, row))}, but rounded to within"
            f" {_length(claim, row['rounding_margin'])}: too coarse to decide."
        )
    words = f"{capital(outside(claim, row))}."
    if row["is_within_revision"]:
        return f"{words[:-1]}; revisions have moved the series by {_revision(claim, row)}."
    return words


def products_of(row: Row) -> str:
    """The products that a candidate counts."""
    if row["part_claim_id"]:
        return f"the article's own figure {row['part_claim_id']} as a share of the total"
    return str(row["products"] or ABSENT)


def bases_in_words(bases: str) -> str:
    """Bases of a candidate, or its series where no named basis uses it."""
    return ", ".join(map(basis_name, bases.split(", ")))


def name_of(row: Row, *, with_products: bool) -> str:
    bases = bases_in_words(row["bases"])
    return f"{bases}, {products_of(row)}" if with_products else bases
