"""Reads amounts and units as people write them: -27.6, (27.6), $367.2 billion, 426mn, 12 %."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_CURRENCIES = {
    **dict.fromkeys(("usd", "us$", "$", "dollar", "dollars", "us dollar", "us dollars"), "USD"),
    **dict.fromkeys(("eur", "€", "euro", "euros"), "EUR"),
    **dict.fromkeys(("krw", "₩", "won"), "KRW"),
}
_SCALES = {
    **dict.fromkeys(("th", "k", "thousand", "thousands"), "th"),
    **dict.fromkeys(("mn", "m", "mln", "million", "millions"), "mn"),
    **dict.fromkeys(("bn", "b", "bln", "billion", "billions"), "bn"),
    **dict.fromkeys(("tn", "t", "trn", "trillion", "trillions"), "tn"),
}
_PERCENT = frozenset({"%", "pct", "percent", "per cent"})
_WORDS = "|".join(
    re.escape(word) + ("(?![a-z])" if word[-1].isalpha() else "")
    for word in sorted({*_CURRENCIES, *_SCALES, *_PERCENT}, key=len, reverse=True)
)
_UNIT = re.compile(rf"(?:(?:{_WORDS})(?:\s*of\b)?\s*)*", re.IGNORECASE)
_WORD = re.compile(_WORDS, re.IGNORECASE)
_MINUS = r"\-−–"  # noqa: RUF001 — minus signs and dashes are pasted as often as typed
_SPACES = r" \u00a0\u202f\u2009"
_AMOUNT = re.compile(
    rf"(?P<sign>[+{_MINUS}]?)\s*(?P<before>(?:USD|US\$|EUR|KRW|[$€₩])?)\s*(?P<second>[{_MINUS}]?)\s*"
    rf"(?P<digits>[0-9]{{1,3}}(?:[,{_SPACES}][0-9]{{3}})+(?![0-9])|[0-9]+)(?P<decimals>\.[0-9]+)?"
    r"\s*(?P<words>[^0-9.,]*)",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"\((.*)\)(.*)|([^()]*)\((.*)\)")


@dataclass(frozen=True)
class Unit:
    """The parts of a unit that are written; None for a part that is not.

    `currency` is an ISO 4217 code or pct, `scale` is th, mn, bn or tn.
    """

    currency: str | None = None
    scale: str | None = None

    @property
    def code(self) -> str:
        """The code of the unit, such as USD bn."""
        return " ".join(part for part in (self.currency, self.scale) if part)


@dataclass(frozen=True)
class Amount:
    """A number with its decimals as written, and the unit beside it.

    `unit` is None if the words after the number, in `words`, are no unit.
    """

    value: Decimal
    decimals: int
    is_signed: bool
    unit: Unit | None
    words: str


def read_unit(text: str) -> Unit | None:
    """Read a unit in any of its usual forms (USD bn, $ billion, per cent); None if it is another.

    A unit that names two currencies or two scales is none.
    """
    if not _UNIT.fullmatch(text.strip()):
        return None
    words = [word.casefold() for word in _WORD.findall(text)]
    currencies = {_CURRENCIES[word] for word in words if word in _CURRENCIES}
    currencies |= {"pct" for word in words if word in _PERCENT}
    scales = [_SCALES[word] for word in words if word in _SCALES]
    if len(currencies) > 1 or len(scales) > 1 or (scales and "pct" in currencies):
        return None
    return Unit(next(iter(currencies), None), next(iter(scales), None))


def read_amount(text: str) -> Amount | None:
    """Read a number with thousands separators, a minus sign or brackets, and its unit.

    None if the text has another form. A comma or space separates thousands, a point decimals.
    """
    text = text.strip()
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed:
        text = "".join(part or "" for part in bracketed.groups()).strip()
    match = _AMOUNT.fullmatch(text)
    if match is None or (match["second"] and match["sign"]):
        return None
    sign = "(" if bracketed else match["sign"] or match["second"]
    if bracketed and (match["sign"] or match["second"]):
        return None
    decimals = match["decimals"] or ""
    size = Decimal(re.sub("[^0-9]", "", match["digits"]) + decimals)
    return Amount(
        value=-size if sign not in ("", "+") else size,
        decimals=max(len(decimals) - 1, 0),
        is_signed=bool(sign),
        unit=read_unit(f"{match['before']} {match['words']}"),
        words=match["words"].strip(),
    )


def with_decimal_point(text: str) -> str:
    """A number in a file with decimal commas, with a point instead: 1.234,5 becomes 1234.5.

    A single comma before three digits may separate either, so such a text is returned as it is.
    """
    if re.search(r"[0-9]\.[0-9]{3}(\.[0-9]{3})*,[0-9]+", text):
        return text.replace(".", "").replace(",", ".")
    if "." not in text and re.search(r"[0-9],([0-9]{1,2}|[0-9]{4,})(?![0-9,])", text):
        return text.replace(",", ".")
    return text
