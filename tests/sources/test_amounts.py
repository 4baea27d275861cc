"""Amounts and units in the forms that people write."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dagster_project.sources.amounts import Unit, read_amount, read_unit, with_decimal_point


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("27.6", "27.6", ""),
        ("-27.60", "-27.60", ""),
        ("+3", "3", ""),
        ("\N{MINUS SIGN}367.2", "-367.2", ""),
        ("\N{EN DASH}367.2", "-367.2", ""),
        ("(367.2)", "-367.2", ""),
        ("($367.2 billion)", "-367.2", "USD bn"),
        ("$(367.2)", "-367.2", "USD"),
        ("-$367.2bn", "-367.2", "USD bn"),
        ("$-367.2", "-367.2", "USD"),
        ("367,172.9", "367172.9", ""),
        ("1,367,172", "1367172", ""),
        ("367\N{NO-BREAK SPACE}172.9", "367172.9", ""),
        ("367.2 billion US dollars", "367.2", "USD bn"),
        ("US$ 426 mln", "426", "USD mn"),
        ("€1.5 trillion", "1.5", "EUR tn"),
        ("12 per cent", "12", "pct"),
        ("12%", "12", "pct"),
        ("5 thousand", "5", "th"),
    ],
)
def test_an_amount_is_read_with_its_sign_and_unit(text: str, value: str, unit: str) -> None:
    amount = read_amount(text)
    assert amount is not None
    assert amount.unit is not None
    assert (str(amount.value), amount.unit.code) == (value, unit)
    assert amount.decimals == -Decimal(value).as_tuple().exponent
    assert amount.is_signed == (not text[0].isdigit() and text[0] not in "€U")


@pytest.mark.parametrize(
    "text",
    ["", "about 27", "27.6.1", "27,6", "12,34,567", "1e5", "--5", "-(5)", "billion", "census"],
)
def test_another_text_is_no_amount(text: str) -> None:
    assert read_amount(text) is None


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("USD bn", Unit("USD", "bn")),
        ("USD BN", Unit("USD", "bn")),
        ("USD thousand", Unit("USD", "th")),
        ("$ billion", Unit("USD", "bn")),
        ("US$bn", Unit("USD", "bn")),
        ("billions of US dollars", Unit("USD", "bn")),
        ("per cent", Unit("pct")),
        ("bn", Unit(None, "bn")),
        # A European billion may be a thousand times as much, so it is no word for one.
        ("USD bio", None),
        ("USD EUR", None),
        ("mn bn", None),
        ("% bn", None),
        ("ratio", None),
    ],
)
def test_a_unit_has_one_meaning_or_none(text: str, unit: Unit | None) -> None:
    assert read_unit(text) == unit


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("27,6", "27.6"),
        ("1.234,5", "1234.5"),
        ("1.234.567,89", "1234567.89"),
        ("367,1729", "367.1729"),
        # These may be thousands, so nothing is assumed.
        ("367,172", "367,172"),
        ("1,234,567", "1,234,567"),
        ("367,172.9", "367,172.9"),
        ("27.6", "27.6"),
    ],
)
def test_a_decimal_comma_is_read_where_it_separates_nothing_else(text: str, read: str) -> None:
    assert with_decimal_point(text) == read
