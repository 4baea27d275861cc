"""Matches the phrases of the grammar: words, alternatives, optional words and slots.

A phrase is words separated by spaces. `a|b` is either word, `[a|b]` an optional word,
`[in {year}|this year]` an optional group of words, and `{year}` a slot. The slots are {year},
{month}, {day}, {count} (a number in digits or words), {ordinal}, {number} (one or two digits),
{place} and {event}.

Lower-case letters match any case, `May` matches only with its capital, and `US` only in capitals.
The text may have a hyphen where the phrase has none. A phrase has no repetition, so the time to
match it at one position is bounded for any text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from dagster_project.reading.tokens import Token
from dagster_project.reading.word_lists import GrammarError

Captured = dict[str, list[int]]
# Returns where the slot ends and its value, or None if it does not match.
Slot = Callable[[Sequence[Token], int], tuple[int, int] | None]
Value = TypeVar("Value")

_PART = re.compile(r"\[[^\]]++\]|\S++")
_SKIPPED = frozenset({"-", '"'})


@dataclass(frozen=True)
class _Element:
    words: frozenset[str]
    names: frozenset[str]
    capitals: frozenset[str]
    slots: tuple[str, ...]
    is_optional: bool

    @property
    def all_words(self) -> frozenset[str]:
        """The words that the element matches, in lower case."""
        return self.words | {one.casefold() for one in self.capitals}


@dataclass(frozen=True)
class Match:
    """A phrase found in tokens `start` to `end`."""

    start: int
    end: int
    value: Mapping[str, str]
    slots: Captured


@dataclass(frozen=True)
class _Entry:
    order: int
    elements: tuple[_Element, ...]
    row: Mapping[str, str]


class Phrases:
    """All phrases of one table, indexed by their first two words."""

    def __init__(
        self,
        table: Iterable[Mapping[str, str]],
        slots: Mapping[str, Slot],
        slot_words: frozenset[str] = frozenset(),
    ) -> None:
        """Index the phrases of a table.

        Args:
            table: rows with a phrase in the column `words`.
            slots: the function that matches each slot.
            slot_words: the words, besides numbers, with which a slot may begin.
        """
        self._slots, self._slot_words = slots, slot_words
        self._by_word: dict[str, list[_Entry]] = defaultdict(list)
        self._by_pair: dict[tuple[str, str], list[_Entry]] = defaultdict(list)
        self._by_slot: list[_Entry] = []
        for order, row in enumerate(table):
            for phrase in _spelled_out(row["words"]):
                for elements in _with_definite_start(self._elements(phrase)):
                    self._add(_Entry(order, elements, row))

    def _add(self, entry: _Entry) -> None:
        first = entry.elements[0]
        second = entry.elements[1] if len(entry.elements) > 1 else None
        if first.slots:
            self._by_slot.append(entry)
        for word in first.all_words:
            if second is None or second.slots:
                self._by_word[word].append(entry)
                continue
            for following in second.all_words:
                self._by_pair[word, following].append(entry)

    def at(self, found: Sequence[Token], place: int) -> Match | None:
        """The longest phrase that begins at a position; of equally long ones, the first."""
        token = found[place]
        candidates = list(self._by_word.get(token.word, ()))
        if len(found) > place + 1:
            following = found[place + 1].word
            candidates += self._by_pair.get((token.word, following), ())
            if following in _SKIPPED and len(found) > place + 2:
                candidates += self._by_pair.get((token.word, found[place + 2].word), ())
        if token.is_number or token.word in self._slot_words:
            candidates += self._by_slot
        best: Match | None = None
        order = -1
        for entry in candidates:
            matched = self._match(found, place, entry.elements, 0)
            if matched is None or matched[0] <= place:
                continue
            longer = best is None or matched[0] > best.end
            if longer or (best and matched[0] == best.end and entry.order < order):
                best, order = Match(place, matched[0], entry.row, matched[1]), entry.order
        return best

    def _elements(self, phrase: str) -> list[_Element]:
        elements = []
        for part in _PART.findall(phrase):
            inner = part[1:-1] if part[0] == "[" else part
            options = inner.split("|")
            slots = tuple(one[1:-1] for one in options if one[0:1] == "{")
            if unknown := [one for one in slots if one not in self._slots]:
                raise GrammarError(f"{phrase!r}: unknown slot {{{unknown[0]}}}")
            words = [one.replace(".", "") or one for one in options if one[0:1] != "{"]
            elements.append(
                _Element(
                    frozenset(one for one in words if one == one.casefold()),
                    frozenset(one.casefold() for one in words if one.istitle() and len(one) > 1),
                    frozenset(one for one in words if one != one.casefold()),
                    slots,
                    part[0] == "[",
                )
            )
        if not elements or all(one.is_optional for one in elements):
            raise GrammarError(f"{phrase!r}: a phrase needs at least one word that is not optional")
        return elements

    def _match(
        self, found: Sequence[Token], place: int, elements: Sequence[_Element], number: int
    ) -> tuple[int, Captured] | None:
        if number == len(elements):
            return place, {}
        element = elements[number]
        at = place
        if at < len(found) and found[at].word in _SKIPPED and number and "-" not in element.words:
            at += 1
        if at < len(found):
            token = found[at]
            if (
                token.word in element.words
                or token.plain in element.capitals
                or (token.is_capital and token.word in element.names)
            ):
                rest = self._match(found, at + 1, elements, number + 1)
                if rest:
                    return rest
            for name in element.slots:
                filled = self._slots[name](found, at)
                if filled:
                    rest = self._match(found, filled[0], elements, number + 1)
                    if rest:
                        return rest[0], {**rest[1], name: [filled[1], *rest[1].get(name, [])]}
        if element.is_optional:
            return self._match(found, place, elements, number + 1)
        return None


def _spelled_out(phrase: str) -> list[str]:
    """The phrase with and without each of its optional groups of words."""
    spelled = [""]
    for part in _PART.findall(phrase):
        if part[0] == "[" and " " in part:
            options = [*part[1:-1].split("|"), ""]
            spelled = [f"{one} {option}" for one in spelled for option in options]
        else:
            spelled = [f"{one} {part}" for one in spelled]
    return spelled


def _with_definite_start(elements: Sequence[_Element]) -> list[tuple[_Element, ...]]:
    """The variants of a phrase whose first two words are not optional."""
    result: list[tuple[_Element, ...]] = []
    open_ = [tuple(elements)]
    while open_:
        one = open_.pop()
        optional = next((place for place, part in enumerate(one[:2]) if part.is_optional), None)
        if optional is None:
            if one:
                result.append(one)
            continue
        without = one[:optional] + one[optional + 1 :]
        there = replace(one[optional], is_optional=False)
        open_ += [without, (*one[:optional], there, *one[optional + 1 :])]
    return result
