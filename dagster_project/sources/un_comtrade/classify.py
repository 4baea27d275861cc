"""Classifies replies of UN Comtrade: rows, nothing, a call cut at its limit, or an error."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from dagster_project.sources.connector import (
    Chunk,
    QuotaSpent,
    Refused,
    Reply,
    ReplyError,
    ReplyResult,
    TryAgain,
)
from dagster_project.sources.un_comtrade import availability, bulk, replies
from dagster_project.sources.un_comtrade.calls import SOURCE_ID, Ask, ask_of, balanced, trade_chunk
from dagster_project.sources.un_comtrade.trade import REQUIRED

KEY_ADDRESS = "https://comtradedeveloper.un.org/"


def classify_reply(chunk: Chunk, reply: Reply) -> ReplyResult:
    """The reply as received, nothing if empty, or smaller calls if it was cut at the limit.

    Raises:
        TryAgain: a web page, a truncated body, an overloaded publisher.
        QuotaSpent: today's calls are used up, says the publisher.
        Refused: the request or the layout is wrong, or a call cannot be made smaller.
    """
    if chunk.layout == bulk.FILE_LAYOUT:
        return _classify_file(chunk, reply)
    envelope = _envelope(chunk, reply)
    data = envelope.get("data")
    if not isinstance(data, list):
        raise Refused(
            f"{_what(chunk)}: the reply has no rows under data. The publisher has changed its"
            " layout: the parser needs to know it."
        )
    if envelope.get("count") != len(data):
        raise TryAgain(
            f"{_what(chunk)}: the reply says {envelope.get('count')} rows and has {len(data)}."
            " Send the same request again."
        )
    if not data:
        return ReplyResult(content=b"")
    if chunk.layout == replies.LAYOUT:
        ask = ask_of(chunk.request)
        if len(data) >= ask.rows_a_call:
            return ReplyResult(content=b"", more=_smaller(chunk, ask), is_whole=False)
        _check_fields(chunk, data[0], REQUIRED.values())
    elif chunk.layout == availability.LAYOUT:
        _check_fields(chunk, data[0], ("reporterCode", "period", "datasetChecksum"))
    elif chunk.layout == bulk.LIST_LAYOUT:
        problem = bulk.check_list(chunk.request, data)
        if problem is not None:
            raise Refused(
                f"{_what(chunk)}: the list of files cannot be used: {problem}. The publisher has"
                " changed its layout: the parser needs to know it."
            )
    return ReplyResult(content=reply.content)


def _classify_file(chunk: Chunk, reply: Reply) -> ReplyResult:
    if reply.status == 404:
        raise Refused(
            f"{_what(chunk)}: HTTP 404: the file was removed since it was listed, as after a new"
            " publication. Fetch this reporter and period separately: they are listed again."
        )
    if not 200 <= reply.status < 300 or not bulk.is_file(reply.content):
        _envelope(chunk, reply)
        raise Refused(
            f"{_what(chunk)}: JSON without rows instead of a gzip file. The publisher has changed"
            " its layout: the parser needs to know it."
        )
    if bulk.is_cut(reply.content):
        raise TryAgain(
            f"{_what(chunk)}: the file is truncated or damaged after"
            f" {len(reply.content):,} bytes. Send the same request again."
        )
    return ReplyResult(content=reply.content)


def _smaller(chunk: Chunk, ask: Ask) -> tuple[Chunk, ...]:
    """The two halves of a call: by period, then flow, reporter, partner, product."""
    for part in ("periods", "flows", "reporters", "partners", "products"):
        values = getattr(ask, part)
        if len(values) > 1:
            return tuple(
                trade_chunk(replace(ask, **{part: half}), math.ceil(chunk.expected_rows / 2))
                for half in balanced(values, 2)
            )
    raise Refused(
        f"{_what(chunk)}: {ask.rows_a_call:,} rows, as many as a call returns, and nothing left to"
        " divide it by. Name partners or single products, or use a key."
    )


def _envelope(chunk: Chunk, reply: Reply) -> Mapping[str, object]:
    """The reply as an object without an error in it."""
    said = " ".join(reply.content[:300].decode("utf-8", "replace").split())
    if not said or said.startswith("<"):
        raise TryAgain(
            f"{_what(chunk)}: {repr(said) if said else 'nothing'} instead of JSON (status"
            f" {reply.status}). Send the same request again."
        )
    try:
        envelope = json.loads(reply.content)
    except ValueError as error:
        if said.startswith("{"):
            raise TryAgain(
                f"{_what(chunk)}: the reply is truncated after {len(reply.content):,} bytes. Ask"
                " for the same again."
            ) from error
        raise _meant(chunk, said, said, reply.status) from error
    if not isinstance(envelope, dict):
        raise Refused(f"{_what(chunk)}: {said!r} is not an envelope. The layout has changed.")
    message = replies.error_of(envelope)
    if message or not 200 <= reply.status < 300:
        status = envelope.get("statusCode")
        raise _meant(
            chunk,
            message[:200] or said,
            message,
            status if isinstance(status, int) else reply.status,
        )
    return envelope


def _meant(chunk: Chunk, said: str, message: str, status: int) -> ReplyError:
    """The kind of error of a message: its words say more than its status."""
    shown = f"{_what(chunk)}: {said!r}"
    if re.search(r"(?i)\bquota\b|call volume", message):
        return QuotaSpent(f"{shown}. Today's calls are used up: run it again tomorrow.")
    wait = re.search(r"(?i)try again in (\d+) second", message)
    overloaded = r"(?i)time[d]? ?-?out|try again|rate limit|too many req|overload|busy|temporar"
    if wait or status in (408, 425, 429) or status >= 500 or re.search(overloaded, message):
        return TryAgain(f"{shown}. Try again later.", float(wait[1]) if wait else None)
    if status in (401, 403):
        advice = f"The key is wrong or not active: see {KEY_ADDRESS}. {chunk.request.key_hint}"
        return Refused(f"{shown}. {advice.rstrip()}")
    return Refused(f"{shown}. Correct the selection: the publisher rejects this request.")


def _check_fields(chunk: Chunk, row: object, fields: Collection[str]) -> None:
    missing = [field for field in fields if not isinstance(row, dict) or field not in row]
    if missing:
        raise Refused(
            f"{_what(chunk)}: field {', '.join(missing)} is missing. The publisher has changed its"
            " layout: the parser needs to know it."
        )


def _what(chunk: Chunk) -> str:
    address = chunk.request.stored_address
    return f"{SOURCE_ID}, {address[:300]}{'…' if len(address) > 300 else ''}"
