"""Write values as JSON, as the text of a table cell, and in lines of text."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from datetime import date, time
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from dagster_project.display import for_json

# The width of a column of amounts.
AMOUNT = 12


def to_json(value: object, indent: int | None = 0) -> str:
    """Write JSON with exact decimals, which the `json` module cannot do.

    With `indent=None`, write one line. Values that JSON has no type for become text; NaN and
    infinity become null.
    """
    deeper = None if indent is None else indent + 2
    if isinstance(value, Mapping):
        items = [f"{for_json(str(key))}: {to_json(one, deeper)}" for key, one in value.items()]
        return _bracketed("{", items, "}", indent)
    if isinstance(value, list | tuple):
        return _bracketed("[", [to_json(one, deeper) for one in value], "]", indent)
    if isinstance(value, str):
        return for_json(value)
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, Decimal):
        return exact(value) if value.is_finite() else "null"
    if isinstance(value, float):
        return json.dumps(value) if abs(value) < float("inf") else "null"
    if isinstance(value, date | time):
        return json.dumps(value.isoformat())
    return for_json(str(value))


def exact(value: Decimal) -> str:
    """All digits of a decimal, without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cell(value: object) -> str:
    """A value as the text of a table cell; empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return exact(value) if value.is_finite() else str(value)
    if isinstance(value, Mapping | list | tuple):
        return to_json(value, None)
    return str(value)


def millions(value: Any, *, signed: bool = False) -> str:
    """US dollars in millions with one decimal, as trade tables show them."""
    amount = (Decimal(value) / 1_000_000).quantize(Decimal("0.1"), rounding=ROUND_HALF_EVEN)
    return f"{amount:+,}" if signed else f"{amount:,}"


def plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _bracketed(opening: str, items: list[str], closing: str, indent: int | None) -> str:
    if not items:
        return opening + closing
    if indent is None:
        return f"{opening}{', '.join(items)}{closing}"
    joint = ",\n" + " " * (indent + 2)
    return f"{opening}\n{' ' * (indent + 2)}{joint.join(items)}\n{' ' * indent}{closing}"
