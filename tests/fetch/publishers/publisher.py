"""The interface of replayed publishers: rows for a request, and their own kinds of error."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, Literal
from urllib.parse import urlencode

import polars as pl
from fetch.publishers.world import World

from dagster_project.sources.connector import Selection

Row = tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived; names of headers are in lower case.

    `turn` counts how often the same was asked, from 1: what a publisher prints of its own
    clock and machines differs by it.
    """

    method: str
    path: str
    parameters: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    turn: int = 1

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.parameters if key == name]

    def one(self, name: str) -> str | None:
        values = self.all(name)
        return values[0] if values else None

    def listed(self, name: str) -> list[str] | None:
        """The values of a parameter that takes a list with commas; none where it is absent."""
        text = self.one(name)
        return text.split(",") if text else None


@dataclass(frozen=True)
class Answer:
    content_type: str
    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


class Wrong(Exception):
    """The publisher rejects the request; carries what it answers."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body[:200])
        self.answer = answer


@dataclass(frozen=True)
class KeyPlace:
    """Where a publisher looks for its key, and whether it answers without one."""

    place: Literal["query", "header", "bearer"]
    name: str
    is_required: bool


def years(first: int, last: int, **rest: Any) -> Selection:
    """A selection of whole years."""
    return Selection(date(first, 1, 1), date(last, 12, 1), **rest)


@dataclass(frozen=True)
class Case:
    """A selection; `is_large` where its plan has hundreds of requests."""

    selection: Selection
    has_key: bool = True
    is_large: bool = False


class Publisher(ABC):
    """One publisher; stateless, so that the same request in the same world has one answer."""

    source_id: ClassVar[str]
    # The beginnings of its paths, by which the server knows whom a request is for.
    paths: ClassVar[tuple[str, ...]]
    key_place: ClassVar[KeyPlace | None]

    @abstractmethod
    def rows(self, asked: Asked, world: World) -> list[Row]:
        """The rows that answer a request, header apart.

        Raises:
            Wrong: the request is none that the publisher takes.
        """

    @abstractmethod
    def render(self, asked: Asked, rows: list[Row], world: World, *, is_changed: bool) -> Answer:
        """Rows in the publisher's form; `is_changed` names one column otherwise."""

    @abstractmethod
    def overload(self, asked: Asked) -> Answer:
        """How the publisher says inside a good status that it cannot answer now."""

    @abstractmethod
    def unknown(self, asked: Asked) -> Answer:
        """How the publisher refuses a variable or code that it does not know."""

    @abstractmethod
    def bad_key(self, asked: Asked) -> Answer:
        """How the publisher refuses a key."""

    @abstractmethod
    def cases(self) -> tuple[Case, ...]:
        """Selections that together make up the thousand requests of the suite."""

    @abstractmethod
    def truth(self, case: Case, world: World) -> dict[str, pl.DataFrame]:
        """By raw table, all rows that a fetch of the case must bring, in some of its columns."""

    def key_of(self, asked: Asked) -> str | None:
        place = self.key_place
        if place is None:
            return None
        if place.place == "query":
            return asked.one(place.name)
        if place.place == "header":
            return asked.headers.get(place.name.lower())
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        return token if scheme == "Bearer" else None

    def identity(self, asked: Asked) -> str:
        """The request without its key: equal for two sendings of one request."""
        secret = self.key_place.name if self.key_place else None
        kept = [pair for pair in asked.parameters if pair[0] != secret]
        body = asked.body.decode("utf-8", "replace")
        return " ".join(
            part for part in (asked.method, f"{asked.path}?{urlencode(kept)}", body) if part
        )


def html(title: str, text: str) -> bytes:
    return f"<html><head><title>{title}</title></head><body>{text}</body></html>".encode()
