"""Converts periods as people write them into the months that claims store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FORMS = "YYYY, YYYY-MM, YYYY-MM/YYYY-MM, YYYY/YYYY, YYYYQ1, YYYYH1, FYYYYY or 12 months to YYYY-MM"

_YEAR = r"(?P<year>[0-9]{4})"
_PART = re.compile(
    rf"(?:{_YEAR}[ -]?(?P<part>[qh][1-4])|(?P<part2>[qh][1-4])[ -]?(?P<year2>[0-9]{{4}}))"
)
_YEARS = re.compile(r"(?P<first>[0-9]{4})/(?P<last>[0-9]{4})")
_FISCAL = re.compile(rf"fy ?{_YEAR}(?:[-/](?P<next>[0-9]{{2}}|[0-9]{{4}}))?")
_TWELVE_MONTHS = re.compile(rf"(?:12|twelve) months to {_YEAR}-(?P<month>0[1-9]|1[0-2])")
# A spreadsheet writes a year as a number: 2015.0.
_NUMBER = re.compile(rf"{_YEAR}\.0+")


@dataclass(frozen=True)
class FiscalYear:
    """A fiscal year; `is_named_after_its_end` if its name is the calendar year in which it ends."""

    first_month: int = 1
    is_named_after_its_end: bool = True


CALENDAR_YEAR = FiscalYear()
FISCAL_YEAR_COLUMNS = ("reporter_iso3", "first_month", "named_after")


def fiscal_years(rows: Iterable[Mapping[str, object]]) -> dict[str, FiscalYear]:
    """The fiscal year of each country in the seed `fiscal_years`; others use the calendar year."""
    return {
        str(row["reporter_iso3"]): FiscalYear(
            int(str(row["first_month"])), row["named_after"] == "last"
        )
        for row in rows
    }


def in_months(text: str, fiscal_year: FiscalYear | None = None) -> str:
    """A period as YYYY, YYYY-MM or YYYY-MM/YYYY-MM; any other text is returned unchanged.

    Args:
        text: for example 2016Q1, 2016-H1, 2012/2016, FY2016, FY2015-16 or 12 months to 2016-06.
        fiscal_year: the fiscal year that FY means; without one, FY2016 is not read.
    """
    plain = re.sub(r"\s*/\s*", "/", " ".join(text.casefold().split()))
    if found := _NUMBER.fullmatch(plain):
        return found["year"]
    if found := _PART.fullmatch(plain):
        return _part(int(found["year"] or found["year2"]), found["part"] or found["part2"]) or text
    if found := _YEARS.fullmatch(plain):
        return f"{found['first']}-01/{found['last']}-12"
    if found := _TWELVE_MONTHS.fullmatch(plain):
        return _twelve_months_to(int(found["year"]), int(found["month"]))
    if fiscal_year and (found := _FISCAL.fullmatch(plain)):
        return _fiscal(found.groupdict(), fiscal_year) or text
    return re.sub(r"\s*/\s*", "/", text)


def _part(year: int, part: str) -> str | None:
    """The months of a quarter or half-year; None if the year has no such part, as for H3."""
    number, months = int(part[1]), 3 if part[0] == "q" else 6
    last = number * months
    return f"{year}-{last - months + 1:02}/{year}-{last:02}" if last <= 12 else None


def _twelve_months_to(year: int, month: int) -> str:
    if month == 12:
        return f"{year}"
    return f"{year - 1}-{month + 1:02}/{year}-{month:02}"


def _fiscal(found: Mapping[str, str | None], fiscal_year: FiscalYear) -> str | None:
    """The months of FY2016 or FY2015-16; None if the second year does not follow the first."""
    year = int(str(found["year"]))
    last = year if fiscal_year.is_named_after_its_end else year + 1
    if following := found["next"]:
        last = year + 1
        if int(following) % 100 != last % 100 or (len(following) == 4 and int(following) != last):
            return None
    if fiscal_year.first_month == 1:
        # A calendar year has no second year.
        return None if found["next"] else f"{year}"
    return _twelve_months_to(last, fiscal_year.first_month - 1)
