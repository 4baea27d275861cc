"""Convert command-line options to a selection from a source, and back."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, timedelta

from dagster_project.cli.app import Flow, Frequency
from dagster_project.questions.words import InputError, Period, find_country, read_period
from dagster_project.settings import Settings
from dagster_project.sources.connector import Selection
from dagster_project.sources.place_names import Country, countries_by_word

EVERY_PARTNER = "all"
_WORLD = Country("WLD", "World")


def read_selection(
    settings: Settings,
    today: date,
    *,
    reporters: Sequence[str] = (),
    partners: Sequence[str] = (),
    first: str | None = None,
    last: str | None = None,
    level: str = "total",
    products: Sequence[str] = (),
    flows: Sequence[Flow] = (),
    frequency: Frequency = Frequency.months,
) -> Selection:
    """Read the selection to fetch from a source.

    The last month defaults to the last completed month, or year for annual data. The first month
    defaults to January of the year before that.

    Raises:
        InputError: an unknown country or month, or an end before the start.
    """
    end = _last_over(today, frequency) if last is None else _last(last, today, frequency)
    start = date(end.year - 1, 1, 1) if first is None else _months(first, "--from").start
    if start > end:
        raise InputError(f"--from: {start:%Y-%m} is after --to, {end:%Y-%m}.")
    seed = (settings.seeds / "country_list.csv").read_text(encoding="utf-8")
    known = countries_by_word(csv.DictReader(io.StringIO(seed)))
    wanted = {one.strip().casefold() for one in partners}
    if EVERY_PARTNER in wanted and len(wanted) > 1:
        raise InputError(f"--partner: {EVERY_PARTNER} cannot be combined with other partners.")
    every = not wanted or EVERY_PARTNER in wanted
    places = known | {"wld": _WORLD, "world": _WORLD}
    return Selection(
        first=start,
        last=end.replace(day=1),
        reporters=_codes(reporters, known, "--reporter"),
        partners=() if every else _codes(partners, places, "--partner"),
        level=level.strip().lower(),
        products=tuple(dict.fromkeys(products)),
        flows=tuple(flow.value for flow in dict.fromkeys(flows or Flow)),
        frequency=frequency.value,
    )


def _codes(words: Sequence[str], known: dict[str, Country], where: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(find_country(word, known, where).code for word in words))


def _months(text: str, where: str) -> Period:
    if "/" in text:
        raise InputError(f"{where}: {text!r} is two periods. Write 2016 or 2016-11.")
    return read_period(text, where)


def _last(text: str, today: date, frequency: Frequency) -> date:
    """The last day of the selection; later months of the current year are excluded."""
    months = _months(text, "--to")
    if months.start > today:
        raise InputError(f"--to: {text} has not begun yet. Omit --to for the latest.")
    return months.end if frequency is Frequency.years else min(months.end, today)


def _last_over(today: date, frequency: Frequency) -> date:
    if frequency is Frequency.years:
        return date(today.year - 1, 12, 31)
    return today.replace(day=1) - timedelta(days=1)
