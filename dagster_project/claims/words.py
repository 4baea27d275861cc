"""Words for codes, numbers, units and periods, from which phrases are built."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dagster_project.site.numbers import DIRECTIONS, period_in_words, value_is_absent

Row = Mapping[str, Any]

_VALUATIONS = {
    "customs": " at customs value",
    "cif": " CIF",
    "fas": " FAS",
    "fob": " FOB",
    "bop": " on the BOP basis",
}
_SYMBOLS = {"USD": "$", "EUR": "€", "KRW": "₩"}
_SCALES = {"th": " thousand", "mn": " million", "bn": " billion", "tn": " trillion"}
# How a rank among the years is described, by transform.
PLACES = {"record": "highest", "lowest": "lowest"}
_ORDINALS = (
    "",
    "second-",
    "third-",
    "fourth-",
    "fifth-",
    "sixth-",
    "seventh-",
    "eighth-",
    "ninth-",
)


def in_words(code: str | None) -> str:
    """Write a code as words in a sentence."""
    return (code or "").replace("_", " ")


def hedged(claim: Row, text: str) -> str:
    """A figure with the words of its hedge before it."""
    if not claim["hedge_words"] or claim["unit"] == "sign":
        return text
    return f"{claim['hedge_words']} {text}"


def with_unit(digits: str, value: Any, unit: str | None) -> str:
    """A number with its unit, for a sentence: $27.6 billion, rank 6, a fall."""
    if value_is_absent(value):
        return "no figure"
    if unit == "sign":
        return DIRECTIONS.get(int(value), digits)
    if unit == "rank":
        return f"rank {digits}"
    if unit == "years":
        return f"{digits} year{'' if digits == '1' else 's'}"
    if unit == "pct":
        return f"{digits} %"
    if unit == "ratio":
        return f"{digits} times"
    currency, _, scale = (unit or "").partition(" ")
    sign, amount = (digits[0], digits[1:]) if digits[:1] in ("-", "−") else ("", digits)  # noqa: RUF001
    return f"{sign}{_SYMBOLS.get(currency, f'{currency} ')}{amount}{_SCALES.get(scale, '')}"


def period_of(period: str) -> str:
    return period_in_words(period).replace("/", " to ")


def series_in_words(code: str) -> str:
    """A series without its country: general imports at customs value, seasonally adjusted."""
    _, flow, concept, valuation, _, adjustment = code.split(".")
    adjusted = ", seasonally adjusted" if adjustment == "sa" else ""
    return f"{in_words(concept)} {flow}s{_VALUATIONS.get(valuation, '')}{adjusted}"


def acronyms(words: str) -> str:
    return re.sub(r"\b(cif|fob|fas|bop)\b", lambda found: found[0].upper(), words)


def counted(things: Sequence[str], noun: str) -> str:
    return noun if len(things) == 1 else f"{noun}s"


def plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def place_in_words(place: Any, transform: str) -> str:
    """A rank among the years: the highest, the second-lowest, the 21st-highest."""
    number = int(place)
    is_in_words = 0 < number <= len(_ORDINALS)
    before = _ORDINALS[number - 1] if is_in_words else f"{number}{_ending(number)}-"
    return f"the {before}{PLACES[transform]}"


def _ending(place: int) -> str:
    """The ending of an ordinal number: 21st, 12th."""
    if 10 < place % 100 < 14:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")


def listed(things: Sequence[str]) -> str:
    return " and ".join([", ".join(things[:-1]), things[-1]] if len(things) > 1 else things)
