"""What a publisher's connector is made of: what is asked, the requests, what a reply was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlencode

from dagster_project.sources.snapshot import Covers


@dataclass(frozen=True)
class Selection:
    """What a user asks of a source, in the warehouse's own terms.

    `reporters` and `partners` are ISO 3166 alpha-3 codes, `WLD` for the world; empty means
    the source's own reporter, and every partner. `first` and `last` are the first days of
    the first and the last month. `level` is a product system of the observations: total,
    hs2, hs4, hs6, hs10, naics3, end_use… `products` narrows it to codes or their
    beginnings; empty means all. `frequency` is A for years, M for months.
    """

    first: date
    last: date
    reporters: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    level: str = "total"
    products: tuple[str, ...] = ()
    flows: tuple[str, ...] = ("export", "import")
    frequency: Literal["A", "M"] = "M"


@dataclass(frozen=True)
class Request:
    """One request, without its key; the client puts that in when it sends.

    `address` has no query; `parameters` keep their order. `accept` are the content types
    (without parameters) that a good reply has; empty takes any. `key_hint` is what a user can
    do where the key has no right to this address.
    """

    address: str
    parameters: tuple[tuple[str, str], ...] = ()
    method: Literal["GET", "POST"] = "GET"
    body: bytes | None = None
    accept: tuple[str, ...] = ()
    key_hint: str = ""

    @property
    def stored_address(self) -> str:
        """The address as a sidecar keeps it: it never had a key."""
        if not self.parameters:
            return self.address
        # Publishers' own examples leave these unescaped, and so do their replies.
        return f"{self.address}?{urlencode(self.parameters, safe=',:+*-')}"


@dataclass(frozen=True)
class Chunk:
    """One request and the file that its reply becomes.

    `name` is a plain file name that the request alone decides: a fetch that was cut short
    knows by it what is there already. `covers` is none where the request says too little.
    `datasets` names those (`Available`) of which it asks for something: when all chunks of a
    plan have come, the plan has brought all that its selection wants of them. Only a dataset
    whose key changes with any of its content, and which neither the reporters nor the months of
    the selection cut, may be named.
    """

    name: str
    table: str
    layout: str
    request: Request
    covers: Covers | None
    expected_rows: int = 0
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The requests that bring a selection, in the order they are sent.

    `expected_requests` counts pages that only a reply can announce; `fewest` is the least
    number that the publisher's limits and the response limit allow for the expected rows.
    """

    source_id: str
    selection: Selection
    chunks: tuple[Chunk, ...]
    expected_requests: int
    fewest: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reply:
    """What came back with a status that is not the client's business to repeat."""

    status: int
    content_type: str
    content: bytes


@dataclass(frozen=True)
class ReplyResult:
    """What a reply turned out to be.

    `content` is what is stored: the reply's bytes, with a key that the publisher echoed
    taken out; empty where the publisher has nothing for the request. `more` are requests
    that the reply makes necessary: further pages, or smaller parts where `is_whole` is
    false and the content itself is left aside.
    """

    content: bytes
    more: tuple[Chunk, ...] = ()
    is_whole: bool = True


@dataclass(frozen=True)
class Available:
    """One dataset that a publisher says it has.

    `release_key` changes when the content does; `released_on` is the publisher's own day;
    `address` is where the publisher keeps it as one file, if it does. `unchanged_since` is
    not the publisher's: the day on which the same was asked of it and came with this key.
    """

    name: str
    first: str
    last: str
    release_key: str | None = None
    released_on: date | None = None
    rows: int | None = None
    address: str | None = None
    unchanged_since: date | None = None


class ReplyError(ValueError):
    """A reply that is not data. The message says what came and what to do, never a key."""


class TryAgain(ReplyError):
    """The same request may work later: overload, a page of errors, a body cut short.

    `after_seconds` is what the publisher asked to wait, where it did.
    """

    def __init__(self, message: str, after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


class QuotaSpent(ReplyError):
    """The publisher refuses more requests for today."""


class Refused(ReplyError):
    """The request, the key or the layout is wrong; the same request will not work."""


class SelectionError(ValueError):
    """A selection that the source cannot serve; the message says what it can."""


@dataclass(frozen=True)
class KeyUse:
    """How a source takes its key, and where a user gets one."""

    place: Literal["query", "header", "bearer"]
    name: str
    is_required: bool
    obtained_at: str


@dataclass(frozen=True)
class Limits:
    """What a publisher allows, or what we allow ourselves where it says nothing."""

    per_second: float
    per_day: int | None
    per_day_with_key: int | None
    max_bytes: int = 256 * 1024 * 1024
    timeout_seconds: float = 300.0


@dataclass(frozen=True)
class Terms:
    """What may be done with the rows; stands in the sidecar of each release."""

    licence: str
    is_redistributable: bool


@dataclass(frozen=True)
class SourceInfo:
    """What a source is, for a user who has to choose one.

    `by_year_from` is the first year that may be asked for of a source so large that it is
    fetched by years; none where a few requests bring all of it. `seeds` are those that turn
    a selection into requests: what was fetched by others of their kind is no answer.
    """

    source_id: str
    title: str
    gives: str
    coverage: str
    levels: tuple[str, ...]
    hosts: tuple[str, ...]
    limits: Limits
    key: KeyUse | None
    terms: Terms
    calendar: str
    # Real replies were read, or documentation alone.
    verified: bool
    notes: tuple[str, ...] = field(default=())
    by_year_from: int | None = None
    seeds: tuple[str, ...] = ()


class Connector(Protocol):
    """One publisher: what it has, what to ask, what came.

    Nothing here sends a request. `seeds` is the folder of reference seeds, from which codes
    are read; a connector keeps no code list of its own.
    """

    @property
    def about(self) -> SourceInfo: ...

    def survey(self, selection: Selection, seeds: Path) -> tuple[Chunk, ...]:
        """Requests whose replies say what is available, asked before planning.

        None, unless a publisher keeps a list that is worth asking for.
        """
        return ()

    def available(self, replies: Mapping[str, bytes]) -> tuple[Available, ...]:
        """What the survey's replies, by chunk name, say is there."""
        return ()

    def plan(
        self,
        selection: Selection,
        seeds: Path,
        *,
        has_key: bool,
        known: tuple[Available, ...] = (),
    ) -> Plan:
        """The fewest requests that bring the selection.

        `known` is empty where nobody surveyed, as in a dry run without a network. What is
        unchanged in it need not be asked for, nor be kept out of a request that takes it along.

        Raises:
            SelectionError: the source has no such reporter, partner, level or period.
        """
        ...

    def classify_reply(self, chunk: Chunk, reply: Reply) -> ReplyResult:
        """What a reply is: the same answer for the same reply, at any time.

        Raises:
            TryAgain: the request may work later.
            QuotaSpent: no more requests today.
            Refused: the request, the key or the layout is wrong.
        """
        ...
