"""The interface of connectors: selections, requests, replies and their classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal, Protocol, TypeVar
from urllib.parse import urlencode

from dagster_project.sources.snapshot import Covers

_One = TypeVar("_One")


@dataclass(frozen=True)
class Selection:
    """What a user requests from a source, in the warehouse's own terms.

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
    """One request without its key; the client adds that when it sends.

    `address` has no query; `parameters` keep their order. `accept` are the content types (without
    parameters) that a good reply has; empty takes any. `key_hint` says what to do where the key
    does not give access to this address.
    """

    address: str
    parameters: tuple[tuple[str, str], ...] = ()
    method: Literal["GET", "POST"] = "GET"
    body: bytes | None = None
    accept: tuple[str, ...] = ()
    key_hint: str = ""

    @property
    def stored_address(self) -> str:
        """The address as stored in a sidecar: it never contains a key."""
        if not self.parameters:
            return self.address
        # Publishers' own examples leave these unescaped, and so do their replies.
        return f"{self.address}?{urlencode(self.parameters, safe=',:+*-')}"


@dataclass(frozen=True)
class Chunk:
    """One request and the file its reply becomes.

    `name` is a plain file name determined by the request alone: it lets a resumed fetch find what
    is stored. `covers` is none where the request says too little. `datasets` names the datasets
    (`Available`) it requests data from: once all chunks of a plan are fetched, everything the
    selection wants of them has arrived. Only a dataset may be named whose key changes with any of
    its content, and which neither the reporters nor the months of the selection cut.
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
    """The requests for a selection, in the order they are sent.

    `expected_requests` includes pages that only a reply can announce; `fewest` is the lower bound
    given by the publisher's limits and the response limit for the expected rows.
    """

    source_id: str
    selection: Selection
    chunks: tuple[Chunk, ...]
    expected_requests: int
    fewest: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reply:
    """A reply whose status the client does not retry."""

    status: int
    content_type: str
    content: bytes


@dataclass(frozen=True)
class ReplyResult:
    """The classification of a reply.

    `content` is stored: the reply's bytes without any echoed key; empty where the publisher has
    nothing for the request. `more` are follow-up requests: further pages, or smaller parts where
    `is_whole` is false and the content is discarded.
    """

    content: bytes
    more: tuple[Chunk, ...] = ()
    is_whole: bool = True


@dataclass(frozen=True)
class Available:
    """One dataset that a publisher says it has.

    `release_key` changes when the content does; `released_on` is the publisher's own day; `address`
    is that of the dataset as one file, if there is one. `unchanged_since` is ours: the day on which
    the same data was fetched with this key.
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
    """A reply that is not data. The message says what was received and what to do, never a key."""


class TryAgain(ReplyError):
    """The same request may work later: overload, an error page, a truncated body.

    `after_seconds` is the wait the publisher requested, if any.
    """

    def __init__(self, message: str, after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


class QuotaSpent(ReplyError):
    """The publisher refuses more requests for today."""


class Refused(ReplyError):
    """The request, the key or the layout is wrong; the same request would fail again."""


class Unconfirmed(ReplyError):
    """The replies withdraw more rows than a publisher usually does: the user decides."""


class SelectionError(ValueError):
    """A selection that the source cannot serve; the message says what it can serve."""


@dataclass(frozen=True)
class KeyUse:
    """How a source expects its key, and where a user gets one."""

    place: Literal["query", "header", "bearer"]
    name: str
    is_required: bool
    obtained_at: str


@dataclass(frozen=True)
class Limits:
    """The publisher's limits, or our own where it publishes none."""

    per_second: float
    per_day: int | None
    per_day_with_key: int | None
    max_bytes: int = 256 * 1024 * 1024
    timeout_seconds: float = 300.0


@dataclass(frozen=True)
class Terms:
    """The terms of use of the rows, recorded in the sidecar of each release."""

    licence: str
    is_redistributable: bool


@dataclass(frozen=True)
class SourceInfo:
    """The description of a source, for users who choose one.

    `by_year_from` is the first year available from a source so large that it is fetched by year;
    none where a few requests fetch all of it. `seeds` turn a selection into requests: data fetched
    with other versions of them does not count as fetched. `verified_against` says which
    replies or files of the publisher the parser has read, or that it has seen none.
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
    # Whether the parser was tested on real responses, or written from documentation.
    verified: bool
    verified_against: str
    notes: tuple[str, ...] = field(default=())
    by_year_from: int | None = None
    seeds: tuple[str, ...] = ()


class Connector(Protocol):
    """One publisher: its data, its requests and its replies.

    A connector sends no request. `seeds` is the folder of the reference seeds, from which codes are
    read; a connector has no code list of its own.
    """

    @property
    def about(self) -> SourceInfo: ...

    def survey(self, selection: Selection, seeds: Path) -> tuple[Chunk, ...]:
        """Requests for the list of available datasets, sent before planning.

        Empty unless the publisher has such a list.
        """
        return ()

    def available(self, replies: Mapping[str, bytes]) -> tuple[Available, ...]:
        """The datasets listed in the survey's replies, by chunk name."""
        return ()

    def plan(
        self,
        selection: Selection,
        seeds: Path,
        *,
        has_key: bool,
        known: tuple[Available, ...] = (),
    ) -> Plan:
        """The fewest requests for the selection.

        `known` is empty without a survey, as in a dry run without a network. Unchanged datasets
        need not be requested, but may be part of a larger request.

        Raises:
            SelectionError: the source has no such reporter, partner, level or period.
        """
        ...

    def classify_reply(self, chunk: Chunk, reply: Reply) -> ReplyResult:
        """Classify a reply; the result depends on the reply alone.

        Raises:
            TryAgain: the request may work later.
            QuotaSpent: no more requests today.
            Refused: the request, the key or the layout is wrong.
        """
        ...


def months_of(first: date, last: date) -> list[str]:
    """The months from that of one day to that of another, as YYYY-MM."""
    begin, end = (day.year * 12 + day.month - 1 for day in (first, last))
    return [f"{index // 12}-{index % 12 + 1:02d}" for index in range(begin, end + 1)]


def in_runs(whole: Sequence[_One], each: int) -> list[tuple[_One, ...]]:
    """The whole in its order, cut into runs of `each`."""
    return [tuple(whole[start : start + each]) for start in range(0, len(whole), each)]
