"""Iterates over the chunks of a fetch, including those that replies add."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from dagster_project.fetch.client import describe
from dagster_project.sources.connector import (
    Available,
    Chunk,
    Connector,
    Refused,
    ReplyResult,
    Request,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def iter_chunks(
    chunks: Sequence[Chunk], obtain: Callable[[Chunk], ReplyResult | None], *, most: int
) -> Iterator[tuple[ReplyResult | None, int]]:
    """Yield each chunk once, with the number known to follow; follow-ups come right after it."""
    waiting = deque(chunks)
    asked: dict[str, Request] = {}
    while waiting:
        chunk = waiting.popleft()
        if chunk.name in asked or not _NAME.fullmatch(chunk.name):
            if asked.get(chunk.name) == chunk.request:
                continue
            raise Refused(
                f"{describe(chunk.request)}: {chunk.name!r} cannot be a file name, or is"
                " already that of another request. Correct the connector."
            )
        if len(asked) == most:
            raise Refused(
                f"{describe(chunk.request)}: replies have led to more than {most} requests."
                " The publisher announces pages without end: select less."
            )
        asked[chunk.name] = chunk.request
        examined = obtain(chunk)
        if examined is not None:
            waiting.extendleft(reversed(examined.more))
        yield examined, len(waiting)


def most_requests(expected: int) -> int:
    return 200 + 20 * expected


def known_of(
    connector: Connector, surveyed: Sequence[tuple[Chunk, ReplyResult] | None]
) -> tuple[Available, ...]:
    return connector.available(
        {one[0].name: one[1].content for one in surveyed if one is not None and one[1].is_whole}
    )
