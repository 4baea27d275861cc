"""Tests of periods as people write them."""

from __future__ import annotations

import pytest

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.claim_vocabulary import vocabulary_from_seeds
from dagster_project.sources.periods import CALENDAR_YEAR, in_months

WORDS = vocabulary_from_seeds(PROJECT_ROOT / "dbt" / "seeds")


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("2016", "2016"),
        ("2016.0", "2016"),
        ("2016Q1", "2016-01/2016-03"),
        ("2016-q4", "2016-10/2016-12"),
        ("Q2 2016", "2016-04/2016-06"),
        ("2016H1", "2016-01/2016-06"),
        ("H2 2016", "2016-07/2016-12"),
        ("2012/2016", "2012-01/2016-12"),
        ("12 months to 2016-06", "2015-07/2016-06"),
        ("Twelve months to 2016-12", "2016"),
        ("2015-07 / 2016-06", "2015-07/2016-06"),
        # No periods: what they mean is for the reader to ask.
        ("2016Q5", "2016Q5"),
        ("2016H3", "2016H3"),
        ("2015/16", "2015/16"),
        ("FY2016", "FY2016"),
        ("12 months to 2016-13", "12 months to 2016-13"),
        ("last year", "last year"),
        ("", ""),
    ],
)
def test_a_period_is_read_as_its_months(text: str, months: str) -> None:
    assert in_months(text) == months


@pytest.mark.parametrize(
    ("reporter", "text", "months"),
    [
        ("USA", "FY2016", "2015-10/2016-09"),
        ("JPN", "FY2016", "2016-04/2017-03"),
        ("GBR", "FY2016/17", "2016-04/2017-03"),
        ("IND", "fy 2016", "2015-04/2016-03"),
        ("IND", "FY2015-16", "2015-04/2016-03"),
        ("JPN", "FY2015-17", "FY2015-17"),
        ("JPN", "FY2015/2016", "2015-04/2016-03"),
        ("JPN", "FY2015/2116", "FY2015/2116"),
    ],
)
def test_a_fiscal_year_is_that_of_the_reporter(reporter: str, text: str, months: str) -> None:
    assert in_months(text, WORDS.fiscal_years[reporter]) == months


def test_a_reporter_without_a_fiscal_year_of_its_own_counts_calendar_years() -> None:
    assert "KOR" not in WORDS.fiscal_years
    assert in_months("FY2016", CALENDAR_YEAR) == "2016"
    assert in_months("FY2015-16", CALENDAR_YEAR) == "FY2015-16"
