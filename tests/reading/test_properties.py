"""Whatever the text, its figures stand where the reader says, and reading it takes its time."""

from __future__ import annotations

import re
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading.scoring import documents

from dagster_project.reading import flows, reader, tables, text, tokens
from dagster_project.reading.reader import read
from dagster_project.reading.tables import find_tables
from dagster_project.reading.tokens import sentences

DAY = date(2018, 3, 1)
WORDS = tuple(
    re.findall(
        r"\S+",
        """the US Korea China imports exports deficit surplus trade goods services with from to of
        in by rose fell 2016 $5 $27.6 billion million percent % ( ) , . ; : | - last year since
        KORUS took effect doubled nearly more than the first ten months October ten largest partner
        sixth its""",
    )
)
sentence_like = st.lists(st.sampled_from([*WORDS, "\n", "\n\n", "| "]), max_size=60).map(" ".join)
FOLDERS = (
    "given",
    "held_out_1",
    "held_out_2",
    "held_out_3",
    "held_out_4",
    "held_out_5",
    "held_out_6",
)
# Time doubles with the length of a text; the rest is the machine's.
FAIR = 3.5
LEAST = 0.05


@given(st.one_of(sentence_like, st.text(max_size=400)))
def test_every_figure_is_quoted_from_its_place(words: str) -> None:
    for one in read(words, DAY):
        assert 0 <= one.sentence_start <= one.start < one.end <= one.sentence_end <= len(words)
        assert words[one.start : one.end].strip() == words[one.start : one.end]
        assert one.rules
        assert bool(one.why) == (not one.is_claim)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_figure_in_digits_is_quoted_with_its_digits(folder: str) -> None:
    for _, words, day in documents(folder):
        for one in read(words, day):
            quoted = words[one.start : one.end]
            if re.search(r"\d", quoted) and one.unit not in ("rank", "years"):
                digits = re.sub(r"[^\d.]", "", quoted).strip(".")
                assert float(abs(one.value)) == float(digits)


@given(sentence_like)
def test_sentences_and_tables_lie_in_the_text_in_order(words: str) -> None:
    last = 0
    for one in sentences(words, 0, len(words)):
        assert last <= one.start < one.end <= len(words)
        last = one.end
    for table in find_tables(words):
        for row in table.rows:
            for cell in row:
                assert words[cell.start : cell.end] == cell.text


@given(sentence_like)
def test_reading_twice_gives_the_same(words: str) -> None:
    assert read(words, DAY) == read(words, DAY)


HOSTILE = {
    "words": "word ",
    "numbers": "$1 billion ",
    "growth": "exports to Korea rose 5 percent to $5 billion in 2016, ",
    "sentences": "US exports to Korea rose 5 percent to $5 billion in 2016. ",
    "flows": "exports ",
    "places": "China ",
    "articles": "the ",
    "events": "since the agreement ",
    "months": "the first ten months of ",
    "abbreviations": "U.S.",
    "digits": "1",
    "points": "1.",
    "groups": "1,111",
    "brackets": "(",
    "dashes": "-",
    "quotes": '"',
    "bars": "| 1 ",
    "rows": "| 1 | 2 |\n",
    "tabs": "a\t1\n",
    "spaces": " ",
    "lines": "\n",
    "emphasis": "**",
    "headings": "#",
    "letters": "a",
}


def _seconds(words: str) -> float:
    start = time.process_time()
    read(words, DAY)
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_time_grows_with_the_length_of_a_text_and_not_faster(unit: str) -> None:
    size = 4_000 // len(unit)
    short = min(_seconds(unit * size) for _ in range(2))
    long = min(_seconds(unit * size * 4) for _ in range(2))
    assert long <= max(short, LEAST) * 4 * FAIR / 2, f"{short:.3f} s, {long:.3f} s"


PATTERNS = sorted(
    {
        (f"{module.__name__.rpartition('.')[2]}.{name}", value.pattern)
        for module in (flows, reader, tables, text, tokens)
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern) and isinstance(value.pattern, str)
    }
)


@pytest.mark.parametrize(("name", "pattern"), PATTERNS)
def test_no_pattern_backtracks_without_bound(name: str, pattern: str) -> None:
    compiled = re.compile(pattern)
    for unit in ("1", "1,", "1,111", "1.", "a", "A.", "a.", "-", " ", "$", "| ", "|-", "'s", "(1"):
        for ending in ("", "!", "\n", "x", "\0"):
            words = unit * (40_000 // len(unit)) + ending
            start = time.process_time()
            compiled.fullmatch(words)
            compiled.match(words)
            assert time.process_time() - start < 1, (name, unit, ending)


def test_a_thousand_words_take_less_than_a_second() -> None:
    words = "\n\n".join(words for folder in FOLDERS for _, words, _ in documents(folder))
    read("Exports rose.", DAY)
    count = len(words.split())
    assert count > 3_000
    assert _seconds(words) / count * 1_000 < 1
