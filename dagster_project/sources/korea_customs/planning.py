"""Divides a selection into requests to the Korea Customs Service."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dagster_project.sources.connector import Chunk, Request, Selection, SelectionError
from dagster_project.sources.korea_customs.partners import korea_customs_partners
from dagster_project.sources.korea_customs.services import (
    CHILD_DIGITS,
    COUNTRIES,
    HOST,
    ITEMS,
    LEVELS,
    PARENT_DIGITS,
    ROWS_PER_PAGE,
    SOURCE,
    TABLE,
    Service,
)
from dagster_project.sources.parsing import closest
from dagster_project.sources.snapshot import Covers

_MONTHS_PER_REQUEST = 12

# Average rows of real replies, to estimate their size.
_COUNTRIES = 240
_COUNTRIES_OF_A_CODE = 60
_CHILDREN_OF_A_CODE = {2: 13, 4: 5, 6: 2}
_PRODUCTS_OF_A_COUNTRY = 600


@dataclass(frozen=True)
class _Part:
    """What one request selects besides its months."""

    service: Service
    country: str | None
    code: str | None
    rows_per_month: int

    @property
    def covers(self) -> Mapping[str, tuple[str, ...]]:
        equal: dict[str, tuple[str, ...]] = {"service": (self.service.name,)}
        if self.service is ITEMS:
            level = LEVELS[CHILD_DIGITS[len(self.code)] if self.code else 10]
            equal["item_level"] = (level,)
        if self.code is not None:
            equal["parent_code"] = (self.code,)
        if self.country is not None:
            equal["country_code"] = (self.country,)
        return equal


def asked_countries(selection: Selection, seeds: Path) -> tuple[str, ...]:
    """The publisher's codes of the requested partners; none means every country."""
    for reporter in selection.reporters:
        if reporter != "KOR":
            raise SelectionError(f"{SOURCE}: reports only the trade of KOR, not of {reporter}.")
    codes = {partner: code for code, partner in korea_customs_partners(seeds).items()}
    for partner in selection.partners:
        if partner == "WLD":
            raise SelectionError(
                f"{SOURCE}: gives no world total. Leave the partners out to have every country."
            )
        if partner not in codes:
            raise SelectionError(
                f"{SOURCE}: no partner {partner!r}: {closest(partner, codes)} Partners are ISO"
                " 3166 alpha-3 codes."
            )
    return tuple(codes[partner] for partner in dict.fromkeys(selection.partners))


def parts_of(selection: Selection, countries: tuple[str, ...]) -> Iterator[_Part]:
    only = countries[0] if len(countries) == 1 else None
    digits = {level: number for number, level in LEVELS.items()}
    for product in selection.products:
        if not re.fullmatch(r"[0-9]{1,10}", product):
            raise SelectionError(
                f"{SOURCE}: product {product!r} is no HS code or beginning of one: write digits."
            )
    if selection.level == "total":
        if selection.products:
            raise SelectionError(
                f"{SOURCE}: level total has no products. Leave them out, or select a level of"
                f" {', '.join(LEVELS.values())}."
            )
        yield _Part(COUNTRIES, only, None, 1 if only else _COUNTRIES)
        return
    if selection.level not in digits:
        raise SelectionError(
            f"{SOURCE}: has no level {selection.level!r}; it gives total,"
            f" {', '.join(LEVELS.values())}. A code returns the rows below it, so the"
            " least detailed are headings (hs4)."
        )
    parents = _parents(selection, digits[selection.level])
    if selection.level == "hs10" and countries and (not parents or len(countries) < len(parents)):
        for country in countries:
            yield _Part(ITEMS, country, None, _PRODUCTS_OF_A_COUNTRY)
        return
    if not parents:
        raise SelectionError(
            f"{SOURCE}: level {selection.level} is requested code by code. Name products of at"
            " least"
            f" {PARENT_DIGITS[digits[selection.level]]} digits"
            + (", or partners." if selection.level == "hs10" else ".")
        )
    for code in parents:
        rows = _CHILDREN_OF_A_CODE[len(code)] * (1 if only else _COUNTRIES_OF_A_CODE)
        yield _Part(ITEMS, only, code, rows)


def _parents(selection: Selection, digits: int) -> tuple[str, ...]:
    """The codes whose rows contain the products; none where the products do not determine them."""
    for product in selection.products:
        if len(product) > digits:
            raise SelectionError(
                f"{SOURCE}: product {product} has more digits than level {selection.level}. Select"
                " a more detailed level, or shorten it."
            )
    length = PARENT_DIGITS[digits]
    if length == 2:
        asked = selection.products or ("",)
        chapters = [f"{number:02d}" for number in range(1, 100)]
        return tuple(one for one in chapters if any(one.startswith(code[:2]) for code in asked))
    if any(len(product) < length for product in selection.products):
        return ()
    return tuple(sorted({product[:length] for product in selection.products}))


def windows(first: date, last: date) -> Iterator[tuple[date, date]]:
    """First and last month of each run of at most a year; days are the first of the month."""
    begin, end = _month_index(first), _month_index(last)
    for start in range(begin, end + 1, _MONTHS_PER_REQUEST):
        yield _month(start), _month(min(start + _MONTHS_PER_REQUEST - 1, end))


def _month_index(day: date) -> int:
    return day.year * 12 + day.month - 1


def _month(index: int) -> date:
    return date(index // 12, index % 12 + 1, 1)


def chunk_of(part: _Part, first: date, last: date) -> Chunk:
    parameters = [("strtYymm", f"{first:%Y%m}"), ("endYymm", f"{last:%Y%m}")]
    if part.country is not None:
        parameters.append(("cntyCd", part.country))
    if part.code is not None:
        parameters.append(("hsSgn", part.code))
    parameters += [("pageNo", "1"), ("numOfRows", str(ROWS_PER_PAGE))]
    named = (part.service.name, part.code, part.country, f"{first:%Y-%m}", f"{last:%Y-%m}")
    return Chunk(
        name="_".join(word for word in named if word) + ".xml",
        table=TABLE,
        layout=part.service.layout,
        request=Request(HOST + part.service.path, tuple(parameters)),
        covers=Covers(part.covers, f"{first:%Y-%m}", f"{last:%Y-%m}"),
        expected_rows=part.rows_per_month * (_month_index(last) - _month_index(first) + 1),
    )
