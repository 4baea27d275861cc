"""Finds flows that are said to have risen or fallen since an event, without a figure."""

from __future__ import annotations

from decimal import Decimal

from dagster_project.reading.amounts import Figure
from dagster_project.reading.flow import Flow
from dagster_project.reading.items import CHANGE, PLACE, Marked
from dagster_project.reading.periods import BASE, THAT
from dagster_project.reading.roles import Told
from dagster_project.reading.word_lists import small_words

SIGN = "sign"
_HAVE = frozenset({"has", "have", "had"})
_LONGEST = 10


def signs(sentence: Marked, found: list[Flow], told: list[Told], is_since: bool) -> list[Told]:
    """The flows that have risen or fallen: US exports have gone down.

    Only a perfect counts (has, have or had risen), and only if the sentence or, with `is_since`,
    the one before says since when. A clause with a figure is left out, because the figure is more
    precise.
    """
    if not is_since and not any(time.kind in (BASE, THAT) for time in sentence.times):
        return []
    result = []
    for flow in found:
        place = _after_places(sentence, flow)
        if sentence.word(place) not in _HAVE:
            continue
        place += 1
        hedge = "exact"
        while (
            sentence.word(place) in small_words("within a perfect") | small_words("hardly")
            and sentence.at.get(place) is None
        ):
            hedge = "about" if sentence.word(place) in small_words("hardly") else hedge
            place += 1
        item = sentence.at.get(place)
        if item is None or item.table != CHANGE or item.value["part"] != "verb":
            continue
        end = _clause_end(sentence, item.end)
        if any(item.start <= one.figure.start < end for one in told):
            continue
        if {sentence.word(one) for one in range(item.end, end)} & {"every", "each", "by"}:
            continue
        direction = Decimal(item.value["direction"])
        figure = Figure(item.start, item.end, SIGN, Decimal(1), SIGN, hedge=hedge)
        result.append(Told(figure, SIGN, "risen or fallen since", sign=int(direction), flow=flow))
    return result


def _after_places(sentence: Marked, flow: Flow) -> int:
    """The position after a flow and its partner: exports to South Korea | have …"""
    place = flow.end
    for _ in range(_LONGEST):
        item = sentence.at.get(place)
        if item is not None and item.table in (PLACE, "kinds", "products"):
            place = item.end
        elif item is None and sentence.word(place) in ("with", "to", "from", "of", "in", "the"):
            place += 1
        else:
            return place
    return place


def _clause_end(sentence: Marked, place: int) -> int:
    while place < len(sentence.tokens):
        if sentence.at.get(place) is None and sentence.word(place) in (
            ",",
            ";",
            "and",
            "while",
            "but",
        ):
            return place
        place += 1
    return place
