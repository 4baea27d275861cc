"""Korea Customs Service: trade by country, and by product and country, from the data portal.

Belongs here: the two services, their requests, the portal's errors and the form of replies.
Does not belong here: what a figure means for the marts (staging), sending (`fetching`).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NoReturn
from urllib.parse import parse_qs, urlsplit
from xml.etree.ElementTree import Element

import polars as pl

from dagster_project.sources.connector import (
    About,
    Available,
    Chunk,
    Examined,
    KeyUse,
    Limits,
    Plan,
    QuotaSpent,
    Refused,
    Reply,
    Request,
    Selection,
    SelectionError,
    Terms,
    TryAgain,
)
from dagster_project.sources.raw import FileParser, OwnTotal, SourceTable
from dagster_project.sources.reading import Parsed, closest, read_xml, rejects_frame, shows
from dagster_project.sources.snapshot import Covers, SnapshotError, SnapshotFile

SOURCE = "korea_customs"
TABLE = "korea_customs__trade"
COUNTRY_SEED = "country_list.csv"
PARTNER_SEED = "korea_customs_partners.csv"

SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "service": pl.String(),
    "country_code": pl.String(),
    "year": pl.Int32(),
    "month": pl.Int32(),
    "item_level": pl.String(),
    "hs_code": pl.String(),
    "parent_code": pl.String(),
    "flow": pl.String(),
    "value_usd": pl.Decimal(20, 0),
}

TOTAL_LABEL = "총계"
_HOST = "https://apis.data.go.kr"
_FLOWS = {"expDlr": "export", "impDlr": "import"}
_BALANCE = "balPayments"
# A reply to a code of so many digits has rows of the next level.
_CHILD_DIGITS = {2: 4, 4: 6, 6: 10}
_LEVELS = {4: "hs4", 6: "hs6", 10: "hs10"}
_PARENT_DIGITS = {2: 0, 4: 2, 6: 4, 10: 6}
_LARGEST_VALUE = Decimal(10) ** 20
_NUMBER = re.compile(r"-?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)")
_MONTH = re.compile(r"((?:19|20)[0-9]{2})\.(0[1-9]|1[0-2])")
_MONTHS_PER_REQUEST = 12
# The services were seen to leave page parameters aside and to send everything at once. They
# are sent all the same: should they ever count, ten rows a page would be the portal's default.
_ROWS_PER_PAGE = 100_000

# What replies were seen to hold on average, to foretell their size.
_COUNTRIES = 240
_COUNTRIES_OF_A_CODE = 60
_CHILDREN_OF_A_CODE = {2: 13, 4: 5, 6: 2}
_PRODUCTS_OF_A_COUNTRY = 600


@dataclass(frozen=True)
class Service:
    """One service of the portal; each has to be applied for on its own page."""

    name: str
    path: str
    layout: str
    page: str
    fields: frozenset[str]

    @property
    def required(self) -> tuple[str, ...]:
        codes = ("hsCd",) if "hsCd" in self.fields else ()
        return ("year", *codes, *_FLOWS)


_SHARED_FIELDS = {"year", "statCd", "statCdCntnKor1", *_FLOWS, _BALANCE}
COUNTRIES = Service(
    name="countries",
    path="/1220000/nationtrade/getNationtradeList",
    layout="korea_customs_countries",
    page="https://www.data.go.kr/data/15101612/openapi.do",
    fields=frozenset(_SHARED_FIELDS | {"expCnt", "impCnt"}),
)
ITEMS = Service(
    name="items",
    path="/1220000/nitemtrade/getNitemtradeList",
    layout="korea_customs_items",
    page="https://www.data.go.kr/data/15100475/openapi.do",
    fields=frozenset(_SHARED_FIELDS | {"hsCd", "statKor", "expWgt", "impWgt"}),
)
_BY_LAYOUT = {service.layout: service for service in (COUNTRIES, ITEMS)}


def korea_customs_partners(seeds: Path) -> dict[str, str]:
    """The publisher's country code → partner code of the marts.

    The publisher keeps to ISO 3166 alpha-2; its own seed says what its other codes are.
    """
    partners: dict[str, str] = {}
    for name, code, partner in (
        (COUNTRY_SEED, "iso2", "iso3"),
        (PARTNER_SEED, "country_code", "partner_code"),
    ):
        try:
            text = (seeds / name).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise SnapshotError(f"seed {name}: absent from {seeds}. Restore it.") from error
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        if not rows:
            raise SnapshotError(f"seed {name}: has no rows. Restore it.")
        partners.update((row[code], row[partner]) for row in rows)
    return partners


@dataclass(frozen=True)
class _Items:
    """The items of one reply, in order, and how many the publisher says there are."""

    cells: Sequence[Mapping[str, str]]
    total_count: int | None
    page_size: int | None

    @property
    def is_whole(self) -> bool:
        return self.total_count is None or len(self.cells) >= self.total_count

    @property
    def is_page(self) -> bool:
        """As many as fit on a page, with or without the row of totals."""
        return not self.is_whole and len(self.cells) >= (self.page_size or _ROWS_PER_PAGE)


def parse_trade(content: bytes, file: SnapshotFile, partners: Mapping[str, str]) -> Parsed:
    """One reply as rows, one a flow; every code stays text.

    The row number is the place among the items, from 1, the row of totals included. That row
    is no figure of a month: what it says is held against the sum of the others.

    Raises:
        SnapshotError: not such a reply, an error instead of rows, no rows, a field missing
            or unknown, or a row of totals that the others do not add up to.
    """
    name = file.snapshot_file
    service = _BY_LAYOUT[file.layout]
    root = read_xml(content, name)
    code = _text(root, "header/resultCode")
    if root.tag != "response" or code != "00":
        raise SnapshotError(
            f"{name}: the publisher answered with an error"
            f" ({code or _text(root, './/returnReasonCode') or root.tag}) instead of rows."
            " Correct the request and fetch again."
        )
    items = _read_items(root, name, service)
    if not items.cells:
        raise SnapshotError(f"{name}: no rows. Check the request; an empty reply is not stored.")
    wrong_total = _total_problem(items)
    if wrong_total is not None:
        raise SnapshotError(f"{name}: {wrong_total} Fetch it again.")
    asked = parse_qs(urlsplit(file.address or "").query).get("cntyCd", [None])[0]
    if asked is None and any(_country(cells) is None and _is_row(cells) for cells in items.cells):
        raise SnapshotError(
            f"{name}: neither its rows nor its address in the sidecar (cntyCd) say whose trade"
            " it is. Keep the address that was asked."
        )
    records: list[dict[str, object]] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    codes = [cells["hsCd"] for cells in items.cells if _is_code(cells.get("hsCd", ""))]
    digits = max(map(len, codes), default=0)
    for number, cells in enumerate(items.cells, start=1):
        if not _is_row(cells):
            continue
        record, problem = _record(cells, service, asked, digits, partners, file.known_from)
        if problem is not None:
            rejects.append((number, *problem))
            continue
        for field, flow in _FLOWS.items():
            value = {"column_name": field, "flow": flow, "value_usd": _number(cells[field])}
            records.append({"row_number": number, **record, **value})
    return Parsed(pl.DataFrame(records, schema=SCHEMA, orient="row"), rejects_frame(rejects))


def _record(
    cells: Mapping[str, str],
    service: Service,
    asked: str | None,
    digits: int,
    partners: Mapping[str, str],
    known_from: date,
) -> tuple[dict[str, object], tuple[str, str | None, str] | None]:
    """What both flows of a row share, or the first problem: field, value, reason."""
    missing = [field for field in service.required if field not in cells]
    if missing:
        return {}, (missing[0], None, "the field is missing")
    month = _MONTH.fullmatch(cells["year"])
    if month is None:
        return {}, ("year", cells["year"], "neither a month (YYYY.MM) nor the row of totals")
    year, number = int(month[1]), int(month[2])
    if (year, number) > (known_from.year, known_from.month):
        reason = f"a release known from {known_from} cannot hold this month"
        return {}, ("year", cells["year"], reason)
    country = _country(cells) or asked
    if country is None or country not in partners:
        reason = f"unknown country code: if it is a new one, add it to {PARTNER_SEED}"
        return {}, ("statCd", country, reason)
    if asked not in (None, country):
        return {}, ("statCd", country, f"the request asked for {asked}")
    values = {field: _number(cells[field]) for field in _FLOWS}
    for field, value in values.items():
        if value is None:
            reason = "not a number: write digits, with commas between thousands or none"
            return {}, (field, cells[field], reason)
        if value < 0:
            return {}, (field, cells[field], "a trade value cannot be negative")
        if value >= _LARGEST_VALUE:
            return {}, (field, cells[field], "more digits than a value in dollars can have")
    problem = _balance_problem(cells, values)
    if problem is not None:
        return {}, (_BALANCE, cells[_BALANCE], problem)
    record: dict[str, object] = {
        "service": service.name,
        "country_code": country,
        "year": year,
        "month": number,
        "item_level": "total",
        "hs_code": "total",
        "parent_code": "",
    }
    if "hsCd" in service.required:
        code = cells["hsCd"]
        if not _is_code(code):
            reason = "a code has 2, 4, 6 or 10 digits; leading zeros must be kept"
            return {}, ("hsCd", code, reason)
        if len(code) != digits:
            reason = f"the other codes of the reply have {digits} digits: not of their level"
            return {}, ("hsCd", code, reason)
        record["item_level"], record["hs_code"] = f"hs{len(code)}", code
        record["parent_code"] = code[: _PARENT_DIGITS[len(code)]]
    return record, None


def _balance_problem(cells: Mapping[str, str], values: Mapping[str, Decimal | None]) -> str | None:
    """Rounding each of the three to a dollar may move the last digit."""
    balance = _number(cells.get(_BALANCE, ""))
    exported, imported = values["expDlr"], values["impDlr"]
    if balance is None or exported is None or imported is None:
        return None
    if abs(balance - (exported - imported)) <= 1:
        return None
    return "not exports less imports, so one of the three is wrong"


def _total_problem(items: _Items) -> str | None:
    """What the publisher's own total says against its rows; nothing where it cannot tell.

    Each row and the total are rounded to the dollar. A row that is missing or twice there
    moves the sum by more.
    """
    totals = [cells for cells in items.cells if cells.get("year") == TOTAL_LABEL]
    rows = [cells for cells in items.cells if _is_row(cells)]
    if len(totals) != 1 or not items.is_whole:
        return None
    for field in _FLOWS:
        values = [_number(cells.get(field, "")) for cells in (*totals, *rows)]
        read = [value for value in values if value is not None]
        if len(read) < len(values):
            # The row that cannot be read is rejected by name, and says as much.
            continue
        total, summed = read[0], sum(read[1:], Decimal(0))
        if 2 * abs(total - summed) > len(read):
            return (
                f"{field} of the publisher's own total is {total:,}, its {len(rows)} rows add up to"
                f" {summed:,}: rows are missing or twice there."
            )
    return None


def _read_items(root: Element, name: str, service: Service) -> _Items:
    cells = [
        {field.tag: (field.text or "").strip() for field in item}
        for item in root.iterfind("body/items/item")
    ]
    if cells:
        found = {field for row in cells for field in row}
        missing = [field for field in service.required if field not in found]
        unknown = sorted(found - service.fields)
        if missing:
            hint = f" (they have {', '.join(unknown)} instead)" if unknown else ""
            raise SnapshotError(
                f"{name}: field {', '.join(missing)} is missing from all rows{hint}. The layout"
                " has changed: give the new one a parser."
            )
        if unknown:
            raise SnapshotError(
                f"{name}: field {', '.join(unknown)} is not read from {service.path}. Give it a"
                " meaning in the layout, or leave it aside there."
            )
    return _Items(cells, _count(root, "body/totalCount"), _count(root, "body/numOfRows"))


def _is_row(cells: Mapping[str, str]) -> bool:
    return cells.get("year") != TOTAL_LABEL


def _is_code(text: str) -> bool:
    return len(text) in _PARENT_DIGITS and text.isascii() and text.isdigit()


def _country(cells: Mapping[str, str]) -> str | None:
    return cells.get("statCd") or None


def _number(text: str) -> Decimal | None:
    return Decimal(text.replace(",", "")) if _NUMBER.fullmatch(text) else None


def _text(root: Element, path: str) -> str:
    return (root.findtext(path) or "").strip()


def _count(root: Element, path: str) -> int | None:
    text = _text(root, path)
    return int(text) if text.isascii() and text.isdigit() else None


# What the portal's codes mean for the request; the key's codes are also those of a service
# that was not applied for.
_NOTHING = {"03"}
_LATER = {"01", "02", "04", "05", "23"}
_SPENT = {"22"}
_KEY = {"20", "21", "30", "31", "32", "33"}


class KoreaCustoms:
    """The two services of Korea Customs that give trade by country."""

    @property
    def about(self) -> About:
        return About(
            source_id=SOURCE,
            title="Korea Customs Service, trade statistics of the public data portal",
            gives="Korea's exports FOB and imports CIF by country and month in US dollars, all"
            " products together or by HS heading, subheading and ten-digit code",
            coverage="Reporter KOR; partners are countries, without a world total. Months up to"
            " the one before; months not yet out are absent.",
            levels=("total", *_LEVELS.values()),
            hosts=(urlsplit(_HOST).netloc,),
            limits=Limits(per_second=2.0, per_day=None, per_day_with_key=10_000),
            key=KeyUse(
                place="query",
                name="serviceKey",
                is_required=True,
                obtained_at=f"{COUNTRIES.page} and {ITEMS.page}",
            ),
            terms=Terms("Korea Open Government Licence: no restriction on use", True),
            calendar="About the 15th of the month, for the month before; corrections of"
            " declarations change earlier months.",
            is_seen=True,
            by_year_from=2000,
            notes=(
                "One key serves both services, but each has to be applied for on its own page."
                " Keep the decoded form of the key (without %).",
                "10,000 requests a day is the limit of a development key, for each service.",
                "The product service answers a code of 2, 4 or 6 digits with rows of 4, 6 or 10"
                " digits, so there are no chapter rows; without a code it gives all ten-digit"
                " rows of one country.",
                "Months in which a country does not trade have no row. Weights and numbers of"
                " declarations are not read.",
            ),
        )

    def survey(self, selection: Selection, seeds: Path) -> tuple[Chunk, ...]:
        return ()

    def available(self, replies: Mapping[str, bytes]) -> tuple[Available, ...]:
        return ()

    def plan(
        self,
        selection: Selection,
        seeds: Path,
        *,
        has_key: bool,
        known: tuple[Available, ...] = (),
    ) -> Plan:
        """One request for each twelve months, and for each code or country that cannot share.

        A service gives all countries in one reply: only a single partner is asked by itself.
        """
        countries = _asked_countries(selection, seeds)
        if selection.frequency != "M":
            raise SelectionError(
                f"{SOURCE}: gives months only. Ask for frequency M; twelve months make a year."
            )
        if selection.first > selection.last:
            raise SelectionError(
                f"{SOURCE}: the first month {selection.first:%Y-%m} lies after the last,"
                f" {selection.last:%Y-%m}. Change their order."
            )
        parts = tuple(_parts(selection, countries))
        chunks = tuple(
            _chunk(part, first, last)
            for first, last in _windows(selection.first, selection.last)
            for part in parts
        )
        notes = []
        if len(countries) > 1 and not any(part.country for part in parts):
            notes.append("A reply holds every country: more than was asked for is stored.")
        if set(selection.flows) != set(_FLOWS.values()):
            notes.append("A reply holds exports and imports: both are stored.")
        return Plan(
            source_id=SOURCE,
            selection=selection,
            chunks=chunks,
            expected_requests=len(chunks),
            fewest=len(chunks),
            notes=tuple(notes),
        )

    def examine(self, chunk: Chunk, reply: Reply) -> Examined:
        """What a reply is; further pages where one says that it is not all.

        A fresh reply whose rows do not add up to the publisher's total is asked for again.
        """
        where = f"{SOURCE}, {chunk.name} ({chunk.request.stored_address})"
        if reply.content.lstrip()[:1] == b"{":
            _raise_portal_error(where, *_json_error(reply.content))
        try:
            root = read_xml(reply.content, where)
        except SnapshotError as error:
            _raise_by_status(where, reply.status, str(error), error)
        if root.tag == "OpenAPI_ServiceResponse":
            code, message = _text(root, ".//returnReasonCode"), _text(root, ".//errMsg")
            auth = _text(root, ".//returnAuthMsg")
            if code.zfill(2) in _NOTHING:
                return Examined(b"")
            _raise_portal_error(where, code, " ".join(filter(None, (message, auth))))
        code, message = _text(root, "header/resultCode"), _text(root, "header/resultMsg")
        if root.tag != "response" or not code:
            raise Refused(
                f"{where}: status {reply.status}, an XML document <{root.tag}> without a result"
                " code. The layout has changed: look at the publisher's page."
            )
        if code.zfill(2) in _NOTHING:
            return Examined(b"")
        if code.zfill(2) == "99":
            # The service tells every fault of a request by this code and says which in words.
            raise Refused(
                f"{where}: the publisher does not take the request (99: {message[:200]})."
                " Correct what it names: country, code or months."
            )
        if code != "00":
            _raise_portal_error(where, code, message)
        return _examine_items(chunk, reply, root, where)


def _examine_items(chunk: Chunk, reply: Reply, root: Element, where: str) -> Examined:
    try:
        items = _read_items(root, where, _BY_LAYOUT[chunk.layout])
    except SnapshotError as error:
        raise Refused(str(error)) from error
    parameters = dict(chunk.request.parameters)
    page, size = int(parameters["pageNo"]), int(parameters["numOfRows"])
    held, total = len(items.cells), items.total_count
    if page > 1:
        expected = None if total is None else min(size, total - (page - 1) * size)
        if held == 0 or (expected is not None and held < expected):
            raise TryAgain(f"{where}: {held} rows where {expected} were announced: cut short.")
        return Examined(reply.content)
    if held == 0 and not total:
        return Examined(b"")
    if items.is_whole:
        problem = _total_problem(items)
        if problem is not None:
            raise TryAgain(f"{where}: {problem}")
        return Examined(reply.content)
    if not items.is_page or total is None:
        raise TryAgain(f"{where}: {held} rows where {total} were announced: cut short.")
    size = items.page_size or _ROWS_PER_PAGE
    pages = -(-total // size)
    return Examined(
        reply.content, more=tuple(_page(chunk, number, size) for number in range(2, pages + 1))
    )


def _page(chunk: Chunk, number: int, size: int) -> Chunk:
    changed = {"pageNo": str(number), "numOfRows": str(size)}
    parameters = tuple((name, changed.get(name, text)) for name, text in chunk.request.parameters)
    stem = chunk.name.removesuffix(".xml")
    return replace(
        chunk,
        name=f"{stem}_page-{number:04d}.xml",
        request=replace(chunk.request, parameters=parameters),
        expected_rows=size,
    )


def _json_error(content: bytes) -> tuple[str, str]:
    """The portal's error in the form it has where JSON was asked for: code and words."""
    try:
        header = json.loads(content)["OpenAPI_ServiceResponse"]["cmmMsgHeader"]
        return str(header["returnReasonCode"]), f"{header['errMsg']} {header['returnAuthMsg']}"
    except (ValueError, KeyError, TypeError):
        return "", content[:120].decode("utf-8", "replace")


def _raise_portal_error(where: str, code: str, message: str) -> NoReturn:
    said = f"{where}: the portal answered {code or 'JSON'} ({' '.join(message.split())[:200]})."
    kind = code.zfill(2)
    if kind in _SPENT:
        raise QuotaSpent(f"{said} The requests of the day are spent: go on tomorrow.")
    if kind in _LATER or kind == "99":
        raise TryAgain(f"{said} It may work later.")
    if kind in _KEY:
        raise Refused(
            f"{said} The key is unknown, expired or not admitted to this service: apply for it at"
            f" {COUNTRIES.page} and {ITEMS.page}, and keep its decoded form."
        )
    raise Refused(f"{said} Correct the request, or look whether the service has moved.")


def _raise_by_status(where: str, status: int, problem: str, cause: Exception) -> NoReturn:
    if status in (401, 403):
        raise Refused(
            f"{where}: status {status} without the portal's reason. The key is missing, wrong or"
            f" not admitted to this service: apply for it at {COUNTRIES.page} and {ITEMS.page}."
        ) from cause
    if status < 400 or status == 429 or status >= 500:
        raise TryAgain(f"status {status}: {problem}") from cause
    raise Refused(f"status {status}: {problem}") from cause


@dataclass(frozen=True)
class _Part:
    """What one request asks for besides its months."""

    service: Service
    country: str | None
    code: str | None
    rows_per_month: int

    @property
    def covers(self) -> Mapping[str, tuple[str, ...]]:
        equal: dict[str, tuple[str, ...]] = {"service": (self.service.name,)}
        if self.service is ITEMS:
            level = _LEVELS[_CHILD_DIGITS[len(self.code)] if self.code else 10]
            equal["item_level"] = (level,)
        if self.code is not None:
            equal["parent_code"] = (self.code,)
        if self.country is not None:
            equal["country_code"] = (self.country,)
        return equal


def _asked_countries(selection: Selection, seeds: Path) -> tuple[str, ...]:
    """The publisher's codes of the partners asked for; none means every country."""
    for reporter in selection.reporters:
        if reporter != "KOR":
            raise SelectionError(f"{SOURCE}: reports the trade of KOR alone, not of {reporter}.")
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


def _parts(selection: Selection, countries: tuple[str, ...]) -> Iterator[_Part]:
    only = countries[0] if len(countries) == 1 else None
    digits = {level: number for number, level in _LEVELS.items()}
    for product in selection.products:
        if not re.fullmatch(r"[0-9]{1,10}", product):
            raise SelectionError(
                f"{SOURCE}: product {product!r} is no HS code or beginning of one: write digits."
            )
    if selection.level == "total":
        if selection.products:
            raise SelectionError(
                f"{SOURCE}: level total has no products. Leave them out, or ask for a level of"
                f" {', '.join(_LEVELS.values())}."
            )
        yield _Part(COUNTRIES, only, None, 1 if only else _COUNTRIES)
        return
    if selection.level not in digits:
        raise SelectionError(
            f"{SOURCE}: has no level {selection.level!r}; it gives total,"
            f" {', '.join(_LEVELS.values())}. A code is answered with the rows below it, so the"
            " least detailed are headings (hs4)."
        )
    parents = _parents(selection, digits[selection.level])
    if selection.level == "hs10" and countries and (not parents or len(countries) < len(parents)):
        for country in countries:
            yield _Part(ITEMS, country, None, _PRODUCTS_OF_A_COUNTRY)
        return
    if not parents:
        raise SelectionError(
            f"{SOURCE}: level {selection.level} is asked code by code. Name products of at least"
            f" {_PARENT_DIGITS[digits[selection.level]]} digits"
            + (", or partners." if selection.level == "hs10" else ".")
        )
    for code in parents:
        rows = _CHILDREN_OF_A_CODE[len(code)] * (1 if only else _COUNTRIES_OF_A_CODE)
        yield _Part(ITEMS, only, code, rows)


def _parents(selection: Selection, digits: int) -> tuple[str, ...]:
    """The codes whose rows hold the products; none where the products leave them open."""
    for product in selection.products:
        if len(product) > digits:
            raise SelectionError(
                f"{SOURCE}: product {product} has more digits than level {selection.level}. Ask"
                " for a more detailed level, or shorten it."
            )
    length = _PARENT_DIGITS[digits]
    if length == 2:
        asked = selection.products or ("",)
        chapters = [f"{number:02d}" for number in range(1, 100)]
        return tuple(one for one in chapters if any(one.startswith(code[:2]) for code in asked))
    if any(len(product) < length for product in selection.products):
        return ()
    return tuple(sorted({product[:length] for product in selection.products}))


def _windows(first: date, last: date) -> Iterator[tuple[date, date]]:
    """First and last month of each run of at most a year; days are the first of the month."""
    begin, end = _month_index(first), _month_index(last)
    for start in range(begin, end + 1, _MONTHS_PER_REQUEST):
        yield _month(start), _month(min(start + _MONTHS_PER_REQUEST - 1, end))


def _month_index(day: date) -> int:
    return day.year * 12 + day.month - 1


def _month(index: int) -> date:
    return date(index // 12, index % 12 + 1, 1)


def _chunk(part: _Part, first: date, last: date) -> Chunk:
    parameters = [("strtYymm", f"{first:%Y%m}"), ("endYymm", f"{last:%Y%m}")]
    if part.country is not None:
        parameters.append(("cntyCd", part.country))
    if part.code is not None:
        parameters.append(("hsSgn", part.code))
    parameters += [("pageNo", "1"), ("numOfRows", str(_ROWS_PER_PAGE))]
    named = (part.service.name, part.code, part.country, f"{first:%Y-%m}", f"{last:%Y-%m}")
    return Chunk(
        name="_".join(word for word in named if word) + ".xml",
        table=TABLE,
        layout=part.service.layout,
        request=Request(_HOST + part.service.path, tuple(parameters)),
        covers=Covers(part.covers, f"{first:%Y-%m}", f"{last:%Y-%m}"),
        expected_rows=part.rows_per_month * (_month_index(last) - _month_index(first) + 1),
    )


def _trade_parser(seeds: Path) -> FileParser:
    partners = korea_customs_partners(seeds)
    return lambda content, file: parse_trade(content, file, partners)


CONNECTOR = KoreaCustoms()

_is_reply, _has_codes = shows("<response", "<expDlr>", starts="<"), shows("<hsCd>")

TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id=SOURCE,
        table=TABLE,
        description="Korea's trade with each country by month, all products or by HS code:"
        " exports FOB, imports CIF, as the Korea Customs Service counts them.",
        layouts=frozenset(_BY_LAYOUT),
        signs={
            COUNTRIES.layout: lambda content, name: (
                _is_reply(content, name) and not _has_codes(content, name)
            ),
            ITEMS.layout: lambda content, name: (
                _is_reply(content, name) and _has_codes(content, name)
            ),
        },
        parser=_trade_parser,
        seeds=(COUNTRY_SEED, PARTNER_SEED),
        columns=SCHEMA,
        primary_key=("service", "country_code", "item_level", "hs_code", "year", "month", "flow"),
        values=("value_usd",),
        total=OwnTotal(
            level="item_level",
            value="total",
            amount="value_usd",
            by=("country_code", "year", "month", "flow"),
        ),
        period=pl.format("{}-{}", pl.col("year"), pl.col("month").cast(pl.String).str.zfill(2)),
        calendar=CONNECTOR.about.calendar,
    ),
)
