"""Reads the body of a reply: complete, decompressed and within the limit of its source."""

from __future__ import annotations

import zlib

import httpx

from dagster_project.sources.connector import Refused, TryAgain
from dagster_project.sources.formats import MOST_VALUES, has_too_many_values

_PIECE = 1 << 16
_MOST_MEMBERS = 1_000
_LONGEST_NAME = 16


def whole_body(reply: httpx.Response, packed: bytearray, most: int) -> bytes:
    """The decompressed body, of at most `most` bytes, if its end was seen.

    The library's own decompression would accept a truncated file.

    Raises:
        TryAgain: the body is truncated or damaged, or its end cannot be seen.
        Refused: it is too large, has too many values, or is compressed in another way.
    """
    content = _unpacked(reply, packed, most)
    if has_too_many_values(content):
        raise Refused(
            f"the body has more than {MOST_VALUES:,} values. Select fewer periods, partners or"
            " products."
        )
    return content


def _unpacked(reply: httpx.Response, packed: bytearray, most: int) -> bytes:
    encoding = reply.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity") or not packed:
        if not _has_end(reply):
            raise TryAgain(
                "the body has no length and may be truncated. Run the same command again;"
                " if it persists, the publisher's server or a proxy has changed.",
            )
        return bytes(packed)
    if encoding not in ("gzip", "x-gzip"):
        # Shown whole or not at all, because part of an echoed key would not be masked.
        named = repr(encoding) if len(encoding) <= _LONGEST_NAME else "something else"
        raise Refused(
            f"the body is compressed as {named}, not gzip as requested. Run the same command"
            " again later; if it persists, the publisher has changed.",
        )
    try:
        content = _gunzipped(packed, most + 1)
    except (EOFError, zlib.error):
        raise TryAgain("the body is truncated or damaged. Run the same command again.") from None
    check_size(content, most)
    return content


def check_size(content: bytes | bytearray, most: int) -> None:
    """Raise Refused if a body has more than `most` bytes."""
    if len(content) > most:
        raise Refused(
            f"the body has more than {most:,} bytes. Select fewer periods, partners or products."
        )


def _has_end(reply: httpx.Response) -> bool:
    """Whether the end of a body was seen: by its length, or by the last of its chunks.

    The library raises an error if either is missing; a status without a body ends at once.
    """
    return (
        "content-length" in reply.headers
        or "chunked" in reply.headers.get("transfer-encoding", "").lower()
        or reply.status_code in (204, 304)
    )


def _gunzipped(packed: bytearray, most: int) -> bytes:
    """At most `most` bytes of a gzip body, which may have a few members.

    Raises:
        EOFError: the checksum at the end is missing.
        zlib.error: it is damaged or has too many members; a million empty ones would take minutes.
    """
    content = bytearray()
    stream, members = None, 0
    for start in range(0, len(packed), _PIECE):
        piece = bytes(packed[start : start + _PIECE])
        while piece:
            if stream is None:
                stream, members = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16), members + 1
                if members > _MOST_MEMBERS:
                    raise zlib.error(f"more than {_MOST_MEMBERS} gzip members")
            content += stream.decompress(piece, most - len(content))
            if len(content) == most:
                return bytes(content)
            piece = stream.unused_data.lstrip(b"\0")
            if stream.eof:
                stream = None
    if stream is not None:
        raise EOFError("the body ends within a gzip member")
    return bytes(content)
