"""Reads replies of the Korea Customs Service and checks them against the publisher's own total."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree.ElementTree import Element

import polars as pl

from dagster_project.sources.formats import read_xml
from dagster_project.sources.parsing import (
    Check,
    Parsed,
    not_after,
    read_seed,
    reject_faulty,
    rejects_frame,
)
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile

SOURCE = "korea_customs"
TABLE = "korea_customs__trade"
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
    "unit_usd": pl.Int32(),
}
COUNTRY_SEED = "country_list.csv"
PARTNER_SEED = "korea_customs_partners.csv"
FLOWS = {"expDlr": "export", "impDlr": "import"}
# A reply for a code of so many digits has rows of the next length.
PARENT_DIGITS = {2: 0, 4: 2, 6: 4, 10: 6}
# The services ignore page parameters and return everything at once. They are sent anyway: if they
# ever apply, the portal's default would be ten rows per page.
ROWS_PER_PAGE = 100_000

_BALANCE = "balPayments"
_TOTAL_LABEL = "총계"
_IS_ROW = pl.col("year").ne_missing(_TOTAL_LABEL)
_LARGEST_VALUE = 10**20
_MONTH = r"^(19|20)[0-9]{2}\.(0[1-9]|1[0-2])$"
_NUMBER = r"^-?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)$"
_CODE = r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{10})$"


@dataclass(frozen=True)
class Service:
    """One service of the portal; access to each is requested on its own page."""

    name: str
    path: str
    layout: str
    page: str
    fields: frozenset[str]

    @property
    def required(self) -> tuple[str, ...]:
        codes = ("hsCd",) if "hsCd" in self.fields else ()
        return ("year", *codes, *FLOWS)


_SHARED_FIELDS = {"year", "statCd", "statCdCntnKor1", *FLOWS, _BALANCE}
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
BY_LAYOUT = {service.layout: service for service in (COUNTRIES, ITEMS)}


@dataclass(frozen=True)
class Items:
    """The items of one reply as text, in order, and the numbers the publisher announces."""

    cells: pl.DataFrame
    total_count: int | None
    page_size: int | None

    @property
    def is_whole(self) -> bool:
        return self.total_count is None or self.cells.height >= self.total_count


def korea_customs_partners(seeds: Path) -> dict[str, str]:
    """The publisher's country code → partner code of the marts.

    The publisher uses ISO 3166 alpha-2; its seed lists its other codes.
    """
    countries = {row["iso2"]: row["iso3"] for row in read_seed(seeds, COUNTRY_SEED)}
    others = {row["country_code"]: row["partner_code"] for row in read_seed(seeds, PARTNER_SEED)}
    return countries | others


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
    if items.cells.is_empty():
        raise SnapshotError(f"{name}: no rows. Check the request; an empty reply is not stored.")
    wrong_total = total_problem(items)
    if wrong_total is not None:
        raise SnapshotError(f"{name}: {wrong_total} Fetch it again.")
    asked = parse_qs(urlsplit(file.address or "").query).get("cntyCd", [None])[0]
    cells = items.cells.filter(_IS_ROW).with_columns(
        pl.when(pl.col("statCd") != "").then("statCd").otherwise(pl.lit(asked)).alias("statCd"),
        *(_number(field).alias(flow) for field, flow in FLOWS.items()),
    )
    if asked is None and cells["statCd"].has_nulls():
        raise SnapshotError(
            f"{name}: neither its rows nor its address in the sidecar (cntyCd) say whose trade"
            " it is. Keep the requested address."
        )
    digits = 0
    if service is ITEMS:
        codes = cells["hsCd"].filter(cells["hsCd"].str.contains(_CODE))
        digits = max(codes.str.len_chars(), default=0)
    checks = list(_checks(service, asked, digits, partners, file.known_from))
    cells, faulty = reject_faulty(cells, checks)
    total = pl.lit("total")
    frame = (
        cells.unpivot(
            on=list(FLOWS.values()),
            index=["row_number", "statCd", "year", *(["hsCd"] if digits else [])],
            variable_name="flow",
            value_name="value_usd",
        )
        .sort("row_number", maintain_order=True)
        .select(
            "row_number",
            column_name=pl.col("flow").replace_strict({flow: at for at, flow in FLOWS.items()}),
            service=pl.lit(service.name),
            country_code="statCd",
            year=pl.col("year").str.head(4),
            month=pl.col("year").str.tail(2),
            item_level=pl.lit(f"hs{digits}") if digits else total,
            hs_code="hsCd" if digits else total,
            parent_code=pl.col("hsCd").str.head(PARENT_DIGITS[digits]) if digits else pl.lit(""),
            flow="flow",
            value_usd="value_usd",
            unit_usd=pl.lit(1),
        )
        .cast(pl.Schema(SCHEMA))
    )
    return Parsed(
        frame, pl.concat([rejects_frame(), *(bad for _, bad in faulty)]).sort("row_number")
    )


def _checks(
    service: Service,
    asked: str | None,
    digits: int,
    partners: Mapping[str, str],
    known_from: date,
) -> Iterator[Check]:
    """What makes a row unusable: its fields, month, country, values or code."""
    year, country, balance = pl.col("year"), pl.col("statCd"), _number(_BALANCE)
    for field in service.required:
        yield Check(pl.col(field).is_null(), field, "the field is missing")
    yield Check(
        ~year.str.contains(_MONTH), "year", "neither a month (YYYY.MM) nor the row of totals"
    )
    yield not_after("year", known_from, "%Y.%m")
    yield Check(
        ~country.is_in(list(partners)),
        "statCd",
        f"unknown country code: if it is a new one, add it to {PARTNER_SEED}",
    )
    if asked is not None:
        yield Check(country != asked, "statCd", f"the request was for {asked}")
    for field, flow in FLOWS.items():
        text = pl.col(field)
        yield Check(
            ~text.str.contains(_NUMBER),
            field,
            "not a number: write digits, with commas between thousands or none",
        )
        yield Check(text.str.contains("^-[0,]*[1-9]"), field, "a trade value cannot be negative")
        yield Check(
            pl.col(flow) >= _LARGEST_VALUE,
            field,
            "more digits than a value in dollars can have",
        )
    # Rounding each of the three to a dollar may change the last digit.
    difference = (pl.col("export") - pl.col("import") - balance).abs()
    yield Check(
        (difference > 1).fill_null(False),
        _BALANCE,
        "not exports minus imports, so one of the three is wrong",
    )
    if service is ITEMS:
        yield Check(
            ~pl.col("hsCd").str.contains(_CODE),
            "hsCd",
            "a code has 2, 4, 6 or 10 digits; leading zeros must be kept",
        )
        yield Check(
            pl.col("hsCd").str.len_chars() != digits,
            "hsCd",
            f"the other codes of the reply have {digits} digits: not of their level",
        )


def total_problem(items: Items) -> str | None:
    """The difference between the publisher's total and its rows, in words; none if undecidable.

    Each row and the total are rounded to the dollar. A missing or repeated row changes the sum by
    more.
    """
    rows = items.cells.filter(_IS_ROW)
    if items.cells.height - rows.height != 1 or not items.is_whole:
        return None
    for field in FLOWS:
        values = items.cells.select(_number(field)).to_series()
        # An unreadable row is rejected with its own reason.
        if values.has_nulls():
            continue
        summed = rows.select(_number(field).sum()).item()
        total = values.sum() - summed
        if 2 * abs(total - summed) > len(values):
            return (
                f"{field} of the publisher's own total is {total:,}, its {rows.height} rows add up"
                f" to {summed:,}: rows are missing or repeated."
            )
    return None


def read_items(root: Element, name: str, service: Service) -> Items:
    rows = [
        {field.tag: (field.text or "").strip() for field in item}
        for item in root.iterfind("body/items/item")
    ]
    found = {field for row in rows for field in row}
    missing = [field for field in service.required if field not in found]
    unknown = sorted(found - service.fields)
    if rows and missing:
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
    schema = dict.fromkeys(sorted(service.fields), pl.String())
    cells = pl.DataFrame(rows, schema=schema).with_row_index("row_number", offset=1)
    cells = cells.with_columns(pl.col("row_number").cast(pl.Int64))
    return Items(cells, _count(root, "body/totalCount"), _count(root, "body/numOfRows"))


def text_at(root: Element, path: str) -> str:
    return (root.findtext(path) or "").strip()


def _number(field: str) -> pl.Expr:
    digits = pl.col(field).str.replace_all(",", "").cast(pl.Decimal(30, 0), strict=False)
    return pl.when(pl.col(field).str.contains(_NUMBER)).then(digits)


def _count(root: Element, path: str) -> int | None:
    text = text_at(root, path)
    return int(text) if text.isascii() and text.isdigit() else None
