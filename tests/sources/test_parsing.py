"""Cells that become checked values, and those that are rejected."""

from __future__ import annotations

import re

import polars as pl
import pytest
from sources.source_files import numbers_in

from dagster_project.sources.parsing import (
    Check,
    checked_numbers,
    closest,
    reject_duplicates,
    reject_faulty,
)

COLUMNS = ("code", "value")


@pytest.mark.parametrize("text", ["1.5e3", "1,234", "n/a", "1.2345678", " 1", "\u0661", "--1", "."])
def test_text_that_is_no_plain_number_is_rejected_not_guessed(text: str) -> None:
    cells = pl.DataFrame({"row_number": [2, 3], "column_name": "v", "text": ["7.5", text]})
    good, rejects = checked_numbers(cells, text="text", value="value", precision=20, scale=6)
    assert good["row_number"].to_list() == [2]
    # The decimals that may be written.
    assert [(*row, numbers_in(reason)) for *row, reason in rejects.rows()] == [
        (3, "v", text, ["6"])
    ]


def test_a_negative_trade_value_is_rejected() -> None:
    cells = pl.DataFrame({"row_number": [2], "column_name": "v", "text": ["-1"]})
    good, rejects = checked_numbers(cells, text="text", value="value", precision=20, scale=0)
    assert good.is_empty()
    # The text is a number, so no form is prescribed.
    assert [(*row, numbers_in(reason)) for *row, reason in rejects.rows()] == [(2, "v", "-1", [])]


def test_repeated_rows_are_kept_once_and_contradicting_rows_not_at_all() -> None:
    frame = pl.DataFrame(
        [(2, "a", 1), (3, "b", 1), (4, "a", 1), (5, "b", 2), (6, "c", 1)],
        schema=["row_number", "key", "value"],
        orient="row",
    )
    kept, rejects = reject_duplicates(frame, ["key"], ["row_number"])
    assert kept.rows() == [(2, "a", 1), (6, "c", 1)]
    # The rows of one key and the first of them, or the row that is repeated.
    assert sorted((*row, numbers_in(reason)) for *row, reason in rejects.rows()) == [
        (3, "b", ["2", "3"]),
        (4, "a", ["2"]),
        (5, "b", ["2", "3"]),
    ]


def test_the_nearest_word_is_offered() -> None:
    known = {"deficit", "surplus"}
    assert known & set(re.findall(r"\w+", closest("defict", known))) == {"deficit"}
    assert known & set(re.findall(r"\w+", closest("zzz", known))) == known


@pytest.mark.parametrize(
    ("value", "allowed", "meant"),
    [
        ("DEFICIT", ("deficit", "exports"), "deficit"),
        ("usd bn", ("USD bn", "USD tn"), "USD bn"),
        # Another code, another number: no misspelling.
        ("WLF", ("WLD", "WLS"), None),
        ("all", ("ALB", "ALL"), "ALL"),
        ("hs3", ("hs2", "hs4"), None),
        ("census:0015", ("census:0016", "census:0025"), None),
    ],
)
def test_a_suggestion_is_a_misspelling_and_no_other_code(
    value: str, allowed: tuple[str, ...], meant: str | None
) -> None:
    words = closest(value, allowed)
    assert words == (f"perhaps {meant}" if meant else f"allowed: {', '.join(allowed)}")
    assert not words.endswith(("?", "."))


@pytest.mark.parametrize("first", ["y", "x", None])
@pytest.mark.parametrize("second", ["y", "x", None])
def test_a_fault_is_found_whether_or_not_all_rows_share_it(
    first: str | None, second: str | None
) -> None:
    """Checks of a column that is the same throughout look at one row, and reject them all."""
    cells = pl.DataFrame(
        {"row_number": [2, 3], "flag": pl.Series([first, second], dtype=pl.String)}
    )
    reasons = {"x": "an x", None: "the field is empty"}
    checks = [
        Check(pl.col("flag").eq_missing(pl.lit(flag, pl.String)), "flag", reason)
        for flag, reason in reasons.items()
    ]
    kept, rejects = reject_faulty(cells, checks)
    given = [(2, first), (3, second)]
    assert kept.rows() == [row for row in given if row[1] == "y"]
    assert sorted(
        row for _, bad in rejects for row in bad.select("row_number", "reason").rows()
    ) == [(place, reasons[flag]) for place, flag in given if flag in reasons]
