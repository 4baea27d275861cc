"""The Korea Customs Service, replayed: trade by product and country, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from xml.sax.saxutils import escape

import polars as pl
from fetching.publishers.publisher import Answer, Asked, Case, KeyPlace, Publisher, Row
from fetching.publishers.world import World, months

from dagster_project.sources.connector import Selection

COUNTRIES = {"USA": "US", "JPN": "JP", "CHN": "CN", "DEU": "DE", "MEX": "MX"}
GOODS = ("0101210000", "2710121000", "8703231010", "8703239090")
TOTAL = "총계"
_PATH = "/1220000/nitemtrade/getNitemtradeList"
_FIELDS = ("year", "hsCd", "expDlr", "impDlr", "expWgt", "impWgt", "balPayments", "statKor")


class KoreaCustoms(Publisher):
    source_id = "korea_customs"
    paths = (_PATH,)
    key_place = KeyPlace("query", "serviceKey", is_required=True)

    def rows(self, asked: Asked, world: World) -> list[Row]:
        return list(_items(asked, world))

    def render(self, asked: Asked, rows: list[Row], world: World, *, is_changed: bool) -> Answer:
        size = int(asked.one("numOfRows") or 10)
        page = int(asked.one("pageNo") or 1)
        whole = list(_items(asked, world))
        start = (page - 1) * size
        # What goes wrong with the rows goes wrong within the page.
        of_page = set(whole[start : start + size])
        shown = [row for row in rows if row in of_page]
        fields = [f"{name}X" if is_changed and name == "expDlr" else name for name in _FIELDS]
        items = "".join(_element(dict(zip(fields, row, strict=True))) for row in shown)
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
        return self._error("30", "SERVICE KEY IS NOT REGISTERED ERROR")

    def cases(self) -> tuple[Case, ...]:
        return (
            Case(
                Selection(
                    date(2010, 1, 1),
                    date(2017, 12, 1),
                    partners=tuple(COUNTRIES),
                    level="hs10",
                )
            ),
        )

    def truth(self, selection: Selection, world: World) -> Mapping[str, pl.DataFrame]:
        raise NotImplementedError

    def _error(self, code: str, text: str) -> Answer:
        return self._xml(
            f"<header><resultCode>{code}</resultCode><resultMsg>{text}</resultMsg></header>"
        )

    @staticmethod
    def _xml(inside: str) -> Answer:
        text = f'<?xml version="1.0" encoding="UTF-8"?><response>{inside}</response>'
        return Answer("application/xml;charset=UTF-8", text.encode())


def dollars(world: World, flow: str, country: str, goods: str, month: str) -> int | None:
    return world.amount("korea_customs", flow, country, goods, month)


def _items(asked: Asked, world: World) -> Iterator[Row]:
    country, product = asked.one("cntyCd") or "", asked.one("hsSgn") or ""
    first, last = asked.one("strtYymm") or "", asked.one("endYymm") or ""
    exported = imported = 0
    items: list[Row] = []
    for month in months(f"{first[:4]}-{first[4:]}", f"{last[:4]}-{last[4:]}"):
        if not world.is_out(month) or country not in COUNTRIES.values():
            continue
        for goods in GOODS:
            if not goods.startswith(product):
                continue
            out = dollars(world, "export", country, goods, month)
            into = dollars(world, "import", country, goods, month)
            if out is None and into is None:
                continue
            exported, imported = exported + (out or 0), imported + (into or 0)
            items.append(_item(month.replace("-", "."), goods, out or 0, into or 0))
    if items:
        yield _item(TOTAL, "-", exported, imported)
        yield from items


def _item(when: str, goods: str, out: int, into: int) -> Row:
    name = TOTAL if when == TOTAL else f"품목 {goods}"
    return (
        when,
        goods,
        f"{out:,}",
        str(into),
        str(out // 7),
        str(into // 7),
        str(out - into),
        name,
    )


def _element(item: Mapping[str, str]) -> str:
    cells = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in item.items())
    return f"<item>{cells}</item>"
