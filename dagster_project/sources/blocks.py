"""Reads a delimited file of any size in blocks of whole records."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dagster_project.sources.parsing import decode
from dagster_project.sources.snapshot import SnapshotError

# About 30,000 rows of trade: enough for column-wise parsing, small enough to keep a few in memory.
BLOCK = 4 * 1024 * 1024
# A record is a line. A longer one means an unclosed quote, or that the file is no table.
_LONGEST = 16 * BLOCK
_PIECE = 256 * 1024
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = zlib.MAX_WBITS | 16

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Block:
    """Whole records, and the number of the line on which the first of them begins."""

    first_line: int
    content: bytes


def read_blocks(
    opened: BinaryIO, name: str, *, is_coded: bool, on_read: Progress
) -> Iterator[Block]:
    """The header line as its own block, then the records.

    A gzip file is checked against its checksums while it is unpacked: without them, a truncated
    file would look complete.

    Args:
        opened: the file at its beginning, or a reply in memory.
        name: what the file is called in messages.
        is_coded: no cell spans lines, whatever quotes it contains.
        on_read: called from time to time with the number of bytes read.

    Raises:
        SnapshotError: empty, truncated, damaged, not text, no header, or no table.
    """
    is_packed = _is_packed(opened)
    held = b""
    line = 1
    has_header = False
    for piece in _joined(_unpacked(opened, name, on_read), BLOCK):
        held += piece
        if not has_header:
            end = held.find(b"\n") + 1
            if not end and len(held) <= _LONGEST:
                continue
            decode(held[: end or _PIECE], name)
            has_header = True
            yield Block(1, held[:end])
            held, line = held[end:], 2
        end = _end_of_records(held, is_coded=is_coded)
        if not end and len(held) > _LONGEST:
            raise SnapshotError(
                f"{name}, line {line}: a record of more than {_LONGEST:,} bytes. A quote is left"
                " open, or the file is no table: correct the line or fetch it again."
            )
        if end:
            block = Block(line, held[:end])
            held = held[end:]
            _check_text(block, name)
            yield block
            line += block.content.count(b"\n")
    if not has_header:
        decode(held, name)
        raise SnapshotError(f"{name}: a header but no rows. Fetch it again.")
    if held:
        # For an uncompressed file nothing else shows that it is complete.
        if not is_packed and not held.endswith(b"\n"):
            raise SnapshotError(
                f"{name}, line {line + held.count(10)}: truncated, without an end of line. Fetch"
                " it again, or end the line if nothing is missing."
            )
        block = Block(line, held)
        _check_text(block, name)
        yield block


def sha256_of(path: Path, on_read: Progress = lambda done: None) -> str:
    """The hash of a file, without reading it into memory."""
    digest = hashlib.sha256()
    with path.open("rb") as opened:
        for piece in _pieces(opened, on_read):
            digest.update(piece)
    return digest.hexdigest()


def _is_packed(opened: BinaryIO) -> bool:
    start = opened.tell()
    try:
        return opened.read(len(_GZIP)) == _GZIP
    finally:
        opened.seek(start)


def _pieces(opened: BinaryIO, on_read: Progress) -> Iterator[bytes]:
    done = 0
    while piece := opened.read(_PIECE):
        done += len(piece)
        on_read(done)
        yield piece


def _unpacked(opened: BinaryIO, name: str, on_read: Progress) -> Iterator[bytes]:
    """The bytes of the file, unpacked if compressed, in small pieces."""
    if not _is_packed(opened):
        yield from _pieces(opened, on_read)
        return
    member = zlib.decompressobj(_GZIP_WINDOW)
    try:
        for piece in _pieces(opened, on_read):
            left = piece
            while left:
                if member.eof:
                    # Members may follow each other, and some packers pad the last block.
                    left = left.lstrip(b"\0")
                    if not left:
                        break
                    member = zlib.decompressobj(_GZIP_WINDOW)
                yield member.decompress(left, _PIECE * 4)
                left = member.unused_data if member.eof else member.unconsumed_tail
        while not member.eof and (rest := member.decompress(b"", _PIECE * 4)):
            yield rest
    except zlib.error as error:
        raise SnapshotError(
            f"{name}: the gzip file is truncated or damaged ({error}). Fetch it again."
        ) from error
    if not member.eof:
        raise SnapshotError(
            f"{name}: the gzip file is truncated or damaged (it ends before its check sum)."
            " Fetch it again."
        )


def _joined(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Pieces joined to at least a given size."""
    held: list[bytes] = []
    length = 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length >= size:
            yield b"".join(held)
            held, length = [], 0
    if held:
        yield b"".join(held)


def _end_of_records(held: bytes, *, is_coded: bool) -> int:
    """The end of the last complete record; 0 if there is none."""
    end = held.rfind(b"\n")
    if is_coded or b'"' not in held:
        return end + 1
    quotes = held.count(b'"', 0, max(end, 0))
    while end >= 0 and quotes % 2:
        before = held.rfind(b"\n", 0, end)
        quotes -= held.count(b'"', max(before, 0), end)
        end = before
    return end + 1


def _check_text(block: Block, name: str) -> None:
    """Raise a SnapshotError for zero bytes and for text that is not UTF-8."""
    zero = block.content.find(b"\0")
    if zero >= 0:
        raise SnapshotError(
            f"{name}: zero bytes from line {block.first_line + block.content.count(10, 0, zero)}"
            " on, as an interrupted download leaves. Fetch it again."
        )
    if block.content.isascii():
        return
    try:
        block.content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = block.first_line + block.content.count(10, 0, error.start)
        raise SnapshotError(
            f"{name}: not UTF-8 in line {line} (0x{block.content[error.start]:02x}). Save or fetch"
            " it as UTF-8."
        ) from error
