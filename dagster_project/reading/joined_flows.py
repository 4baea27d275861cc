"""Joins the flows of a sentence that are one, and shares places between two of them."""

from __future__ import annotations

import itertools

from dagster_project.reading.flow import SEVERAL, WORLD, Flow
from dagster_project.reading.items import KIND, PLACE, Marked
from dagster_project.reading.word_lists import small_words

_WITHIN = frozenset({"in", "on", "of", "its", "their", "the"})
_WITH_RESULT = frozenset({"two_way_trade", "balance"})


def without_what_is_compared(found: list[Flow], sentence: Marked) -> list[Flow]:
    """The gap between what the United States sells abroad and what it buys is one flow."""
    for place, gap in enumerate(found):
        inner = found[place + 1 : place + 3]
        item = sentence.at[gap.start]
        if item.value["part"] != "between" or len(inner) < 2:
            continue
        sold, bought = inner
        gap.end, gap.owner = bought.end, gap.owner or sold.owner or bought.owner
        gap.partner = sold.partner or bought.partner or WORLD
        gap.kind = gap.kind or _kind_within(sentence, item.start, bought.end)
        return [one for one in found if one not in inner]
    return found


def _kind_within(sentence: Marked, start: int, end: int) -> str:
    """The kind of trade named between two places."""
    items = [item for item in sentence.of(KIND) if start <= item.start < end]
    return items[0].value["trade_kind"] if items else ""


def without_mere_trade(sentence: Marked, found: list[Flow]) -> list[Flow]:
    """Treat "Korea's surplus in trade with the United States" as one flow."""
    result: list[Flow] = []
    for flow in found:
        last = result[-1] if result else None
        between = {
            sentence.word(place)
            for place in range(last.end if last else 0, flow.start)
            if place not in sentence.at and not sentence.figure_at(place)
        }
        is_in = bool(between & {"in", "on"}) and between <= _WITHIN
        if last and flow.quantity == "two_way_trade" and is_in:
            last.partner, last.partner_at = last.partner or flow.partner, flow.partner_at
            if not last.owner:
                last.owner, last.owner_at = flow.owner, flow.owner_at
            last.kind, last.sector = last.kind or flow.kind, last.sector or flow.sector
        elif last and last.quantity in _WITH_RESULT and between & small_words("results"):
            # Trade with the United States produced a surplus.
            if flow.owner_at == last.partner_at:
                flow.owner, flow.owner_at = last.owner, last.owner_at
            flow.owner, flow.owner_at = flow.owner or last.owner, last.owner_at
            flow.partner, flow.partner_at = flow.partner or last.partner, last.partner_at
            flow.kind, flow.sector = flow.kind or last.kind, flow.sector or last.sector
            result[-1] = flow
        elif last and last.partner == SEVERAL and not flow.partner and not flow.owner:
            # From a deficit to a surplus, with a group that has no code.
            flow.partner = SEVERAL
            result.append(flow)
        else:
            result.append(flow)
    return result


def find_other_subject(sentence: Marked, flow: Flow) -> None:
    """Find the other of two subjects: Canada and the United States exchanged goods."""
    place = flow.owner_at - 1 - (sentence.word(flow.owner_at - 1) == "the")
    other = sentence.at.get(place - 1)
    if sentence.word(place) == "and" and other is not None and other.table == PLACE:
        flow.partner, flow.partner_at = other.value["place"], other.start


def share_places(sentence: Marked, found: list[Flow]) -> None:
    """Share countries between two flows: U.S. exports to and imports from Korea."""
    for left, right in itertools.pairwise(found):
        between = [sentence.word(place) for place in range(left.end, right.start)]
        if not set(between) <= {"and", "to", "from", "with", "or", ",", "the"} or len(between) > 3:
            continue
        if not right.owner:
            right.owner, right.owner_at = left.owner, left.owner_at
        if not left.partner:
            left.partner, left.partner_at = right.partner, right.partner_at
        if not right.kind:
            right.kind = left.kind
