"""Claims in words: the figure as printed, what its print allows, the verdict, why others fell.

Belongs here: sentences made from the rows of a claim and of what was tried for it. Does not
belong here: judging (the marts), and what stands where on a page (`claim.py`, `document.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from dagster_project.report.numbers import (
    ABSENT,
    capital,
    compared,
    finest,
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


def sentences(claim: Row, tried: Sequence[Row]) -> tuple[str, str]:
    """Why the verdict is what it is, and what the day of print has to do with it."""
    status = claim["status"]
    value = value_of(claim, claim["value"])
    reading = _reading(claim)
    chosen = next((row for row in tried if row["is_chosen"]), None)
    if status == "confirmed":
        why = f"{capital(reading)} gives {value}; the print allows {allowed(claim)}"
        if claim["hypothesis"] and claim["hypothesis"].startswith("as_stated, "):
            why += f" (the figure {claim['hypothesis'].removeprefix('as_stated, ')})"
        if (claim["claims_explained"] or 0) > 1:
            why += (
                f", and this basis explains {claim['claims_explained']} exact figures of the same"
                " speaker"
            )
        elif (claim["readings_fitting"] or 0) > 1:
            why += f", and {claim['readings_fitting']} series or definitions fit"
    elif status == "revised":
        why = (
            f"{capital(reading)} gives {value} today, {outside(claim, chosen)}: no more than"
            f" revisions have moved this series ({_revision(claim, chosen)})"
        )
    elif status == "ambiguous":
        why = (
            f"{claim['readings_fitting']} series or definitions give a figure that the print allows"
            f" ({allowed(claim)}), {reading} with {value} among them"
        )
    elif status == "other_basis":
        why = (
            f"It is true of {reading}, which gives {value}, but the other figures of the same"
            " speaker establish another basis"
        )
    elif status == "mislabelled":
        why = (
            f"Nothing held gives it as stated; {_meaning(claim['hypothesis'])} does, with {value}"
            f" on {reading}"
        )
    elif status == "contradicted":
        why = f"Nothing held gives it: {reading} comes to {value}, {outside(claim, chosen)}"
    elif status == "out_of_scope":
        meaning = claim["measure_meaning"] or claim["measure"]
        why = f"What is printed is no figure of trade statistics ({meaning})"
    else:
        why = _undecided(claim, tried)
    return f"{why}.", _timing(claim)


def _timing(claim: Row) -> str:
    day = claim["published_on"]
    if claim["status"] == "out_of_scope":
        return "It is listed so that the figures of its document are all here."
    if value_is_absent(claim["value"]):
        return (
            "The rows that would decide are named below."
            if claim["missing"]
            else "What would decide is not known."
        )
    return {
        "known": f"That figure was out when the text was printed on {day}.",
        "later": f"The release it is read from came out after the print of {day}, so the author"
        " cannot have seen it.",
        "possible": "Of the release it is read from only the month or the year is known: it may or"
        f" may not have been out on {day}.",
    }.get(
        claim["known_at_publication"],
        "The document has no day of print, so nothing says whether the figure was out by then.",
    )


def _undecided(claim: Row, tried: Sequence[Row]) -> str:
    stated = [row for row in tried if row["is_as_stated"]]
    if not stated:
        return "No figure that is held can be set beside it"
    first = stated[0]
    name = name_of(first, with_definition=claim["sector"] != "total")
    value = f"{value_of(claim, first['value'])} ({name})"
    if first["fit"] == "exact":
        if first["part_claim_id"]:
            return (
                f"{value[:1].upper()}{value[1:]} is what the print allows, but it is the text held"
                " against itself, and that figure is not settled"
            )
        return f"One figure held lies inside the interval, {value}, but rows of others are missing"
    if first["fit"] == "possible":
        return f"The nearest figure held, {value}, is known too coarsely to tell"
    return f"The nearest figure held is {value}, {outside(claim, first)}, and others are missing"


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
    text = compared(amount, None, claim["rounding"])
    if unit in ("rank", "years", "sign"):
        text = printed(amount, None)
    elif amount and not text.strip("0."):
        text = f"less than {printed(finest(claim['rounding']), None)}"
    noun = {"pct": "percentage points", "rank": "places", "ratio": "", "sign": "steps"}
    return f"{text} {noun.get(unit, unit)}".strip()


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


def _reading(claim: Row) -> str:
    if claim["reading_id"]:
        return f"the {reading_words(claim['reading_id'])} reading"
    return f"the series {claim['basis_key']}" if claim["basis_key"] else "a figure held"


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
            f" {_length(claim, row['half_width'])}: too coarsely to tell."
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
