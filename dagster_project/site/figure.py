"""A figure of a page: picture, words, rows and their query."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, field

from dagster_project.display import write_csv
from dagster_project.site.numbers import is_number, raw
from dagster_project.site.queries import Answer


@dataclass(frozen=True)
class Picture:
    """One drawing as SVG, or one for wide screens and one for phones.

    `summary` is the alternative text: the content of the picture, made from data.
    """

    summary: str
    wide: str
    narrow: str | None = None
    # Series in the order of the legend.
    legend: tuple[LegendEntry, ...] = ()


@dataclass(frozen=True)
class LegendEntry:
    """A series of a picture: the name that its marks start with, its style, its description."""

    name: str
    style: int
    note: str = ""


@dataclass(frozen=True)
class Basis:
    """The basis of the numbers in a figure, as written under it."""

    basis: str
    release: str
    source: str
    # The terms that forbid redistribution of its rows; none where it is allowed.
    terms: str | None = None


@dataclass(frozen=True)
class Figure:
    """A chart or table with its title, unit, basis, rows as CSV, and query.

    `id` is the anchor in the page and part of the name of the CSV file. `columns` are those
    shown in the table, in order; the CSV file has all of them.
    """

    id: str
    title: str
    unit: str
    basis: Basis
    answer: Answer
    picture: Picture | None = None
    columns: tuple[str, ...] = ()
    # Shown instead of a picture where there is nothing to draw.
    absence: str | None = None
    links: dict[str, str] = field(default_factory=dict)

    @property
    def shown_columns(self) -> tuple[str, ...]:
        return self.columns or self.answer.columns

    @property
    def number_columns(self) -> set[str]:
        """Right-aligned columns of the table."""
        return {
            name for name in self.shown_columns if any(map(is_number, self.answer.column(name)))
        }

    def csv(self) -> str:
        """All rows with all digits."""
        text = io.StringIO()
        write_csv(self.answer.columns, map(raw, self.answer.rows), text)
        return text.getvalue()


def together(texts: Iterable[str | None], none: str = "none") -> str:
    """Distinct texts in order, for example releases of rows."""
    return "; ".join(dict.fromkeys(text for text in texts if text)) or none
