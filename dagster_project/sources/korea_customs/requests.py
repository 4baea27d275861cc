"""Plans the requests to the Korea Customs Service and classifies its replies."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree.ElementTree import Element

from dagster_project.sources.connector import (
    Available,
    Chunk,
    Connector,
    KeyUse,
    Limits,
    Plan,
    QuotaSpent,
    Refused,
    Reply,
    ReplyError,
    ReplyResult,
    Request,
    Selection,
    SelectionError,
    SourceInfo,
    Terms,
    TryAgain,
    in_runs,
    months_of,
)
from dagster_project.sources.formats import read_xml
from dagster_project.sources.korea_customs.files import (
    BY_LAYOUT,
    COUNTRIES,
    FLOWS,
    ITEMS,
    PARENT_DIGITS,
    ROWS_PER_PAGE,
    SOURCE,
    TABLE,
    Service,
    korea_customs_partners,
    read_items,
    text_at,
    total_problem,
)
from dagster_project.sources.parsing import closest
from dagster_project.sources.snapshot import Covers, SnapshotError

_HOST = "apis.data.go.kr"
_DIGITS = {"hs4": 4, "hs6": 6, "hs10": 10}
_MONTHS_PER_REQUEST = 12

# Average rows of real replies, to estimate their size.
_COUNTRIES = 240
_COUNTRIES_OF_A_CODE = 60
_CHILDREN_OF_A_CODE = {2: 13, 4: 5, 6: 2}
_PRODUCTS_OF_A_COUNTRY = 600

# What the portal's codes mean; the codes for a wrong key also mean a service without access.
_NOTHING = "03"
_LATER = {"01", "02", "04", "05", "23", "99"}
_SPENT = "22"
_KEY = {"20", "21", "30", "31", "32", "33"}


class KoreaCustoms(Connector):
    """The two services of Korea Customs that give trade by country."""

    about = SourceInfo(
        source_id=SOURCE,
        title="Korea Customs Service, trade statistics of the public data portal",
        gives="Korea's exports FOB and imports CIF by country and month in US dollars, all"
        " products together or by HS heading, subheading and ten-digit code",
        coverage="Reporter KOR; partners are countries, without a world total. Months up to"
        " the previous one; unpublished months are absent.",
        levels=("total", *_DIGITS),
        hosts=(_HOST,),
        limits=Limits(per_second=2.0, per_day=None, per_day_with_key=10_000),
        key=KeyUse("query", "serviceKey", True, f"{COUNTRIES.page} and {ITEMS.page}"),
        terms=Terms("Korea Open Government Licence: no restriction on use", True),
        calendar="About the 15th of the month, for the previous month; corrections of"
        " declarations change earlier months.",
        verified=True,
        verified_against="one recorded reply by country and the site's workbooks since 2000; no"
        " reply by product was seen",
        by_year_from=2000,
        notes=(
            "One key serves both services, but access to each is requested on its own page."
            " Keep the decoded form of the key (without %).",
            "10,000 requests a day is the limit of a development key, for each service.",
            "For a code of 2, 4 or 6 digits the product service returns rows of 4, 6 or 10"
            " digits, so there are no chapter rows; without a code it returns all ten-digit"
            " rows of one country.",
            "Months in which a country does not trade have no row. Weights and numbers of"
            " declarations are not read.",
        ),
    )

    def plan(
        self,
        selection: Selection,
        seeds: Path,
        *,
        has_key: bool,
        known: tuple[Available, ...] = (),
    ) -> Plan:
        """One request per twelve months, and per code or country that cannot share one.

        A service returns all countries in one reply: only a single partner is requested separately.
        """
        countries = _asked_countries(selection, seeds)
        if selection.frequency != "M":
            raise SelectionError(
                f"{SOURCE}: gives months only. Select frequency M; twelve months make a year."
            )
        if selection.first > selection.last:
            raise SelectionError(
                f"{SOURCE}: the first month {selection.first:%Y-%m} is after the last,"
                f" {selection.last:%Y-%m}. Change their order."
            )
        parts = _parts(selection, countries)
        months = months_of(selection.first, selection.last)
        chunks = tuple(
            _chunk(part, selection.level, run)
            for run in in_runs(months, _MONTHS_PER_REQUEST)
            for part in parts
        )
        notes = []
        if len(countries) > 1 and not any(part.country for part in parts):
            notes.append("A reply contains every country: more than requested is stored.")
        if set(selection.flows) != set(FLOWS.values()):
            notes.append("A reply contains exports and imports: both are stored.")
        return Plan(SOURCE, selection, chunks, len(chunks), len(chunks), tuple(notes))

    def classify_reply(self, chunk: Chunk, reply: Reply) -> ReplyResult:
        """Classify a reply; add further pages where it is not complete.

        A new reply whose rows do not add up to the publisher's total is requested again.
        """
        where = f"{SOURCE}, {chunk.name} ({chunk.request.stored_address})"
        if reply.content.lstrip()[:1] == b"{":
            raise _portal_error(where, *_json_error(reply.content))
        try:
            root = read_xml(reply.content, where)
        except SnapshotError as error:
            raise _no_xml(where, reply.status, error) from error
        if root.tag == "OpenAPI_ServiceResponse":
            code, *words = (
                text_at(root, f".//{field}")
                for field in ("returnReasonCode", "errMsg", "returnAuthMsg")
            )
            if code.zfill(2) == _NOTHING:
                return ReplyResult(b"")
            raise _portal_error(where, code, " ".join(words))
        code, message = text_at(root, "header/resultCode"), text_at(root, "header/resultMsg")
        if root.tag != "response" or not code:
            raise Refused(
                f"{where}: status {reply.status}, an XML document <{root.tag}> without a result"
                " code. The layout has changed: check the publisher's page."
            )
        if code.zfill(2) == _NOTHING:
            return ReplyResult(b"")
        if code.zfill(2) == "99":
            # The service uses this code for every fault of a request; the message says which.
            raise Refused(
                f"{where}: the publisher rejects the request (99: {message[:200]})."
                " Correct what it names: country, code or months."
            )
        if code != "00":
            raise _portal_error(where, code, message)
        return _classify_items(chunk, reply, root, where)


@dataclass(frozen=True)
class _Part:
    """What one request selects besides its months."""

    service: Service
    country: str | None
    code: str | None
    rows_per_month: int


def _asked_countries(selection: Selection, seeds: Path) -> tuple[str, ...]:
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
                f"{SOURCE}: no partner {partner!r}: {closest(partner, codes)}. Partners are ISO"
                " 3166 alpha-3 codes."
            )
    return tuple(codes[partner] for partner in dict.fromkeys(selection.partners))


def _parts(selection: Selection, countries: tuple[str, ...]) -> list[_Part]:
    only = countries[0] if len(countries) == 1 else None
    level, products = selection.level, selection.products
    for product in products:
        if not re.fullmatch(r"[0-9]{1,10}", product):
            raise SelectionError(
                f"{SOURCE}: product {product!r} is no HS code or beginning of one: write digits."
            )
    if level == "total":
        if products:
            raise SelectionError(
                f"{SOURCE}: level total has no products. Leave them out, or select a level of"
                f" {', '.join(_DIGITS)}."
            )
        return [_Part(COUNTRIES, only, None, 1 if only else _COUNTRIES)]
    if level not in _DIGITS:
        raise SelectionError(
            f"{SOURCE}: has no level {level!r}; it gives total, {', '.join(_DIGITS)}. A code"
            " returns the rows below it, so the least detailed are headings (hs4)."
        )
    parents = _parents(level, products)
    if level == "hs10" and countries and (not parents or len(countries) < len(parents)):
        return [_Part(ITEMS, country, None, _PRODUCTS_OF_A_COUNTRY) for country in countries]
    if not parents:
        raise SelectionError(
            f"{SOURCE}: level {level} is requested code by code. Name products of at least"
            f" {PARENT_DIGITS[_DIGITS[level]]} digits"
            + (", or partners." if level == "hs10" else ".")
        )
    partners = 1 if only else _COUNTRIES_OF_A_CODE
    return [_Part(ITEMS, only, code, _CHILDREN_OF_A_CODE[len(code)] * partners) for code in parents]


def _parents(level: str, products: tuple[str, ...]) -> list[str]:
    """The codes whose rows contain the products; none where the products do not determine them."""
    for product in products:
        if len(product) > _DIGITS[level]:
            raise SelectionError(
                f"{SOURCE}: product {product} has more digits than level {level}. Select a more"
                " detailed level, or shorten it."
            )
    length = PARENT_DIGITS[_DIGITS[level]]
    if length == 2:
        beginnings = tuple(product[:2] for product in products) or ("",)
        chapters = [f"{number:02d}" for number in range(1, 100)]
        return [chapter for chapter in chapters if chapter.startswith(beginnings)]
    if any(len(product) < length for product in products):
        return []
    return sorted({product[:length] for product in products})


def _chunk(part: _Part, level: str, months: Sequence[str]) -> Chunk:
    first, last = months[0], months[-1]
    parameters = {"strtYymm": first.replace("-", ""), "endYymm": last.replace("-", "")}
    equal: dict[str, tuple[str, ...]] = {"service": (part.service.name,)}
    if part.service is ITEMS:
        equal["item_level"] = (level,)
    if part.country is not None:
        parameters["cntyCd"] = part.country
    if part.code is not None:
        parameters["hsSgn"] = part.code
        equal["parent_code"] = (part.code,)
    if part.country is not None:
        equal["country_code"] = (part.country,)
    parameters |= {"pageNo": "1", "numOfRows": str(ROWS_PER_PAGE)}
    named = (part.service.name, part.code, part.country, first, last)
    return Chunk(
        name="_".join(word for word in named if word) + ".xml",
        table=TABLE,
        layout=part.service.layout,
        request=Request(f"https://{_HOST}{part.service.path}", tuple(parameters.items())),
        covers=Covers(equal, first, last),
        expected_rows=part.rows_per_month * len(months),
    )


def _classify_items(chunk: Chunk, reply: Reply, root: Element, where: str) -> ReplyResult:
    try:
        items = read_items(root, where, BY_LAYOUT[chunk.layout])
    except SnapshotError as error:
        raise Refused(str(error)) from error
    if root.find("body/items") is None:
        raise Refused(
            f"{where}: a good result code without <items>. The layout has changed: check the"
            " publisher's page."
        )
    parameters = dict(chunk.request.parameters)
    page, size = int(parameters["pageNo"]), int(parameters["numOfRows"])
    held, total = items.cells.height, items.total_count
    if page > 1:
        expected = None if total is None else min(size, total - (page - 1) * size)
        if held == 0 or (expected is not None and held < expected):
            raise TryAgain(f"{where}: {held} rows where {expected} were announced: truncated.")
        return ReplyResult(reply.content)
    if held == 0 and not total:
        return ReplyResult(b"")
    if items.is_whole:
        problem = total_problem(items)
        if problem is not None:
            raise TryAgain(f"{where}: {problem}")
        return ReplyResult(reply.content)
    size = items.page_size or ROWS_PER_PAGE
    if total is None or held < size:
        raise TryAgain(f"{where}: {held} rows where {total} were announced: truncated.")
    pages = range(2, -(-total // size) + 1)
    return ReplyResult(reply.content, more=tuple(_page(chunk, number, size) for number in pages))


def _page(chunk: Chunk, number: int, size: int) -> Chunk:
    parameters = dict(chunk.request.parameters) | {"pageNo": str(number), "numOfRows": str(size)}
    return replace(
        chunk,
        name=f"{chunk.name.removesuffix('.xml')}_page-{number:04d}.xml",
        request=replace(chunk.request, parameters=tuple(parameters.items())),
        expected_rows=size,
    )


def _json_error(content: bytes) -> tuple[str, str]:
    """The portal's error in its JSON form: code and message."""
    try:
        header = json.loads(content)["OpenAPI_ServiceResponse"]["cmmMsgHeader"]
        return str(header["returnReasonCode"]), f"{header['errMsg']} {header['returnAuthMsg']}"
    except (ValueError, KeyError, TypeError):
        return "", content[:120].decode("utf-8", "replace")


def _portal_error(where: str, code: str, message: str) -> ReplyError:
    said = f"{where}: the portal answered {code or 'JSON'} ({' '.join(message.split())[:200]})."
    kind = code.zfill(2)
    if kind == _SPENT:
        return QuotaSpent(f"{said} Today's requests are used up: run it again tomorrow.")
    if kind in _LATER:
        return TryAgain(f"{said} It may work later.")
    if kind in _KEY:
        return Refused(
            f"{said} The key is unknown, expired or without access to this service: request access"
            f" at {COUNTRIES.page} and {ITEMS.page}, and keep its decoded form."
        )
    return Refused(f"{said} Correct the request, or check whether the service has moved.")


def _no_xml(where: str, status: int, problem: SnapshotError) -> ReplyError:
    if status in (401, 403):
        return Refused(
            f"{where}: status {status} without the portal's reason. The key is missing, wrong or"
            f" without access to this service: request access at {COUNTRIES.page} and {ITEMS.page}."
        )
    kind = TryAgain if status < 400 or status == 429 or status >= 500 else Refused
    return kind(f"status {status}: {problem}")
