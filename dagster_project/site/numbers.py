"""Formats of numbers on pages, by the name of their column."""

from __future__ import annotations

import re
from calendar import month_name
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from dagster_project.questions.values import cell

MILLIONS = "millions of US dollars"
BILLIONS = "billions of US dollars"
MILLION = "million US dollars"
BILLION = "billion US dollars"
ABSENT = "–"  # noqa: RUF001 — shown where there is no number

# Counts and directions have no digits after the point.
_WHOLE = ("rank", "years", "sign")
DIRECTIONS = {1: "a rise", 0: "no change", -1: "a fall"}
_FLOWS_OF_BASES = {
    "domestic": "domestic exports",
    "total": "total exports",
    "general": "general imports",
    "consumption": "imports for consumption",
}
_MINUS = "−"  # noqa: RUF001 — as wide as the plus sign above it in a column


_YEARS = re.compile(r"(\d{4})-01/(?!\1)(\d{4})-12")
_MONTHS = re.compile(r"(\d{4})-(0[1-9]|1[0-2])/\1-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Money:
    """A unit of US dollars for the axis of a picture."""

    words: str
    # The unit as written after a number.
    word: str
    size: int
    shown: Callable[..., str]


def money_for(amounts: Iterable[Any]) -> Money:
    """The unit for amounts: billions where one of them reaches a billion."""
    if max((abs(usd) for usd in amounts), default=0) < 1_000_000_000:
        return Money(MILLIONS, MILLION, 1_000_000, millions)
    return IN_BILLIONS


def millions(usd: Any, *, signed: bool = False) -> str:
    """US dollars as millions with one decimal: −27,624.6."""  # noqa: RUF002
    return _scaled(usd, 6, 1, signed)


def billions(usd: Any, *, signed: bool = False) -> str:
    """US dollars as billions with two decimals: −27.62."""  # noqa: RUF002
    return _scaled(usd, 9, 2, signed)


def dollars(usd: Any) -> str:
    """US dollars in a sentence: −$27.62 billion, or millions below a billion."""  # noqa: RUF002
    is_large = abs(usd) >= 1_000_000_000
    digits = billions(usd) if is_large else millions(usd)
    sign = _MINUS if digits.startswith(_MINUS) else ""
    return f"{sign}${digits.removeprefix(_MINUS)} {'billion' if is_large else 'million'}"


def balance_in_words(
    kind: str, low: Any, high: Any = None, bases: tuple[str, str] = ("", "")
) -> str:
    """A balance, or the range of one, in a sentence: the goods deficit was $27.62 billion.

    Args:
        kind: goods, services or both.
        low: the lowest balance in US dollars.
        high: the highest one; none where there is only one.
        bases: the bases of both.
    """
    high_usd = low if high is None else high
    if low < 0 and high_usd < 0:
        noun, ends = "deficit", [(abs(high_usd), bases[1]), (abs(low), bases[0])]
    else:
        noun = "surplus" if low > 0 and high_usd > 0 else "balance"
        ends = [(low, bases[0]), (high_usd, bases[1])]
    if high is None:
        return f"the {kind} {noun} was {dollars(ends[0][0])}"
    least, most = (f"{dollars(usd)} ({basis})" for usd, basis in ends)
    return f"the {kind} {noun} was between {least} and {most}"


def basis_name(basis_id: str) -> str:
    """A basis in words: cif; total exports – imports for consumption."""  # noqa: RUF002
    flows = [_FLOWS_OF_BASES.get(one) for one in basis_id.removeprefix("mirror_").split("_")]
    if len(flows) == 2 and all(flows):
        name = " – ".join(map(str, flows))  # noqa: RUF001
        return f"mirror ({name})" if basis_id.startswith("mirror_") else name
    return basis_id.replace("_", " ")


IN_BILLIONS = Money(BILLIONS, BILLION, 1_000_000_000, billions)


def percent(value: Any, *, signed: bool = False) -> str:
    """Per cent with one decimal: 12.3 %."""
    return ABSENT if value is None else f"{_decimal(value, 1, signed)} %"


def share(part: Any, *, signed: bool = False) -> str:
    """A share of 1 as per cent: .123 becomes 12.3 %."""
    return ABSENT if value_is_absent(part) else percent(_exact(part) * 100, signed=signed)


def printed(value: Any, unit: str | None) -> str:
    """A quoted figure with all its digits and its unit: 27.6 USD bn."""
    if value_is_absent(value):
        return ABSENT
    return _in_unit(_grouped(cell(_exact(value))), value, unit)


def compared(value: Any, unit: str | None, rounding: Any) -> str:
    """A figure beside a quoted one, at most two digits finer: 27.625 beside 27.6."""
    if value_is_absent(value):
        return ABSENT
    if unit in _WHOLE:
        return printed(value, unit)
    decimals = _decimals(rounding)
    # A figure gains no digits that it does not have.
    known = max(-int(_exact(cell(_exact(value))).as_tuple().exponent), 0)
    digits = min(max(known, decimals), decimals + 2)
    return _in_unit(_decimal(value, digits, signed=False), value, unit)


def apart(distance: Any, unit: str | None, rounding: Any) -> str:
    """The distance between two figures in digits, or "less than" the smallest shown."""
    if unit in _WHOLE:
        return printed(distance, None)
    text = compared(distance, None, rounding)
    if distance and not text.strip("0."):
        finest = Decimal(1).scaleb(-_decimals(rounding) - 2)
        return f"less than {printed(finest, None)}"
    return text


def _decimals(rounding: Any) -> int:
    # A figure of unknown rounding is assumed to have one decimal.
    return max(-_exact(rounding).adjusted() if rounding else 1, 0)


def _in_unit(digits: str, value: Any, unit: str | None) -> str:
    if unit == "sign":
        return DIRECTIONS.get(_exact(value), digits)
    forms = {
        "pct": f"{digits} %",
        "ratio": f"{digits} ×",  # noqa: RUF001
        "rank": f"rank {digits}",
        None: digits,
    }
    return forms.get(unit, f"{digits} {unit}")


def plain(value: Any, digits: int = 3) -> str:
    """A number without a unit, for example a ratio or a standard deviation."""
    return ABSENT if value_is_absent(value) else _decimal(value, digits, signed=False)


def heading(column: str) -> str:
    """The heading of a table column, with its unit."""
    for ending, unit in ((("_usd",), "USD mn"), (("_pct", "share"), "%")):
        for end in ending:
            if column.endswith(end):
                words = column.removesuffix(end if end.startswith("_") else "").replace("_", " ")
                return f"{capital(words)}, {unit}"
    words = column.removesuffix("_id").removesuffix("_iso3").removesuffix("_code")
    return capital(words.replace("_", " "))


def shown(column: str, value: Any) -> str:
    """A value of a mart column as shown in a table, without its unit."""
    if value_is_absent(value):
        return ABSENT
    if column.endswith("basis_id"):
        return basis_name(value)
    if column == "bases" and isinstance(value, str):
        return ", ".join(map(basis_name, value.split(", ")))
    if column.endswith("_usd"):
        return millions(value)
    if column == "reported_value":
        return printed(value, None)
    if column.endswith("_pct"):
        return _decimal(value, 1, signed=False)
    if column.endswith("share"):
        return _decimal(_exact(value) * 100, 1, signed=False)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | Decimal):
        return _decimal(value, 3, signed=False)
    # Years are not grouped: only whole numbers of more than four digits are.
    if isinstance(value, int) and abs(value) > 9999:
        return _grouped(str(value))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def period_in_words(period: str) -> str:
    """Months of one year and whole years as a sentence names them; any other period unchanged."""
    if years := _YEARS.fullmatch(period):
        return " to ".join(years.groups())
    found = _MONTHS.fullmatch(period)
    if not found:
        return period
    year, first, last = found.groups()
    names = [month_name[int(month)] for month in dict.fromkeys((first, last))]
    return f"{' to '.join(names)} {year}"


def is_number(value: object) -> bool:
    """Whether a value is right-aligned."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def is_date(value: object) -> bool:
    """Whether a value must not wrap at its hyphens."""
    return isinstance(value, date)


def value_is_absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def raw(row: Mapping[str, Any]) -> list[str]:
    """A row of a CSV file: all digits, no grouping."""
    return [cell(value) for value in row.values()]


def _scaled(usd: Any, power: int, digits: int, signed: bool) -> str:
    if value_is_absent(usd):
        return ABSENT
    return _decimal(_exact(usd).scaleb(-power), digits, signed)


def _decimal(value: Any, digits: int, signed: bool) -> str:
    rounded = _exact(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    # Zero has no sign.
    text = f"{abs(rounded):,f}"
    if rounded == 0:
        return text
    return f"{_MINUS if rounded < 0 else '+' if signed else ''}{text}"


def _exact(value: Any) -> Decimal:
    # A double is shown by its shortest exact digits, not by its binary fraction.
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _grouped(digits: str) -> str:
    whole, point, rest = digits.lstrip("-").partition(".")
    return f"{_MINUS if digits.startswith('-') else ''}{int(whole):,}{point}{rest}"


def capital(words: str) -> str:
    return words[:1].upper() + words[1:]
