"""Splits a text into sentences and tokens that keep their positions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dagster_project.reading.word_lists import small_words

# Longer sentences are split, so that the work grows in proportion to the length of a text.
MOST_TOKENS = 240

# A repetition is bounded, or cannot match in two ways. One of a group is not possessive: Python
# before 3.11.5 keeps what a failed last round has matched.
_TOKEN = re.compile(
    r"(?:[A-Za-z]\.){2,12}[A-Z]?(?![A-Za-z])"  # U.S., U.K.
    r"|[0-9]++(?:[.,][0-9]++)*"
    r"|[^\W\d_]++"
    r"|['’](?:s|S)(?![^\W_])"  # noqa: RUF001
    r"|\S"
)
_DASHES = frozenset("-‐‑‒–—−")  # noqa: RUF001
_QUOTES = frozenset("\"'“”„«»‘’*_`")  # noqa: RUF001
_ENDS = frozenset(".!?")
_CLOSING = frozenset("\"'”’)]»*_")  # noqa: RUF001
# Words that begin a sentence, rather than continue a name after "the U.S.".
_BULLET = re.compile(r"(?:[-*•·▪‣◦●–—]|[0-9]{1,2}[.)]|[a-z][.)])[ \t]", re.ASCII)  # noqa: RUF001
_SHORT_LINE = 55
# Headings are shorter than this.
_HEADING = 160


@dataclass(slots=True)
class Token:
    """A word, number or sign; `word` is its lower-case form without full stops."""

    start: int
    end: int
    text: str
    word: str
    plain: str
    glued: bool
    is_number: bool = False

    @property
    def is_capital(self) -> bool:
        return self.text[:1].isupper()


@dataclass(frozen=True)
class Sentence:
    """A stretch of the text; sentences of one paragraph have the same `paragraph`."""

    start: int
    end: int
    paragraph: int
    is_heading: bool = False


def tokens(text: str, start: int, end: int) -> list[Token]:
    """The tokens of `text[start:end]`."""
    found: list[Token] = []
    last = start
    for match in _TOKEN.finditer(text, start, end):
        words = match[0]
        plain = words.replace(".", "") if words[0].isalpha() else words
        word = plain.casefold()
        if words in _DASHES:
            plain = word = "-"
        elif words in _QUOTES:
            plain = word = '"'
        elif words == "=" and found and match.start() == last and found[-1].text[0].isalpha():
            # What is left of an apostrophe in some pages: the United States= exports.
            plain = word = "'s"
        elif len(words) == 2 and words[0] in "'’" and words[1] in "sS":  # noqa: RUF001
            plain = word = "'s"
        found.append(
            Token(
                match.start(),
                match.end(),
                words,
                word,
                plain,
                glued=match.start() == last and bool(found),
                is_number="0" <= words[0] <= "9",
            )
        )
        last = match.end()
    return found


def sentences(text: str, start: int, end: int) -> Iterator[Sentence]:
    """The sentences of `text[start:end]`, in order."""
    for begin, stop in _blocks(text[start:end]):
        yield from _sentences_of(text, start + begin, start + stop)


def _sentences_of(text: str, start: int, end: int) -> Iterator[Sentence]:
    begin = start
    ends = list(_sentence_ends(text, start, end))
    for stop in [*ends, end]:
        first, last = _stripped(text, begin, stop)
        if first < last:
            is_heading = not ends and text[last - 1] not in '.!?:;”"' and last - first < _HEADING
            yield Sentence(first, last, start, is_heading or text[first] == "#")
        begin = stop


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Paragraphs: lines that belong together, even if the file wraps them."""
    start: int | None = None
    end = position = 0
    previous = ""
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        begins = position
        position += len(line)
        if not stripped:
            if start is not None:
                yield start, end
            start, previous = None, ""
            continue
        if start is not None and _is_apart(previous, stripped):
            yield start, end
            start = None
        if start is None:
            start = begins
        end, previous = position, stripped
    if start is not None:
        yield start, end


def _is_apart(previous: str, line: str) -> bool:
    if line[0] in "|#>" or previous[0] in "|#" or _BULLET.match(line) or "\t" in line:
        return True
    if previous[-1] in '.!?:”"':
        return len(previous) > _SHORT_LINE * 2 or len(previous) < _SHORT_LINE
    return len(previous) < _SHORT_LINE and not line[0].islower()


def _sentence_ends(text: str, start: int, end: int) -> Iterator[int]:
    """The positions right after each sentence of a block except the last."""
    position = start
    while position < end:
        sign = text[position]
        position += 1
        if sign not in _ENDS:
            continue
        while position < end and text[position] in _CLOSING:
            position += 1
        if position >= end or not text[position].isspace():
            continue
        after = position
        while after < end and text[after].isspace():
            after += 1
        if after >= end or not _begins(text[after]):
            continue
        if sign == "." and not _ends_sentence(text, start, position, after, end):
            continue
        yield position


def _begins(sign: str) -> bool:
    return sign.isupper() or sign.isdigit() or sign in "\"“‘'($€£¥[•-–—"  # noqa: RUF001


def _ends_sentence(text: str, start: int, point: int, after: int, end: int) -> bool:
    """Whether a full stop ends a sentence and not only an abbreviation."""
    last = point - 1
    while last > start and text[last] != ".":
        last -= 1
    first = last
    while first > start and (text[first - 1].isalpha() or text[first - 1] == "."):
        if last - first > 12:
            break
        first -= 1
    word = text[first:last]
    if not word:
        return True
    if "." in word or (len(word) == 1 and word.isupper()):
        following = after
        while following < end and text[following].isalpha():
            following += 1
        then = text[after:following].casefold()
        is_name = then == "trade" and text[following + 1 : following + 2].isupper()
        return "." in word and not is_name and then in small_words("sentence starters")
    return word.casefold() not in small_words("abbreviations")


def divided(found: list[Token]) -> Iterator[list[Token]]:
    """The tokens of a sentence in parts of at most `MOST_TOKENS`."""
    for first in range(0, len(found), MOST_TOKENS):
        yield found[first : first + MOST_TOKENS]
