"""Reads a delimited file of any size: blocks of whole records, and their cells as text."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import polars as pl

from dagster_project.sources.formats import LARGEST, decode, western
from dagster_project.sources.parsing import rejects_frame
from dagster_project.sources.snapshot import SnapshotError

# About 30,000 rows of trade: enough for column-wise parsing, small enough to keep a few in memory.
BLOCK = 4 * 1024 * 1024
# A record is a line. A longer one means an unclosed quote, or that the file is no table.
_LONGEST = 16 * BLOCK
# What is shown of a first line without an end.
_HEAD = 256 * 1024
_BEYOND = "_beyond"
GZIP = b"\x1f\x8b"
# The code for a stream with a gzip header.
_GZIP_STREAM = zlib.MAX_WBITS | 16
# Programs that pack in parallel end a member every 64 kB or more: no file has so many.
_MOST_MEMBERS = 100_000
# Small enough that copying the rest of it after each member costs little.
_PACKED_PIECE = 16 * 1024

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Block:
    """Whole records, and the number of the line on which the first of them begins."""

    first_line: int
    content: bytes


@dataclass(frozen=True)
class Header:
    """The first line of a file.

    `is_coded` means only codes and numbers: no cell spans lines.
    """

    separator: str
    columns: tuple[str, ...]
    is_coded: bool


def read_blocks(
    opened: BinaryIO,
    name: str,
    *,
    is_coded: bool,
    on_read: Progress,
    is_western: bool = False,
) -> Iterator[Block]:
    """The header line as its own block, then the records.

    A gzip file is checked against its checksums while it is unpacked: without them, a truncated
    file would look complete.

    Args:
        opened: the file at its beginning, or a reply in memory.
        name: what the file is called in messages.
        is_coded: no cell spans lines, whatever quotes it contains.
        is_western: a block that is not UTF-8 is read as `formats.western` does.
        on_read: called from time to time with the number of bytes read.

    Raises:
        SnapshotError: empty, truncated, damaged, not text, no header, or no table.
    """
    is_packed = opened.read(len(GZIP)) == GZIP
    opened.seek(0)
    held = b""
    line = 1
    has_header = False
    for piece in _unpacked(opened, name, on_read) if is_packed else _pieces(opened, on_read):
        held += piece
        if not has_header:
            end = held.find(b"\n") + 1
            if not end and len(held) <= _LONGEST:
                continue
            decode(held[: end or _HEAD], name, is_western=is_western)
            has_header = True
            yield _checked(Block(1, held[:end]), name, is_western=is_western)
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
            yield _checked(block, name, is_western=is_western)
            line += block.content.count(b"\n")
    if not has_header:
        decode(held, name, is_western=is_western)
        raise SnapshotError(f"{name}: a header but no rows. Fetch it again.")
    if held:
        # For an uncompressed file nothing else shows that it is complete.
        if not is_packed and not held.endswith(b"\n"):
            raise SnapshotError(
                f"{name}, line {line + held.count(10)}: truncated, without an end of line. Fetch"
                " it again, or end the line if nothing is missing."
            )
        yield _checked(Block(line, held), name, is_western=is_western)


def unpacked(content: bytes, name: str) -> bytes:
    """The bytes inside a gzip file; other bytes as they are.

    Raises:
        SnapshotError: truncated, damaged, or too large.
    """
    if not content.startswith(GZIP):
        return content
    whole = bytearray()
    for piece in _unpacked(io.BytesIO(content), name, lambda _read: None):
        whole += piece
        if len(whole) > LARGEST:
            raise SnapshotError(f"{name}: unpacks to more than {LARGEST:,} bytes. Divide it.")
    return bytes(whole)


def unpacked_head(head: bytes) -> bytes:
    """The beginning of what a gzip file contains, as far as its own beginning shows it."""
    if not head.startswith(GZIP):
        return head
    try:
        return zlib.decompressobj(_GZIP_STREAM).decompress(head, _HEAD)
    except zlib.error:
        return b""


def _pieces(opened: BinaryIO, on_read: Progress) -> Iterator[bytes]:
    """The content in pieces of a block, and how much of the file they have taken."""
    while piece := opened.read(BLOCK):
        on_read(opened.tell())
        yield piece


def _unpacked(opened: BinaryIO, name: str, on_read: Progress) -> Iterator[bytes]:
    """The content of all members of a gzip file, in pieces of at most about a block."""
    piece = bytearray()
    for part in unpacked_parts(opened, name):
        piece += part
        if len(piece) >= BLOCK:
            on_read(opened.tell())
            yield bytes(piece)
            piece.clear()
    on_read(opened.tell())
    yield bytes(piece)


def unpacked_parts(opened: BinaryIO, name: str) -> Iterator[bytes]:
    """What is unpacked from each little piece, with the check sum of each member checked.

    `gzip` copies what it has read ahead after every member, so that a file of many empty members
    would take hours.

    Raises:
        SnapshotError: truncated, damaged, or too many members.
    """
    stream, members = zlib.decompressobj(_GZIP_STREAM), 1
    while packed := opened.read(_PACKED_PIECE):
        while packed:
            if stream.eof:
                # Some programs fill the file up with zeros.
                packed = packed.lstrip(b"\0")
                if not packed:
                    break
                stream, members = zlib.decompressobj(_GZIP_STREAM), members + 1
                if members > _MOST_MEMBERS:
                    raise SnapshotError(
                        f"{name}: more than {_MOST_MEMBERS:,} gzip members. Unpack it and pack it"
                        " again as one."
                    )
            try:
                part = stream.decompress(packed, BLOCK)
            except zlib.error as error:
                raise _damaged(name, str(error)) from error
            yield part
            packed = stream.unused_data if stream.eof else stream.unconsumed_tail
    if not stream.eof:
        raise _damaged(name, "it ends before its check sum")


def _damaged(name: str, why: str) -> SnapshotError:
    return SnapshotError(f"{name}: the gzip file is truncated or damaged ({why}). Fetch it again.")


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


def _checked(block: Block, name: str, *, is_western: bool) -> Block:
    """The block in UTF-8.

    Raises:
        SnapshotError: zero bytes, or text that is not UTF-8 and may not be anything else.
    """
    zero = block.content.find(b"\0")
    if zero >= 0:
        raise SnapshotError(
            f"{name}: zero bytes from line {block.first_line + block.content.count(10, 0, zero)}"
            " on, as an interrupted download leaves. Fetch it again."
        )
    if block.content.isascii():
        return block
    try:
        block.content.decode("utf-8")
    except UnicodeDecodeError as error:
        if is_western:
            return Block(block.first_line, western(block.content).encode())
        line = block.first_line + block.content.count(10, 0, error.start)
        raise SnapshotError(
            f"{name}: not UTF-8 in line {line} (0x{block.content[error.start]:02x}). Save or fetch"
            " it as UTF-8."
        ) from error
    return block


def split_header(first_line: str, *, is_coded: bool) -> Header:
    separator = max(",\t;", key=first_line.count)
    line = first_line.rstrip("\r")
    try:
        columns = next(csv.reader([line], delimiter=separator))
    except csv.Error:
        # No header of a layout; the caller says what is wrong with it.
        columns = line.split(separator)
    # Some publishers end each line with an extra separator.
    return Header(separator, tuple(columns[:-1] if columns[-1:] == [""] else columns), is_coded)


def read_records(
    block: Block, header: Header, wanted: Sequence[str], name: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every whole record as text under `wanted`, with `row_number`, its first line; and rejects.

    Raises:
        SnapshotError: a quote is left open, the last record is truncated, or it is no table.
    """
    open_lines: dict[int, str] = {}
    body = block.content
    if b'"' in body and header.is_coded:
        body, open_lines = _without_open_quotes(block)
    elif body.count(b'"') % 2:
        raise SnapshotError(
            f"{name}: a quote is left open, as in a truncated file. Fetch it again or"
            " correct the line."
        )
    last = header.columns[-1]
    # A truncated line has an empty last column, which no layout leaves empty.
    is_short, is_long = pl.col(last).is_null(), pl.col(_BEYOND).fill_null("") != ""
    try:
        rows = _scan(body, header)
        cells = rows.select(*dict.fromkeys([*wanted, last, _BEYOND])).collect()
        is_bad = cells.select(is_short | is_long).to_series()
        # The end of the last line starts no new one.
        is_plain = body.count(b"\n", 0, -1) == cells.height - 1
        if is_plain and not is_bad.any():
            lines = pl.int_range(cells.height, dtype=pl.Int64) + block.first_line
            return cells.select(lines.alias("row_number"), *wanted), rejects_frame()
        cells = rows.collect()
    except pl.exceptions.PolarsError as error:
        raise SnapshotError(f"{name}: not a table ({error}). Fetch it again.") from error
    cells = cells.with_columns(_line_of_each(cells, block.first_line).alias("row_number"))
    if not body.endswith(b"\n") and cells.tail(1).select(is_short).item():
        raise SnapshotError(
            f"{name}, line {cells['row_number'][-1]}: truncated, without an end of line."
            " Fetch it again."
        )
    is_open = pl.col("row_number").is_in(list(open_lines))
    rejects = cells.filter(is_bad).select(
        "row_number",
        pl.lit(None, dtype=pl.String).alias("column_name"),
        pl.when(is_open)
        .then(pl.col("row_number").replace_strict(open_lines, default=None, return_dtype=pl.String))
        .otherwise(pl.concat_str(header.columns, separator=header.separator, ignore_nulls=True))
        .str.slice(0, 200)
        .alias("value"),
        pl.when(is_open)
        .then(pl.lit("a quote is left open"))
        .when(is_short)
        .then(pl.lit(f"fewer cells than the {len(header.columns)} of the header"))
        .otherwise(pl.lit(f"more cells than the {len(header.columns)} of the header"))
        .alias("reason"),
    )
    return cells.filter(~is_bad), pl.concat([rejects_frame(), rejects])


def _scan(body: bytes, header: Header) -> pl.LazyFrame:
    return pl.scan_csv(
        body,
        has_header=False,
        separator=header.separator,
        # Without quotes the reader can skip quote handling.
        quote_char='"' if b'"' in body else None,
        schema=dict.fromkeys([*header.columns, _BEYOND], pl.String()),
        truncate_ragged_lines=True,
        missing_columns="insert",
    )


def _without_open_quotes(block: Block) -> tuple[bytes, dict[int, str]]:
    """Handle open quotes in files of codes and numbers, where each record is one line.

    Such a line is emptied, so that it keeps its number and does not swallow the next ones.
    """
    lines = block.content.split(b"\n")
    found = {place: line for place, line in enumerate(lines) if line.count(b'"') % 2}
    for place in found:
        lines[place] = b""
    return b"\n".join(lines), {
        block.first_line + place: line.decode("utf-8", "replace") for place, line in found.items()
    }


def _line_of_each(cells: pl.DataFrame, first_line: int) -> pl.Series:
    """The first line of each record; a quoted cell may span several."""
    inside = pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True).fill_null(0))
    before = inside.cast(pl.Int64).cum_sum().shift(1, fill_value=0)
    return cells.select(pl.int_range(pl.len(), dtype=pl.Int64) + first_line + before).to_series()
