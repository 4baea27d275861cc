"""Product codes of UN Comtrade: lost zeros, and the codes that can be published."""

from __future__ import annotations

import polars as pl

from dagster_project.sources.parsing import Check

TOTAL = "TOTAL"
# Classification → form of its product codes. Those of the Harmonized System have two, four or six
# digits and begin with a chapter, which is never 00; at six, AA is what belongs to no product.
_CLASSIFICATIONS = {
    r"^H[0-9S]$": r"^(0[1-9]|[1-9][0-9])([0-9]{2}([0-9]{2}|AA)?)?$",
    r"^S[0-9S]$": r"^[0-9A-Z]{1,5}$",
    r"^B[0-9E]$": r"^[0-9A-Z]{1,4}$",
    r"^EB": r"^[0-9A-Za-z.+_-]+$",
}
# Those whose codes begin with zeros, and have as many digits as their level.
_WITH_ZEROS = r"^[HS]"


def with_zeros() -> pl.Expr:
    """Product codes with the zeros at their beginning, which spreadsheets remove.

    The level of a row is the number of its digits. Where it is not given, a code of the Harmonized
    System with an odd number of digits has lost one zero.
    """
    code, edition = pl.col("cmd_code"), pl.col("classification_code")
    is_hs, is_sitc = edition.str.starts_with("H"), edition.str.starts_with("S")
    length = code.str.len_bytes().cast(pl.Int32)
    digits = pl.coalesce(_level(), pl.when(is_hs & length.is_in([1, 3, 5])).then(length + 1))
    # No chapter is 00, while sections and divisions of the SITC are 0 and 00.
    has_lost_one = is_hs & (length + 1 == digits) & code.str.contains("^[1-9][0-9]*$")
    has_lost_some = is_sitc & (length < digits) & code.str.contains("^[0-9]+$")
    return pl.when(has_lost_one | has_lost_some).then(code.str.zfill(digits)).otherwise(code)


def _level() -> pl.Expr:
    """The level of products that a row states: null where there is none."""
    level = pl.col("aggr_level").cast(pl.Int32, strict=False)
    return pl.when(level.is_between(1, 6)).then(level)


def checks_of_products() -> list[Check]:
    """Only codes of a known classification and level can be published."""
    code, edition = pl.col("cmd_code"), pl.col("classification_code")
    is_known = pl.any_horizontal(edition.str.contains(form) for form in _CLASSIFICATIONS)
    forms = [
        edition.str.contains(classification) & code.str.contains(form)
        for classification, form in _CLASSIFICATIONS.items()
    ]
    is_total = code == TOTAL
    is_of_level = (
        (code.str.len_bytes() == _level()).fill_null(True)
        | ~edition.str.contains(_WITH_ZEROS)
        | ~code.str.contains("^[0-9]+$")
    )
    return [
        Check(
            ~is_known,
            "classification_code",
            "unknown classification: H is the Harmonized System, S SITC, B BEC, EB EBOPS, each with"
            " the number of its edition",
        ),
        Check(
            ~(is_total | pl.any_horizontal(forms)),
            "cmd_code",
            "not a product code of its classification: codes of the Harmonized System have two,"
            " four or six digits. If zeros are lost, keep codes as text or import the publisher's"
            " own file",
        ),
        Check(
            ~(is_total | is_of_level),
            "cmd_code",
            pl.format("{} digits, but the row is of level {}", code.str.len_bytes(), "aggr_level"),
        ),
    ]
