"""Determines the role of each figure: a level, a change, growth or a share of its flow."""

from __future__ import annotations

from dataclasses import dataclass

from dagster_project.reading.amounts import PERCENT, RANK, RATIO, RUN, Figure
from dagster_project.reading.flow import Flow
from dagster_project.reading.items import (
    CHANGE,
    FLOW,
    KIND,
    PLACE,
    SECTOR,
    TIME,
    Marked,
)
from dagster_project.reading.word_lists import small_words

LEVEL, CHANGE_OF, GROWTH, SHARE, PART = "level", "change", "growth", "share", "part"
OPEN = "open"
SHARE_UNNAMED = "a percentage of something that is not named"
SHARE_OF_THEM = "a share of something named earlier"
SHARE_IS = "share of … is"
# A level is the main one, the one from which it rose or fell, or one it is compared with.
MAIN, FROM, COMPARED = "main", "from", "compared"
_BOUNDS = frozenset({";", ".", "!", "?", "|"})
_NOUN_BEFORE = frozenset({"of", "in", "by"})
_MADE = frozenset({"made", "make", "makes", "making"})
_COVERED = frozenset({"cover", "covered", "covers", "covering"})
_THAN = frozenset({"less", "more", "fewer"})


@dataclass
class Told:
    """A figure with its role and, if the sentence names one, its flow.

    `level` relates a level to the others, `sign` is -1 for a fall, and `rule` names the rule that
    applied. `beside` is the figure that it explains or stands beside, `sector` and `partner` are
    named right before it, and `why_not` says why it is not asserted.
    """

    figure: Figure
    role: str
    rule: str
    level: str = MAIN
    sign: int = 1
    flow: Flow | None = None
    is_following: bool = False
    is_paren: bool = False
    beside: Told | None = None
    sector: str = ""
    partner: str = ""
    why_not: str = ""


# -- the words around a figure ----------------------------------------------------------


def _left(sentence: Marked, figure: Figure) -> int:
    """The position of the word before a figure with its hedge and articles."""
    place = figure.left - 1
    while (
        place >= 0
        and sentence.at.get(place) is None
        and sentence.word(place) in small_words("before a figure")
    ):
        place -= 1
    return place


def _change_at(sentence: Marked, place: int) -> int | None:
    """The direction of the change word at a position."""
    item = sentence.at.get(place)
    if item is None or item.table != CHANGE:
        return None
    return int(item.value["direction"])


def _change_before(sentence: Marked, place: int) -> int | None:
    """The direction of the nearest change word before a position, in the same clause."""
    while place >= 0:
        item = sentence.at.get(place)
        if item is None and sentence.word(place) in _BOUNDS:
            return None
        if item is not None and item.table == CHANGE and item.value["part"] != "noun":
            return int(item.value["direction"])
        place = item.start - 1 if item else place - 1
    return None


def _change_by(sentence: Marked, place: int, before: Told | None) -> int | None:
    """The direction of "rose by", or of "exports rose by $3 billion and imports by"."""
    first = before.figure.end if before is not None else 0
    listed = sentence.at.get(place)
    if before is not None and listed is not None and listed.table == FLOW:
        # exports by 0.9 percent, imports by 0.7 percent
        return before.sign if before.role in (GROWTH, CHANGE_OF) else None
    for one in range(place, first - 1, -1):
        item = sentence.at.get(one)
        if item is not None and item.table == CHANGE and item.value["part"] != "noun":
            return int(item.value["direction"])
    if before is not None and before.role in (GROWTH, CHANGE_OF):
        return before.sign if _is_after_flow(sentence, before, place) else None
    return None


def _growth_by(sentence: Marked, place: int, before: Told | None) -> int | None:
    """The direction of "rose by", or of "exports by 0.9 percent, imports by"."""
    listed = sentence.at.get(place)
    if before is not None and listed is not None and listed.table == FLOW:
        listed_sign = _change_by(sentence, place, before)
        if listed_sign is not None:
            return listed_sign
    return _change_before(sentence, place)


def _change_after(sentence: Marked, figure: Figure) -> int | None:
    """The direction of a change word after a figure: 15 percent less, a 4.26 % decline.

    A figure in brackets may come between: $1.8 billion (7.1 percent) lower.
    """
    place = figure.end
    if sentence.word(place) == "(" and (inner := sentence.figure_at(place + 1)) is not None:
        after = inner.end + 1 if sentence.word(inner.end) == ")" else place
        item = sentence.at.get(after)
        is_change = item is not None and item.table == CHANGE and item.value["part"] == "adverb"
        place = after if is_change else place
    for _ in range(3):
        if (direction := _change_at(sentence, place)) is not None:
            # "$44 billion less imports of" subtracts.
            item = sentence.at.get(place + 1)
            is_minus = item is not None and item.table == FLOW
            return None if sentence.word(place) in _THAN and is_minus else direction
        item = sentence.at.get(place)
        if item is not None and item.table in (TIME, KIND, SECTOR):
            place = item.end
        elif sentence.word(place) in ("annual", "-", '"', "sharp", "net"):
            place += 1
        else:
            return None
    return None


def role_of(sentence: Marked, figure: Figure, before: Told | None) -> Told | None:
    """The role of a figure, given the figure before it; None if its currency is unknown."""
    if figure.kind == RANK:
        return Told(figure, "rank", "rank")
    if figure.kind == RUN:
        place = _left(sentence, figure)
        if _change_at(sentence, place) is not None or _change_at(sentence, place - 1) is not None:
            return Told(figure, OPEN, "consecutive years of rises or falls")
        return Told(figure, "streak", "years in a row")
    if figure.kind == RATIO:
        return Told(figure, "ratio", "multiple")
    if figure.unit.startswith("?"):
        return None
    place = _left(sentence, figure)
    word, two = sentence.word(place), sentence.word(place - 1)
    is_paren = sentence.word(figure.left - 1) == "(" or word == "("
    if figure.kind == PERCENT:
        return _percent(sentence, figure, before, place, word, is_paren)
    direct = _change_at(sentence, place)
    if direct is not None and two in _MADE:
        direct = None
    after = _change_after(sentence, figure)
    if word == "by":
        sign = _change_by(sentence, place - 1, before)
        if sign is None:
            return Told(figure, OPEN, "an amount of change without a word for a rise or fall")
        return Told(figure, CHANGE_OF, "change by", sign=sign, is_paren=is_paren)
    if direct is not None:
        return Told(figure, CHANGE_OF, "change", sign=direct, is_paren=is_paren)
    if word in _NOUN_BEFORE and (sign := _change_at(sentence, place - 1)) is not None:
        return Told(figure, CHANGE_OF, "change of", sign=sign)
    if after is not None:
        return Told(figure, CHANGE_OF, "change after", sign=after)
    is_said_twice = before is not None and before.role in (GROWTH, CHANGE_OF)
    listed = sentence.word(figure.end) in ("from", "since", "over", "than")
    if before is not None and before.role == CHANGE_OF and word == "and" and listed:
        # up $210 million from April and $2.5 billion from a year ago
        return Told(figure, CHANGE_OF, "change, listed", sign=before.sign)
    is_of_time = any(time.end == figure.left - 1 for time in sentence.of(TIME))
    is_said_twice = is_said_twice and not is_of_time
    if is_said_twice and before and (is_paren or word == "or") and not before.is_paren:
        sign = before.sign
        return Told(figure, CHANGE_OF, "the same change in money", sign=sign, is_paren=True)
    if word == "of" and two == "one":
        # compared to one of $115 million
        place -= 2
        word, two = sentence.word(place), sentence.word(place - 1)
    if word == "of":
        place = _before_noun(sentence, place)
        word, two = sentence.word(place), sentence.word(place - 1)
    if sentence.word(figure.left - 1) in ("add", "adds", "added"):
        return Told(figure, OPEN, "a sum of several periods")
    level, rule = MAIN, "level"
    if word == "from":
        level, rule = FROM, "earlier level"
    elif (
        word == "than"
        or (word in ("to", "with") and two in ("compared", "relative"))
        or word in ("versus", "vs", "against", "after", "twice", "double", "triple")
    ):
        level, rule = COMPARED, "level compared"
    elif _is_misread_hedge(sentence, figure, before):
        level, rule = COMPARED, "level compared, not a hedge"
        figure.hedge = "exact"
    return Told(figure, LEVEL, rule, level=level, is_paren=is_paren)


def _before_noun(sentence: Marked, place: int) -> int:
    """The position before the noun in "compared to a surplus of"; unchanged without a noun."""
    item = sentence.at.get(place - 1)
    if item is None or item.table != FLOW:
        return place
    start = item.start - 1
    while start >= 0:
        item = sentence.at.get(start)
        if item is not None and item.table in (KIND, SECTOR, PLACE):
            start = item.start - 1
        elif item is None and sentence.word(start) in small_words("before a figure"):
            start -= 1
        else:
            return start
    return place


def _is_misread_hedge(sentence: Marked, figure: Figure, before: Told | None) -> bool:
    """Whether "less than" compares two levels: valued at $42.3 billion, less than $43.5 billion."""
    if figure.hedge not in ("more_than", "less_than") or before is None:
        return False
    if before.role != LEVEL or sentence.word(figure.start - 1) != "than":
        return False
    return sentence.word(figure.left - 1) == "," and figure.left - 1 == before.figure.end


def _percent(
    sentence: Marked, figure: Figure, before: Told | None, place: int, word: str, is_paren: bool
) -> Told:
    direct, after = _change_at(sentence, place), _change_after(sentence, figure)
    if figure.is_points:
        return Told(figure, OPEN, "percentage points, which are not supported")
    signed = sentence.word(figure.start - 1)
    if signed in ("-", "+") and sentence.word(figure.start - 2) in ("(", ",", ""):
        sign = -1 if signed == "-" else 1
        return Told(figure, GROWTH, "growth with a sign", sign=sign, is_paren=True)
    if word in _COVERED:
        return Told(figure, OPEN, "exports as a share of imports")
    is_of = sentence.word(figure.end) == "of" or (
        sentence.word(figure.end) == '"' and sentence.word(figure.end + 1) == "of"
    )
    if is_of and (direct is None or sentence.word(place - 1) in _MADE):
        if _is_of_services(sentence, place):
            return Told(figure, OPEN, "a share of services")
        if sentence.word(figure.end + 1) in ("that", "this", "it", "them", "those", "these"):
            return Told(figure, OPEN, SHARE_OF_THEM)
        return Told(figure, SHARE, "share of")
    if direct is not None and sentence.word(place - 1) in _MADE:
        return Told(figure, OPEN, SHARE_UNNAMED)
    if before and before.role == SHARE and word == "from":
        return Told(figure, SHARE, "share before", level=FROM, beside=before)
    if before and before.role == SHARE and before.level == FROM and word == "to":
        return Told(figure, SHARE, SHARE_IS)
    if word == "from" and share_before(sentence, place) is not None:
        return Told(figure, SHARE, SHARE_IS, level=FROM)
    if direct is not None:
        return Told(figure, GROWTH, "growth", sign=direct, is_paren=is_paren)
    if word == "by" and (sign := _growth_by(sentence, place - 1, before)) is not None:
        return Told(figure, GROWTH, "growth by", sign=sign)
    if word in _NOUN_BEFORE and (sign := _change_at(sentence, place - 1)) is not None:
        is_earlier = "after" in (sentence.word(place - 2), sentence.word(place - 3))
        level = COMPARED if is_earlier else MAIN
        return Told(figure, GROWTH, "growth of", level=level, sign=sign)
    if after is not None and not is_of:
        return Told(figure, GROWTH, "growth after", sign=after, is_paren=is_paren)
    if before and before.role in (GROWTH, CHANGE_OF) and (is_paren or word == "or"):
        return Told(figure, GROWTH, "the same change in per cent", sign=before.sign, is_paren=True)
    if before and before.role == GROWTH and word in ("and", ","):
        sign = _change_before(sentence, place)
        return Told(figure, GROWTH, "growth, listed", sign=sign or before.sign)
    if word == "and" and (sign := _change_before(sentence, place)) is not None:
        return Told(figure, GROWTH, "growth, listed", sign=sign)
    if before and _is_after_flow(sentence, before, place):
        sign = _change_before(sentence, before.figure.left - 1)
        if before.role == GROWTH or sign is not None:
            sign = before.sign if before.role == GROWTH else sign
            return Told(figure, GROWTH, "growth, listed", sign=sign or 1)
    if share_before(sentence, place) is not None:
        return Told(figure, SHARE, SHARE_IS)
    return Told(figure, OPEN, SHARE_UNNAMED, is_paren=is_paren)


def share_before(sentence: Marked, place: int) -> int | None:
    """The position of "share" in "India's share of total U.S. imports is"."""
    while place >= 0 and not sentence.figure_at(place):
        if sentence.word(place) in small_words("shares") and sentence.word(place + 1) in (
            "of",
            "in",
        ):
            return place
        if sentence.at.get(place) is None and sentence.word(place) in _BOUNDS:
            return None
        place -= 1
    return None


def _is_of_services(sentence: Marked, place: int) -> bool:
    """Whether a share is that of services: services made up 32 percent of exports."""
    while place >= 0:
        item = sentence.at.get(place)
        if item is not None and item.table in (KIND, SECTOR, PLACE, FLOW):
            return item.table == KIND and item.value["trade_kind"] != "goods"
        place = item.start - 1 if item else place - 1
    return False


def _is_after_flow(sentence: Marked, before: Told, place: int) -> bool:
    """Whether a flow precedes a listed figure: exports rose 11 percent and imports 0.7."""
    while place >= before.figure.end:
        item = sentence.at.get(place)
        if item is not None and item.table == FLOW:
            return True
        if item is None and sentence.word(place) not in ("from", "to", "with", "the", "of", "in"):
            return False
        place = item.start - 1 if item else place - 1
    return False
