"""Classifies replies of DataWeb: a report, a truncated one, nothing, refusal, temporary error."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from dagster_project.sources.connector import Chunk, Refused, Reply, ReplyResult, TryAgain
from dagster_project.sources.usitc_dataweb.report import Report
from dagster_project.sources.usitc_dataweb.service import OBTAINED_AT, PUBLISHERS_ROWS, SOURCE_ID
from dagster_project.sources.usitc_dataweb.tables import excerpt

# Other clients received reports silently truncated at this many rows.
_CUT_AT = (20_000, PUBLISHERS_ROWS)

_NOTHING = re.compile(r"(?i)\bno (data|records|rows|results)\b")
_TOO_MUCH = re.compile(r"(?i)\b(20,?000|300,?000)\b|too many (rows|records)|row limit")


def classify_reply(chunk: Chunk, reply: Reply) -> ReplyResult:
    """A report, nothing, or why there is none; a truncated report becomes two smaller ones.

    Raises:
        TryAgain: the publisher loads data, or has not finished the report.
        Refused: the token, the request or the layout is wrong.
    """
    what = f"{SOURCE_ID}, {chunk.name}"
    said = excerpt(reply.content[:2_000].decode("utf-8", "replace"))
    if "load mode" in said.casefold():
        raise TryAgain(
            f"{what}: {said!r}. DataWeb is unavailable while it loads data: try again later.",
            after_seconds=60,
        )
    if reply.status in (401, 403):
        raise Refused(
            f"{what}: status {reply.status}, {said!r}. The token is wrong or has expired: get a"
            f" new one at {OBTAINED_AT}."
        )
    answer = _answer(reply, what, said)
    dto = answer.get("dto")
    problem = (dto.get("errors") if isinstance(dto, dict) else None) or next(
        (answer[field] for field in ("errors", "error", "message") if answer.get(field)), None
    )
    if problem and _NOTHING.search(str(problem)):
        return ReplyResult(content=b"")
    if problem and _TOO_MUCH.search(str(problem)):
        return _parted(chunk, what, excerpt(problem))
    if problem or reply.status != 200:
        raise Refused(
            f"{what}: status {reply.status}, {excerpt(problem or said)!r}. Correct the"
            " request: another level, partner or year."
        )
    if "dto" in answer and (dto is None or (isinstance(dto, dict) and dto.get("needMoreTime"))):
        raise TryAgain(
            f"{what}: the report is not finished. Send the same request again.", after_seconds=15
        )
    if not isinstance(dto, dict) or not isinstance(dto.get("tables"), list):
        raise Refused(f"{what}: no report but {said!r}. The layout has changed.")
    sizes = [_height(table) for table in dto["tables"]]
    if max(sizes, default=0) in _CUT_AT:
        return _parted(chunk, what, f"{max(sizes)} rows, the most a report can have")
    return ReplyResult(content=reply.content if sum(sizes) else b"")


def _parted(chunk: Chunk, what: str, why: str) -> ReplyResult:
    report = Report.of(chunk.request.body or b"")
    halves = report.halves()
    if not halves:
        raise Refused(f"{what}: {why}, and the report cannot be divided. Select fewer products.")
    return ReplyResult(content=b"", more=tuple(one.chunk() for one in halves), is_whole=False)


def _answer(reply: Reply, what: str, said: str) -> Mapping[str, object]:
    try:
        answer = json.loads(reply.content)
    except ValueError as error:
        if reply.content.lstrip()[:1] in (b"", b"{"):
            raise TryAgain(
                f"{what}: the reply is truncated. Send the same request again."
            ) from error
        problem = f"{what}: status {reply.status}, {said!r} instead of a report. Check the token"
        if said.startswith("<"):
            raise TryAgain(
                f"{problem}, or try later: DataWeb returns web pages during maintenance."
            ) from error
        raise Refused(f"{problem} and the request.") from error
    if not isinstance(answer, dict):
        raise Refused(f"{what}: {said!r} instead of a report. The layout has changed.")
    return answer


def _height(table: object) -> int:
    groups = table.get("row_groups") if isinstance(table, dict) else None
    return sum(
        len(group.get("rowsNew") or [])
        for group in (groups if isinstance(groups, list) else [])
        if isinstance(group, dict)
    )
