"""Finds figures in a sentence: money, percentages, multiples, ranks and runs of years."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dagster_project.reading.grammar import Grammar
from dagster_project.reading.tokens import Token
from dagster_project.reading.word_lists import small_words

MONEY, PERCENT, RATIO, RANK, RUN = "money", "percent", "ratio", "rank", "years"
_PERCENT_WORDS = frozenset({"%", "percent", "pct"})
_LONGEST = 15
_SCALES_SAID = {"billions": "bn", "millions": "mn", "thousands": "th"}
_AFTER_HEAD = 7
_THOUSAND = 1000
_SMALLER = {"tn": "bn", "bn": "mn"}


@dataclass
class Figure:
    """A number with its unit, in tokens `start` to `end`.

    `unit` is written as in a claims file (`USD bn`, `pct`, `ratio`, `rank`, `years`). `quantity` is
    used for ranks only. `left` is the start of the hedge or, without one, of the figure.
    """

    start: int
    end: int
    kind: str
    value: Decimal
    unit: str
    decimals: int = 0
    quantity: str = ""
    is_points: bool = False
    hedge: str = "exact"
    left: int = -1

    def __post_init__(self) -> None:
        if self.left < 0:
            self.left = self.start

    @property
    def rounding(self) -> Decimal:
        """The unit of the last written digit: 0.1 for 27.6."""
        return Decimal(1).scaleb(-self.decimals)


def figures(found: Sequence[Token], words: Grammar) -> list[Figure]:
    """The figures of a sentence, from left to right, without overlap."""
    result: list[Figure] = []
    place = 0
    while place < len(found):
        figure = (
            _money(found, place, words)
            or _percent(found, place, words)
            or _run(found, place, words)
            or _rank(found, place, words)
            or _multiple(found, place, words)
        )
        if figure:
            result.append(figure)
            place = max(figure.end, place + 1)
        else:
            place += 1
    _share_units(result, found)
    return result


def _number(found: Sequence[Token], place: int) -> tuple[Decimal, int] | None:
    """The value of a token in digits, and its number of decimals."""
    token = found[place]
    text = token.text
    if not token.is_number or len(text) > _LONGEST + text.count(","):
        return None
    whole, point, decimals = text.partition(".")
    groups = whole.split(",")
    if "." in decimals or "," in decimals:
        return None
    if len(groups) > 1 and (any(len(one) != 3 for one in groups[1:]) or len(groups[0]) > 3):
        return None
    if not text.isascii():
        return None
    plain = "".join(groups)
    return Decimal(f"{plain}{point}{decimals}"), len(decimals)


def _spoken(
    found: Sequence[Token], place: int, words: Grammar
) -> tuple[tuple[Decimal, int], int] | None:
    """A number as broadcasters spell it, and where it ends: 44-point-four, 13-point-26."""
    parts = found[place : place + 5]
    if [one.word for one in parts[1:4]] != ["-", "point", "-"] or len(parts) < 5:
        return None
    whole, after = parts[0], parts[4]
    value = whole.text if whole.is_number else words.number(whole, "cardinal")
    digit = after.text if after.is_number else words.number(after, "cardinal")
    if value is None or digit is None or not f"{value}{digit}".isdigit():
        return None
    return (Decimal(f"{value}.{digit}"), len(f"{digit}")), place + 5


def _smaller_part(
    found: Sequence[Token], place: int, scale: str | None, words: Grammar
) -> tuple[tuple[Decimal, int], int] | None:
    """The 181 million of 11 billion 181 million, as a part of the larger unit."""
    if scale not in _SMALLER or place + 1 >= len(found):
        return None
    number, smaller = _number(found, place), words.scale(found[place + 1])
    if number is None or smaller != _SMALLER[scale] or number[0] >= _THOUSAND:
        return None
    return (number[0] / _THOUSAND, number[1] + 3), place + 2


def _money(found: Sequence[Token], place: int, words: Grammar) -> Figure | None:
    table = words.phrases["currencies"]
    begins, currency, at = place, None, place
    if matched := table.at(found, place):
        if matched.value["where"] == "after":
            return None
        currency, at = matched.value["currency"], matched.end
    if at >= len(found):
        return None
    number, spoken = _number(found, at), _spoken(found, at, words)
    is_word = False
    if number is None:
        cardinal = words.number(found[at], "cardinal")
        if cardinal is None or currency is not None:
            return None
        number, is_word = (cardinal, 0), True
    end = at + 1
    if spoken is not None:
        number, end = spoken
    scale = None
    if end < len(found) and found[end].word == "-" and found[end].glued and end + 1 < len(found):
        end += 1 if words.scale(found[end + 1]) else 0
    if end < len(found):
        token = found[end]
        scale = words.scale(token)
        if scale and len(token.word) == 1 and not (token.glued or currency):
            scale = None
        if scale == "th" and currency is None and not is_word:
            scale = "th"
        if scale:
            end += 1
            if end < len(found) and found[end].word == "." and token.word in ("bn", "mn", "m", "b"):
                end += 1 if end + 1 < len(found) and found[end].glued else 0
    if (rest := _smaller_part(found, end, scale, words)) is not None:
        part, end = rest
        number = number[0] + part[0], max(number[1], part[1])
    if currency is None and end < len(found):
        after = end + 1 if found[end].word in ("of", "-") and end + 1 < len(found) else end
        matched = table.at(found, after)
        where = matched.value["where"] if matched else "before"
        if matched and where != "before" and (scale or where == "both" or len(found[at].text) > 3):
            currency, end = matched.value["currency"], matched.end
    elif currency and end < len(found):
        matched = table.at(found, end)
        if matched and matched.value["currency"] == currency and matched.value["where"] != "before":
            end = matched.end
    if currency is None and (scale is None or scale == "th" or is_word):
        return None
    value, decimals = number
    unit = f"{currency or '?'} {scale}" if scale else (currency or "?")
    if begins and found[begins - 1].word == "-" and found[begins].glued and currency:
        # A minus sign is not attached to the word before it.
        is_minus = not found[begins - 1].glued
        begins, value = (begins - 1, -value) if is_minus else (begins, value)
    return Figure(begins, end, MONEY, value, unit, decimals)


def _percent(found: Sequence[Token], place: int, words: Grammar) -> Figure | None:
    number = _number(found, place)
    at = place + 1
    if number is None:
        cardinal = words.number(found[place], "cardinal")
        if cardinal is None:
            return None
        number = cardinal, 0
    if at < len(found) and found[at].word == "-":
        at += 1
    if at >= len(found):
        return None
    if found[at].word in _PERCENT_WORDS:
        end = at + 1
    elif found[at].word == "per" and at + 1 < len(found) and found[at + 1].word == "cent":
        end = at + 2
    elif found[at].word == "percentage" and at + 1 < len(found):
        return Figure(place, at + 2, PERCENT, number[0], "points", number[1], is_points=True)
    else:
        return None
    is_points = end < len(found) and found[end].word == "points"
    return Figure(place, end, PERCENT, number[0], "pct", number[1], is_points=is_points)


def _run(found: Sequence[Token], place: int, words: Grammar) -> Figure | None:
    matched = words.phrases["runs"].at(found, place)
    if matched is None:
        return None
    counted = matched.slots.get("count") or matched.slots.get("ordinal")
    if not counted:
        return None
    value = Decimal(counted[0])
    if matched.value["part"].startswith("decades"):
        value *= 10
    return Figure(place, matched.end, RUN, value, "years")


def _rank(found: Sequence[Token], place: int, words: Grammar) -> Figure | None:
    table = words.phrases["ranks"]
    head = table.at(found, place)
    if head is None or head.value["part"] not in ("head", "first", "bare"):
        return None
    if head.value["part"] == "bare" and (
        head.end >= len(found) or found[head.end].word not in ("among", "export", "trading")
    ):
        return None
    counted = words.number(found[place - 1], "cardinal") if place else None
    if head.value["part"] == "first" and counted is not None and counted > 1:
        # Germany's two largest export markets.
        return None
    numbers = [value for one in ("ordinal", "number", "count") for value in head.slots.get(one, ())]
    value = numbers[0] if numbers else 1
    at = head.end
    for _ in range(_AFTER_HEAD):
        if at >= len(found):
            break
        noun = table.at(found, at)
        if noun and noun.value["part"] == "noun":
            return Figure(place, noun.end, RANK, Decimal(value), "rank", 0, noun.value["quantity"])
        place_name = words.phrases["places"].at(found, at)
        kind = words.phrases["kinds"].at(found, at)
        if place_name and found[at].is_capital:
            at = place_name.end
        elif kind:
            at = kind.end
        elif found[at].word in small_words("within a rank"):
            at += 1
        else:
            break
    # "its third largest", of something named earlier.
    is_bare = head.value["part"] == "head" and bool(numbers)
    if is_bare and (head.end >= len(found) or found[head.end].word in small_words("after a rank")):
        return Figure(place, head.end, RANK, Decimal(value), "rank")
    return None


def _multiple(found: Sequence[Token], place: int, words: Grammar) -> Figure | None:
    value = words.number(found[place], "multiple")
    if value is not None:
        return Figure(place, place + 1, RATIO, value, "ratio")
    return _times(found, place, words)


def _times(found: Sequence[Token], place: int, words: Grammar) -> Figure | None:
    """Grown 5.7 times, a threefold rise: a number after or before a word of change."""
    number = _number(found, place)
    if number is None and (cardinal := words.number(found[place], "cardinal")) is not None:
        number = cardinal, 0
    at = place + 1
    if number is None or at >= len(found):
        return None
    at += found[at].word == "-" and at + 1 < len(found)
    changes = words.phrases["changes"]
    is_after_change = place > 0 and changes.at(found, place - 1) is not None
    is_fold = found[at].word == "fold" and (
        is_after_change or (at + 1 < len(found) and changes.at(found, at + 1) is not None)
    )
    if not is_fold and not (found[at].word == "times" and is_after_change):
        return None
    return Figure(place, at + 1, RATIO, number[0], "ratio", number[1])


def _scale_said(found: Sequence[Token]) -> str:
    """The scale that applies to all amounts of a sentence: in billions of dollars."""
    for one, two in itertools.pairwise(found):
        if one.word in _SCALES_SAID and two.word == "of":
            return _SCALES_SAID[one.word]
    return ""


def _share_units(result: list[Figure], found: Sequence[Token]) -> None:
    """Give a bare amount the scale and currency of its neighbour: from $13.2 to $27.6 billion."""
    money = [one for one in result if one.kind == MONEY]
    for left, right in itertools.pairwise(money):
        between = {token.word for token in found[left.end : right.start]}
        is_bare = " " not in left.unit and left.unit != "?"
        is_close = right.start - left.end <= 2 and between <= {"to", "and", "or", "-"}
        if is_bare and is_close and right.unit.startswith(f"{left.unit} "):
            left.unit = right.unit
    if scale := _scale_said(found):
        for one in money:
            if " " not in one.unit and one.unit != "?":
                one.unit = f"{one.unit} {scale}"
    currency = next((one.unit.split()[0] for one in money if one.unit[0] != "?"), "")
    for one in money:
        after = found[one.end].word if one.end < len(found) else ""
        if one.unit[0] != "?":
            currency = one.unit.split()[0]
        elif currency and (not after.isalpha() or after in small_words("after an amount")):
            one.unit = one.unit.replace("?", currency, 1)
