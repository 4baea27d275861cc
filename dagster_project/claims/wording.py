"""Write the verdict on a claim, and the result of each candidate, as sentences.

A row is a claim of `marts.claims` with its verdict of `marts.claim_verdicts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dagster_project.claims.phrases import Names, Phrases
from dagster_project.claims.words import Row, listed, period_of
from dagster_project.site.numbers import apart, capital, value_is_absent


@dataclass(frozen=True)
class Verdict:
    """A verdict as sentences; `needs` is empty if the claim is decided.

    `about` is the heading of the claim: the countries, the measure, the period and the figure.
    """

    status: str
    evidence: str
    needs: tuple[str, ...] = ()
    about: str = ""

    @property
    def needed(self) -> str:
        """The data needed to decide, as one sentence; empty if none is."""
        return f"Needed: {'; '.join(self.needs)}." if self.needs else ""

    @property
    def text(self) -> str:
        """Status, evidence and needed data, in this order."""
        return " ".join(one for one in (f"{self.status}.", self.evidence, self.needed) if one)


def verdict_in_words(row: Row, names: Names) -> Verdict:
    """The sentences of one verdict.

    Raises:
        KeyError: a reason code without a sentence.
    """
    write = _REASONS[row["reason_code"]]
    phrases = Phrases(row, names)
    verdict = write(phrases)
    return replace(verdict, evidence=verdict.evidence + phrases.since, about=phrases.about)


def timing(row: Row) -> str:
    """Whether the figure was available when the article was published; empty if none applies."""
    if value_is_absent(row["value"]):
        return ""
    day = row["published_on"]
    return {
        "known": f"These figures were available when the text was published on {day}.",
        "later": f"This release came out after the text was published on {day}, so its author"
        " cannot have seen it.",
        "possible": "The release is dated only to the month or year, so it may or may not have been"
        f" available when the text was published on {day}.",
    }.get(
        row["known_at_publication"],
        "The text has no publication date, so it is unknown whether these figures were available by"
        " then.",
    )


# -- one function per kind of reason --------------------------------------------------


def _confirmed(claim: Phrases) -> Verdict:
    return Verdict(
        "Confirmed", f"{claim.figures_put}.{claim.today}{claim.far_off}{claim.of_source}"
    )


def _confirmed_by_several(claim: Phrases) -> Verdict:
    row = claim.row
    words = claim.figures_confirm
    if len(row["fitting_bases"] or ()) > 1:
        words += f" Figures that fit: {claim.bases}."
    return Verdict("Confirmed", words)


def _confirmed_so_far(claim: Phrases) -> Verdict:
    months = period_of(claim.row["hypothesis"].partition(", of ")[2])
    finding = claim.finding(claim.row["value"], months)
    return Verdict(
        "Confirmed for part of the period",
        f"{claim.figures_say(finding)}. Later months of {claim.period} are not available.",
    )


def _confirmed_with_its_part(claim: Phrases) -> Verdict:
    return Verdict(
        "Confirmed",
        f"{claim.figures_put}, computed from {claim.part}, which the available figures support.",
    )


def _other_basis(claim: Phrases) -> Verdict:
    row = claim.row
    compiler = (row["basis_key"] or "").partition(".")[0]
    status = "True on another basis"
    if compiler and compiler != row["reporter_iso3"]:
        status = f"True as {claim.country(compiler)} counts it"
    computed = f", computed from {claim.part}" if row["part_claim_id"] else ""
    others = (
        f"The other figures from {row['attributed_to']}"
        if row["attributed_to"]
        else "The text's other figures"
    )
    return Verdict(status, f"{claim.figures_put}{computed}. {others} are on a different basis.")


def _counted_by_the_partner(claim: Phrases) -> Verdict:
    row = claim.row
    words = f"{claim.figures_put}."
    if not value_is_absent(row["nearest_value"]):
        publisher = claim.publishers(row["nearest_release_key"])
        words += f" {publisher} figures {claim.finding(row['nearest_value'])}."
    return Verdict(f"True as {claim.country(row['partner_code'])} counts it", words)


def _ambiguous(claim: Phrases) -> Verdict:
    count = claim.row["bases_fitting"] or 0
    fits = f"{count} {'series fits' if count == 1 else 'series or product groups fit'}"
    return Verdict(
        "Ambiguous",
        f"{fits} {claim.stated}: {claim.bases}. {claim.figures_put}.",
        (f"the figure with one more digit, or another figure from {claim.same_source}",),
    )


def _revised(claim: Phrases) -> Verdict:
    row = claim.row
    outside = claim.outside(row["value"])
    now = claim.figures_say(f"now {claim.finding(row['value'])}")
    day = row["published_on"]
    return Verdict(
        "Likely revised",
        f"{now}{f', {outside}' if outside else ''}. {claim.revision}.",
        (
            f"the release on the {claim.basis(row['basis_id'] or row['basis_key'])} that was"
            f" current {f'on {day}' if day else 'when the text was published'}",
        ),
    )


def _mislabelled(status: str) -> Callable[[Phrases], Verdict]:
    def write(claim: Phrases) -> Verdict:
        row = claim.row
        year = re.search(r"period: the year (before|after)", row["mix_up"] or "")
        source = claim.source(
            row["basis_id"] or row["basis_key"], row["product_group"], row["release_key"]
        )
        words = (
            f"{capital(claim.stated)} equals {claim.mix_up}: {claim.mixed_up_figure}"
            f" ({claim.publishers(row['release_key'])}, {source})."
        )
        if not value_is_absent(row["nearest_value"]):
            publisher = claim.publishers(row["nearest_release_key"])
            words += f" {publisher} figures {claim.finding(row['nearest_value'])}."
        return Verdict("Wrong year" if year else status, words)

    return write


def _contradicted(claim: Phrases) -> Verdict:
    row = claim.row
    outside = claim.outside(row["value"])
    text = f"The text says {claim.stated_as(row['value'])}"
    if outside:
        text += f"; the figure is {outside}"
    return Verdict("Contradicted", f"{claim.figures_put}. {text}.{claim.tried}")


def _undetermined(claim: Phrases) -> Verdict:
    row = claim.row
    needs = tuple(row["missing_rows"] or ())
    if row["mix_up"]:
        words = f"{capital(claim.stated)} equals {claim.mix_up}, which is not what the text says."
    elif claim.nearest and row["transform"] in ("record", "lowest"):
        words = f"Among the available years it is {claim.nearest}."
    elif claim.nearest:
        outside = claim.outside(row["nearest_value"])
        words = f"The nearest available figure is {claim.nearest}"
        words += f", {outside}." if outside else "."
    else:
        words = "No available figure can be compared with the claim."
    return Verdict("Undetermined", words, needs)


def _open_on_other_bases(claim: Phrases) -> Verdict:
    row = claim.row
    bases = dict.fromkeys(one.partition(" basis: ")[0] for one in row["missing_rows"] or ())
    outside = claim.outside(row["nearest_value"])
    return Verdict(
        "Undetermined",
        f"The available figures contradict it: {claim.nearest}{f', {outside}' if outside else ''}."
        f" Only a basis that is not available here could make it true:"
        f" {listed([claim.basis(one).removesuffix(' basis') for one in bases])}.",
        tuple(row["missing_rows"] or ()),
    )


def _too_coarse(claim: Phrases) -> Verdict:
    release = claim.row["nearest_release_key"]
    return Verdict(
        "Undetermined",
        f"The nearest available figure, {claim.nearest}, is too coarsely rounded to tell.",
        (f"a less rounded figure than that of {release}",),
    )


def _open_part(claim: Phrases) -> Verdict:
    row = claim.row
    return Verdict(
        "Undetermined",
        f"The nearest available figure, {claim.nearest}, fits, but is computed from {claim.part},"
        " which the available figures do not support.",
        (f"a figure that confirms {row['part_claim_id']}", *(row["missing_rows"] or ())),
    )


def _no_meaning(claim: Phrases) -> Verdict:
    return Verdict(
        "Undetermined",
        "Growth, ratios and shares have no meaning if the base is zero or has the opposite sign.",
        ("figures with the same sign for the period and its base",),
    )


def _out_of_scope(claim: Phrases) -> Verdict:
    measure = str(claim.row["measure"]).replace("_", " ")
    return Verdict("Out of scope", f"The measure ({measure}) is not a trade statistic.")


_REASONS: Mapping[str, Callable[[Phrases], Verdict]] = {
    "one_basis_fits": _confirmed,
    "basis_of_the_source": _confirmed_by_several,
    "several_bases_fit": _confirmed_by_several,
    "part_of_the_period": _confirmed_so_far,
    "rests_on_another_claim": _confirmed_with_its_part,
    "not_the_basis_of_the_source": _other_basis,
    "counted_by_the_partner": _counted_by_the_partner,
    "source_has_no_one_basis": _ambiguous,
    "within_revisions": _revised,
    "another_measure": _mislabelled("Wrong measure"),
    "another_period": _mislabelled("Wrong period"),
    "another_sector": _mislabelled("Wrong product group"),
    "another_sign": _mislabelled("Wrong sign"),
    "another_kind": _mislabelled("Wrong kind of trade"),
    "another_unit": _mislabelled("Wrong unit"),
    "another_span": _mislabelled("Wrong span"),
    "another_partner": _mislabelled("Wrong partner"),
    "no_figure_fits": _contradicted,
    "rows_missing": _undetermined,
    "release_missing": _undetermined,
    "basis_missing": _open_on_other_bases,
    "figure_too_coarse": _too_coarse,
    "rests_on_an_open_claim": _open_part,
    "sign_changes": _no_meaning,
    "not_a_trade_statistic": _out_of_scope,
}

# Every code of `claim_verdicts.reason_code` has a sentence.
REASON_CODES = frozenset(_REASONS)


# -- candidates -------------------------------------------------------------------------


def outside(claim: Row, row: Row | None) -> str:
    """How far a candidate is outside the range."""
    if row is None:
        return "outside the range"
    if row["side"] == "inside":
        return "within the range"
    if not row["distance"]:
        return "at the end of the range that the wording excludes"
    return f"{_length(claim, row['distance'])} {row['side']} the range"


def _revision(claim: Row, row: Row | None) -> str:
    return "its measured size" if row is None else f"up to {_length(claim, row['revision'])}"


def _length(claim: Row, amount: Any) -> str:
    """A distance in the unit of the claim; percentages differ by percentage points."""
    unit = claim["unit"]
    noun = {"pct": "percentage points", "rank": "places", "ratio": "", "sign": "steps"}
    return f"{apart(amount, unit, claim['rounding'])} {noun.get(unit, unit)}".strip()


def candidate_result(claim: Row, row: Row) -> str:
    """Why a candidate fits or does not fit."""
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
            return "It needs more years than are available, so the true count may be higher."
        return (
            f"{capital(outside(claim, row))}, but rounded to within"
            f" {_length(claim, row['rounding_margin'])}: too coarse to decide."
        )
    words = f"{capital(outside(claim, row))}."
    if row["is_within_revision"]:
        return f"{words[:-1]}; revisions have moved the series by {_revision(claim, row)}."
    return words
