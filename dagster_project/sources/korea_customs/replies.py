"""Classifies replies of the portal: items, a page of them, nothing, refusal, temporary error."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import NoReturn
from xml.etree.ElementTree import Element

from dagster_project.sources.connector import (
    Chunk,
    QuotaSpent,
    Refused,
    Reply,
    ReplyResult,
    TryAgain,
)
from dagster_project.sources.korea_customs.services import (
    BY_LAYOUT,
    COUNTRIES,
    ITEMS,
    ROWS_PER_PAGE,
    SOURCE,
)
from dagster_project.sources.korea_customs.trade import read_items, text_at, total_problem
from dagster_project.sources.parsing import read_xml
from dagster_project.sources.snapshot import SnapshotError

# What the portal's codes mean; the codes for a wrong key also mean a service without access.
_NOTHING = {"03"}
_LATER = {"01", "02", "04", "05", "23"}
_SPENT = {"22"}
_KEY = {"20", "21", "30", "31", "32", "33"}


def classify_reply(chunk: Chunk, reply: Reply) -> ReplyResult:
    """Classify a reply; add further pages where it is not complete.

    A new reply whose rows do not add up to the publisher's total is requested again.
    """
    where = f"{SOURCE}, {chunk.name} ({chunk.request.stored_address})"
    if reply.content.lstrip()[:1] == b"{":
        _raise_portal_error(where, *_json_error(reply.content))
    try:
        root = read_xml(reply.content, where)
    except SnapshotError as error:
        _raise_by_status(where, reply.status, str(error), error)
    if root.tag == "OpenAPI_ServiceResponse":
        code, message = text_at(root, ".//returnReasonCode"), text_at(root, ".//errMsg")
        auth = text_at(root, ".//returnAuthMsg")
        if code.zfill(2) in _NOTHING:
            return ReplyResult(b"")
        _raise_portal_error(where, code, " ".join(filter(None, (message, auth))))
    code, message = text_at(root, "header/resultCode"), text_at(root, "header/resultMsg")
    if root.tag != "response" or not code:
        raise Refused(
            f"{where}: status {reply.status}, an XML document <{root.tag}> without a result"
            " code. The layout has changed: check the publisher's page."
        )
    if code.zfill(2) in _NOTHING:
        return ReplyResult(b"")
    if code.zfill(2) == "99":
        # The service uses this code for every fault of a request; the message says which.
        raise Refused(
            f"{where}: the publisher rejects the request (99: {message[:200]})."
            " Correct what it names: country, code or months."
        )
    if code != "00":
        _raise_portal_error(where, code, message)
    return _classify_items(chunk, reply, root, where)


def _classify_items(chunk: Chunk, reply: Reply, root: Element, where: str) -> ReplyResult:
    try:
        items = read_items(root, where, BY_LAYOUT[chunk.layout])
    except SnapshotError as error:
        raise Refused(str(error)) from error
    parameters = dict(chunk.request.parameters)
    page, size = int(parameters["pageNo"]), int(parameters["numOfRows"])
    held, total = len(items.cells), items.total_count
    if page > 1:
        expected = None if total is None else min(size, total - (page - 1) * size)
        if held == 0 or (expected is not None and held < expected):
            raise TryAgain(f"{where}: {held} rows where {expected} were announced: truncated.")
        return ReplyResult(reply.content)
    if held == 0 and not total:
        return ReplyResult(b"")
    if items.is_whole:
        problem = total_problem(items)
        if problem is not None:
            raise TryAgain(f"{where}: {problem}")
        return ReplyResult(reply.content)
    if not items.is_page or total is None:
        raise TryAgain(f"{where}: {held} rows where {total} were announced: truncated.")
    size = items.page_size or ROWS_PER_PAGE
    pages = -(-total // size)
    return ReplyResult(
        reply.content, more=tuple(_page(chunk, number, size) for number in range(2, pages + 1))
    )


def _page(chunk: Chunk, number: int, size: int) -> Chunk:
    changed = {"pageNo": str(number), "numOfRows": str(size)}
    parameters = tuple((name, changed.get(name, text)) for name, text in chunk.request.parameters)
    stem = chunk.name.removesuffix(".xml")
    return replace(
        chunk,
        name=f"{stem}_page-{number:04d}.xml",
        request=replace(chunk.request, parameters=parameters),
        expected_rows=size,
    )


def _json_error(content: bytes) -> tuple[str, str]:
    """The portal's error in its JSON form: code and message."""
    try:
        header = json.loads(content)["OpenAPI_ServiceResponse"]["cmmMsgHeader"]
        return str(header["returnReasonCode"]), f"{header['errMsg']} {header['returnAuthMsg']}"
    except (ValueError, KeyError, TypeError):
        return "", content[:120].decode("utf-8", "replace")


def _raise_portal_error(where: str, code: str, message: str) -> NoReturn:
    said = f"{where}: the portal answered {code or 'JSON'} ({' '.join(message.split())[:200]})."
    kind = code.zfill(2)
    if kind in _SPENT:
        raise QuotaSpent(f"{said} Today's requests are used up: run it again tomorrow.")
    if kind in _LATER or kind == "99":
        raise TryAgain(f"{said} It may work later.")
    if kind in _KEY:
        raise Refused(
            f"{said} The key is unknown, expired or without access to this service: request access"
            " at"
            f" {COUNTRIES.page} and {ITEMS.page}, and keep its decoded form."
        )
    raise Refused(f"{said} Correct the request, or check whether the service has moved.")


def _raise_by_status(where: str, status: int, problem: str, cause: Exception) -> NoReturn:
    if status in (401, 403):
        raise Refused(
            f"{where}: status {status} without the portal's reason. The key is missing, wrong or"
            f" without access to this service: request access at {COUNTRIES.page} and {ITEMS.page}."
        ) from cause
    if status < 400 or status == 429 or status >= 500:
        raise TryAgain(f"status {status}: {problem}") from cause
    raise Refused(f"status {status}: {problem}") from cause
