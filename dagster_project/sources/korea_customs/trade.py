"""Parses the rows of a reply and checks them against the publisher's own total."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit
from xml.etree.ElementTree import Element

import polars as pl

from dagster_project.sources.korea_customs.partners import PARTNER_SEED
from dagster_project.sources.korea_customs.services import (
    BALANCE,
    BY_LAYOUT,
    FLOWS,
    PARENT_DIGITS,
    ROWS_PER_PAGE,
    Service,
)
from dagster_project.sources.parsing import Parsed, read_xml, rejects_frame
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile

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
_LARGEST_VALUE = Decimal(10) ** 20
_NUMBER = re.compile(r"-?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)")
_MONTH = re.compile(r"((?:19|20)[0-9]{2})\.(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class _Items:
    """The items of one reply, in order, and the number the publisher announces."""

    cells: Sequence[Mapping[str, str]]
    total_count: int | None
    page_size: int | None

    @property
    def is_whole(self) -> bool:
        return self.total_count is None or len(self.cells) >= self.total_count

    @property
    def is_page(self) -> bool:
        """Whether there are as many as fit on a page, with or without the row of totals."""
        return not self.is_whole and len(self.cells) >= (self.page_size or ROWS_PER_PAGE)


def parse_trade(content: bytes, file: SnapshotFile, partners: Mapping[str, str]) -> Parsed:
    """One reply as rows, one per flow; every code stays text.

    The row number is the position among the items, from 1, including the row of totals. That row is
    not a monthly figure: it is compared with the sum of the others.

    Raises:
        SnapshotError: not such a reply, an error instead of rows, no rows, a field missing
            or unknown, or rows that do not add up to the row of totals.
    """
    name = file.snapshot_file
    service = BY_LAYOUT[file.layout]
    root = read_xml(content, name)
    code = text_at(root, "header/resultCode")
    if root.tag != "response" or code != "00":
        raise SnapshotError(
            f"{name}: the publisher answered with an error"
            f" ({code or text_at(root, './/returnReasonCode') or root.tag}) instead of rows."
            " Correct the request and fetch again."
        )
    items = read_items(root, name, service)
    if not items.cells:
        raise SnapshotError(f"{name}: no rows. Check the request; an empty reply is not stored.")
    wrong_total = total_problem(items)
    if wrong_total is not None:
        raise SnapshotError(f"{name}: {wrong_total} Fetch it again.")
    asked = parse_qs(urlsplit(file.address or "").query).get("cntyCd", [None])[0]
    if asked is None and any(_country(cells) is None and _is_row(cells) for cells in items.cells):
        raise SnapshotError(
            f"{name}: neither its rows nor its address in the sidecar (cntyCd) say whose trade"
            " it is. Keep the requested address."
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
        for field, flow in FLOWS.items():
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
    """The fields that both flows of a row share, or the first problem: field, value, reason."""
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
        return {}, ("statCd", country, f"the request was for {asked}")
    values = {field: _number(cells[field]) for field in FLOWS}
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
        return {}, (BALANCE, cells[BALANCE], problem)
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
        record["parent_code"] = code[: PARENT_DIGITS[len(code)]]
    return record, None


def _balance_problem(cells: Mapping[str, str], values: Mapping[str, Decimal | None]) -> str | None:
    """Check the balance; rounding each of the three to a dollar may change the last digit."""
    balance = _number(cells.get(BALANCE, ""))
    exported, imported = values["expDlr"], values["impDlr"]
    if balance is None or exported is None or imported is None:
        return None
    if abs(balance - (exported - imported)) <= 1:
        return None
    return "not exports minus imports, so one of the three is wrong"


def total_problem(items: _Items) -> str | None:
    """The difference between the publisher's total and its rows, in words; none if undecidable.

    Each row and the total are rounded to the dollar. A missing or repeated row changes the sum by
    more.
    """
    totals = [cells for cells in items.cells if cells.get("year") == TOTAL_LABEL]
    rows = [cells for cells in items.cells if _is_row(cells)]
    if len(totals) != 1 or not items.is_whole:
        return None
    for field in FLOWS:
        values = [_number(cells.get(field, "")) for cells in (*totals, *rows)]
        read = [value for value in values if value is not None]
        if len(read) < len(values):
            # The unreadable row is rejected with its own reason.
            continue
        total, summed = read[0], sum(read[1:], Decimal(0))
        if 2 * abs(total - summed) > len(read):
            return (
                f"{field} of the publisher's own total is {total:,}, its {len(rows)} rows add up to"
                f" {summed:,}: rows are missing or repeated."
            )
    return None


def read_items(root: Element, name: str, service: Service) -> _Items:
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
                " has changed: write a parser for it."
            )
        if unknown:
            raise SnapshotError(
                f"{name}: field {', '.join(unknown)} of {service.path} is unknown. Give it a"
                " meaning in the layout, or ignore it there."
            )
    return _Items(cells, _count(root, "body/totalCount"), _count(root, "body/numOfRows"))


def _is_row(cells: Mapping[str, str]) -> bool:
    return cells.get("year") != TOTAL_LABEL


def _is_code(text: str) -> bool:
    return len(text) in PARENT_DIGITS and text.isascii() and text.isdigit()


def _country(cells: Mapping[str, str]) -> str | None:
    return cells.get("statCd") or None


def _number(text: str) -> Decimal | None:
    return Decimal(text.replace(",", "")) if _NUMBER.fullmatch(text) else None


def text_at(root: Element, path: str) -> str:
    return (root.findtext(path) or "").strip()


def _count(root: Element, path: str) -> int | None:
    text = text_at(root, path)
    return int(text) if text.isascii() and text.isdigit() else None
