"""Prepares text from outside for terminals, CSV files and pages.

Names, claims, cells and messages may contain characters that a terminal obeys, a spreadsheet
computes or a browser cannot show. One function for each of these places makes them visible.
JSON and Parquet hold all text exactly.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from typing import Any

# Line breaks and tabs are text.
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"
# They change the order of the letters around them.
_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# No text: halves of a character, and numbers that are none.
_NO_TEXT = "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U0001fffe\U0001ffff"
# They show nothing. The joiners of Arabic and Indian scripts (200c, 200d) do, on a page.
_INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
_ON_A_PAGE = re.compile(f"[{_CONTROLS}{_DIRECTIONS}{_NO_TEXT}]")
_ON_A_TERMINAL = re.compile(f"[{_CONTROLS}{_DIRECTIONS}{_NO_TEXT}{_INVISIBLE}\u200c\u200d]")
_IN_A_LINE = re.compile(f"[\n\t]|{_ON_A_TERMINAL.pattern}")

# Spreadsheets compute cells that begin so, also with the wide forms of Japanese keyboards.
_FORMULA = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_IS_FORMULA = re.compile(f"'*[{_FORMULA}]")
_IS_QUOTED_FORMULA = re.compile(f"''*[{_FORMULA}]")
_IS_NUMBER = re.compile(r"[+-]?(\d+(,\d{3})*(\.\d*)?|\.\d+)([eE][+-]?\d+)?%?")


def for_terminal(text: str) -> str:
    r"""Text of one or more lines, with characters that a terminal obeys or hides as \x1b."""
    return _ON_A_TERMINAL.sub(_escape, text)


def one_line(text: str) -> str:
    r"""Text of one line, as a cell or a name: line breaks become \n, too."""
    return _IN_A_LINE.sub(_escape, text)


def for_page(text: str) -> str:
    r"""Text for HTML or SVG: control characters, which neither allows, as \x1b."""
    return _ON_A_PAGE.sub(_escape, text)


def for_json(text: str) -> str:
    """A string of JSON, in quotes: the same text, with what a terminal obeys or hides escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _ON_A_TERMINAL.sub(lambda found: json.dumps(found[0])[1:-1], quoted)


def csv_cell(text: str) -> str:
    """The text of a CSV cell, which no spreadsheet computes; `csv_value` is its inverse.

    An apostrophe goes before a cell that begins like a formula and is no number or single sign,
    and before one that begins so after apostrophes.
    """
    is_formula = _IS_FORMULA.match(text) and len(text) > 1 and not _IS_NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


def csv_value(cell: str) -> str:
    """The text of a cell that `csv_cell` wrote; other cells as they are."""
    return cell[1:] if _IS_QUOTED_FORMULA.match(cell) else cell


def write_csv(header: Iterable[str], rows: Iterable[Iterable[str]], handle: Any) -> None:
    """Write rows of texts. On a terminal, characters that it obeys are escaped, too."""
    shown = for_terminal if handle.isatty() else str
    writer = csv.writer(_Lines(handle))
    writer.writerow([shown(csv_cell(name)) for name in header])
    writer.writerows([shown(csv_cell(text)) for text in row] for row in rows)


class _Lines:
    """Ends lines of CSV with a line feed alone.

    The writer quotes a carriage return within a cell only if it ends lines with one itself.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def write(self, row: str) -> None:
        self._handle.write(row.removesuffix("\r\n") + "\n")


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character) or (
        f"\\x{ord(character):02x}"
        if ord(character) < 0x100
        else f"\\u{ord(character):04x}"
        if ord(character) < 0x10000
        else f"\\U{ord(character):08x}"
    )
