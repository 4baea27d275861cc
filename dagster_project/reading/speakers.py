"""Finds whom a sentence quotes or names as its source."""

from __future__ import annotations

from dagster_project.reading.items import PLACE, SOURCE, Marked
from dagster_project.reading.word_lists import small_words

_MOST_NAMES = 4


def speaker(sentence: Marked, text: str) -> str:
    """The office or person that a sentence attributes its figures to; empty if it names none."""
    sources = sentence.of(SOURCE)
    if sources:
        return sources[0].value["name"]
    for place, token in enumerate(sentence.tokens):
        if token.word not in small_words("says") or sentence.at.get(place) is not None:
            continue
        first = place
        while (
            first
            and place - first < _MOST_NAMES
            and sentence.tokens[first - 1].is_capital
            and (sentence.at.get(first - 1) is None or sentence.at[first - 1].table != PLACE)
        ):
            first -= 1
        names = sentence.tokens[first:place]
        if names and names[0].word not in ("he", "she", "it", "they", "we", "i", "the"):
            return text[names[0].start : names[-1].end]
    return ""
