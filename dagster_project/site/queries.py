"""Queries of the pages: each is a file in `sql/` and runs exactly as shown on a page.

A file whose rows a page shows starts with a header, a comment in TOML: what the page writes around
the rows. Its keys are described at `PageContext.figure`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from dagster_project.sandbox.connection import Sandbox
from dagster_project.settings import Settings

_QUERIES = Path(__file__).with_name("sql")
_HEADER = re.compile(r"\{#(.*?)#\}", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """The rows of one query, with its text, and its name and values if it is a file of `sql/`."""

    sql: str
    columns: tuple[str, ...]
    rows: list[dict[str, Any]] = field(repr=False)
    query: str = ""
    values: Mapping[str, object] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.rows)

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]


class Marts:
    """The published warehouse, read-only, for the queries of the pages.

    Use as a context manager: the opened file stays open, so all pages of a site come from one
    publication.
    """

    def __init__(self, settings: Settings) -> None:
        """Open the published warehouse.

        Raises:
            WarehouseMissing: nothing has been published under this data home.
        """
        self._sandbox = Sandbox(settings)

    def __enter__(self) -> Marts:
        return self

    def __exit__(self, *_: object) -> None:
        self._sandbox.close()

    def ask(self, query: str, **values: object) -> Answer:
        """Run `sql/<query>.sql` with the given values.

        Raises:
            QueryRefused: the published warehouse lacks a table or column of the query.
        """
        answer = self.run(filled(query, values))
        return replace(answer, query=query, values=values)

    def run(self, sql: str) -> Answer:
        """Run a query unchanged, for example one shown on a page."""
        result = self._sandbox.execute(sql)
        columns = tuple(column[0] for column in result.description or ())
        rows = [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
        return Answer(sql, columns, rows)


def filled(query: str, values: Mapping[str, object]) -> str:
    """The text of a query with each value as a literal.

    Raises:
        jinja2.UndefinedError: a value of the query is missing.
    """
    return _environment().get_template(f"{query}.sql").render(values).strip()


@cache
def header_of(query: str) -> Mapping[str, Any]:
    """The header of a query: lists of columns, and texts as templates."""
    found = _HEADER.match((_QUERIES / f"{query}.sql").read_text(encoding="utf-8"))
    header = tomllib.loads(found[1]) if found else {}
    texts = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    return {
        key: value if isinstance(value, list) else texts.from_string(" ".join(value.split()))
        for key, value in header.items()
    }


def literal(value: object) -> str:
    """A value as an SQL literal; text is quoted, so no value can become a statement."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, Sequence):
        return f"[{', '.join(literal(one) for one in value)}]"
    raise TypeError(f"{type(value).__name__} has no literal in SQL.")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_QUERIES),
        finalize=literal,
        undefined=jinja2.StrictUndefined,
        # The output is SQL, which `literal` quotes.
        autoescape=False,
        keep_trailing_newline=True,
    )
