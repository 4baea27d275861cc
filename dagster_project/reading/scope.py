"""Determines the products and the kind of trade that a figure covers."""

from __future__ import annotations

from dagster_project.reading.context import Context
from dagster_project.reading.flow import Flow
from dagster_project.reading.items import CHANGE, FLOW, KIND, SECTOR, Marked
from dagster_project.reading.roles import LEVEL, PART, SHARE, Told

TOTAL, GOODS = "total", "goods"


def scope_of(
    sentence: Marked,
    found: list[Flow],
    one: Told,
    flow: Flow | None,
    context: Context,
    sector_before: str,
) -> tuple[str, str]:
    """The product group (`total` for all products), and the kind of trade, empty if not said."""
    sector = _sector(sentence, one, flow, sector_before)
    kind = flow.kind if flow else ""
    kind = (_kind_after(sentence, one) if one.role == LEVEL else "") or kind
    if not sector and not kind and flow is not None and not flow.is_whole and one.role != SHARE:
        sector = context.topic_sector or (context.only_sector if not flow.owner else "")
    if flow is None:
        return sector or TOTAL, ""
    if not kind and flow.is_overall and flow.quantity not in ("exports", "imports"):
        kind = "goods_services"
    if not kind:
        earlier = [other.kind for other in found if other.start < flow.start and other.kind]
        kind = earlier[-1] if earlier else ""
    is_same_trade = not flow.partner and (not flow.owner or flow.is_whole)
    if not kind and is_same_trade:
        kind = context.kind
    return sector or TOTAL, kind


def is_share_of_partner(one: Told) -> bool:
    """Whether a share is a partner's share of certain products: 60 % of U.S. soybean exports."""
    return one.role == SHARE and one.is_following and one.flow is not None and bool(one.flow.sector)


def _sector(sentence: Marked, one: Told, flow: Flow | None, sector_before: str) -> str:
    if one.sector:
        return one.sector
    if one.role in (SHARE, PART):
        found = [item for item in sentence.of(SECTOR) if item.end <= one.figure.start]
        sector = found[-1].value["sector"] if found else ""
        if not sector and sector_before != TOTAL:
            sector = sector_before
        if not sector and one.role == SHARE:
            sector = flow.sector if is_share_of_partner(one) and flow else _after(sentence, one)
    elif flow is None:
        sector = _after(sentence, one) if one.figure.kind == "rank" else ""
    elif subject := _subject(sentence, one):
        sector = subject
    else:
        sector = flow.sector
        if not sector and not flow.is_whole:
            sector = _between(sentence, flow, one) if flow.end <= one.figure.start else ""
            if not sector and not flow.kind and one.role in (LEVEL, "ratio"):
                sector = _after(sentence, one)
    if sector == "autos" and sector_before == "autos_and_parts":
        return sector_before
    return sector


def _subject(sentence: Marked, one: Told) -> str:
    """The products right before a figure: machinery made up $110 billion, furniture $32 billion."""
    place = one.figure.left - 1
    while place >= 0 and place not in sentence.at and sentence.word(place) in _MADE_UP:
        place -= 1
    item = sentence.at.get(place)
    if item is not None and item.table == CHANGE and sentence.word(place - 1) in ("made", "make"):
        item = sentence.at.get(place - 2)
    if item is None or item.table != SECTOR or one.flow is None:
        return ""
    if one.flow.end <= one.figure.start and item.start < one.flow.end:
        return ""
    return item.value["sector"]


def _kind_after(sentence: Marked, one: Told) -> str:
    """The kind of trade right after a figure: $8.4 billion in goods and services."""
    item = sentence.at.get(one.figure.end + 1)
    if sentence.word(one.figure.end) in ("in", "of") and item is not None and item.table == KIND:
        return item.value["trade_kind"]
    return ""


def _between(sentence: Marked, flow: Flow, one: Told) -> str:
    """The products between a flow and its figure: the deficit in the autos sector is …"""
    for item in sentence.of(SECTOR):
        is_of_flow = sentence.word(item.start - 1) in ("of", "in") or flow.is_verb
        if is_of_flow and flow.end <= item.start < one.figure.start:
            return item.value["sector"]
    return ""


def _after(sentence: Marked, one: Told) -> str:
    """The products after a figure: 80 percent … coming from the auto sector."""
    place = one.figure.end
    for _ in range(16):
        item = sentence.at.get(place)
        if item is None and sentence.word(place) in (",", ";", ":", "."):
            return ""
        if sentence.figure_at(place):
            return ""
        if item is not None and item.table == FLOW and place > one.figure.end:
            return ""
        if item is not None and item.table == SECTOR:
            start = item.start - 1
            while sentence.word(start) in ("the", "american") or (
                start in sentence.at and sentence.at[start].table == "places"
            ):
                start -= 1
            return item.value["sector"] if sentence.word(start) in _OF else ""
        place = item.end if item else place + 1
    return ""


_MADE_UP = frozenset(
    {"accounted", "alone", "for", "were", "was", "at", "with", "totaled", "totalled", ":"}
)
_OF = frozenset({"in", "of", "from", "worth", "for"})
