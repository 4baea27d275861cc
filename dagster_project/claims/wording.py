"""Write a verdict as sentences: the status, the evidence, and the data needed to decide.

A row is a claim of `marts.claims` with its verdict of `marts.claim_verdicts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from dagster_project.site.numbers import (
    apart,
    capital,
    compared,
    period_in_words,
    printed,
    value_is_absent,
)

Row = Mapping[str, Any]

KINDS = {"goods": "goods", "services": "services", "goods_services": "goods and services"}
_SYMBOLS = {"USD": "$", "EUR": "€", "KRW": "₩"}
_SCALES = {"th": " thousand", "mn": " million", "bn": " billion", "tn": " trillion"}
_MOVES = {1: "a rise", 0: "no change", -1: "a fall"}
# Names that need the definite article in a sentence.
_WITH_ARTICLE = re.compile(
    r"^(United |world\b|Netherlands|Philippines|Bahamas|Gambia|Comoros|Maldives|Seychelles"
    r"|European Union|Euro area|Middle East|Pacific Rim)|(Islands|Republic)$"
)


@dataclass(frozen=True)
class Names:
    """The names of codes.

    `countries` has countries and groups by code, `publishers` the publisher of each source,
    `products` the sectors and product groups by id. A code without a name is shown as it is.
    """

    countries: Mapping[str, str]
    publishers: Mapping[str, str]
    products: Mapping[str, str]


@dataclass(frozen=True)
class Verdict:
    """A verdict as sentences; `needs` is empty if the claim is decided."""

    status: str
    evidence: str
    needs: tuple[str, ...] = ()

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
    return write(_Claim(row, names))


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


@dataclass(frozen=True)
class _Claim:
    """The phrases for sentences about one claim."""

    row: Row
    names: Names

    # -- figures -------------------------------------------------------------------------

    @property
    def stated(self) -> str:
        """The figure as the article gives it: about $27.6 billion."""
        row = self.row
        digits = printed(row["reported_value"], None)
        text = _with_unit(digits, row["reported_value"], row["unit"])
        if row["hedge"] in (None, "exact", "doubled") or row["unit"] == "sign":
            return text
        return f"{row['hedge'].replace('_', ' ')} {text}"

    def stated_as(self, value: Any) -> str:
        """The stated figure, named deficit or surplus if the available one is the opposite."""
        return (
            f"a {self._balance(None, None)} of {self.stated}"
            if self._is_turned(value)
            else self.stated
        )

    def figure(self, value: Any) -> str:
        """An available figure, with at most two more digits than the stated one."""
        row = self.row
        if row["unit"] in ("rank", "years", "sign"):
            return _with_unit(printed(value, None), value, row["unit"])
        return _with_unit(compared(value, None, row["rounding"]), value, row["unit"])

    def outside(self, value: Any) -> str:
        """How far a figure is outside the range that the claim allows.

        Empty for directions and ranks, which have no distance.
        """
        row = self.row
        distance = row["distance"]
        if row["unit"] in ("sign", "rank") or value_is_absent(distance):
            return ""
        if not distance:
            return "exactly at the limit that the wording excludes"
        side = "above" if value > row["reported_value"] else "below"
        return f"{self._length(distance)} {side} the range that the claim allows"

    def _length(self, amount: Any) -> str:
        """A distance in the unit of the claim; for percentages, in percentage points."""
        unit = self.row["unit"]
        digits = apart(amount, unit, self.row["rounding"])
        nouns = {"pct": "percentage points", "ratio": "", "years": "years"}
        if unit in nouns:
            return f"{digits} {nouns[unit]}".strip()
        less, _, digits = digits.rpartition(" ")
        return f"{less} {_with_unit(digits, amount, unit)}".strip()

    @property
    def revision(self) -> str:
        return f"Revisions have moved this series by up to {self._length(self.row['revision'])}"

    # -- what the claim is about ---------------------------------------------------------

    def country(self, code: str | None) -> str:
        name = self.names.countries.get(code or "", code or "an unnamed partner")
        name = re.sub(r" \(.*\)$", "", name).replace("World", "world")
        return f"the {name}" if _WITH_ARTICLE.search(name) else name

    def owner(self, code: str | None) -> str:
        name = self.country(code)
        return f"{name}'" if name.endswith("s") else f"{name}'s"

    @property
    def period(self) -> str:
        return _period(self.row["period"])

    @property
    def _kind(self) -> str:
        return KINDS.get(self.row["trade_kind"], str(self.row["trade_kind"]))

    @property
    def _products(self) -> str | None:
        """The product group as a phrase; None for all products."""
        sector = self.row["sector"]
        if sector in (None, "total"):
            return None
        name = self.names.products.get(sector, sector)
        # An abbreviation keeps its capitals.
        return name if name[1:2].isupper() or ":" in name else name[:1].lower() + name[1:]

    def flow(self, quantity: str | None = None, value: Any = None, *, whole: bool = False) -> str:
        """The claimed flow, or another one: the United States' goods deficit with South Korea.

        A negative deficit is called a surplus.
        """
        row = self.row
        products = None if whole else self._products
        noun, preposition = _NOUNS[quantity or row["quantity"]]
        if (quantity or row["quantity"]) == "balance" and row["transform"] != "size":
            noun = self._balance(quantity, value)
        what = f"{noun} {_OF[noun]} {products}" if products else f"{self._kind} {noun}"
        if noun == "trade":
            what = f"two-way {what}"
        return (
            f"{self.owner(row['reporter_iso3'])} {what} {preposition}"
            f" {self.country(row['partner_code'])}"
        )

    def _balance(self, quantity: str | None, value: Any) -> str:
        row = self.row
        if quantity is not None or row["measure"].endswith("balance"):
            return "balance"
        is_deficit = (row["direction"] or 1) < 0
        if self._is_turned(value):
            is_deficit = not is_deficit
        return "deficit" if is_deficit else "surplus"

    def _is_turned(self, value: Any) -> bool:
        """Whether the figure turns a stated deficit into a surplus, or the reverse."""
        row = self.row
        return (
            row["transform"] == "level"
            and row["quantity"] == "balance"
            and not row["measure"].endswith("balance")
            and not value_is_absent(value)
            and value < 0
        )

    def finding(self, value: Any, period: str | None = None) -> str:
        """What the figures show: put the goods deficit at $27.62 billion in 2016."""
        row = self.row
        period = period or self.period
        base = _period(row["base_period"]) if row["base_period"] else None
        since = f"from {base} to {period}" if base else f"to {period}"
        figure = self.figure(value)
        transform = row["transform"]
        if transform in ("change", "growth"):
            if row["unit"] == "sign":
                return f"show {figure} in {self.flow()} {since}"
            return f"put the change in {self.flow()} {since} at {figure}"
        if transform == "ratio":
            return f"put {self.flow()} in {period} at {figure} its level of {base or 'the base'}"
        if transform == "share":
            products = self._products or "all products"
            return f"put {products} at {figure} of {self.flow(whole=True)} in {period}"
        if transform == "rank":
            return (
                f"put {self.country(row['partner_code'])} at {figure} among"
                f" {self.owner(row['reporter_iso3'])} {self._kind} trading partners in {period}"
            )
        if transform == "streak":
            # 19 years become 19 consecutive years.
            return f"show {self.flow()} in {figure.replace(' ', ' consecutive ')} up to {period}"
        if self._is_turned(value):
            figure = self.figure(-value)
        size = "the size of " if transform == "size" else ""
        return f"put {size}{self.flow(value=value)} at {figure} in {period}"

    # -- where a figure comes from -------------------------------------------------------

    def basis(self, name: str | None) -> str:
        """The name of a basis or series: the CIF basis."""
        series = [one.split(".") for one in (name or "").split(" + ")]
        if all(len(parts) == 6 for parts in series):
            return " and ".join(
                f"{self.owner(compiler)} {concept} {flow}s {_acronyms(valuation)}"
                for compiler, flow, concept, valuation, *_ in series
            )
        return f"{_acronyms((name or 'unnamed').replace('_', ' '))} basis"

    def publishers(self, release_key: str | None) -> str:
        sources = dict.fromkeys(one.partition(" ")[0] for one in (release_key or "").split(" + "))
        return _listed([self.names.publishers.get(one, one) for one in sources if one])

    def source(self, basis: str | None, product_group: str | None, release_key: str | None) -> str:
        """The source of a figure, for brackets: its basis, products and release."""
        parts = [self.basis(basis)]
        products = self.names.products.get(product_group or "")
        if products and self.row["sector"] != "total":
            parts.append(products)
        releases = [one.partition(" ")[2] for one in (release_key or "").split(" + ")]
        releases = [one for one in dict.fromkeys(releases) if one]
        if releases:
            parts.append(f"{_counted(releases, 'release')} {_listed(releases)}")
        return ", ".join(parts)

    @property
    def figures_put(self) -> str:
        """The finding of the verdict, with its publisher and, in brackets, its source."""
        return self.figures_say(self.finding(self.row["value"]))

    def figures_say(self, finding: str) -> str:
        row = self.row
        publisher = self.publishers(row["release_key"])
        source = self.source(
            row["basis_id"] or row["basis_key"], row["product_group"], row["release_key"]
        )
        return f"{publisher} figures {finding} ({source})"

    @property
    def same_source(self) -> str:
        """The attributed source of the claim, or the article itself."""
        return str(self.row["attributed_to"] or "the same text")

    @property
    def of_source(self) -> str:
        """The number of figures from the same source that the basis explains, if more than one."""
        explained = self.row["claims_explained"] or 0
        if explained < 2:
            return ""
        return f" This basis explains {explained} exact figures from {self.same_source}."

    @property
    def bases(self) -> str:
        """The bases that fit, each with its figures."""
        found = []
        for basis, rows in groupby(self.row["fitting_bases"] or (), lambda one: one["basis"]):
            figures = dict.fromkeys(self.figure(one["value"]) for one in rows)
            found.append(f"{self.basis(basis)}, {_listed(list(figures))}")
        return "; ".join(found)

    @property
    def part(self) -> str:
        return f"the text's own figure ({self.row['part_claim_id']})"

    @property
    def nearest(self) -> str:
        """The nearest figure with its source; empty if there is none."""
        row = self.row
        if value_is_absent(row["nearest_value"]):
            return ""
        source = self.source(
            row["nearest_basis_id"] or row["nearest_basis_key"],
            row["nearest_product_group"],
            row["nearest_release_key"],
        )
        return f"{self.figure(row['nearest_value'])} ({source})"

    @property
    def mix_up(self) -> str:
        """The other figure that the stated one equals."""
        kind, _, what = (self.row["mix_up"] or "").partition(": ")
        if kind == "another measure":
            return f"{self.flow(what)} in {self.period}"
        if kind == "another sector":
            # The only alternative tried for a product group is all products.
            return f"{self.flow(whole=True)} in {self.period}"
        flow = self.flow()
        year = re.fullmatch(r"the year (before|after)", what)
        if year:
            return f"{flow} in {what} {self.period}"
        if what == "twelve months":
            return f"{flow} in the twelve months to the end of {self.period}"
        return f"{flow} in the {what.removeprefix('the ')} that belongs to {self.period}"


# -- one function per kind of reason --------------------------------------------------


def _confirmed(claim: _Claim) -> Verdict:
    return Verdict("Confirmed", f"{claim.figures_put}.{claim.of_source}")


def _confirmed_by_several(claim: _Claim) -> Verdict:
    row = claim.row
    words = f"{claim.figures_put}.{claim.of_source}"
    if len(row["fitting_bases"] or ()) > 1:
        words += f" Figures that fit: {claim.bases}."
    return Verdict("Confirmed", words)


def _confirmed_so_far(claim: _Claim) -> Verdict:
    months = _period(claim.row["hypothesis"].partition(", of ")[2])
    finding = claim.finding(claim.row["value"], months)
    return Verdict(
        "Confirmed for part of the period",
        f"{claim.figures_say(finding)}. Later months of {claim.period} are not available.",
    )


def _confirmed_with_its_part(claim: _Claim) -> Verdict:
    return Verdict(
        "Confirmed",
        f"{claim.figures_put}, computed from {claim.part}, which the available figures support.",
    )


def _other_basis(claim: _Claim) -> Verdict:
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


def _ambiguous(claim: _Claim) -> Verdict:
    count = claim.row["bases_fitting"] or 0
    fits = f"{count} {'series fits' if count == 1 else 'series or product groups fit'}"
    return Verdict(
        "Ambiguous",
        f"{fits} {claim.stated}: {claim.bases}. {claim.figures_put}.",
        (f"the figure with one more digit, or another figure from {claim.same_source}",),
    )


def _revised(claim: _Claim) -> Verdict:
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


def _mislabelled(status: str) -> Callable[[_Claim], Verdict]:
    def write(claim: _Claim) -> Verdict:
        row = claim.row
        year = re.search(r"the year (before|after)", row["mix_up"] or "")
        source = claim.source(
            row["basis_id"] or row["basis_key"], row["product_group"], row["release_key"]
        )
        words = (
            f"{capital(claim.stated)} equals {claim.mix_up}: {claim.figure(row['value'])}"
            f" ({claim.publishers(row['release_key'])}, {source})."
        )
        if not value_is_absent(row["nearest_value"]):
            publisher = claim.publishers(row["nearest_release_key"])
            words += f" {publisher} figures {claim.finding(row['nearest_value'])}."
        return Verdict("Wrong year" if year else status, words)

    return write


def _contradicted(claim: _Claim) -> Verdict:
    row = claim.row
    outside = claim.outside(row["value"])
    text = f"The text says {claim.stated_as(row['value'])}"
    if outside:
        text += f"; the figure is {outside}"
    return Verdict("Contradicted", f"{claim.figures_put}. {text}.")


def _undetermined(claim: _Claim) -> Verdict:
    row = claim.row
    needs = tuple(row["missing_rows"] or ())
    if row["mix_up"]:
        words = f"{capital(claim.stated)} equals {claim.mix_up}, which is not what the text says."
    elif claim.nearest:
        outside = claim.outside(row["nearest_value"])
        words = f"The nearest available figure is {claim.nearest}"
        words += f", {outside}." if outside else "."
    else:
        words = "No available figure can be compared with the claim."
    return Verdict("Undetermined", words, needs)


def _too_coarse(claim: _Claim) -> Verdict:
    release = claim.row["nearest_release_key"]
    return Verdict(
        "Undetermined",
        f"The nearest available figure, {claim.nearest}, is too coarsely rounded to tell.",
        (f"a less rounded figure than that of {release}",),
    )


def _open_part(claim: _Claim) -> Verdict:
    row = claim.row
    return Verdict(
        "Undetermined",
        f"The nearest available figure, {claim.nearest}, fits, but is computed from {claim.part},"
        " which the available figures do not support.",
        (f"a figure that confirms {row['part_claim_id']}", *(row["missing_rows"] or ())),
    )


def _no_meaning(claim: _Claim) -> Verdict:
    return Verdict(
        "Undetermined",
        "Growth, ratios and shares have no meaning if the base is zero or has the opposite sign.",
        ("figures with the same sign for the period and its base",),
    )


def _out_of_scope(claim: _Claim) -> Verdict:
    measure = str(claim.row["measure"]).replace("_", " ")
    return Verdict("Out of scope", f"The measure ({measure}) is not a trade statistic.")


_REASONS: Mapping[str, Callable[[_Claim], Verdict]] = {
    "one_basis_fits": _confirmed,
    "basis_of_the_source": _confirmed_by_several,
    "several_bases_fit": _confirmed_by_several,
    "part_of_the_period": _confirmed_so_far,
    "rests_on_another_claim": _confirmed_with_its_part,
    "not_the_basis_of_the_source": _other_basis,
    "source_has_no_one_basis": _ambiguous,
    "within_revisions": _revised,
    "another_measure": _mislabelled("Wrong measure"),
    "another_period": _mislabelled("Wrong period"),
    "another_sector": _mislabelled("Wrong product group"),
    "no_figure_fits": _contradicted,
    "rows_missing": _undetermined,
    "basis_missing": _undetermined,
    "figure_too_coarse": _too_coarse,
    "rests_on_an_open_claim": _open_part,
    "sign_changes": _no_meaning,
    "not_a_trade_statistic": _out_of_scope,
}

# Every code of `claim_verdicts.reason_code` has a sentence.
REASON_CODES = frozenset(_REASONS)

_NOUNS = {
    "exports": ("exports", "to"),
    "imports": ("imports", "from"),
    "balance": ("balance", "with"),
    "two_way": ("trade", "with"),
}
_OF = {
    "exports": "of",
    "imports": "of",
    "trade": "in",
    "balance": "in",
    "deficit": "in",
    "surplus": "in",
}


def _with_unit(digits: str, value: Any, unit: str | None) -> str:
    """A number with its unit, for a sentence: $27.6 billion, rank 6, a fall."""
    if value_is_absent(value):
        return "no figure"
    if unit == "sign":
        return _MOVES.get(int(value), digits)
    if unit == "rank":
        return f"rank {digits}"
    if unit == "years":
        return f"{digits} year{'' if digits == '1' else 's'}"
    if unit == "pct":
        return f"{digits} %"
    if unit == "ratio":
        return f"{digits} times"
    currency, _, scale = (unit or "").partition(" ")
    sign, amount = (digits[0], digits[1:]) if digits[:1] in ("-", "−") else ("", digits)  # noqa: RUF001
    return f"{sign}{_SYMBOLS.get(currency, f'{currency} ')}{amount}{_SCALES.get(scale, '')}"


def _period(period: str) -> str:
    return period_in_words(period).replace("/", " to ")


def _acronyms(words: str) -> str:
    return re.sub(r"\b(cif|fob|fas|bop)\b", lambda found: found[0].upper(), words)


def _counted(things: Sequence[str], noun: str) -> str:
    return noun if len(things) == 1 else f"{noun}s"


def _listed(things: Sequence[str]) -> str:
    return " and ".join([", ".join(things[:-1]), things[-1]] if len(things) > 1 else things)
