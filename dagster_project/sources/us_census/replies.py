"""Classifies replies of the US Census Bureau: rows, nothing, refusal, temporary error."""

from __future__ import annotations

import io
import json
import zipfile

from dagster_project.sources.connector import (
    Chunk,
    Refused,
    Reply,
    ReplyResult,
    Request,
    TryAgain,
)
from dagster_project.sources.snapshot import SnapshotError
from dagster_project.sources.us_census.country_file import (
    COUNTRY_FILE_LAYOUT,
    read_country_cells,
)
from dagster_project.sources.us_census.trade_api import API_LAYOUTS, value_columns

KEY_ADDRESS = "https://api.census.gov/data/key_signup.html"

_OVERLOADED = "There was an error while running your query"
_EXCERPT = 160


def classify_reply(chunk: Chunk, reply: Reply) -> ReplyResult:
    """Classify the reply for a chunk; see `Connector.classify_reply`."""
    what = f"us_census: {chunk.request.stored_address}"
    if reply.status == 204:
        return ReplyResult(b"")
    text = reply.content[:4096].decode("utf-8", errors="replace").strip()
    came = f"HTTP {reply.status} with {' '.join(text.split())[:_EXCERPT]!r}"
    if _OVERLOADED in text:
        raise TryAgain(f"{what}: the publisher could not answer ({came}). Fetch again later.")
    if text.startswith("<"):
        raise _web_page(what, text, came)
    if reply.status != 200:
        raise Refused(
            f"{what}: {came}. Correct the request; if the publisher has renamed a variable, update"
            " the"
            " layout of this source."
        )
    if not reply.content.strip():
        raise TryAgain(f"{what}: HTTP 200 without a body. Fetch again later.")
    if chunk.layout == COUNTRY_FILE_LAYOUT:
        return _classify_country_file(what, reply)
    if reply.content_type not in chunk.request.accept:
        raise TryAgain(
            f"{what}: {reply.content_type or 'no content type'} instead of"
            f" {' or '.join(chunk.request.accept)} ({came}). Fetch again later."
        )
    return _classify_rows(what, came, chunk, reply)


def _web_page(what: str, text: str, came: str) -> TryAgain | Refused:
    """The publisher answers a bad or missing key with a page, not with a status."""
    if "key" in text.lower():
        return Refused(
            f"{what}: a web page about the key instead of data ({came}). Check the key of"
            f" us_census, or get one at {KEY_ADDRESS}."
        )
    return TryAgain(
        f"{what}: a web page instead of data ({came}). Fetch again later; if it persists, check"
        f" the address, and the key of us_census ({KEY_ADDRESS})."
    )


def _classify_country_file(what: str, reply: Reply) -> ReplyResult:
    if reply.content.startswith(b"PK") and not zipfile.is_zipfile(io.BytesIO(reply.content)):
        raise TryAgain(f"{what}: the workbook is truncated. Fetch again later.")
    try:
        read_country_cells(reply.content, what)
    except SnapshotError as error:
        raise Refused(
            f"{error} The layout of the country file has changed; update the layout of this source."
        ) from error
    return ReplyResult(reply.content)


def _classify_rows(what: str, came: str, chunk: Chunk, reply: Reply) -> ReplyResult:
    try:
        rows = json.loads(reply.content)
    except ValueError as error:
        if reply.content.lstrip().startswith(b"["):
            raise TryAgain(f"{what}: the rows are truncated ({error}). Fetch again.") from error
        raise Refused(f"{what}: {came}, which is not JSON. Correct the request.") from error
    if not (isinstance(rows, list) and rows and all(isinstance(row, list) for row in rows)):
        raise Refused(f"{what}: {came} instead of rows. Correct the request.")
    header = [str(column) for column in rows[0]]
    missing = [column for column in _columns_of(chunk.request) if column not in header]
    if missing:
        raise Refused(
            f"{what}: the reply has no column {', '.join(missing)}, only {', '.join(header)}."
            " If the publisher has renamed it, update the layout of this source."
        )
    try:
        value_columns(header, what, API_LAYOUTS[chunk.layout])
    except SnapshotError as error:
        raise Refused(str(error)) from error
    return ReplyResult(reply.content if len(rows) > 1 else b"")


def _columns_of(request: Request) -> list[str]:
    """The requested columns; predicates are appended as columns."""
    names: dict[str, None] = {}
    for name, value in request.parameters:
        names.update(dict.fromkeys(value.split(",") if name == "get" else [name]))
    return list(names)
