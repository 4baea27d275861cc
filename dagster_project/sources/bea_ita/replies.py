"""Classifies replies of BEA (rows, nothing, refusal, temporary error) and removes the key."""

from __future__ import annotations

import json
import re

from dagster_project.sources.bea_ita.dataset import OBTAINED_AT, SOURCE_ID
from dagster_project.sources.bea_ita.envelope import envelope_of, problem_of, rows_of
from dagster_project.sources.connector import Chunk, Refused, Reply, ReplyResult, TryAgain

_SCRUBBED = b"SCRUBBED"

# A shorter word could occur in the data by chance.
_LEAST_KEY = 6


def classify_reply(chunk: Chunk, reply: Reply) -> ReplyResult:
    """A reply without the key, or why there is none.

    Raises:
        TryAgain: too many requests within a minute, or the service is disturbed.
        Refused: the key, the request or the layout is wrong.
    """
    content = without_key(reply.content)
    what = f"{SOURCE_ID}, {chunk.name}"
    said = " ".join(content[:300].decode("utf-8", "replace").split())
    try:
        answer = json.loads(content)
    except ValueError as error:
        if content.lstrip()[:1] in (b"", b"{"):
            raise TryAgain(
                f"{what}: the reply is truncated. Send the same request again."
            ) from error
        message = f"{what}: status {reply.status}, {said!r} instead of JSON. Check the key"
        if said.startswith("<"):
            raise TryAgain(f"{message}, or try later: the service is disturbed.") from error
        raise Refused(f"{message} and the request.") from error
    api = envelope_of(answer)
    problem = problem_of(api)
    if problem is None and reply.status == 200:
        return ReplyResult(content=content if rows_of(api) else b"")
    shown = f"{what}: status {reply.status}, {problem or said!r}"
    if problem and re.search(r"(?i)\bno (data|rows?|records?|results?)\b", problem):
        return ReplyResult(content=b"")
    if problem and re.search(r"(?i)user ?id|api key|registered|not active", problem):
        raise Refused(f"{shown}. The key is wrong or not yet active: see {OBTAINED_AT}.")
    if problem and re.search(r"(?i)too many|throttl|exceed|limit|unavailable|try again", problem):
        raise TryAgain(
            f"{shown}. BEA allows 100 requests per minute and blocks for an hour anyone who sends"
            " for more.",
            after_seconds=60,
        )
    raise Refused(f"{shown}. Correct the request: another area or year.")


def without_key(content: bytes) -> bytes:
    """The reply with every occurrence of the key removed; nothing else is changed.

    The publisher repeats the request, and with it the key, in every reply.
    """
    content = re.sub(rb"(?i)(userid=)[^&\"\\\s]+", rb"\1" + _SCRUBBED, content)
    named = re.compile(
        rb'(?i)("ParameterName"\s*:\s*"USERID"\s*,\s*"ParameterValue"\s*:\s*")([^"]*)(")'
        rb'|("ParameterValue"\s*:\s*")([^"]*)("\s*,\s*"ParameterName"\s*:\s*"USERID")'
    )
    keys = {found[2] or found[5] for found in named.finditer(content)}
    content = named.sub(
        lambda found: (found[1] or found[4]) + _SCRUBBED + (found[3] or found[6]), content
    )
    for key in keys:
        if len(key) >= _LEAST_KEY:
            content = re.sub(re.escape(key), _SCRUBBED, content, flags=re.IGNORECASE)
    return content
