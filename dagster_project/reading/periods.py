"""Spans of months, and the meaning of time phrases on the publication date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dagster_project.reading.grammar import ANY_OFFICE, Office
from dagster_project.reading.phrases import Match
from dagster_project.reading.tokens import Token
from dagster_project.sources.periods import CALENDAR_YEAR, FiscalYear, in_months

# Annual figures are published in February of the next year.
_ANNUAL_DAY = (2, 10)


@dataclass(frozen=True, order=True)
class Span:
    """Whole months, both ends included; a month is counted as year * 12 + month - 1."""

    first: int
    last: int

    @classmethod
    def of_year(cls, year: int) -> Span:
        return cls(year * 12, year * 12 + 11)

    @classmethod
    def of_months(cls, year: int, first: int, last: int) -> Span:
        return cls(year * 12 + first - 1, year * 12 + last - 1)

    @classmethod
    def read(cls, text: str) -> Span:
        """Read 2016 or 2016-01/2016-11, as `in_months` returns it."""
        first, _, last = text.partition("/")
        if not last:
            return cls.of_year(int(first))
        return cls(*(int(one[:4]) * 12 + int(one[5:]) - 1 for one in (first, last)))

    def moved(self, months: int) -> Span:
        return Span(self.first + months, self.last + months)

    @property
    def year(self) -> int:
        return self.last // 12

    @property
    def months(self) -> int:
        """How many months it has."""
        return self.last - self.first + 1

    @property
    def is_year(self) -> bool:
        return self.first % 12 == 0 and self.last == self.first + 11

    def __str__(self) -> str:
        """The span as in a claims file: 2016, 2016-11 or 2016-01/2016-11."""
        if self.is_year:
            return f"{self.first // 12}"
        first, last = (f"{one // 12}-{one % 12 + 1:02}" for one in (self.first, self.last))
        return first if first == last else f"{first}/{last}"


# The kinds of time phrase: a period, a period before the current one, a base to compare with, a
# span with its base, the current period again, or nothing.
PERIOD, EARLIER, BASE, RANGE, THAT, NOTHING = (
    "period",
    "earlier",
    "base",
    "range",
    "that",
    "nothing",
)


@dataclass
class Time:
    """A time phrase in tokens `start` to `end`.

    `span` is the period, or the end of a range whose start is `base`. An earlier period is `months`
    before the current one or, with a `year`, the same months of that year. `others` are other
    readings. `is_event` says that an event sets the base.
    """

    start: int
    end: int
    kind: str
    span: Span | None = None
    base: Span | None = None
    months: int = 0
    year: int | None = None
    others: tuple[Span, ...] = ()
    rule: str = ""
    is_event: bool = False
    is_latest: bool = False

    def earlier_than(self, span: Span) -> Span:
        if self.year is not None:
            return span.moved((self.year - span.year) * 12)
        return span.moved(-self.months)


def latest_year(day: date) -> Span:
    """The last year whose annual figures had been published by a day."""
    is_out = (day.month, day.day) >= _ANNUAL_DAY
    return Span.of_year(day.year - (1 if is_out else 2))


def read_time(
    match: Match,
    found: Sequence[Token],
    day: date,
    near: Span | None,
    fiscal_year: FiscalYear = CALENDAR_YEAR,
    office: Office = ANY_OFFICE,
) -> Time:
    """The meaning of a time phrase.

    Args:
        match: a phrase of the table `periods`.
        found: the tokens of its sentence.
        day: the publication date.
        near: the period that the text mentioned last, for a month without a year.
        fiscal_year: the fiscal year of the current reporter.
        office: what its statistical office usually means.
    """
    rule = match.value["rule"]
    time = Time(match.start, match.end, NOTHING, rule=rule)
    years, months = match.slots.get("year", []), match.slots.get("month", [])
    counts = match.slots.get("count", []) + match.slots.get("number", [])
    year = years[0] if years else None
    words = [token.word for token in found[match.start : match.end]]
    time.kind = PERIOD
    if rule == "year" and year:
        time.span = Span.of_year(year)
    elif rule.startswith("month_quarter"):
        time.span = _months(rule, years, months, day, near)
        time.span = Span(time.span.last - 2, time.span.last) if time.span else None
    elif rule.startswith("month") and rule != "month_earlier":
        time.span = _months(rule, years, months, day, near)
    elif rule.startswith("first_months"):
        year = day.year if "this" in words else year
        time.span = _year_to(counts[0], _year_of(rule, year, day, near, counts[0]))
    elif rule == "year_to":
        time.span = _year_to(months[0], year or _last(months[0], day, near))
    elif rule == "year_through" and year:
        time.span = _year_to(months[0], year)
    elif rule in ("year_to_open", "twelve_months", "last_months"):
        end = (year or _last(months[0], day, near)) * 12 + months[0] - 1
        count = counts[0] if rule == "last_months" and counts else 12
        whole = Span(end - count + 1, end)
        time.span = whole
        if rule == "year_to_open" and months[0] < 12:
            part = _year_to(months[0], end // 12)
            time.span, time.others = (whole, (part,)) if office.is_annual else (part, (whole,))
    elif rule.startswith("half") or rule.startswith("quarter"):
        time.span = _part_of_year(rule, words, counts, year, day, near)
    elif rule == "fiscal" and year is None and near and near.months == 12 and not near.is_year:
        time.span = near
    elif rule == "fiscal":
        time.span = Span.read(in_months(f"FY{year or day.year - 1}", fiscal_year))
    elif rule == "fiscal_pair" and year and counts[0] == (year + 1) % 100:
        is_said = bool({"fiscal", "financial", "fy"} & set(words))
        if not is_said and not office.has_year_pairs:
            time.kind = RANGE
            time.base, time.span = Span.of_year(year), Span.of_year(year + 1)
        elif fiscal_year == CALENDAR_YEAR:
            time.kind = NOTHING
        else:
            time.span = Span.read(in_months(f"FY{year}-{year + 1}", fiscal_year))
    elif rule == "fiscal_short" and counts:
        time.span = Span.read(in_months(f"FY{2000 + counts[0]}", fiscal_year))
    elif rule == "fiscal_months":
        time.span = _months_of_fiscal_year(year, counts[0], months, fiscal_year)
    elif rule == "past_years":
        time.kind, time.months = EARLIER, 12 * (counts[0] if counts else 10)
    elif rule == "past_decades":
        time.kind, time.months = EARLIER, 120 * counts[0]
    elif rule == "last_year":
        time.span = Span.of_year(day.year - 1)
    elif rule == "this_year":
        is_near = near and near.year == day.year and not near.is_year
        time.span = near if is_near else Span.of_year(day.year)
    elif rule == "year_to_date":
        # Monthly figures come out five weeks after the month.
        last = near.last if near and not near.is_year else day.year * 12 + day.month - 3
        time.span = Span(last // 12 * 12, last)
    elif rule == "last_month":
        month = day.year * 12 + day.month - 2
        time.span = Span(month, month)
    elif rule == "the_year" and near:
        time.kind = NOTHING
    elif rule in ("that_year", "that_month", "that_period", "the_month"):
        time.kind = THAT
    elif rule == "latest":
        time.span, time.is_latest = latest_year(day), True
    elif rule in ("year_earlier", "same_period_year_earlier"):
        time.kind, time.months = EARLIER, 12
    elif rule == "month_earlier":
        time.kind, time.months = EARLIER, 1
    elif rule == "earlier_months":
        time.kind, time.months = EARLIER, counts[0]
    elif rule in ("decade_earlier", "years_earlier"):
        time.kind, time.months = EARLIER, 12 * (counts[0] if counts else 10)
    elif rule == "years_later":
        time.kind, time.months = EARLIER, -12 * counts[0]
    elif rule == "same_period_of_year":
        time.kind, time.year = EARLIER, year
    elif rule == "span" and len(years) == 2 and years[0] < years[1]:
        time.kind = RANGE
        time.base, time.span = Span.of_year(years[0]), Span.of_year(years[1])
    elif rule == "two_years":
        time.span = Span.of_year(years[-1])
    elif rule in ("since_year", "base_year") and year:
        time.kind, time.base = BASE, Span.of_year(year)
        if months:
            time.base = Span.of_months(year, months[0], months[0])
    elif rule in ("since_month", "base_month_year") and year:
        time.kind, time.base = BASE, Span.of_months(year, months[0], months[0])
    elif rule == "base_month":
        year = year or _last(months[0], day, near)
        time.kind, time.base = BASE, Span.of_months(year, months[0], months[0])
    else:
        time.kind = NOTHING
    return time


def read_event(match: Match, event_month: str) -> Time:
    """A base set by an event: the last full year before it took effect.

    If the text dates the event by a year alone, that year is the first reading. If it does not date
    the event, `event_month` does: YYYY-MM, or empty if the month is not known.
    """
    rule = match.value["rule"]
    time = Time(match.start, match.end, NOTHING, rule=rule, is_event=True)
    years, months = match.slots.get("year", []), match.slots.get("month", [])
    if rule == "when_event" and years:
        time.kind, time.span = PERIOD, Span.of_year(years[0])
        return time
    if rule == "before_event" and event_month:
        time.kind, time.span = PERIOD, Span.of_year(int(event_month[:4]) - 1)
        return time
    if rule not in ("since_event", "since_event_month"):
        return time
    year = years[0] if years else int(event_month[:4]) if event_month else None
    if year is None:
        time.kind = THAT
        return time
    before, same = Span.of_year(year - 1), Span.of_year(year)
    is_year_alone = bool(years) and not months
    time.kind = BASE
    time.base, time.others = (same, (before,)) if is_year_alone else (before, (same,))
    return time


def _months(
    rule: str, years: list[int], months: list[int], day: date, near: Span | None
) -> Span | None:
    first, last = months[0], months[-1]
    if rule == "months_of_years":
        return Span(years[0] * 12 + first - 1, years[-1] * 12 + last - 1)
    if rule.endswith("last_year"):
        year = day.year - 1
    elif rule.endswith("this_year"):
        year = day.year
    else:
        year = years[-1] if years else _last(last, day, near)
    if last < first:
        return Span((year - 1) * 12 + first - 1, year * 12 + last - 1)
    return Span.of_months(year, first, last)


def _months_of_fiscal_year(
    year: int | None, number: int, months: list[int], fiscal_year: FiscalYear
) -> Span:
    """Months within a fiscal year: 2021-22 (April-February), FY22 (April-February)."""
    name = f"FY{year}-{year + 1}" if year else f"FY{2000 + number}"
    whole = Span.read(in_months(name, fiscal_year))
    first, last = (whole.first + (month - 1 - whole.first) % 12 for month in months)
    return Span(first, last)


def _last(month: int, day: date, near: Span | None) -> int:
    """The year of a month named alone: the latest such month over by the publication date."""
    year = day.year if month < day.month else day.year - 1
    return near.year if near is not None and near.year < year - 1 else year


def _year_of(rule: str, year: int | None, day: date, near: Span | None, months: int) -> int:
    if year is not None:
        return year
    if rule.endswith("last_year"):
        return day.year - 1
    if near is not None:
        return near.year
    return day.year if months < day.month else day.year - 1


def _year_to(months: int, year: int) -> Span:
    return Span.of_months(year, 1, min(max(months, 1), 12))


def _part_of_year(
    rule: str, words: list[str], counts: list[int], year: int | None, day: date, near: Span | None
) -> Span | None:
    names = {"first": 1, "second": 2, "third": 3, "fourth": 4}
    number = next((names[word] for word in words if word in names), counts[0] if counts else 0)
    length = 6 if rule.startswith("half") else 3
    if not 1 <= number <= 12 // length:
        return None
    year = day.year if "this" in words else _year_of(rule, year, day, near, number * length)
    return Span.of_months(year, (number - 1) * length + 1, number * length)
