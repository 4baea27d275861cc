"""The page of a claim: what was printed, the verdict and its reason, what was tried, the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from dagster_project.claims.wording import Verdict, timing, verdict_in_words
from dagster_project.site import addresses
from dagster_project.site.charts.interval import Band, Dot, draw, near
from dagster_project.site.context import KINDS, File, Link, PageContext, Pair
from dagster_project.site.figure import Figure, Picture
from dagster_project.site.numbers import (
    ABSENT,
    billions,
    capital,
    compared,
    period_in_words,
    printed,
    share,
    value_is_absent,
)
from dagster_project.site.pages.claim_words import (
    allowed,
    definition_of,
    document_name,
    figure_of,
    name_of,
    outside,
    reading_words,
    status_words,
    told,
    value_of,
)
from dagster_project.site.pages.clashes import broken, claim_links, told_clashes
from dagster_project.site.queries import Answer

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


def page(context: PageContext, claim_id: str) -> list[File]:
    """The page of one claim."""
    answer = context.ask("claim", claim=claim_id)
    claim = answer.rows[0]
    candidates = context.ask("claim_candidates", claim=claim_id)
    tried = [row for row in candidates.rows if _is_number(row["value"])]
    evidence = context.ask("claim_evidence", claim=claim_id)
    bridges = context.ask("claim_bridges", claim=claim_id)
    verdict = verdict_in_words(claim, context.words)
    figures = [
        _interval(context, claim, candidates, tried),
        _verdict(context, answer),
        _evidence(context, evidence),
        *broken(context, claim["document_id"], claim_id),
        *_bridges(context, bridges),
    ]
    return context.page(
        addresses.of_claim(claim_id),
        "claim.html",
        title=f"{capital(claim['says'] or claim_id)}: {figure_of(claim)}",
        trail=_trail(context, claim),
        figures=figures,
        json_ld=_review(context, claim, verdict),
        claim=claim,
        document=document_name(claim),
        document_path=document_path(context, claim),
        year=_year(context, claim),
        facts=_facts(context, claim),
        status=status_words(claim["status"]),
        status_note=claim["status_meaning"] or "",
        verdict=verdict,
        timing=timing(claim),
        allowed=allowed(claim),
        stated=[told(claim, row) for row in tried if row["is_as_stated"] and row["place"] == 1],
        slips=[told(claim, row) for row in tried if not row["is_as_stated"] and row["place"] == 1],
        several_definitions=len({definition_of(row) for row in tried}) > 1,
        tried_count=f"Tried as stated: {claim['candidates_tried']}; earlier releases and rounded"
        " prints of the same series are among the rows.",
        order=_ORDER,
        files=_files(evidence),
        # A run of years rests on a row a year and direction: too many to stand open.
        few_rows=len(evidence.rows) <= _OPEN_ROWS,
        clashes=told_clashes(context, figures),
        bridges=[_bridge(context, claim_id, list(rows)) for _, rows in _by_bridge(bridges)],
    )


def document_path(context: PageContext, claim: Row) -> str | None:
    document_id = claim["document_id"]
    return addresses.of_document(document_id) if document_id in context.outline.documents else None


def pair_of(context: PageContext, claim: Row) -> Pair | None:
    """The pair that a claim speaks of, from whichever side the site shows it."""
    sides = {claim["reporter_iso3"], claim["partner_code"]}
    return next(
        (one for one in context.outline.pairs if {one.reporter, one.partner} == sides),
        None,
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not value_is_absent(value)


# -- figures -----------------------------------------------------------------------------


def _interval(context: PageContext, claim: Row, candidates: Answer, tried: Sequence[Row]) -> Figure:
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
        basis=context.basis("each row as its reading or series says", candidates),
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
            "rounding_margin",
            "revision",
            "release_key",
            "evidence_kind",
            "known_at_publication",
        ),
        absence=absence,
    )


def _dots(claim: Row, rows: Sequence[Row]) -> list[Dot]:
    several = len({definition_of(row) for row in rows}) > 1
    return [
        Dot(
            name=name_of(row, with_definition=several or bool(row["part_claim_id"])),
            value=row["value"],
            fit=row["fit"],
            label=compared(row["value"], None, claim["rounding"])
            if claim["unit"] not in ("rank", "years")
            else printed(row["value"], None),
            says=f"{row['release_key']}: {value_of(claim, row['value'])}, {outside(claim, row)}",
        )
        for row in rows
    ]


def _axis(claim: Row) -> str:
    units = {"pct": "per cent", "ratio": "times", "rank": "rank"}
    return units.get(claim["unit"], str(claim["unit"]))


def _summary(claim: Row, dots: Sequence[Dot]) -> str:
    shown = "; ".join(f"{one.name} {one.label}" for one in dots)
    return (
        f"The print allows {allowed(claim)}. Figures held, the nearest first, in {_axis(claim)}:"
        f" {shown}."
    )


def _verdict(context: PageContext, answer: Answer) -> Figure:
    return Figure(
        id="verdict",
        title="The verdict as the marts hold it",
        unit="Figures in the unit of the print.",
        basis=context.basis("the reading that the verdict names", answer),
        answer=answer,
        columns=(
            "claim_id",
            "reported_value",
            "unit",
            "low",
            "high",
            "status",
            "value",
            "basis_id",
            "basis_key",
            "product_group",
            "release_key",
            "known_at_publication",
            "reason_code",
            "distance",
            "revision",
        ),
    )


def _evidence(context: PageContext, answer: Answer) -> Figure:
    return Figure(
        id="evidence",
        title="Evidence: the rows that the verdict rests on",
        unit="Values as the publisher's file has them, in its unit.",
        basis=context.basis("rows as published", answer),
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


def _bridges(context: PageContext, answer: Answer) -> list[Figure]:
    if not answer:
        return []
    return [
        Figure(
            id="bridges",
            title="From this figure to others",
            unit="Amounts in the sense of the figures: from deficit to deficit, a step that widens"
            " it is positive.",
            basis=context.basis(
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


def _bridge(context: PageContext, claim_id: str, rows: Sequence[Row]) -> dict[str, Any]:
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
        "other": claim_links(context, [other_id])[0] if other_id else None,
    }


def _end(row: Row, end: str) -> str:
    who = row[f"{end}_publisher"] or row[f"{end}_claim_id"]
    if not who:
        who = f"the {reading_words(row[f'{end}_basis_id'])} reading"
    measure, amount = reading_words(row["display_measure"]), billions(row[f"{end}_usd"])
    return f"{who}'s {measure} of {amount} USD bn for {row[f'{end}_period']}"


# -- the frame of the page ---------------------------------------------------------------


def _trail(context: PageContext, claim: Row) -> list[Link]:
    pair, document = pair_of(context, claim), document_path(context, claim)
    steps = []
    if pair:
        steps.append(Link(pair.label, addresses.of_pair(pair.reporter, pair.partner)))
    if document:
        steps.append(Link(document_name(claim), document))
    return steps


def _year(context: PageContext, claim: Row) -> Link | None:
    pair = pair_of(context, claim)
    if pair is None or claim["year"] not in context.outline.years_of(pair):
        return None
    return Link(
        f"All readings of {claim['year']}",
        addresses.of_year(pair.reporter, pair.partner, claim["year"]),
    )


def _facts(context: PageContext, claim: Row) -> list[tuple[str, str]]:
    """What the claim is about and what the verdict stands on, as a list of terms."""
    period = period_in_words(claim["period"] or ABSENT)
    if claim["base_period"]:
        period += f", against {period_in_words(claim['base_period'])}"
    sides = [
        context.names.get(code, code) for code in (claim["reporter_iso3"], claim["partner_code"])
    ]
    kind = KINDS.get(claim["trade_kind"], claim["trade_kind"])
    facts = [
        ("Asserted", f"{claim['measure_meaning'] or claim['measure']}, {kind}"),
        ("Reporter and partner", f"{sides[0] or ABSENT}, {sides[1] or ABSENT}"),
        ("Period", period),
        ("Products", claim["sector_name"] or claim["sector"] or ABSENT),
        (
            "Allowed by the print",
            _allowed(claim),
        ),
    ]
    if claim["basis_id"] or claim["basis_key"]:
        basis = reading_words(claim["basis_id"]) or claim["basis_key"]
        if claim["reading_description"]:
            basis += f": {claim['reading_description']}"
        facts.append(("Reading of the verdict", basis))
        facts.append(("Series", claim["basis_key"] or ABSENT))
    if claim["product_group"] and claim["sector"] != "total":
        facts.append(("Products counted", claim["definition_name"] or claim["product_group"]))
    if claim["release_key"]:
        facts.append(("Release", claim["release_key"]))
    return facts


def _allowed(claim: Row) -> str:
    if claim["unit"] == "sign":
        # A direction is not rounded.
        meaning = "The direction as printed"
    else:
        meaning = claim["hedge_meaning"] or "The figure as printed"
    if claim["hedge"] != "exact":
        meaning += f" (the word: {reading_words(claim['hedge'])})"
    return f"{allowed(claim)}. {meaning}"


def _review(context: PageContext, claim: Row, verdict: Verdict) -> dict[str, Any]:
    """The page as a schema.org ClaimReview. A site of files has no address of its own to give."""
    rating: dict[str, Any] = {
        "@type": "Rating",
        "alternateName": status_words(claim["status"]),
        "ratingExplanation": verdict.text,
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
        "datePublished": context.publication["published_at"].date().isoformat(),
        "author": {"@type": "Organization", "name": "Bilateral"},
        "itemReviewed": said,
        "reviewRating": rating,
    }
