"""Reads a file's bytes as text, and the text as cells of CSV, JSON or XML.

A problem of the whole file raises `SnapshotError`; a line of CSV that cannot be read is a reject,
and the other lines are kept.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from xml.etree import ElementTree

import polars as pl

from dagster_project.display import csv_value
from dagster_project.sources.parsing import LONGEST_NUMBER, rejects_frame
from dagster_project.sources.snapshot import SnapshotError

# What is read whole takes up to twenty times its size in memory. Bulk tables have no such limit.
LARGEST = 128 * 1024 * 1024
# A record of any layout has less than 10 kB, and one of an article less than 150 kB.
LONGEST_LINE = 1024 * 1024

# Read whole, so many values of JSON or XML take up to two gigabytes, whatever their bytes. The
# largest reply of any publisher has five million.
MOST_VALUES = 10_000_000
# What begins a value of JSON, and an element or attribute of XML.
_BEGINNINGS = {b"{": b"[{,", b"[": b"[{,", b"<": b"<="}

# The part of a file that contains a header or a whole first record.
_HEAD = 8192

# Excel files begin so: those of 2007 and later, which are zip archives, and older ones.
ARCHIVE, _COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# An escape in JSON; those of characters beyond 16 bits come in pairs.
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_FIRST_HALVES, _SECOND_HALVES = ("d8", "d9", "da", "db"), ("dc", "dd", "de", "df")

_WEB_PAGE = re.compile(r"(<\?xml[^>]*>\s*)?<(!doctype\s+html|html)\b", re.IGNORECASE)


def decode(content: bytes, name: str, *, is_western: bool = False) -> str:
    """UTF-8 text of a file that is not empty and not a web page.

    `is_western` reads what is not UTF-8 as `western` does, for layouts that publishers write so.

    Raises:
        SnapshotError: empty, zero bytes inside, another encoding, or HTML.
    """
    text = _plain_text(content, name, is_western=is_western)
    if text.lstrip().startswith("<"):
        raise SnapshotError(
            f"{name}: a web page or XML instead of data, beginning {_excerpt(text)!r}. Publishers"
            " answer a bad key or address this way: check both and fetch again."
        )
    return text


def western(content: bytes) -> str:
    """Text in Windows-1252 or, with bytes that it leaves undefined, in ISO 8859-1."""
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _plain_text(content: bytes, name: str, *, is_western: bool = False) -> str:
    if not content.strip():
        raise SnapshotError(f"{name}: the file is empty. Fetch it again.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if not is_western:
            line = content.count(b"\n", 0, error.start) + 1
            raise SnapshotError(
                f"{name}: not UTF-8 at byte {error.start}, line {line}"
                f" (0x{content[error.start]:02x}). Save or fetch it as UTF-8."
            ) from error
        text = western(content)
    zero = text.find("\0")
    if zero >= 0:
        raise SnapshotError(
            f"{name}: zero bytes from line {text.count(chr(10), 0, zero) + 1} on, as an"
            " interrupted download leaves. Fetch it again."
        )
    return text


def is_workbook(content: bytes) -> bool:
    """Whether the bytes begin like an Excel file; see `workbooks`."""
    return content.startswith((ARCHIVE, _COMPOUND))


def shows(*words: str, starts: str = "") -> Callable[[bytes, str], bool]:
    """A detector for layouts with all these words in their first lines, in any order.

    A few words that no other layout combines are enough: the parser then reports whether the file
    follows its layout, which helps more than "unknown".
    """
    wanted = [word.encode() for word in words]

    def is_shown(content: bytes, _name: str) -> bool:
        if is_workbook(content):
            return False
        head = content[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
        return head.startswith(starts.encode()) and all(word in head for word in wanted)

    return is_shown


def read_csv_cells(
    content: bytes,
    name: str,
    columns: Sequence[str],
    optional: Sequence[str] = (),
    *,
    separator: str = ",",
    is_from_spreadsheet: bool = False,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every record as text under `columns` plus `row_number`, its first line; and rejects.

    The header must contain exactly `columns`, in any order: a missing or unknown column means that
    the layout has changed, and guessing would mislabel figures. Columns that are `optional` may be
    missing from both. For `is_from_spreadsheet` see `read_csv_table`.

    Raises:
        SnapshotError: see `read_csv_table`; or another header.
    """

    def check(header: list[str]) -> None:
        _check_header(header, columns, optional, name)

    header, cells, rejects = read_csv_table(
        content, name, check, separator=separator, is_from_spreadsheet=is_from_spreadsheet
    )
    cells = cells.rename(dict(zip(cells.columns[1:], header, strict=True)))
    kept = [*columns, *(column for column in optional if column in header)]
    return cells.select("row_number", *kept), rejects


def read_csv_table(
    content: bytes,
    name: str,
    check_header: Callable[[list[str]], None],
    *,
    separator: str = ",",
    is_from_spreadsheet: bool = False,
) -> tuple[list[str], pl.DataFrame, pl.DataFrame]:
    """The header, every record as text under `row_number`, `column_1` and so on, and rejects.

    `is_from_spreadsheet` reads what people write: Windows-1252 too, cells without surrounding
    spaces, and neither empty columns to the right nor rows of empty cells.

    Raises:
        SnapshotError: what `decode` and `check_header` raise, an open quote, a truncated last
            record, or no records.
    """
    text = decode(content, name, is_western=is_from_spreadsheet)
    records: list[list[str | int]] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    short_last: tuple[int, int] | None = None
    lines = csv_records(text, name, separator=separator)
    _, header = next(lines)
    if is_from_spreadsheet:
        header = [cell.lower() for cell in _trimmed(header)]
    check_header(header)
    for started, record in lines:
        short_last = None
        if is_from_spreadsheet:
            record = [csv_value(cell) for cell in _trimmed(record, len(header))]
        if len(record) == len(header):
            records.append([started, *record])
        elif record:
            if len(record) < len(header):
                short_last = (started, len(record))
            rejects.append(
                (
                    started,
                    None,
                    ",".join(record),
                    f"{len(record)} cells where the header has {len(header)}",
                )
            )
    if short_last and not text.endswith("\n"):
        raise SnapshotError(
            f"{name}, line {short_last[0]}: truncated after {short_last[1]} of {len(header)}"
            " cells, without an end of line. Fetch it again."
        )
    if not records:
        raise SnapshotError(
            f"{name}: a header but no usable row"
            + (f" (first problem, line {rejects[0][0]}: {rejects[0][3]})" if rejects else "")
            + ". Fetch it again."
        )
    columns = {f"column_{place}": pl.String() for place in range(1, len(header) + 1)}
    cells = pl.DataFrame(records, schema={"row_number": pl.Int64(), **columns}, orient="row")
    return header, cells, rejects_frame(rejects)


@dataclass(frozen=True)
class RepeatedField:
    """In place of a JSON object that gives a field twice: nobody can say which value applies."""

    field: str

    def __str__(self) -> str:
        return f"field {self.field} appears twice"


def csv_records(text: str, name: str, *, separator: str = ",") -> Generator[tuple[int, list[str]]]:
    """Every record of CSV and the number of its first line.

    Raises:
        SnapshotError: a line too long for any table, a quote that is open or out of place, a
            carriage return within a line, or a cell of more than 131,072 characters.
    """
    _check_lines(text, name)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    started = 1
    try:
        for record in reader:
            yield started, record
            started = reader.line_num + 1
    except csv.Error as error:
        raise SnapshotError(
            f"{name}, line {started}: {error}. A quote is left open or out of place, as in a"
            " truncated file: fetch it again or correct the line."
        ) from error


def _check_lines(text: str, name: str) -> None:
    start = 0
    while len(text) - start > LONGEST_LINE:
        end = max(text.rfind(sign, start, start + LONGEST_LINE) for sign in "\n\r")
        if end < 0:
            raise SnapshotError(
                f"{name}, line {text.count(chr(10), 0, start) + 1}: more than {LONGEST_LINE:,}"
                " characters. Correct the line, or fetch the file again."
            )
        start = end + 1


def no_object(value: object) -> tuple[str | None, str | None, str]:
    """Column, value and reason of the reject for a row that is not a usable JSON object."""
    if isinstance(value, RepeatedField):
        return value.field, None, "the field appears twice"
    return None, str(value)[:200], "not an object"


def has_too_many_values(content: bytes) -> bool:
    """Whether JSON or XML has more than `MOST_VALUES` values; a comma in a text counts as one."""
    if len(content) <= MOST_VALUES:
        return False
    first = content[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return sum(content.count(sign) for sign in _BEGINNINGS.get(first, b"")) > MOST_VALUES


def _check_values(content: bytes, name: str) -> None:
    if has_too_many_values(content):
        raise SnapshotError(
            f"{name}: more than {MOST_VALUES:,} values, which are too many to be read at once."
            " Divide it."
        )


def read_json(content: bytes, name: str) -> object:
    """The JSON value of a file; numbers with a point stay decimal.

    A number that cannot be represented stays text. An object with a field twice becomes a
    `RepeatedField`, which is no `dict`.

    Raises:
        SnapshotError: what `decode` raises, too many values, incomplete JSON, JSON that no
            publisher writes, or an outermost object with a field twice.
    """
    _check_values(content, name)
    text = decode(content, name)
    _check_characters(text, name)
    try:
        value = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        where = f"{name}, line {error.lineno}, column {error.colno}"
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
            raise SnapshotError(
                f"{where}: the JSON is truncated ({error.msg}). Fetch it again."
            ) from error
        raise SnapshotError(
            f"{where}: not JSON ({error.msg}), beginning {_excerpt(text)!r}. If that is the"
            " publisher's error message, correct the request and fetch again."
        ) from error
    except RecursionError as error:
        raise SnapshotError(
            f"{name}: JSON with lists in lists in lists, deeper than any layout. Fetch it again."
        ) from error
    if isinstance(value, RepeatedField):
        raise SnapshotError(f"{name}: {value}. Fetch it again.")
    return value


def _check_characters(text: str, name: str) -> None:
    """Refuse the escape of half a character, which is no text and cannot be stored."""
    if _HALF.search(text) is None:
        return
    # The end of the first half; the second has to begin there.
    half: int | None = None
    for escape in _ESCAPE.finditer(text):
        code = (escape[1] or "").lower()
        is_second = code[:2] in _SECOND_HALVES
        if is_second is not (half == escape.start()):
            half = half or escape.start()
            break
        half = escape.end() if code[:2] in _FIRST_HALVES else None
    if half is not None:
        raise SnapshotError(
            f"{name}, line {text.count(chr(10), 0, half) + 1}: an escape (\\u) that is half of a"
            " character. Fetch it again."
        )


def _decimal(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _integer(text: str) -> int | str:
    return int(text) if len(text) < LONGEST_NUMBER else text


def _object(pairs: list[tuple[str, object]]) -> dict[str, object] | RepeatedField:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
    return RepeatedField(name)


def read_xml(content: bytes, name: str) -> ElementTree.Element:
    """The root of an XML file.

    The text is UTF-8 whatever its declaration says, and declares no document type: it cannot
    contain entities or external content.

    Raises:
        SnapshotError: empty, too many values, zero bytes inside, another encoding, a web page, a
            document type, or incomplete XML.
    """
    _check_values(content, name)
    text = _plain_text(content, name).strip()
    if _WEB_PAGE.match(text):
        raise SnapshotError(
            f"{name}: a web page instead of data, beginning {_excerpt(text)!r}. Publishers"
            " answer a bad key or address this way: check both and fetch again."
        )
    declared = re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE)
    if declared:
        raise SnapshotError(
            f"{name}, line {text.count(chr(10), 0, declared.start()) + 1}: declares a document"
            " type, which data of this kind never does. It is not read: check what was fetched."
        )
    if not text.startswith("<"):
        raise SnapshotError(
            f"{name}: not XML, beginning {_excerpt(text)!r}. If that is the publisher's error"
            " message, correct the request and fetch again."
        )
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise SnapshotError(
            f"{name}: incomplete XML ({error}), as in a truncated file. Fetch it again."
        ) from error


def _trimmed(record: Sequence[str], width: int = 0) -> list[str]:
    """Cells without surrounding spaces or empty ones after `width`; none if all are empty."""
    cells = [cell.strip() for cell in record]
    while len(cells) > width and not cells[-1]:
        cells.pop()
    return cells if any(cells) else []


def _check_header(
    header: Sequence[str], columns: Sequence[str], optional: Sequence[str], name: str
) -> None:
    missing = [column for column in columns if column not in header]
    unknown = [column for column in header if column not in (*columns, *optional)]
    if missing:
        hint = f" (it has {', '.join(unknown)} instead)" if unknown else ""
        raise SnapshotError(
            f"{name}, line 1: column {', '.join(missing)} is missing{hint}. The layout needs"
            f" {', '.join(columns)}."
        )
    if unknown:
        others = f", and may have {', '.join(optional)}" if optional else ""
        raise SnapshotError(
            f"{name}, line 1: column {', '.join(unknown)} does not belong to the layout (it needs"
            f" {', '.join(columns)}{others}). Remove it, or write a parser for the new layout."
        )
    twice = sorted({column for column in header if list(header).count(column) > 1})
    if twice:
        raise SnapshotError(f"{name}, line 1: column {', '.join(twice)} appears twice.")


def _excerpt(text: str) -> str:
    return " ".join(text.split())[:120]
