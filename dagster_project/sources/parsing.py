"""Turns text cells into checked values; see `reading` for the way from bytes to cells.

A problem of one row or cell becomes a reject, and the other rows are kept.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path

import polars as pl

from dagster_project.sources.snapshot import SnapshotError

REJECT_SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "value": pl.String(),
    "reason": pl.String(),
}

# Digits; no figure has more, and converting more of them is slow.
LONGEST_NUMBER = 400

# Words as short as this are codes: with another letter they mean another thing.
_LONGEST_CODE = 3

PERIOD_PATTERN = r"^[0-9]{4}(-(0[1-9]|1[0-2])(/[0-9]{4}-(0[1-9]|1[0-2]))?)?$"

# The last month of a row, for tables with years and months in columns of numbers.
LAST_MONTH = pl.format("{}-{}", pl.col("year"), pl.col("last_month").cast(pl.String).str.zfill(2))


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
    """A suggestion: the word of which the value is a misspelling, or the allowed words.

    Letters count in any case. A code of up to three letters, or one with other digits, is another
    code and no misspelling.
    """
    text = value or ""
    words = sorted(allowed)
    near = get_close_matches(text.casefold(), [word.casefold() for word in words], n=1, cutoff=0.6)
    for word in words:
        if word.casefold() in near and (
            word.casefold() == text.casefold()
            or (min(len(word), len(text)) > _LONGEST_CODE and _digits(word) == _digits(text))
        ):
            return f"perhaps {word}"
    if len(words) <= 12:
        return f"allowed: {', '.join(words)}"
    return f"allowed: {', '.join(words[:8])} and {len(words) - 8} more"


def _digits(text: str) -> str:
    return "".join(one for one in text if one.isdigit())


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
