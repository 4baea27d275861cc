"""The words that a query may use, from the published warehouse."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from dagster_project.claims.phrases import Names
from dagster_project.questions.replay import Replay
from dagster_project.sources.claim_vocabulary import ClaimVocabulary, vocabulary
from dagster_project.sources.parsing import PERIOD_PATTERN, closest
from dagster_project.sources.periods import in_months
from dagster_project.sources.place_names import (
    Country,
    countries_by_word,
    place_key,
    places_by_word,
    suggested_places,
)

_PERIOD = re.compile(PERIOD_PATTERN)


class InputError(ValueError):
    """The input cannot be used; the message says where, and what to write instead."""


@dataclass(frozen=True)
class Period:
    """Whole months; `end` is the last day."""

    text: str
    start: date
    end: date


def read_period(text: str, where: str) -> Period:
    """Read a period: 2016, 2016-11, 2016-01/2016-11, or another form of `in_months`.

    Raises:
        InputError: another form, or an end before the start.
    """
    months = in_months(text)
    if not _PERIOD.fullmatch(months) or not "1900" <= months[:4] <= "2100":
        raise InputError(
            f"{where}: {text!r} is not a period. Write 2016 for a year, 2016-11 for a month,"
            " 2016-01/2016-11 for a range of months, 2016Q4 or 2016H2."
        )
    first, _, last = months.partition("/")
    start = date(int(first[:4]), int(first[5:] or 1), 1)
    end = last or first
    year, month = int(end[:4]), int(end[5:] or 12)
    final = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    if final < start:
        raise InputError(f"{where}: {text!r} ends before it begins. Write the earlier month first.")
    return Period(months, start, final)


def find_country(text: str, known: Mapping[str, Country], where: str) -> Country:
    """Find a country by any of its names, in any case.

    Raises:
        InputError: no country of this name.
    """
    found = known.get(place_key(text))
    if found is None:
        raise InputError(f"{where}: no country or group {text!r}: {suggested_places(text, known)}")
    return found


class Words:
    """The vocabulary of one published warehouse."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    @cached_property
    def claim_vocabulary(self) -> ClaimVocabulary:
        """The values that the columns of a claims file may have."""
        return vocabulary(
            lambda seed, *columns: self._rows(
                f"select {', '.join(columns)} from warehouse.seeds.{seed}"
            ),
            self._column("seeds.country_list", "iso3"),
            self._partners,
        )

    def trade_kind(self, text: str, where: str) -> str:
        """Read goods, services or goods_services, in any case.

        Raises:
            InputError: another word.
        """
        kinds = self.claim_vocabulary.trade_kinds
        if text.lower() not in kinds:
            raise InputError(f"{where}: no kind of trade {text!r}: {closest(text, kinds)}")
        return text.lower()

    def country(self, text: str, where: str, *, may_be_group: bool) -> Country:
        """Find a country by code or name; a partner may also be the world or a group.

        Raises:
            InputError: no such country, or a group where a country belongs.
        """
        return find_country(text, self._partners if may_be_group else self._countries, where)

    def product_groups(self, sector: str, where: str) -> list[str]:
        """The product groups of a sector by rank, those with data first.

        A product group, or a product code (`hs2:87`), is its own only group.

        Raises:
            InputError: no such sector, product group or code.
        """
        rows = self._rows(
            "select sector_id, product_group from warehouse.marts.sectors"
            " order by sector_id, is_held desc, definition_rank"
        )
        found = [row["product_group"] for row in rows if row["sector_id"] == sector]
        if found:
            return found
        known = {row["product_group"] for row in rows}
        available = self._column("marts.product_groups", "product_group")
        if sector in known or sector in available:
            return [sector]
        sectors = {row["sector_id"] for row in rows}
        if ":" in sector:
            system = sector.partition(":")[0]
            codes = sorted(code for code in available if code.startswith(f"{system}:"))
            hint = (
                f"the warehouse has {codes[0]} to {codes[-1]}"
                if codes
                else f"the warehouse has no data for the product system {system!r}"
            )
        else:
            hint = f"{closest(sector, sectors)}; or write a code, for example hs2:87"
        raise InputError(f"{where}: no sector {sector!r}: {hint}")

    def basis(
        self, text: str, reporter: Country, partner: Country, trade_kind: str, where: str
    ) -> str:
        """Check that a basis exists: a named one, or one composed of two series of the pair.

        Raises:
            InputError: no such basis for this kind of trade.
        """
        named = self._rows(
            "select distinct basis_id from warehouse.seeds.bases_named where trade_kind = ?",
            [trade_kind],
        )
        composed = self._rows(
            "select distinct basis_id from warehouse.marts.bases"
            " where reporter_iso3 = ? and partner_code = ? and trade_kind = ?",
            [reporter.code, partner.code, trade_kind],
        )
        names = {row["basis_id"] for row in named}
        if text not in names | {row["basis_id"] for row in composed}:
            raise InputError(
                f"{where}: {text!r} is neither a figure (27.6) nor a basis: {closest(text, names)}"
            )
        return text

    def day_of(self, release: str, where: str) -> date:
        """The day from which a release is known; a date is returned as it is.

        Raises:
            InputError: neither a date nor an available release.
        """
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", release):
            try:
                return date.fromisoformat(release)
            except ValueError as error:
                raise InputError(f"{where}: {release!r} is not a valid date.") from error
        rows = self._rows(
            "select source_id, release_id, known_from from warehouse.marts.releases"
            " order by release_id, source_id"
        )
        days = {
            row["known_from"]
            for row in rows
            if release in (row["release_id"], f"{row['source_id']} {row['release_id']}")
        }
        if len(days) > 1:
            named = ", ".join(
                f"{row['source_id']} {row['release_id']}"
                for row in rows
                if row["release_id"] == release
            )
            raise InputError(f"{where}: {release!r} is a release of several sources: {named}.")
        if not days:
            raise InputError(
                f"{where}: no release {release!r}:"
                f" {closest(release, {row['release_id'] for row in rows})};"
                " or write a date as YYYY-MM-DD"
            )
        return days.pop()

    @cached_property
    def names(self) -> Names:
        """The names that sentences about verdicts use."""
        products = self._pairs("marts.sectors", "sector_id", "sector_name")
        products += self._pairs("marts.sectors", "product_group", "definition_name")
        partners = self._pairs("marts.countries", "partner_code", "partner_name")
        return Names(
            countries=dict(partners + self._pairs("seeds.country_list", "iso3", "name")),
            publishers=dict(self._pairs("marts.sources", "source_id", "publisher")),
            products=dict(products),
        )

    @cached_property
    def measures(self) -> Mapping[str, Mapping[str, object]]:
        """The measures that are amounts of money, with their quantity, transform and direction."""
        rows = self._rows(
            "select measure, quantity, transform, direction, meaning"
            " from warehouse.seeds.claim_measures where transform in ('level', 'size')"
            " order by measure"
        )
        return {str(row["measure"]): row for row in rows}

    @cached_property
    def _countries(self) -> dict[str, Country]:
        """Countries, former areas without an ISO code included."""
        codes = {
            row["partner_code"]
            for row in self._rows(
                "select partner_code from warehouse.marts.countries where not is_aggregate"
            )
        }
        return {word: place for word, place in self._partners.items() if place.code in codes}

    @cached_property
    def _partners(self) -> dict[str, Country]:
        countries = countries_by_word(
            self._rows("select iso3, iso2, name from warehouse.seeds.country_list")
        )
        # The seeds of `PARTNER_LISTS`.
        lists = {
            "census_partners": self._rows("from warehouse.seeds.census_partners"),
            "bea_areas": self._rows("from warehouse.seeds.bea_areas"),
            "comtrade_areas": self._rows("from warehouse.seeds.comtrade_areas"),
            "korea_customs_partners": self._rows("from warehouse.seeds.korea_customs_partners"),
        }
        return places_by_word(countries, lists)

    def _column(self, relation: str, column: str) -> frozenset[str]:
        rows = self._rows(f"select distinct {column} from warehouse.{relation}")
        return frozenset(row[column] for row in rows)

    def _pairs(self, relation: str, first: str, second: str) -> list[tuple[str, Any]]:
        rows = self._rows(f"select {first}, {second} from warehouse.{relation}")
        return [(row[first], row[second]) for row in rows]

    def _rows(self, query: str, parameters: Sequence[object] = ()) -> list[dict]:
        return self._replay.published(query, parameters).to_dicts()
