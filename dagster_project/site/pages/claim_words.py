"""Claims in words: the figure as printed, what its print allows, why others fell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dagster_project.site.numbers import (
    ABSENT,
    apart,
    capital,
    compared,
    printed,
    value_is_absent,
)

Row = Mapping[str, Any]


def status_words(status: str) -> str:
    return status.replace("_", " ")


def figure_of(claim: Row) -> str:
    """The figure as it is printed, with the word beside it."""
    text = printed(claim["reported_value"], claim["unit"])
    if claim["hedge"] in (None, "exact", "doubled") or claim["unit"] == "sign":
        return text
    return f"{claim['hedge'].replace('_', ' ')} {text}"


def document_name(claim: Row) -> str:
    """Publisher and day; no title is held."""
    name = claim["document_publisher"] or claim["document_id"] or "a document without a name"
    day = claim["published_on"]
    return f"{name}, {day.isoformat() if day else 'without a date'}"


def reading_words(reading: str | None) -> str:
    return (reading or "").replace("_", " ")


def outside(claim: Row, row: Row | None) -> str:
    """How far a candidate lies outside the interval."""
    if row is None:
        return "outside the interval"
    if row["side"] == "inside":
        return "inside the interval"
    if not row["distance"]:
        return "on the end of the interval that the words leave out"
    return f"{_length(claim, row['distance'])} {row['side']} the interval"


def _revision(claim: Row, row: Row | None) -> str:
    return "its measured scale" if row is None else f"up to {_length(claim, row['revision'])}"


def _length(claim: Row, amount: Any) -> str:
    """A distance in the unit of the claim; per cents differ by points."""
    unit = claim["unit"]
    noun = {"pct": "percentage points", "rank": "places", "ratio": "", "sign": "steps"}
    return f"{apart(amount, unit, claim['rounding'])} {noun.get(unit, unit)}".strip()


def value_of(claim: Row, value: Any) -> str:
    return compared(value, claim["unit"], claim["rounding"])


def allowed(claim: Row) -> str:
    """The interval in words, its open ends told."""
    low, high, unit = claim["low"], claim["high"], claim["unit"]
    if value_is_absent(low) or value_is_absent(high):
        return "no interval"
    if unit == "sign":
        inside = [
            printed(one, unit)
            for one in (1, 0, -1)
            if (low < one or (low == one and claim["low_is_closed"]))
            and (one < high or (one == high and claim["high_is_closed"]))
        ]
        return " or ".join(inside) or ABSENT
    if unit == "rank":
        # Only whole places can be taken.
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
    return reading_words(hypothesis or "as_stated")


def told(claim: Row, row: Row) -> dict[str, Any]:
    """A candidate as a row of the table, with why it fell or stands."""
    return {
        "readings": row["readings"],
        "meaning": _meaning(row["hypothesis"]),
        "definition": definition_of(row),
        "value": value_of(claim, row["value"]),
        "release": row["release_key"],
        "fit": row["fit"],
        "is_chosen": row["is_chosen"],
        "why": _why(claim, row),
    }


def _why(claim: Row, row: Row) -> str:
    """Why a candidate stands, or fell."""
    status = claim["status"]
    if row["is_chosen"]:
        return {
            "confirmed": "Inside the interval: the verdict rests on it.",
            "ambiguous": "Inside the interval, as others are.",
            "other_basis": "Inside the interval, but on another basis than the speaker's other"
            " figures.",
            "revised": f"{capital(outside(claim, row))}; revisions have moved the series by"
            f" {_revision(claim, row)}.",
            "mislabelled": "Gives the print exactly: the verdict rests on it.",
        }.get(status, f"{capital(outside(claim, row))}; the verdict names it.")
    if row["fit"] == "exact":
        if not row["is_as_stated"]:
            return "Gives the print, but is not what the text says."
        if status == "undetermined":
            return (
                "Agrees with the text itself, which is no evidence."
                if row["part_claim_id"]
                else "Inside the interval, but rows of others are missing."
            )
        return (
            "Inside the interval, as others are."
            if status == "ambiguous"
            else "Inside the interval too; comes after the chosen one."
        )
    if row["fit"] == "possible":
        if row["evidence_kind"] == "lower bound":
            return "A run that begins with the first year held: it may be longer."
        return (
            f"{capital(outside(claim, row))}, but known only to within"
            f" {_length(claim, row['rounding_margin'])}: too coarsely to tell."
        )
    words = f"{capital(outside(claim, row))}."
    if row["is_within_revision"]:
        return f"{words[:-1]}; revisions have moved the series by {_revision(claim, row)}."
    return words


def definition_of(row: Row) -> str:
    """What products a candidate counts."""
    if row["part_claim_id"]:
        return f"the text's own figure {row['part_claim_id']} over the whole"
    return str(row["products"] or ABSENT)


def name_of(row: Row, *, with_definition: bool) -> str:
    return f"{row['readings']}, {definition_of(row)}" if with_definition else str(row["readings"])
