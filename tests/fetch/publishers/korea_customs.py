"""The Korea Customs Service, replayed: its services by country and by product, in pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

import polars as pl
from fetch.publishers.publisher import (
    Answer,
    Asked,
    Case,
    KeyPlace,
    Publisher,
    Row,
    Wrong,
    years,
)
from fetch.publishers.world import World, months

COUNTRIES = {"USA": "US", "JPN": "JP", "CHN": "CN", "DEU": "DE", "MEX": "MX"}
GOODS = ("0101210000", "2710121000", "8703231010", "8703239090")
TOTAL = "총계"
# A reply to a code of so many digits has rows of the next level.
_CHILD_DIGITS = {0: 10, 2: 4, 4: 6, 6: 10}
_BY_COUNTRY = "/1220000/nationtrade/getNationtradeList"
_BY_PRODUCT = "/1220000/nitemtrade/getNitemtradeList"
_COUNTRY_FIELDS = "year statCd statCdCntnKor1 expDlr impDlr balPayments expCnt impCnt"
_PRODUCT_FIELDS = "year statCd statCdCntnKor1 hsCd statKor expDlr impDlr balPayments expWgt impWgt"
# Whatever page is asked for, no more rows than this are sent at once.
_MOST_ROWS = 40


class KoreaCustoms(Publisher):
    source_id = "korea_customs"
    paths = (_BY_COUNTRY, _BY_PRODUCT)
    key_place = KeyPlace("query", "serviceKey", is_required=True)

    def rows(self, asked: Asked, world: World) -> list[Row]:
        return self.whole(asked, world)

    def whole(self, asked: Asked, world: World) -> list[Row]:
        """The rows that the publisher counts, of all pages."""
        return list(_items(asked, world))

    def render(self, asked: Asked, rows: list[Row], world: World, *, is_changed: bool) -> Answer:
        size = min(int(asked.one("numOfRows") or 10), _MOST_ROWS)
        page = int(asked.one("pageNo") or 1)
        whole = self.whole(asked, world)
        # What goes wrong with the rows goes wrong within the page.
        of_page = set(whole[(page - 1) * size : page * size])
        names = (_COUNTRY_FIELDS if asked.path == _BY_COUNTRY else _PRODUCT_FIELDS).split()
        fields = [f"{name}X" if is_changed and name == "expDlr" else name for name in names]
        items = "".join(
            _element(dict(zip(fields, row, strict=True))) for row in rows if row in of_page
        )
        return self._xml(
            "<header><resultCode>00</resultCode><resultMsg>NORMAL SERVICE.</resultMsg></header>"
            f"<body><items>{items}</items><numOfRows>{size}</numOfRows><pageNo>{page}</pageNo>"
            f"<totalCount>{len(whole)}</totalCount></body>"
        )

    def overload(self, asked: Asked) -> Answer:
        return self._error("04", "HTTP ERROR")

    def unknown(self, asked: Asked) -> Answer:
        return self._error("10", "INVALID REQUEST PARAMETER ERROR")

    def bad_key(self, asked: Asked) -> Answer:
        """The portal refuses a key before the service is reached, in a form of its own."""
        return Answer(
            "text/xml",
            b'<?xml version="1.0"?><OpenAPI_ServiceResponse><cmmMsgHeader>'
            b"<errMsg>SERVICE ERROR</errMsg>"
            b"<returnAuthMsg>SERVICE_KEY_IS_NOT_REGISTERED_ERROR</returnAuthMsg>"
            b"<returnReasonCode>30</returnReasonCode>"
            b"</cmmMsgHeader></OpenAPI_ServiceResponse>",
        )

    def cases(self) -> tuple[Case, ...]:
        return (
            Case(years(2014, 2017)),
            Case(years(2011, 2017, level="hs4", partners=("USA",)), is_large=True),
            Case(years(2016, 2017, level="hs10", partners=tuple(COUNTRIES))),
            Case(years(2016, 2017, level="hs6", products=("8703",))),
        )

    def truth(self, case: Case, world: World) -> dict[str, pl.DataFrame]:
        """A reply holds every country unless a single one, or all products, were asked for."""
        selection = case.selection
        is_by_country = len(selection.partners) == 1 or (
            selection.level == "hs10" and not selection.products
        )
        chosen = selection.partners if is_by_country else COUNTRIES
        digits = 0 if selection.level == "total" else int(selection.level[2:])
        codes = sorted({goods[:digits] for goods in GOODS}) if digits else ["total"]
        parents = tuple(
            product[: {4: 2, 6: 4, 10: 6}[digits]] if digits else ""
            for product in selection.products
        )
        service = "items" if digits else "countries"
        found = [
            (service, country, code, int(month[:4]), int(month[5:]), flow, amount)
            for month in months(f"{selection.first:%Y-%m}", f"{selection.last:%Y-%m}")
            for country in (COUNTRIES[iso3] for iso3 in chosen)
            for code in codes
            if not parents or code.startswith(parents)
            for flow, amount in _figures(world, country, code, month).items()
        ]
        schema = {
            "service": pl.String(),
            "country_code": pl.String(),
            "hs_code": pl.String(),
            "year": pl.Int32(),
            "month": pl.Int32(),
            "flow": pl.String(),
            "value_usd": pl.Decimal(20, 0),
        }
        return {"korea_customs__trade": pl.DataFrame(found, schema=schema, orient="row")}

    def _error(self, code: str, text: str) -> Answer:
        return self._xml(
            f"<header><resultCode>{code}</resultCode><resultMsg>{text}</resultMsg></header>"
        )

    @staticmethod
    def _xml(inside: str) -> Answer:
        text = f'<?xml version="1.0" encoding="UTF-8"?><response>{inside}</response>'
        return Answer("application/xml;charset=UTF-8", text.encode())


def _figures(world: World, country: str, code: str, month: str) -> dict[str, int]:
    """Both flows of one row; nothing where neither has trade."""
    below = GOODS if code == "total" else [goods for goods in GOODS if goods.startswith(code)]
    amounts = {
        flow: [world.amount("korea_customs", flow, country, goods, month) for goods in below]
        for flow in ("export", "import")
    }
    if not world.is_out(month) or all(one is None for flow in amounts.values() for one in flow):
        return {}
    return {flow: sum(one or 0 for one in known) for flow, known in amounts.items()}


def _items(asked: Asked, world: World) -> Iterator[Row]:
    """The row of totals, then those of the months."""
    product, country = asked.one("hsSgn") or "", asked.one("cntyCd")
    first, last = asked.one("strtYymm") or "", asked.one("endYymm") or ""
    is_by_product = asked.path == _BY_PRODUCT
    if len(product) not in _CHILD_DIGITS or (is_by_product and not product and not country):
        text = "<header><resultCode>99</resultCode><resultMsg>hsSgn, cntyCd</resultMsg></header>"
        raise Wrong(KoreaCustoms._xml(text))
    if int(last or 0) - int(first or 0) >= 100:
        text = "<header><resultCode>99</resultCode><resultMsg>1 year</resultMsg></header>"
        raise Wrong(KoreaCustoms._xml(text))
    digits = _CHILD_DIGITS[len(product)]
    codes = sorted({goods[:digits] for goods in GOODS if goods.startswith(product)})
    exported = imported = 0
    items: list[Row] = []
    for month in months(f"{first[:4]}-{first[4:]}", f"{last[:4]}-{last[4:]}"):
        for area in COUNTRIES.values():
            for code in codes if is_by_product else ["total"]:
                figures = _figures(world, area, code, month)
                if figures and country in (None, area):
                    out, into = figures["export"], figures["import"]
                    exported, imported = exported + out, imported + into
                    items.append(
                        _item(is_by_product, month.replace("-", "."), area, code, out, into)
                    )
    if items:
        yield _item(is_by_product, TOTAL, "-", "-", exported, imported)
        yield from items


def _item(is_by_product: bool, when: str, area: str, code: str, out: int, into: int) -> Row:
    product = (code, f"품목 {code}") if is_by_product else ()
    beside = (str(out // 7), str(into // 7))
    return (when, area, f"국가 {area}", *product, f"{out:,}", str(into), str(out - into), *beside)


def _element(item: Mapping[str, str]) -> str:
    cells = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in item.items())
    return f"<item>{cells}</item>"
