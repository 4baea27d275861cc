"""Phrases for a claim: its figure, its range, its flow, and the source of a figure.

A row is a claim of `marts.claims` with its verdict of `marts.claim_verdicts`. Sentences are written
from these phrases in `wording.py`; tables of the site show the same figures with their unit codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from dagster_project.claims.words import (
    PLACES,
    Row,
    acronyms,
    counted,
    hedged,
    in_words,
    listed,
    period_of,
    place_in_words,
    plural,
    series_in_words,
    with_unit,
)
from dagster_project.site.numbers import (
    apart,
    capital,
    compared,
    printed,
    value_is_absent,
)

KINDS = {"goods": "goods", "services": "services", "goods_services": "goods and services"}
# Names that need the definite article in a sentence.
_WITH_ARTICLE = re.compile(
    r"^(United |world\b|Netherlands|Philippines|Bahamas|Gambia|Comoros|Maldives|Seychelles"
    r"|European Union|Euro area|Middle East|Pacific Rim)|(Islands|Republic)$"
)


_NOUNS = {
    "exports": ("exports", "to"),
    "imports": ("imports", "from"),
    "balance": ("balance", "with"),
    "two_way": ("trade", "with"),
}
# How a heading names the flow, by transform; for other transforms, the flow alone.
_HEADINGS = {
    "average": "average {}",
    "change": "change in {}",
    "growth": "growth of {}",
    "share": "share of {}",
    "share_of_world": "share of all {}",
    "rank": "rank by {}",
    "streak": "{} in a row",
}
_OF = {
    "exports": "of",
    "imports": "of",
    "trade": "in",
    "balance": "in",
    "deficit": "in",
    "surplus": "in",
}


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
class Phrases:
    """The phrases for sentences about one claim."""

    row: Row
    names: Names

    # -- figures -------------------------------------------------------------------------

    @property
    def stated(self) -> str:
        """The figure as the article gives it: about $27.6 billion."""
        row = self.row
        if row["transform"] in PLACES:
            return hedged(row, place_in_words(row["reported_value"], row["transform"]))
        digits = printed(row["reported_value"], None)
        return hedged(row, with_unit(digits, row["reported_value"], row["unit"]))

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
        if row["transform"] in PLACES and not value_is_absent(value):
            return place_in_words(value, row["transform"])
        if row["unit"] in ("rank", "years", "sign"):
            return with_unit(printed(value, None), value, row["unit"])
        return with_unit(compared(value, None, row["rounding"]), value, row["unit"])

    def outside(self, value: Any) -> str:
        """How far a figure is outside the range that the claim allows.

        The text is empty for directions and ranks, which have no distance.
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
        return f"{less} {with_unit(digits, amount, unit)}".strip()

    @property
    def revision(self) -> str:
        """How far first figures move, measured over all partners of the series."""
        if self.row["transform"] in PLACES:
            places = plural(int(self.row["revision"]), "place")
            return f"First figures of this kind have since moved by enough to change it by {places}"
        moved = self._length(self.row["revision"])
        return f"Nine in ten first figures of this kind have since moved by at most {moved}"

    # -- what the claim is about ---------------------------------------------------------

    @property
    def about(self) -> str:
        """A heading: the two countries, goods deficit, 2016: $27.6 billion."""
        row = self.row
        names = (self.country(row[column]) for column in ("reporter_iso3", "partner_code"))
        pair = "–".join(name.removeprefix("the ") for name in names)  # noqa: RUF001
        what = in_words(row["measure"])
        if row["quantity"] in _NOUNS:
            what = _HEADINGS.get(row["transform"], "{}").format(self._traded())
        if row["compared_with"]:
            what = f"{what} against {self.country(row['compared_with'])}"
        period = self.period
        if row["base_period"] and not row["base_event_on"] and row["transform"] not in PLACES:
            period = f"{period} against {period_of(row['base_period'])}"
        return f"{pair}, {what}, {period}: {self.stated}"

    def country(self, code: str | None) -> str:
        name = self.names.countries.get(code or "", code or "an unnamed partner")
        name = re.sub(r" \(.*\)$", "", name).replace("World", "world")
        return f"the {name}" if _WITH_ARTICLE.search(name) else name

    def owner(self, code: str | None) -> str:
        name = self.country(code)
        return f"{name}'" if name.endswith("s") else f"{name}'s"

    @property
    def period(self) -> str:
        return period_of(self.row["period"])

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
        """Name a flow, by default the claimed one: the United States' goods deficit with Japan.

        A negative deficit is called a surplus.
        """
        row = self.row
        _, preposition = _NOUNS[quantity or row["quantity"]]
        return (
            f"{self.owner(row['reporter_iso3'])} {self._traded(quantity, value, whole=whole)}"
            f" {preposition} {self.country(row['partner_code'])}"
        )

    def _traded(
        self, quantity: str | None = None, value: Any = None, *, whole: bool = False
    ) -> str:
        """A flow without its countries: goods deficit, imports of automobiles."""
        row = self.row
        products = None if whole else self._products
        noun, _ = _NOUNS[quantity or row["quantity"]]
        if (quantity or row["quantity"]) == "balance" and row["transform"] != "size":
            noun = self._balance(quantity, value)
        what = f"{noun} {_OF[noun]} {products}" if products else f"{self._kind} {noun}"
        return f"two-way {what}" if noun == "trade" else what

    @property
    def flow_with_the_world(self) -> str:
        """The whole of which a partner has a share: the United States' goods deficit in total."""
        whole = Phrases({**self.row, "partner_code": "WLD"}, self.names)
        return whole.flow(whole=True)

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
            row["transform"] in ("level", "average", *PLACES)
            and row["quantity"] == "balance"
            and not row["measure"].endswith("balance")
            and not value_is_absent(value)
            and value < 0
        )

    def finding(self, value: Any, period: str | None = None) -> str:
        """What the figures show, such as "put the goods deficit at $27.62 billion in 2016"."""
        row = self.row
        period = period or self.period
        base = self._base
        if base is None:
            since = f"to {period}"
        elif " to " in base or " to " in period:
            since = f"between {base} and {period}"
        else:
            since = f"from {base} to {period}"
        figure = self.figure(value)
        transform = row["transform"]
        if transform in ("change", "growth"):
            if row["unit"] == "sign":
                return f"show {figure} in {self.flow()} {since}"
            return f"put the change in {self.flow()} {since} at {figure}"
        if transform == "ratio":
            return f"put {self.flow()} in {period} at {figure} its level of {base or 'the base'}"
        if transform == "times_partner":
            noun, preposition = _NOUNS[row["quantity"]]
            other = f"{'those' if noun.endswith('s') else 'that'} {preposition}"
            return (
                f"put {self.flow()} in {period} at {figure} {other}"
                f" {self.country(row['compared_with'])}"
            )
        if transform in PLACES and (row["hypothesis"] or "").endswith("opposite sign"):
            return f"show {self.flow(value=-1)} in {period}, which cannot be ranked among the years"
        if transform in PLACES:
            return f"show {self.flow()} in {period} to be {figure}{self._years_compared}"
        if transform == "share":
            if self._products is None:
                part = self.country(row["partner_code"])
                return f"put {part} at {figure} of {self.flow_with_the_world} in {period}"
            return f"put {self._products} at {figure} of {self.flow(whole=True)} in {period}"
        if transform == "share_of_world":
            world = Phrases({**row, "partner_code": "WLD"}, self.names)
            part = self.country(row["partner_code"])
            return f"put {part} at {figure} of {world.flow()} in {period}"
        if transform == "rank":
            by = "two-way trade" if row["quantity"] == "two_way" else row["quantity"]
            by = self._balance(None, None) if by == "balance" else by
            return (
                f"put {self.country(row['partner_code'])} at {figure} among"
                f" {self.owner(row['reporter_iso3'])} {self._kind} trading partners by {by} in"
                f" {period}"
            )
        if transform == "streak":
            # "19 years" becomes "19 consecutive years".
            return f"show {self.flow()} in {figure.replace(' ', ' consecutive ')} up to {period}"
        if self._is_turned(value):
            figure = self.figure(-value)
        if transform == "average":
            return f"put {self.flow(value=value)} at an average of {figure} a year in {period}"
        size = "the size of " if transform == "size" else ""
        return f"put {size}{self.flow(value=value)} at {figure} in {period}"

    @property
    def _base(self) -> str | None:
        """The base period; for a comparison with an agreement, the one behind the verdict."""
        row = self.row
        if not row["base_event_on"]:
            return period_of(row["base_period"]) if row["base_period"] else None
        period = (row["hypothesis"] or "").partition(", from ")[2]
        return period_of(period) if period else f"the time when {row['base_event']}"

    @property
    def _years_compared(self) -> str:
        """The years among which a record is ranked, including its own."""
        row = self.row
        first = (row["hypothesis"] or "").partition(", since ")[2]
        if not first:
            return ""
        period = row["period"]
        same = {4: " of the years", 7: " for that month in the years"}.get(
            len(period), " for those months in the years"
        )
        return f"{same} {first} to {period[:4]}"

    @property
    def since(self) -> str:
        """For a comparison with an agreement, the base periods for which it holds and fails."""
        row = self.row
        fitting, others = [], []
        for one in row["base_figures"] or ():
            what = f"{self._beside_event(one['base_period'])} ({self.figure(one['value'])})"
            (fitting if one["fits"] else others).append(what)
        if not fitting and not others:
            return ""
        event = f" {capital(row['base_event'])} on {row['base_event_on']}:"
        if not fitting:
            first = "neither" if len(others) > 1 else "not"
            return f"{event} the claim holds {first} against {' nor against '.join(others)}."
        words = f"{event} the claim holds against {listed(fitting)}"
        return f"{words}, not against {listed(others)}." if others else f"{words}."

    def _beside_event(self, period: str) -> str:
        """A base period as seen from the day of the agreement: the year before, 2011."""
        day = self.row["base_event_on"]
        last_month = f"{day - timedelta(days=day.day):%Y-%m}"
        if period.endswith(f"/{last_month}"):
            return "the twelve months before"
        is_before = period.rpartition("/")[2][:4] < f"{day.year}"
        return f"{'the year before' if is_before else 'that year'}, {period_of(period)}"

    # -- where a figure comes from -------------------------------------------------------

    def basis(self, name: str | None) -> str:
        """The name of a basis or series: the CIF basis."""
        series = [one.split(".") for one in (name or "").split(" + ")]
        if all(len(parts) == 6 for parts in series):
            return " and ".join(
                f"{self.owner(parts[0])} {series_in_words('.'.join(parts))}" for parts in series
            )
        return f"{acronyms((name or 'unnamed').replace('_', ' '))} basis"

    def publishers(self, release_key: str | None) -> str:
        sources = dict.fromkeys(one.partition(" ")[0] for one in (release_key or "").split(" + "))
        return listed([self.names.publishers.get(one, one) for one in sources if one])

    def source(self, basis: str | None, product_group: str | None, release_key: str | None) -> str:
        """The source of a figure, for use in brackets: its basis, products and release."""
        parts = [self.basis(basis)]
        products = self.names.products.get(product_group or "")
        if products and self.row["sector"] != "total":
            parts.append(products)
        releases = [one.partition(" ")[2] for one in (release_key or "").split(" + ")]
        releases = [one for one in dict.fromkeys(releases) if one]
        if releases:
            parts.append(f"{counted(releases, 'release')} {listed(releases)}")
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
        """How many figures from the same source the basis explains, if more than one."""
        explained = self.row["claims_explained"] or 0
        if explained < 2:
            return ""
        return f" This basis explains {explained} exact figures from {self.same_source}."

    @property
    def figures_confirm(self) -> str:
        """The finding that confirms a claim, with what else a reader should know."""
        return f"{self.figures_put}.{self.today}{self.far_off}{self.of_source}"

    @property
    def far_off(self) -> str:
        """How far a claim with a literally true hedge is from the figure; empty within a tenth."""
        row = self.row
        stated, value = row["reported_value"], row["value"]
        if not row["is_one_sided"] or value_is_absent(value) or not value:
            return ""
        share = abs(value - stated) / abs(value)
        if abs(value - stated) <= abs(stated) / 10:
            return ""
        verb = "understates" if abs(value) > abs(stated) else "overstates"
        return f" The text {verb} it by {share * 100:.0f} %."

    @property
    def today(self) -> str:
        """What the series says today, if an earlier release confirms the claim."""
        row = self.row
        if value_is_absent(row["latest_value"]):
            return ""
        now, then = self.figure(row["latest_value"]), self.figure(row["value"])
        if now == then:
            return ""
        return f" Today's figure is {now} ({row['latest_release_key'].partition(' ')[2]})."

    @property
    def tried(self) -> str:
        """How much was tried before a claim was contradicted."""
        bases, releases = self.row["bases_tried"] or 0, self.row["releases_tried"] or 0
        return f" Tried: {plural(bases, 'basis', 'bases')}, {plural(releases, 'release')}."

    @property
    def bases(self) -> str:
        """The bases that fit, each with its figures."""
        found = []
        for basis, rows in groupby(self.row["fitting_bases"] or (), lambda one: one["basis"]):
            figures = dict.fromkeys(self.figure(one["value"]) for one in rows)
            found.append(f"{self.basis(basis)}, {listed(list(figures))}")
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
        """The other figure that the stated figure equals."""
        row = self.row
        kind, _, what = (row["mix_up"] or "").partition(": ")
        if kind == "another measure" and what in ("sum", "average"):
            return f"the {what} of {self.flow()} in {self.period}"
        if kind == "another measure":
            return f"{self.flow(what)} in {self.period}"
        if kind == "another sector":
            # The only alternative tried for a product group is all products.
            return f"{self.flow(whole=True)} in {self.period}"
        if kind in ("another kind", "another partner"):
            column = "trade_kind" if kind == "another kind" else "partner_code"
            return f"{Phrases({**row, column: what}, self.names).flow()} in {self.period}"
        if kind == "another sign":
            return f"{self.flow(value=-1)} in {self.period}"
        if kind == "another unit":
            return f"{self.flow()} in {self.period}, in another unit"
        if kind == "another span":
            end, _, direction = what.partition(" the year ")
            moved = row["period"] if end == "to" else row["base_period"]
            year = int(moved[:4]) + (1 if direction == "after" else -1)
            first, last = (
                (period_of(row["base_period"]), f"{year}")
                if end == "to"
                else (f"{year}", self.period)
            )
            return f"the change in {self.flow()} from {first} to {last}"
        return f"{self.flow()} in {self._other_period(what)}"

    def _other_period(self, what: str) -> str:
        if re.fullmatch(r"the (year|months?) (before|after)", what):
            return f"{what} {self.period}"
        if re.match(r"[0-9]{4}", what):
            return period_of(what)
        if what == "twelve months":
            return f"the twelve months to the end of {self.period}"
        if what == "the whole year":
            return f"the whole of {self.row['period'][:4]}"
        if what.startswith("January to "):
            return f"{what} {self.period}"
        return f"the {what.removeprefix('the ')} that belongs to {self.period}"

    @property
    def mixed_up_figure(self) -> str:
        """The figure that the mix-up names, in its own unit."""
        row = self.row
        kind, _, what = (row["mix_up"] or "").partition(": ")
        if kind == "another unit":
            return with_unit(compared(row["value"], None, row["rounding"]), row["value"], what)
        return self.figure(row["value"])
