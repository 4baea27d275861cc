"""The page of a claim: the quoted figure, the verdict and its reason, the candidates, the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from dagster_project.claims.cells import (
    allowed,
    bases_in_words,
    document_name,
    figure_of,
    products_of,
    value_of,
)
from dagster_project.claims.wording import (
    Verdict,
    candidate_result,
    outside,
    timing,
    verdict_in_words,
)
from dagster_project.claims.words import in_words
from dagster_project.site import addresses
from dagster_project.site.charts.interval import Band, Dot, draw, near
from dagster_project.site.context import KINDS, File, Link, PageContext, Pair
from dagster_project.site.figure import Figure, Picture
from dagster_project.site.numbers import (
    ABSENT,
    basis_name,
    billions,
    compared,
    period_in_words,
    printed,
    share,
    value_is_absent,
)
from dagster_project.site.pages.contradictions import (
    claim_links,
    contradicting_figures,
    contradictions_in_words,
)
from dagster_project.site.queries import Answer

Row = Mapping[str, Any]

# Ratings for ClaimReview: 5 is confirmed, 1 is contradicted. Undecided claims have no rating.
_RATINGS = {"confirmed": 5, "revised": 4, "other_basis": 3, "mislabelled": 2, "contradicted": 1}

_OPEN_ROWS = 12


def page(context: PageContext, claim_id: str) -> list[File]:
    """The page of one claim."""
    answer = context.ask("claim", claim=claim_id)
    claim = answer.rows[0]
    candidates = context.ask("claim_candidates", claim=claim_id)
    compared_rows = [row for row in candidates.rows if _is_number(row["value"])]
    best = [row for row in compared_rows if row["place"] == 1]
    evidence = context.ask("claim_evidence", claim=claim_id)
    bridges = context.ask("claim_bridges", claim=claim_id)
    verdict = verdict_in_words(claim, context.words)
    figures = [
        _interval(context, claim, candidates, compared_rows),
        context.figure(answer),
        context.figure(evidence),
        *contradicting_figures(context, claim["document_id"], claim_id),
        *([context.figure(bridges)] if bridges else []),
    ]
    return context.page(
        addresses.of_claim(claim_id),
        "claim.html",
        title=_title(claim, verdict),
        trail=_trail(context, claim),
        figures=figures,
        json_ld=_review(context, claim, verdict),
        claim=claim,
        document=document_name(claim),
        document_path=document_path(context, claim),
        year=_year(context, claim),
        facts=_facts(context, claim),
        status=in_words(claim["status"]),
        status_note=claim["status_meaning"] or "",
        verdict=verdict,
        timing=timing(claim),
        stated=[_candidate(claim, row) for row in best if row["is_as_stated"]],
        mix_ups=[_candidate(claim, row) for row in best if not row["is_as_stated"]],
        several_product_groups=len({products_of(row) for row in compared_rows}) > 1,
        # The files behind the evidence, each once.
        files={(row["snapshot_file"], row["snapshot_sha256"]): row for row in evidence.rows},
        # A run of years has one row per year and direction: too many to show unfolded.
        few_rows=len(evidence.rows) <= _OPEN_ROWS,
        contradictions=contradictions_in_words(context, figures),
        bridges=[
            _bridge(context, claim_id, list(rows))
            for _, rows in groupby(bridges.rows, lambda row: row["bridge_id"])
        ],
    )


def document_path(context: PageContext, claim: Row) -> str | None:
    document_id = claim["document_id"]
    return addresses.of_document(document_id) if document_id in context.outline.documents else None


def pair_of(context: PageContext, claim: Row) -> Pair | None:
    """The pair that a claim is about, from the side that the site shows."""
    sides = {claim["reporter_iso3"], claim["partner_code"]}
    return next(
        (one for one in context.outline.pairs if {one.reporter, one.partner} == sides),
        None,
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not value_is_absent(value)


# -- figures -----------------------------------------------------------------------------


def _interval(context: PageContext, claim: Row, candidates: Answer, rows: Sequence[Row]) -> Figure:
    """The range of the quoted figure as a band, with the candidates."""
    stated = [
        row for row in rows if row["place"] == 1 and (row["is_as_stated"] or row["is_chosen"])
    ]
    picture, absence, left_out = None, None, 0
    if claim["unit_kind"] == "sign":
        absence = "A direction has no amount, so there is no range to draw."
    elif not stated or value_is_absent(claim["low"]) or value_is_absent(claim["high"]):
        absence = "There is no candidate to draw."
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
    return context.figure(
        candidates, picture=picture, absence=absence, axis=_axis(claim), left_out=left_out
    )


def _dots(claim: Row, rows: Sequence[Row]) -> list[Dot]:
    several = len({products_of(row) for row in rows}) > 1
    return [
        Dot(
            name=bases_in_words(row["bases"])
            + (f", {products_of(row)}" if several or row["part_claim_id"] else ""),
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
        f"Range after rounding: {allowed(claim)}. Available figures, nearest first, in"
        f" {_axis(claim)}: {shown}."
    )


def _bridge(context: PageContext, claim_id: str, rows: Sequence[Row]) -> dict[str, Any]:
    """A bridge in a sentence, with a link to its other end."""
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
        "Fully explained, within the rounding of both figures."
        if first["closes"]
        else f"{billions(first['residual_usd'], signed=True)} USD bn remains unexplained."
    )
    return {
        "from": _end(first, "a"),
        "to": _end(first, "b"),
        "gap": billions(first["gap_usd"], signed=True),
        "steps": "; ".join(steps) or "none",
        "rest": rest,
        "other": claim_links(context, [other_id])[0] if other_id else None,
    }


def _end(row: Row, end: str) -> str:
    who = row[f"{end}_publisher"] or row[f"{end}_claim_id"]
    if not who:
        who = f"the {basis_name(row[f'{end}_basis_id'] or 'unnamed')} basis"
    measure, amount = in_words(row["display_measure"]), billions(row[f"{end}_usd"])
    return f"{who}'s {measure} of {amount} USD bn for {row[f'{end}_period']}"


def _candidate(claim: Row, row: Row) -> dict[str, Any]:
    """A candidate as a row of the table, with its result."""
    return {
        "bases": bases_in_words(row["bases"]),
        "meaning": in_words(row["hypothesis"] or "as_stated"),
        "products": products_of(row),
        "value": value_of(claim, row["value"]),
        "release": row["release_key"],
        "is_chosen": row["is_chosen"],
        "why": candidate_result(claim, row),
    }


# -- title, trail and facts --------------------------------------------------------------


def _title(claim: Row, verdict: Verdict) -> str:
    """The finding: status, statement, quoted figure, and the figure that contradicts it."""
    figure = figure_of(claim)
    if claim["status"] == "contradicted" and _is_number(claim["value"]):
        figure += f" (data: {value_of(claim, claim['value'])})"
    return f"{verdict.status}: {claim['says'] or claim['claim_id']}, {figure}"


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
        f"All bases for {claim['year']}",
        addresses.of_year(pair.reporter, pair.partner, claim["year"]),
    )


def _facts(context: PageContext, claim: Row) -> list[tuple[str, str]]:
    """The subject of the claim and the basis of the verdict, as a list of terms."""
    period = period_in_words(claim["period"] or ABSENT)
    if claim["base_event"]:
        period += f", since {claim['base_event']} on {claim['base_event_on']}"
    elif claim["base_period"]:
        period += f", against {period_in_words(claim['base_period'])}"
    sides = [
        context.names.get(code, code) for code in (claim["reporter_iso3"], claim["partner_code"])
    ]
    kind = KINDS.get(claim["trade_kind"], claim["trade_kind"])
    if claim["compared_with"]:
        other = context.names.get(claim["compared_with"], claim["compared_with"])
        sides.append(f"compared with {other}")
    facts = [
        ("Statement", f"{claim['measure_meaning'] or claim['measure']}, {kind}"),
        ("Reporter and partner", ", ".join(side or ABSENT for side in sides)),
        ("Period", period),
        ("Products", claim["sector_name"] or claim["sector"] or ABSENT),
        ("Range after rounding", _allowed(claim)),
    ]
    if claim["basis_id"] or claim["basis_key"]:
        basis = basis_name(claim["basis_id"]) if claim["basis_id"] else claim["basis_key"]
        if claim["basis_description"]:
            basis += f": {claim['basis_description']}"
        facts.append(("Basis of the verdict", basis))
        facts.append(("Series", claim["basis_key"] or ABSENT))
    if claim["product_group"] and claim["sector"] != "total":
        facts.append(("Products counted", claim["definition_name"] or claim["product_group"]))
    if claim["release_key"]:
        facts.append(("Release", claim["release_key"]))
    return facts


def _allowed(claim: Row) -> str:
    if claim["unit"] == "sign":
        # A direction has no rounding.
        meaning = "The direction as quoted"
    else:
        meaning = claim["hedge_meaning"] or "The figure as quoted"
    if claim["hedge"] != "exact":
        meaning += f" (wording: {in_words(claim['hedge'])})"
    return f"{allowed(claim)}; {meaning[:1].lower()}{meaning[1:]}"


def _review(context: PageContext, claim: Row, verdict: Verdict) -> dict[str, Any]:
    """The page as a schema.org ClaimReview, without a URL: the host of the site is unknown."""
    rating: dict[str, Any] = {
        "@type": "Rating",
        "alternateName": in_words(claim["status"]),
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
