"""Parses bytes into text cells, and text cells into checked values.

A problem of the whole file raises `SnapshotError`; a problem of one row or cell becomes a reject,
and the other rows are kept.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from xml.etree import ElementTree

import polars as pl

from dagster_project.sources.snapshot import SnapshotError

REJECT_SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "value": pl.String(),
    "reason": pl.String(),
}

# The part of a file that contains a header or a whole first record.
_HEAD = 8192
# Digits; no figure has more, and converting more of them is slow.
_LONGEST_NUMBER = 400

# Excel files begin so: those of 2007 and later, which are zip archives, and older ones.
ARCHIVE, _COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

PERIOD_PATTERN = r"^[0-9]{4}(-(0[1-9]|1[0-2])(/[0-9]{4}-(0[1-9]|1[0-2]))?)?$"

# The last month of a row, for tables with years and months in columns of numbers.
LAST_MONTH = pl.format("{}-{}", pl.col("year"), pl.col("last_month").cast(pl.String).str.zfill(2))

_WEB_PAGE = re.compile(r"(<\?xml[^>]*>\s*)?<(!doctype\s+html|html)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Parsed:
    """The good rows of one file, and the rejects with line, column, value and reason."""

    frame: pl.DataFrame
    rejects: pl.DataFrame

    def first_reject(self, unit: str = "row") -> str:
        """The place and reason of the first reject, in brackets; empty if there is none."""
        if self.rejects.is_empty():
            return ""
        first = self.rejects.row(0, named=True)
        return f" ({unit} {first['row_number']}: {first['reason']})"


@dataclass(frozen=True)
class Check:
    """A possible fault of a row: its column, and why the row cannot be used."""

    is_bad: pl.Expr
    column: str
    reason: pl.Expr | str


def not_after(column: str, known_from: date, form: str) -> Check:
    """No release can hold a later period; the column has periods as text of this form."""
    return Check(pl.col(column) > f"{known_from:{form}}", column, too_late(known_from))


def too_late(known_from: date) -> str:
    """The reason to reject a row of a period that was not over."""
    return f"a release known from {known_from} cannot hold this period"


def last_whole_month(day: date) -> str:
    """The last month, YYYY-MM, that is over on a day; a month's last day counts."""
    return f"{(day + timedelta(days=1)).replace(day=1) - timedelta(days=1):%Y-%m}"


def without_later_periods(parsed: Parsed, period: pl.Expr, known_from: date) -> Parsed:
    """Reject the rows of periods that were not over on the day a file was known from.

    `period` gives a row's last month as YYYY-MM. A publisher cannot know such a period, so either
    the row or the day is wrong.
    """
    frame = parsed.frame.with_columns(_last=period)
    is_late = pl.col("_last") > last_whole_month(known_from)
    late = frame.filter(is_late)
    if late.is_empty():
        return parsed
    column = pl.col("column_name") if "column_name" in frame.columns else pl.lit(None, pl.String)
    rejects = late.select(
        "row_number",
        column.alias("column_name"),
        value="_last",
        reason=pl.lit(too_late(known_from)),
    )
    return Parsed(frame.filter(~is_late).drop("_last"), pl.concat([parsed.rejects, rejects]))


def rejects_frame(rows: Sequence[tuple[int, str | None, str | None, str]] = ()) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=REJECT_SCHEMA, orient="row")


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
    content: bytes, name: str, columns: Sequence[str], optional: Sequence[str] = ()
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every record as text under `columns` plus `row_number`, its first line; and rejects.

    The header must contain exactly `columns`, in any order: a missing or unknown column means that
    the layout has changed, and guessing would mislabel figures. Columns that are `optional` may be
    missing from both.

    Raises:
        SnapshotError: see `read_csv_table`; or another header.
    """

    def check(header: list[str]) -> None:
        _check_header(header, [*columns, *(one for one in optional if one in header)], name)

    header, cells, rejects = read_csv_table(content, name, check)
    cells = cells.rename(dict(zip(cells.columns[1:], header, strict=True)))
    kept = [*columns, *(column for column in optional if column in header)]
    return cells.select("row_number", *kept), rejects


def read_csv_table(
    content: bytes, name: str, check_header: Callable[[list[str]], None]
) -> tuple[list[str], pl.DataFrame, pl.DataFrame]:
    """The header, every record as text under `row_number`, `column_1` and so on, and rejects.

    Raises:
        SnapshotError: what `decode` and `check_header` raise, an open quote, a truncated last
            record, or no records.
    """
    text = decode(content, name)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records: list[list[str | int]] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    short_last: tuple[int, int] | None = None
    started = 1
    try:
        header = next(reader)
        check_header(header)
        started = reader.line_num + 1
        for record in reader:
            short_last = None
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
            started = reader.line_num + 1
    except csv.Error as error:
        raise SnapshotError(
            f"{name}, line {started}: {error}. A quote is left open or out of place, as in a"
            " truncated file: fetch it again or correct the line."
        ) from error
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


def without_noise(text: pl.Expr) -> pl.Expr:
    """Texts of numbers rounded to six decimals.

    Workbooks and scripts store numbers in binary: digits after the sixth decimal are noise. Scripts
    write small ones with an exponent, as 8.499999999999999e-05. A positive exponent is left as it
    is, because spreadsheets drop digits with it.
    """
    is_small = text.str.contains(r"^[0-9](\.[0-9]+)?[eE]-[0-9]{1,2}$")
    plain = (
        pl.when(is_small)
        .then(
            text.cast(pl.Float64, strict=False).round(12).cast(pl.Decimal(38, 12)).cast(pl.String)
        )
        .otherwise(text)
    )
    rounded = plain.cast(pl.Decimal(38, 6), strict=False).cast(pl.String)
    return (
        pl.when(is_small | text.str.contains(r"^-?[0-9]+\.[0-9]{7,}$"))
        .then(rounded.str.strip_chars_end("0").str.strip_chars_end("."))
        .otherwise(text)
    )


def without_point(column: str) -> pl.Expr:
    """Whole numbers, such as codes and years, that a script saved as 2015.0."""
    return pl.col(column).str.replace(r"^([0-9]+)\.0+$", "${1}")


def with_zeros(column: str, length: int, known: Collection[str]) -> pl.Expr:
    """Codes with the leading zeros that spreadsheets drop, where that gives a known code."""
    code = without_point(column)
    padded = code.str.pad_start(length, "0")
    is_shortened = ~code.is_in(list(known)) & padded.is_in(list(known))
    return pl.when(is_shortened).then(padded).otherwise(code).alias(column)


@dataclass(frozen=True)
class RepeatedField:
    """In place of a JSON object that gives a field twice: nobody can say which value applies."""

    field: str

    def __str__(self) -> str:
        return f"field {self.field} appears twice"


def no_object(value: object) -> tuple[str | None, str | None, str]:
    """Column, value and reason of the reject for a row that is not a usable JSON object."""
    if isinstance(value, RepeatedField):
        return value.field, None, "the field appears twice"
    return None, str(value)[:200], "not an object"


def read_json(content: bytes, name: str) -> object:
    """The JSON value of a file; numbers with a point stay decimal.

    A number that cannot be represented stays text. An object with a field twice becomes a
    `RepeatedField`, which is no `dict`.

    Raises:
        SnapshotError: what `decode` raises, incomplete JSON, or an outermost object with a field
            twice.
    """
    text = decode(content, name)
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
    if isinstance(value, RepeatedField):
        raise SnapshotError(f"{name}: {value}. Fetch it again.")
    return value


def _decimal(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _integer(text: str) -> int | str:
    return int(text) if len(text) < _LONGEST_NUMBER else text


def _object(pairs: list[tuple[str, object]]) -> dict[str, object] | RepeatedField:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    return RepeatedField(next(name for name in names if names.count(name) > 1))


def read_xml(content: bytes, name: str) -> ElementTree.Element:
    """The root of an XML file.

    The text is UTF-8 whatever its declaration says, and declares no document type: it cannot
    contain entities or external content.

    Raises:
        SnapshotError: empty, zero bytes inside, another encoding, a web page, a document
            type, or incomplete XML.
    """
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


def checked_numbers(
    cells: pl.DataFrame, *, text: str, value: str, precision: int, scale: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Turn `text` into the decimal column `value`; cells that are not numbers are rejected.

    `cells` needs `row_number` and `column_name`. A cast alone would accept 1.5e3 and round extra
    decimals, so the format is checked first.
    """
    form = rf"[0-9]{{1,{precision - scale}}}" + (rf"(\.[0-9]{{1,{scale}}})?" if scale else "")
    good = pl.col(text).str.contains(f"^{form}$")
    decimals = f"at most {scale} decimals" if scale else "no decimals"
    rejects = cells.filter(~good).select(
        "row_number",
        "column_name",
        pl.col(text).alias("value"),
        pl.when(pl.col(text).str.contains(f"^-{form}$"))
        .then(pl.lit("a trade value cannot be negative"))
        .otherwise(pl.lit(f"not a number: write digits, {decimals} and no separators"))
        .alias("reason"),
    )
    kept = cells.filter(good).with_columns(
        pl.col(text).cast(pl.Decimal(precision, scale)).alias(value)
    )
    return kept, rejects


def reject_where(
    cells: pl.DataFrame, is_bad: pl.Expr, column: str, reason: pl.Expr | str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split off the rows where `is_bad`, naming `column` and its value."""
    marks = cells.with_columns(is_bad.fill_null(True).alias("_is_bad"))["_is_bad"]
    # Nearly every check finds nothing, and kept rows need no copy.
    if not marks.any():
        return cells, rejects_frame()
    bad = cells.filter(marks).select(
        "row_number",
        pl.lit(column).alias("column_name"),
        pl.col(column).cast(pl.String).alias("value"),
        (pl.lit(reason) if isinstance(reason, str) else reason).alias("reason"),
    )
    return cells.filter(~marks), bad


def reject_faulty(
    cells: pl.DataFrame, checks: Sequence[Check]
) -> tuple[pl.DataFrame, list[tuple[str, pl.DataFrame]]]:
    """Split off the rows with a fault, each with the first check that fails.

    All checks first run on all rows in parallel: usually none finds anything, and a large file
    loads in half the time. Checks of constant columns run on one row.
    """
    read = [check.is_bad.meta.root_names() for check in checks]
    constant = constant_columns(cells.select(sorted({name for names in read for name in names})))
    found: set[int] = set()
    for rows, is_of_constants in ((cells.head(1), True), (cells, False)):
        bad = rows.select(
            check.is_bad.fill_null(True).any().alias(str(place))
            for place, check in enumerate(checks)
            if constant.issuperset(read[place]) is is_of_constants
        )
        found |= {int(name) for name in bad.columns if bad[name].any()}
    rejects = []
    for place, check in enumerate(checks):
        if place in found:
            cells, bad = reject_where(cells, check.is_bad, check.column, check.reason)
            rejects.append((check.column, bad))
    return cells, rejects


def constant_columns(frame: pl.DataFrame) -> set[str]:
    """The columns with the same value, or null, in every row."""
    is_constant = frame.select(pl.all().eq_missing(pl.all().first()).all())
    return {name for name, one in zip(frame.columns, is_constant.row(0), strict=True) if one}


def reject_duplicates(
    frame: pl.DataFrame, key: Sequence[str], lineage: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Keep one row per key.

    An identical repeated row is kept once, at its first appearance. Rows that share a key and
    contradict each other are all rejected: a parser cannot decide which is right. `lineage` names
    the columns that may differ between equal rows.

    The rejects carry the key as value, and the frame's own lineage columns where present.
    """
    if not frame.select(pl.struct(key).is_duplicated().any()).item():
        return frame, frame.clear().select(
            *lineage,
            pl.lit(None, dtype=pl.String).alias("value"),
            pl.lit(None, dtype=pl.String).alias("reason"),
        )
    content = [column for column in frame.columns if column not in (*key, *lineage)]
    marked = frame.with_columns(
        (pl.struct(content) if content else pl.lit(0)).alias("_content")
    ).with_columns(
        pl.len().over(key).alias("_rows"),
        pl.int_range(pl.len()).over(key).alias("_place"),
        pl.col("_content").n_unique().over(key).alias("_versions"),
        pl.col("row_number").first().over(key).alias("_first_row"),
        pl.concat_str(
            [pl.col(column).cast(pl.String).fill_null("-") for column in key], separator=" | "
        ).alias("_key"),
    )
    conflicting = pl.col("_versions") > 1
    is_bad = conflicting | (pl.col("_place") > 0)
    rejects = marked.filter(is_bad).with_columns(
        pl.col("_key").alias("value"),
        pl.when(conflicting)
        .then(
            pl.format(
                "{} rows share this key and contradict each other (the first is row {}):"
                " none is loaded",
                "_rows",
                "_first_row",
            )
        )
        .otherwise(pl.format("repeats row {} exactly: kept once", "_first_row"))
        .alias("reason"),
    )
    # A repeated line of a wide file repeats every cell: one reject is enough.
    place = [column for column in lineage if column != "column_name"]
    repeats = rejects.filter(~conflicting).unique(place, keep="first", maintain_order=True)
    listed = pl.concat([rejects.filter(conflicting), repeats]).select(*lineage, "value", "reason")
    return marked.filter(~is_bad).select(frame.columns), listed


def closest(value: str | None, allowed: Collection[str]) -> str:
    """A suggestion: the nearest allowed word, or the allowed words."""
    near = get_close_matches(value or "", sorted(allowed), n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    words = sorted(allowed)
    if len(words) <= 12:
        return f"allowed: {', '.join(words)}"
    return f"allowed: {', '.join(words[:8])} and {len(words) - 8} more"


def read_seed(seeds: Path, name: str, *columns: str) -> list[dict[str, str]]:
    """The rows of a reference seed, in its order; every cell is text.

    Raises:
        SnapshotError: the seed is absent, has no rows, or lacks one of `columns`.
    """
    try:
        text = (seeds / name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SnapshotError(f"seed {name}: missing from {seeds}. Restore it.") from error
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    if not rows:
        raise SnapshotError(f"seed {name}: has no rows. Restore it.")
    if not set(columns) <= set(rows[0]):
        raise SnapshotError(f"seed {name}: needs rows with the columns {', '.join(columns)}.")
    return rows


def _check_header(header: Sequence[str], columns: Sequence[str], name: str) -> None:
    missing = [column for column in columns if column not in header]
    unknown = [column for column in header if column not in columns]
    if missing:
        hint = f" (it has {', '.join(unknown)} instead)" if unknown else ""
        raise SnapshotError(
            f"{name}, line 1: column {', '.join(missing)} is missing{hint}. The layout needs"
            f" {', '.join(columns)}."
        )
    if unknown:
        raise SnapshotError(
            f"{name}, line 1: column {', '.join(unknown)} does not belong to the layout"
            f" ({', '.join(columns)}). Remove it, or write a parser for the new layout."
        )
    if len(header) != len(columns):
        twice = sorted({column for column in header if list(header).count(column) > 1})
        raise SnapshotError(f"{name}, line 1: column {', '.join(twice)} appears twice.")


def _excerpt(text: str) -> str:
    return " ".join(text.split())[:120]
