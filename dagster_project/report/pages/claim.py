"""The page of a claim: what was printed, the verdict and its reason, what was tried, the rows.

Belongs here: the words of verdicts and of candidates, the figures of the page, what machines
are told of it. Does not belong here: judging, and the document around the claim
(`document.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from dagster_project.report import addresses
from dagster_project.report.asking import Answer
from dagster_project.report.charts.interval import Band, Dot, draw, near
from dagster_project.report.desk import KINDS, Desk, File, Link, Pair
from dagster_project.report.figure import Basis, Figure, Picture
from dagster_project.report.numbers import (
    ABSENT,
    billions,
    compared,
    printed,
    share,
    value_is_absent,
)

Row = Mapping[str, Any]

# How far a verdict bears a figure out, for machines: 5 is borne out as it stands, 1 is
# contradicted. Where nothing is decided there is no number that would be honest.
_RATINGS = {"confirmed": 5, "revised": 4, "other_basis": 3, "mislabelled": 2, "contradicted": 1}

_OPEN_ROWS = 12

_ORDER = (
    "Among figures that fit, the basis that explains most of the speaker's exact figures comes"
    " first, then the order of readings, the nearer definition, a statistic before a print, and"
    " the newer release."
)


def page(desk: Desk, claim_id: str) -> list[File]:
    """The page of one claim."""
    answer = desk.ask("claim", claim=claim_id)
    claim = answer.rows[0]
    candidates = desk.ask("claim_candidates", claim=claim_id)
    tried = [row for row in candidates.rows if _is_number(row["value"])]
    evidence = desk.ask("claim_evidence", claim=claim_id)
    bridges = desk.ask("claim_bridges", claim=claim_id)
    reason = sentences(claim, tried)
    figures = [
        _interval(desk, claim, candidates, tried),
        _verdict(desk, answer),
        _evidence(desk, evidence),
        *broken(desk, claim["document_id"], claim_id),
        *_bridges(desk, bridges),
    ]
    return desk.page(
        addresses.of_claim(claim_id),
        "claim.html",
        title=f"{_capital(claim['says'] or claim_id)}: {figure_of(claim)}",
        trail=_trail(desk, claim),
        figures=figures,
        json_ld=_review(desk, claim, reason),
        claim=claim,
        document=document_name(claim),
        document_path=document_path(desk, claim),
        year=_year(desk, claim),
        facts=_facts(desk, claim),
        status=status_words(claim["status"]),
        status_note=claim["status_meaning"] or "",
        reason=reason,
        allowed=_allowed(claim),
        stated=[_told(claim, row) for row in tried if row["is_as_stated"] and row["place"] == 1],
        slips=[_told(claim, row) for row in tried if not row["is_as_stated"] and row["place"] == 1],
        several_definitions=len({_definition(row) for row in tried}) > 1,
        tried_count=f"Tried as stated: {claim['candidates_tried']}; earlier releases and rounded"
        " prints of the same series are among the rows.",
        order=_ORDER,
        wanted=_wanted(claim),
        files=_files(evidence),
        # A run of years rests on a row a year and direction: too many to stand open.
        few_rows=len(evidence.rows) <= _OPEN_ROWS,
        clashes=told_clashes(desk, figures),
        bridges=[_bridge(desk, claim_id, list(rows)) for _, rows in _by_bridge(bridges)],
    )


# -- words that the document's page uses too ---------------------------------------------


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


def document_path(desk: Desk, claim: Row) -> str | None:
    document_id = claim["document_id"]
    return addresses.of_document(document_id) if document_id in desk.outline.documents else None


def pair_of(desk: Desk, claim: Row) -> Pair | None:
    """The pair that a claim speaks of, from whichever side the site shows it."""
    sides = {claim["reporter_iso3"], claim["partner_code"]}
    return next(
        (one for one in desk.outline.pairs if {one.reporter, one.partner} == sides),
        None,
    )


def claim_links(desk: Desk, claim_ids: Iterable[str]) -> list[tuple[str, str | None]]:
    """Claims by name, each with its address where it has a page."""
    return [
        (one, addresses.of_claim(one) if one in desk.outline.claims else None) for one in claim_ids
    ]


def reading_words(reading: str | None) -> str:
    return (reading or "").replace("_", " ")


def broken(desk: Desk, document_id: str | None, claim_id: str | None = None) -> list[Figure]:
    """The figures of a document, or those around one claim, that cannot all be true."""
    answer = desk.ask("inconsistencies", document=document_id, claim=claim_id)
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
                desk.outline.documents.get(document_id or "", document_id or "none"),
            ),
            answer=answer,
        )
    ]


def told_clashes(desk: Desk, figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """Each inconsistency in words: the equation, both sides, what would repair it."""
    rows = [row for one in figures if one.id == "inconsistencies" for row in one.answer.rows]
    return [
        {
            "equation": row["equation"],
            "about": reading_words(row["about"]) or "the rate of exchange",
            "claims": claim_links(desk, row["claim_ids"]),
            "left": _side(desk, row, "left"),
            "right": _side(desk, row, "right"),
            "suspect": claim_links(desk, [row["suspect_claim_id"]])[0]
            if row["suspect_claim_id"]
            else None,
            "repairs": [_repair(desk, one, row["claim_ids"]) for one in row["repairs"]],
        }
        for row in rows
    ]


def _side(desk: Desk, row: Row, side: str) -> dict[str, Any]:
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
    return {"claims": claim_links(desk, row[f"{side}_claim_ids"]), "words": words}


def _repair(desk: Desk, repair: str, claim_ids: Sequence[str]) -> dict[str, Any]:
    """A repair is written as its claim, a colon and the slip."""
    for one in claim_ids:
        if repair.startswith(f"{one}: "):
            return {
                "claim": claim_links(desk, [one])[0],
                "words": reading_words(repair[len(one) + 2 :]),
            }
    return {"claim": None, "words": repair}


# -- the verdict in words ----------------------------------------------------------------


def sentences(claim: Row, tried: Sequence[Row]) -> tuple[str, str]:
    """Why the verdict is what it is, and what the day of print has to do with it."""
    status = claim["status"]
    value = _value(claim, claim["value"])
    reading = _reading(claim)
    chosen = next((row for row in tried if row["is_chosen"]), None)
    if status == "confirmed":
        why = f"{_capital(reading)} gives {value}; the print allows {_allowed(claim)}"
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
            f"{_capital(reading)} gives {value} today, {_outside(claim, chosen)}: no more than"
            f" revisions have moved this series ({_revision(claim, chosen)})"
        )
    elif status == "ambiguous":
        why = (
            f"{claim['readings_fitting']} series or definitions give a figure that the print allows"
            f" ({_allowed(claim)}), {reading} with {value} among them"
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
        why = f"Nothing held gives it: {reading} comes to {value}, {_outside(claim, chosen)}"
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
    name = _name(first, with_definition=claim["sector"] != "total")
    value = f"{_value(claim, first['value'])} ({name})"
    if first["fit"] == "exact":
        if first["part_claim_id"]:
            return (
                f"{value[:1].upper()}{value[1:]} is what the print allows, but it is the text held"
                " against itself, and that figure is not settled"
            )
        return f"One figure held lies inside the interval, {value}, but rows of others are missing"
    if first["fit"] == "possible":
        return f"The nearest figure held, {value}, is known too coarsely to tell"
    return f"The nearest figure held is {value}, {_outside(claim, first)}, and others are missing"


def _outside(claim: Row, row: Row | None) -> str:
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
    least = compared(0, None, claim["rounding"])
    text = compared(amount, None, claim["rounding"])
    if unit in ("rank", "years", "sign"):
        text = printed(amount, None)
    elif text == least and amount:
        text = f"less than {least[:-1]}1"
    noun = {"pct": "percentage points", "rank": "places", "ratio": "", "sign": "steps"}
    return f"{text} {noun.get(unit, unit)}".strip()


def _value(claim: Row, value: Any) -> str:
    return compared(value, claim["unit"], claim["rounding"])


def _allowed(claim: Row) -> str:
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


def _wanted(claim: Row) -> list[str]:
    return [one for one in (claim["missing"] or "").split("; ") if one]


# -- what was tried ----------------------------------------------------------------------


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not value_is_absent(value)


def _definition(row: Row) -> str:
    """What products a candidate counts."""
    if row["part_claim_id"]:
        return f"the text's own figure {row['part_claim_id']} over the whole"
    return str(row["products"] or ABSENT)


def _name(row: Row, *, with_definition: bool) -> str:
    return f"{row['readings']}, {_definition(row)}" if with_definition else str(row["readings"])


def _told(claim: Row, row: Row) -> dict[str, Any]:
    """A candidate as a row of the table, with why it fell or stands."""
    return {
        "readings": row["readings"],
        "meaning": _meaning(row["hypothesis"]),
        "definition": _definition(row),
        "value": _value(claim, row["value"]),
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
            "revised": f"{_capital(_outside(claim, row))}; revisions have moved the series by"
            f" {_revision(claim, row)}.",
            "mislabelled": "Gives the print exactly: the verdict rests on it.",
        }.get(status, f"{_capital(_outside(claim, row))}; the verdict names it.")
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
            f"{_capital(_outside(claim, row))}, but known only to within"
            f" {_length(claim, row['half_width'])}: too coarsely to tell."
        )
    words = f"{_capital(_outside(claim, row))}."
    if row["is_within_revision"]:
        return f"{words[:-1]}; revisions have moved the series by {_revision(claim, row)}."
    return words


# -- figures -----------------------------------------------------------------------------


def _interval(desk: Desk, claim: Row, candidates: Answer, tried: Sequence[Row]) -> Figure:
    """The band of the print with the figures held beside it."""
    stated = [
        row for row in tried if row["place"] == 1 and (row["is_as_stated"] or row["is_chosen"])
    ]
    picture, absence, left_out = None, None, 0
    if claim["unit_kind"] == "sign":
        absence = "A direction is no amount: there is no interval to draw."
    elif not stated or value_is_absent(claim["low"]) or value_is_absent(claim["high"]):
        absence = "No figure that is held can be set beside this one."
    else:
        band = Band(
            low=claim["low"],
            high=claim["high"],
            low_is_closed=claim["low_is_closed"],
            high_is_closed=claim["high_is_closed"],
            printed=claim["reported_value"],
        )
        dots = near(band, _dots(claim, stated))
        left_out = len(stated) - len(dots)
        picture = Picture(
            summary=_summary(claim, dots),
            wide=draw(band, dots, _axis(claim), "interval"),
        )
    unit = (
        f"In {_axis(claim)}. The band is what the print allows. A disc lies inside it, a diamond"
        " may lie inside, its rows being too coarse or too few to tell, a cross lies outside."
        if picture
        else ""
    )
    if left_out:
        unit += f" {left_out} more, farther off, stand in the table alone."
    return Figure(
        id="candidates",
        title="What the print allows, and what the figures held come to",
        unit=unit,
        basis=desk.basis("each row as its reading or series says", candidates),
        answer=candidates,
        picture=picture,
        columns=(
            "hypothesis",
            "readings",
            "products",
            "value",
            "fit",
            "distance",
            "side",
            "half_width",
            "revision",
            "release_key",
            "evidence_kind",
            "known_at_publication",
        ),
        absence=absence,
    )


def _dots(claim: Row, rows: Sequence[Row]) -> list[Dot]:
    several = len({_definition(row) for row in rows}) > 1
    return [
        Dot(
            name=_name(row, with_definition=several or bool(row["part_claim_id"])),
            value=row["value"],
            fit=row["fit"],
            label=compared(row["value"], None, claim["rounding"])
            if claim["unit"] not in ("rank", "years")
            else printed(row["value"], None),
            says=f"{row['release_key']}: {_value(claim, row['value'])}, {_outside(claim, row)}",
        )
        for row in rows
    ]


def _axis(claim: Row) -> str:
    units = {"pct": "per cent", "ratio": "times", "rank": "rank"}
    return units.get(claim["unit"], str(claim["unit"]))


def _summary(claim: Row, dots: Sequence[Dot]) -> str:
    shown = "; ".join(f"{one.name} {one.label}" for one in dots)
    return (
        f"The print allows {_allowed(claim)}. Figures held, the nearest first, in {_axis(claim)}:"
        f" {shown}."
    )


def _verdict(desk: Desk, answer: Answer) -> Figure:
    return Figure(
        id="verdict",
        title="The verdict as the marts hold it",
        unit="Figures in the unit of the print.",
        basis=desk.basis("the reading that the verdict names", answer),
        answer=answer,
        columns=(
            "claim_id",
            "reported_value",
            "unit",
            "low",
            "high",
            "status",
            "value",
            "reading_id",
            "basis_key",
            "definition_id",
            "release_key",
            "known_at_publication",
            "reason",
        ),
    )


def _evidence(desk: Desk, answer: Answer) -> Figure:
    return Figure(
        id="evidence",
        title="Evidence: the rows that the verdict rests on",
        unit="Values as the publisher's file has them, in its unit.",
        basis=desk.basis("rows as published", answer),
        answer=answer,
        columns=(
            "snapshot_file",
            "row_number",
            "column_name",
            "reported_value",
            "reported_unit",
            "release_key",
        ),
        absence=None
        if answer
        else "The verdict rests on no row: nothing is asserted where nothing is decided.",
    )


def _files(evidence: Answer) -> list[dict[str, Any]]:
    """The files under the evidence, each once, with hash, address and terms."""
    files = {
        (row["snapshot_file"], row["snapshot_sha256"]): {
            "name": row["snapshot_file"],
            "sha256": row["snapshot_sha256"],
            "release": row["release_key"],
            "known_from": row["known_from"],
            "address": row["address"],
            # An address that is none of the web is shown and not followed.
            "is_link": str(row["address"] or "").startswith(("https://", "http://")),
            "licence": row["licence"],
        }
        for row in evidence.rows
    }
    return list(files.values())


def _bridges(desk: Desk, answer: Answer) -> list[Figure]:
    if not answer:
        return []
    return [
        Figure(
            id="bridges",
            title="From this figure to others",
            unit="Amounts in the sense of the figures: from deficit to deficit, a step that widens"
            " it is positive.",
            basis=desk.basis(
                "each end as its reading says", answer, "a_release_key", "b_release_key"
            ),
            answer=answer,
            columns=(
                "bridge_id",
                "causes",
                "amount_usd",
                "share_of_gap",
                "gap_usd",
                "residual_usd",
            ),
        )
    ]


def _by_bridge(answer: Answer) -> Iterable[tuple[str, Iterable[Row]]]:
    return groupby(answer.rows, lambda row: row["bridge_id"])


def _bridge(desk: Desk, claim_id: str, rows: Sequence[Row]) -> dict[str, Any]:
    """A bridge in a sentence, with the way to its other end."""
    first = rows[0]
    other = "a" if first["b_claim_id"] == claim_id else "b"
    other_id = first[f"{other}_claim_id"]
    steps = [
        f"{(row['causes'] or 'unnamed').lower()} {billions(row['amount_usd'], signed=True)}"
        + (f" ({share(row['share_of_gap'])})" if row["share_of_gap"] is not None else "")
        for row in rows
        if row["amount_usd"] is not None
    ]
    rest = (
        "It closes within the rounding of both prints."
        if first["closes"]
        else f"{billions(first['residual_usd'], signed=True)} are left that no cause explains."
    )
    return {
        "from": _end(first, "a"),
        "to": _end(first, "b"),
        "gap": billions(first["gap_usd"], signed=True),
        "steps": "; ".join(steps) or "no step",
        "rest": rest,
        "other": claim_links(desk, [other_id])[0] if other_id else None,
    }


def _end(row: Row, end: str) -> str:
    who = row[f"{end}_publisher"] or row[f"{end}_claim_id"]
    if not who:
        who = f"the {reading_words(row[f'{end}_reading_id'])} reading"
    amount = billions(row[f"{end}_usd"])
    return f"{who}'s {reading_words(row['told_as'])} of {amount} USD bn for {row[f'{end}_period']}"


# -- the frame of the page ---------------------------------------------------------------


def _trail(desk: Desk, claim: Row) -> list[Link]:
    pair, document = pair_of(desk, claim), document_path(desk, claim)
    steps = []
    if pair:
        steps.append(Link(pair.label, addresses.of_pair(pair.reporter, pair.partner)))
    if document:
        steps.append(Link(document_name(claim), document))
    return steps


def _year(desk: Desk, claim: Row) -> Link | None:
    pair = pair_of(desk, claim)
    if pair is None or claim["year"] not in desk.outline.years_of(pair):
        return None
    return Link(
        f"All readings of {claim['year']}",
        addresses.of_year(pair.reporter, pair.partner, claim["year"]),
    )


def _facts(desk: Desk, claim: Row) -> list[tuple[str, str]]:
    """What the claim is about and what the verdict stands on, as a list of terms."""
    period = claim["period"] or ABSENT
    if claim["base_period"]:
        period += f", against {claim['base_period']}"
    sides = [desk.names.get(code, code) for code in (claim["reporter_iso3"], claim["partner_code"])]
    kind = KINDS.get(claim["trade_kind"], claim["trade_kind"])
    facts = [
        ("Asserted", f"{claim['measure_meaning'] or claim['measure']}, {kind}"),
        ("Reporter and partner", f"{sides[0] or ABSENT}, {sides[1] or ABSENT}"),
        ("Period", period),
        ("Products", claim["sector_name"] or claim["sector"] or ABSENT),
        (
            "Allowed by the print",
            f"{_allowed(claim)}. {claim['hedge_meaning'] or 'The figure as printed'}"
            + (
                "" if claim["hedge"] == "exact" else f" (the word: {reading_words(claim['hedge'])})"
            ),
        ),
    ]
    if claim["reading_id"] or claim["basis_key"]:
        basis = reading_words(claim["reading_id"]) or claim["basis_key"]
        if claim["reading_description"]:
            basis += f": {claim['reading_description']}"
        facts.append(("Reading of the verdict", basis))
        facts.append(("Series", claim["basis_key"] or ABSENT))
    if claim["definition_id"] and claim["sector"] != "total":
        facts.append(("Products counted", claim["definition_name"] or claim["definition_id"]))
    if claim["release_key"]:
        facts.append(("Release", claim["release_key"]))
    return facts


def _review(desk: Desk, claim: Row, reason: Sequence[str]) -> dict[str, Any]:
    """The page as a schema.org ClaimReview. A site of files has no address of its own to give."""
    rating: dict[str, Any] = {
        "@type": "Rating",
        "alternateName": status_words(claim["status"]),
        "ratingExplanation": " ".join(reason),
    }
    if claim["status"] in _RATINGS:
        rating |= {"ratingValue": _RATINGS[claim["status"]], "bestRating": 5, "worstRating": 1}
    said: dict[str, Any] = {"@type": "Claim", "identifier": claim["claim_id"]}
    if claim["document_publisher"]:
        said["author"] = {"@type": "Organization", "name": claim["document_publisher"]}
    if claim["published_on"]:
        said["datePublished"] = claim["published_on"].isoformat()
    if claim["attributed_to"]:
        said["citation"] = claim["attributed_to"]
    return {
        "@context": "https://schema.org",
        "@type": "ClaimReview",
        "claimReviewed": f"{claim['says'] or claim['claim_id']}: {figure_of(claim)}",
        "datePublished": desk.publication["published_at"].date().isoformat(),
        "author": {"@type": "Organization", "name": "Bilateral"},
        "itemReviewed": said,
        "reviewRating": rating,
    }


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
