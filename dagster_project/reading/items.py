"""Finds the phrases of the grammar in a sentence, from left to right, without overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from dagster_project.reading.amounts import RANK, Figure, figures
from dagster_project.reading.grammar import Grammar
from dagster_project.reading.periods import BASE, PERIOD, Span, Time, read_event, read_time
from dagster_project.reading.phrases import Match
from dagster_project.reading.tokens import Token
from dagster_project.reading.word_lists import small_words
from dagster_project.sources.periods import CALENDAR_YEAR

FLOW, KIND, CHANGE, PLACE, SECTOR, SOURCE, UNASSERTED, NOT_TRADE, TIME = (
    *("flows", "kinds", "changes", "places", "products", "sources", "unasserted", "not_trade"),
    "time",
)
_LONGEST_DATELINE = 14
# How far back "since" may stand before the time that it is of.
_CLAUSE = 9
# The order of precedence between phrases of equal length.
_TABLES = (
    *("event_phrases", "periods", SOURCE, FLOW, KIND, CHANGE, SECTOR, PLACE, UNASSERTED),
    NOT_TRADE,
)


@dataclass(frozen=True)
class Item:
    """A phrase of one table in tokens `start` to `end`, with its row."""

    table: str
    start: int
    end: int
    value: Mapping[str, str]
    match: Match | None = None


@dataclass
class Marked:
    """The tokens of a sentence with the items, figures and times in them.

    `at` maps the position of a token to the item that contains it.
    """

    tokens: Sequence[Token]
    items: list[Item] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    times: list[Time] = field(default_factory=list)
    at: dict[int, Item] = field(default_factory=dict)

    def word(self, place: int) -> str:
        """The word at a position; empty outside the sentence."""
        return self.tokens[place].word if 0 <= place < len(self.tokens) else ""

    def of(self, table: str) -> list[Item]:
        return [item for item in self.items if item.table == table]

    def figure_at(self, place: int) -> Figure | None:
        return next((one for one in self.figures if one.start <= place < one.end), None)


def marked(found: Sequence[Token], words: Grammar) -> Marked:
    """The items and figures of a sentence; times are read later, with the context."""
    sentence = Marked(found, figures=figures(found, words))
    by_start = {one.start: one for one in sentence.figures}
    dropped: list[Figure] = []
    is_by_chapter = {"hs", "digit"} <= {token.word for token in found}
    place = _dateline(found)
    while place < len(found):
        best = _longest(found, place, words)
        figure = by_start.get(place)
        if figure and (best is None or best[1].end <= figure.end or best[0] not in _OVER_FIGURES):
            if figure.kind == RANK:
                _mark_places(sentence, figure, words)
            place = figure.end
            continue
        if figure:
            dropped.append(figure)
        if best is None:
            place += 1
            continue
        table, match = best
        money = words.phrases["currencies"].at(found, place) if table == PLACE else None
        if money and money.end > match.end:
            # In "US$ million", US is not a place.
            place = money.end
            continue
        value = {**match.value, "table": table}
        if is_by_chapter and value.get("hs"):
            value["sector"] = value["hs"]
        kind = TIME if table in ("periods", "event_phrases") else table
        item = Item(kind, match.start, match.end, value, match)
        sentence.items.append(item)
        for one in range(item.start, item.end):
            sentence.at[one] = item
        place = item.end
    sentence.figures = [
        one
        for one in sentence.figures
        if one not in dropped
        and (one.kind == RANK or not any(p in sentence.at for p in range(one.start, one.end)))
    ]
    for figure in sentence.figures:
        figure.hedge, figure.left = _hedge(found, figure, words)
    return sentence


_OVER_FIGURES = frozenset({"periods", "event_phrases"})


def _mark_places(sentence: Marked, figure: Figure, words: Grammar) -> None:
    """Mark the countries within a rank: the sixth largest U.S. trading partner."""
    for place in range(figure.start, figure.end):
        match = words.phrases[PLACE].at(sentence.tokens, place)
        if match is not None and match.end <= figure.end:
            item = Item(PLACE, match.start, match.end, {**match.value, "table": PLACE}, match)
            sentence.items.append(item)
            sentence.at |= dict.fromkeys(range(item.start, item.end), item)


def _dateline(found: Sequence[Token]) -> int:
    """The position after a dateline: LONDON, Jan. 15 - or OTTAWA (staff) -."""
    if not found or not (found[0].text.isupper() and len(found[0].text) > 3):
        return 0
    for place, token in enumerate(found[:_LONGEST_DATELINE]):
        if token.word == "-" and not token.glued:
            return place + 1
    return 0


def _longest(found: Sequence[Token], place: int, words: Grammar) -> tuple[str, Match] | None:
    best: tuple[str, Match] | None = None
    for table in _TABLES:
        match = words.phrases[table].at(found, place)
        if match is None or (best and match.end <= best[1].end):
            continue
        best = table, match
    return best


def _hedge(found: Sequence[Token], figure: Figure, words: Grammar) -> tuple[str, int]:
    """The hedge of a figure, and the position where the hedge or the bare figure begins."""
    end = figure.start
    if end and found[end - 1].word in ('"', "a", "an"):
        end -= 1
    for first in range(max(end - 5, 0), end):
        match = words.phrases["hedges"].at(found, first)
        if match and match.end == end and match.value["side"] != "after":
            return match.value["hedge"], first
    match = words.phrases["hedges"].at(found, figure.end) if figure.end < len(found) else None
    if match and match.value["side"] == "after":
        return match.value["hedge"], figure.start
    return "exact", figure.start


def read_times(
    sentence: Marked,
    words: Grammar,
    day: date,
    near: Span | None,
    place: str | None,
    agreement: str,
) -> None:
    """Read the times of a sentence; `agreement` is the event that "it" and "the deal" mean."""
    times: list[Time] = []
    fiscal_year = words.fiscal_years.get(place or "", CALENDAR_YEAR)
    anchor = near
    items = [item for item in sentence.items if item.table == TIME and item.match]
    for item in items:
        if item.match and item.value["table"] == "periods" and "year" in item.match.slots:
            time = read_time(item.match, sentence.tokens, day, near, fiscal_year)
            if time.kind == PERIOD and time.span and not _is_after_since(sentence, item):
                anchor = time.span
                break
    for item in items:
        if item.match is None:
            continue
        if item.value["table"] == "periods":
            office = words.office(place or "")
            times.append(read_time(item.match, sentence.tokens, day, anchor, fiscal_year, office))
        else:
            times.append(read_event(item.match, _month_of(item.match, words, agreement)))
    sentence.times = [
        one for one in times if one.kind != "nothing" and not _is_of_extreme(sentence, one)
    ]


def _is_after_since(sentence: Marked, item: Item) -> bool:
    """The smallest since the country had a surplus in December 2016: a year of the past."""
    words = [sentence.word(place) for place in range(max(item.start - _CLAUSE, 0), item.start)]
    return "since" in words and "," not in words[words.index("since") :]


def _is_of_extreme(sentence: Marked, time: Time) -> bool:
    """Whether "since" belongs to an extreme and not to a change: the lowest since 2014."""
    if time.kind != BASE or sentence.word(time.start) != "since":
        return False
    before = {sentence.word(place) for place in range(time.start - 4, time.start)}
    return bool(before & small_words("extremes"))


def _month_of(match: Match, words: Grammar, agreement: str) -> str:
    rows = match.slots.get("event", [])
    if not rows:
        return ""
    event = words.events[rows[0]]
    if event.month:
        return event.month
    return next((one.month for one in words.events if agreement and one.event == agreement), "")
