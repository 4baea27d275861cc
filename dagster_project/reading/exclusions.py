"""Finds figures that are not about trade, and figures that the text does not assert."""

from __future__ import annotations

from dagster_project.reading.amounts import RANK, Figure
from dagster_project.reading.flow import Flow
from dagster_project.reading.items import KIND, NOT_TRADE, PLACE, SECTOR, UNASSERTED, Marked
from dagster_project.reading.word_lists import small_words

# How far after a flow the words may stand that say what became of a share of it.
_REST_OF_CLAUSE = 9


def is_of_other_things(
    sentence: Marked, figure: Figure, flow: Flow | None, *, is_following: bool
) -> bool:
    """Whether the words around a figure say that it is about jobs, tariffs, prices or a company."""
    if figure.kind == RANK:
        return (
            sentence.word(figure.start - 2) == "one" or sentence.word(figure.start - 1) == "among"
        )
    place = figure.end
    for _ in range(5):
        item = sentence.at.get(place)
        if item is not None and item.table == NOT_TRADE:
            return True
        if item is not None and item.table not in (PLACE, KIND, SECTOR):
            break
        if item is None and sentence.word(place) not in (
            *("of", "in", "a", "an", "the", "-", "new", "worth", "on", "per", '"', "american"),
        ):
            break
        place = item.end if item else place + 1
    if is_following:
        return False
    first = flow.end if flow and flow.end <= figure.start else 0
    place = figure.left - 1
    while place >= first:
        item = sentence.at.get(place)
        if item is None and sentence.word(place) in (",", ";", "("):
            break
        if item is not None and item.table == NOT_TRADE:
            return True
        place = item.start - 1 if item else place - 1
    return False


def is_of_volume(sentence: Marked, figure: Figure) -> bool:
    """Whether growth is of tons and not of money: 8% ahead of last year in volume."""
    place = figure.end
    while sentence.word(place) not in ("", ",", ";", "and", "but") and not sentence.figure_at(
        place
    ):
        if sentence.word(place) in small_words("volumes"):
            return sentence.word(place - 1) in ("in", "by")
        place += 1
    return False


def is_followed_by_other_things(sentence: Marked, flow: Flow | None) -> bool:
    """Whether a clause goes on about tariffs or jobs: 80% of U.S. exports became duty-free."""
    if flow is None:
        return False
    for place in range(flow.end, flow.end + _REST_OF_CLAUSE):
        item = sentence.at.get(place)
        if item is not None and item.table == NOT_TRADE:
            return True
        if item is None and sentence.word(place) in (",", ";", ""):
            return False
    return False


def unasserted(sentence: Marked, figure: Figure, flow: Flow | None) -> str:
    """Why a figure is not asserted by the table `unasserted`; empty if it is."""
    place = figure.left - 1
    while place >= 0:
        item = sentence.at.get(place)
        if item is not None and item.table == UNASSERTED:
            return item.value["why"]
        is_bound = item is None and sentence.word(place) in (";", ",", "but", "while", "(")
        # A flow after the comma begins a new clause; a flow before it continues its own.
        if is_bound and (flow is None or flow.start > place):
            return "hypothesis" if sentence.word(0) == "if" else ""
        place = item.start - 1 if item else place - 1
    return ""
