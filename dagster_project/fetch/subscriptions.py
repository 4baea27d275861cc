"""Subscriptions: the data kept up to date automatically, one line each."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal, TypeVar

from dagster_project.settings import Settings
from dagster_project.sources.catalog import CONNECTORS
from dagster_project.sources.connector import Selection
from dagster_project.sources.parsing import closest

_FILE = "subscriptions.csv"
_COLUMNS = (
    *("source_id", "reporters", "partners", "level", "products", "flows", "frequency", "first"),
)
_AREA = re.compile(r"[A-Z]{3}")
_PRODUCT = re.compile(r"[A-Za-z0-9.]+")
_MONTH = re.compile(r"((?:19|20)[0-9]{2})-(0[1-9]|1[0-2])")
_FLOWS = ("export", "import")
_FREQUENCIES: tuple[Literal["A", "M"], ...] = ("A", "M")

Word = TypeVar("Word", bound=str)


class SubscriptionError(ValueError):
    """A line that cannot be used; the message names file, line and column."""


@dataclass(frozen=True)
class Subscription:
    """One line: a selection with a first month and no last one."""

    line: int
    source_id: str
    asked: Selection

    def selection(self, first: date, last: date) -> Selection | None:
        """The selection from one month to another; None if the subscription begins later."""
        first = max(first, self.asked.first)
        return replace(self.asked, first=first, last=last) if first <= last else None

    def __str__(self) -> str:
        """The line number and enough of the line to identify it."""
        asked = self.asked
        partners = " ".join(asked.partners) or "every partner"
        return f"line {self.line}: {self.source_id}, {partners}, {asked.level}, {asked.frequency}"


def subscriptions_file(settings: Settings) -> Path:
    """The user's own file if there is one, which then replaces the shipped one."""
    own = settings.data_home / _FILE
    return own if own.is_file() else settings.project_root / "data" / _FILE


def read_subscriptions(settings: Settings) -> tuple[Subscription, ...]:
    """Every subscription, in the order of the file.

    Raises:
        SubscriptionError: the file is absent, or a line of it cannot be used.
    """
    path = subscriptions_file(settings)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SubscriptionError(
            f"{path}: missing. Restore it from the repository; a header alone means no"
            " subscriptions."
        ) from error
    except UnicodeDecodeError as error:
        raise SubscriptionError(f"{path}: not UTF-8 (byte {error.start}). Save it as UTF-8.") from (
            error
        )
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    found: dict[tuple[str, Selection], int] = {}
    try:
        header = tuple(reader.fieldnames or ())
        if sorted(header) != sorted(_COLUMNS):
            raise SubscriptionError(
                f"{path}, line 1: the columns are {', '.join(header) or 'none'}; write"
                f" {','.join(_COLUMNS)}."
            )
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            if None in row or None in row.values():
                raise SubscriptionError(f"{where}: needs {len(_COLUMNS)} cells. Correct the line.")
            first = found.setdefault(_read_line(row, where), reader.line_num)
            if first != reader.line_num:
                raise SubscriptionError(f"{where}: repeats line {first}. Remove one of them.")
    except csv.Error as error:
        raise SubscriptionError(
            f"{path}, line {reader.line_num}: {error}. Correct the line."
        ) from error
    return tuple(Subscription(line, *one) for one, line in found.items())


def _read_line(row: Mapping[str, str], where: str) -> tuple[str, Selection]:
    source_id = row["source_id"].strip()
    if source_id not in CONNECTORS:
        raise _wrong(
            where, "source_id", source_id, f"no source to fetch; {closest(source_id, CONNECTORS)}"
        )
    month = _MONTH.fullmatch(row["first"].strip())
    if month is None:
        raise _wrong(where, "first", row["first"], "write the first month as YYYY-MM")
    levels = CONNECTORS[source_id].about.levels
    (level,) = _among("level", [row["level"].strip()], levels, where)
    (frequency,) = _among("frequency", [row["frequency"].strip()], _FREQUENCIES, where)
    return source_id, Selection(
        first=date(int(month[1]), int(month[2]), 1),
        last=date.max,
        reporters=_codes(row, "reporters", _AREA, "ISO 3166 alpha-3 codes", where),
        partners=_codes(row, "partners", _AREA, "ISO 3166 alpha-3 codes, or WLD", where),
        level=level,
        products=_codes(row, "products", _PRODUCT, "product codes or their beginnings", where),
        flows=_among("flows", row["flows"].split(), _FLOWS, where) or _FLOWS,
        frequency=frequency,
    )


def _codes(
    row: Mapping[str, str], column: str, pattern: re.Pattern[str], what: str, where: str
) -> tuple[str, ...]:
    """Codes separated by spaces; an empty cell leaves the choice to the source."""
    codes = tuple(row[column].split())
    for code in codes:
        if not pattern.fullmatch(code):
            raise _wrong(where, column, code, f"write {what}, separated by spaces")
    return codes


def _among(
    column: str, words: Sequence[str], allowed: Sequence[Word], where: str
) -> tuple[Word, ...]:
    for word in words:
        if word not in allowed:
            raise _wrong(where, column, word, closest(word, allowed))
    return tuple(allowed[allowed.index(word)] for word in words)


def _wrong(where: str, column: str, value: str, what: str) -> SubscriptionError:
    return SubscriptionError(f"{where}, column {column}: {value!r}: {what}.")
