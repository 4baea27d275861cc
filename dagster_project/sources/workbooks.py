"""Reads workbooks: every sheet as rows of text cells, and a sheet as CSV.

Parsers of CSV layouts read the sheet as CSV; those of layouts that span sheets call
`workbook_sheets`.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import IO

import fastexcel
import polars as pl

from dagster_project.sources.formats import ARCHIVE, LARGEST, is_workbook
from dagster_project.sources.parsing import without_noise
from dagster_project.sources.snapshot import SnapshotError

# A cell at the end of a sheet makes the reader reserve room for every cell before it: ten million
# take 0.9 GB. The longest sheet of Excel may have nine columns.
MOST_CELLS = 10_000_000
# A cell takes about 35 bytes in its sheet.
MOST_BYTES = 512 * 1024 * 1024
# Each different text is kept as often as cells show it. Code lists of any publisher take 5 MB.
MOST_TEXT = 64 * 1024 * 1024
# Excel's own most is a few hundred.
_MOST_PARTS = 10_000
_PIECE = 1024 * 1024
_LONGEST_REFERENCE = 128
# How many rows of a sheet show its layout.
_HEAD = 20
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{0,9})([0-9]{1,19})["']""")
_SHARED = re.compile(rb"""\bt\s*=\s*["']s["'][^>]{0,64}>\s*<v>\s*([0-9]{1,9})""")
_CREATED = re.compile(rb"<dcterms:created[^>]*>([0-9]{4}-[0-9]{2}-[0-9]{2})")
_MIDNIGHT = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}) 00:00:00(\.0+)?$"
_LINE_BREAKS = r"\s*[\r\n]+\s*"
_EMPTY_LINES = re.compile('^,*""$', re.MULTILINE)


def workbook_sheets(content: bytes, name: str) -> dict[str, pl.DataFrame]:
    """Every sheet by name, in order: a frame's first row is row 1 of the sheet, all cells text.

    Text is stripped, an empty cell is empty text, a whole number has no decimals, another number
    at most six (see `without_noise`), and a day is YYYY-MM-DD. The columns are `column_1` and so
    on. A sheet without cells is an empty frame.

    Raises:
        SnapshotError: not a complete workbook, or one too large to be read at once.
    """
    try:
        return dict(_sheets(content))
    except SnapshotError as error:
        raise SnapshotError(f"{name}: {error}") from error


def created_on(content: bytes) -> date | None:
    """The day on which a workbook says that it was created; None if it does not."""
    if not content.startswith(ARCHIVE):
        return None
    try:
        with (
            zipfile.ZipFile(io.BytesIO(content)) as archive,
            archive.open("docProps/core.xml") as opened,
        ):
            properties = opened.read(_PIECE)
    except (KeyError, zipfile.BadZipFile, zlib.error):
        return None
    found = _CREATED.search(properties)
    return date.fromisoformat(found[1].decode()) if found else None


def part_with_layout(
    content: bytes, name: str, is_shown: Callable[[bytes, str], bool]
) -> bytes | None:
    """The part of a file that shows a layout: the file, or the first such sheet of it as CSV.

    None if there is no such part. A workbook as a whole is tried first.

    Raises:
        SnapshotError: see `workbook_sheets`.
    """
    if not is_workbook(content):
        return content if is_shown(content, name) else None
    sheets = workbook_sheets(content, name)
    if is_shown(content, name):
        return content
    for sheet in sheets.values():
        if is_shown(as_csv(sheet.head(_HEAD)), name):
            return as_csv(sheet)
    return None


def readable(
    content: bytes, name: str, layout: str, is_shown: Callable[[bytes, str], bool]
) -> bytes:
    """What the parser of a layout reads: a file as it is, or the sheet of a workbook as CSV.

    Raises:
        SnapshotError: see `workbook_sheets`; or no sheet shows the layout.
    """
    if not is_workbook(content):
        return content
    part = part_with_layout(content, name, is_shown)
    if part is None:
        sheets = ", ".join(workbook_sheets(content, name))
        raise SnapshotError(
            f"{name}: no sheet of this workbook ({sheets}) has the layout {layout}, with its header"
            " in the first row. Import the publisher's own file, unchanged."
        )
    return part


def as_csv(sheet: pl.DataFrame) -> bytes:
    """A sheet as CSV. Line n is row n: a line break within a cell becomes a space.

    A row without any text is an empty line. An empty last cell is quoted: rows of a sheet are
    complete, while a line that ends early may be truncated.
    """
    cells = sheet.select(pl.all().str.replace_all(_LINE_BREAKS, " "))
    lines = cells.select(
        pl.col(cells.columns[:-1]).replace("", None), pl.col(cells.columns[-1:])
    ).write_csv(include_header=False)
    return _EMPTY_LINES.sub("", lines).encode()


@lru_cache(maxsize=1)
def _sheets(content: bytes) -> tuple[tuple[str, pl.DataFrame], ...]:
    """The sheets of the workbook last read, since several layouts may look at it."""
    if content.startswith(ARCHIVE):
        _check_size(content)
    try:
        reader = fastexcel.read_excel(content)
        return tuple((name, _texts(reader, name)) for name in reader.sheet_names)
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError) as error:
        raise SnapshotError(
            f"a workbook that cannot be read ({' '.join(str(error).split())[:120]}). If it opens in"
            " a spreadsheet, save it as .xlsx or CSV; otherwise fetch it again."
        ) from error


def _texts(reader: fastexcel.ExcelReader, name: str) -> pl.DataFrame:
    # Without a number of rows to skip, empty rows at the top would not count.
    sheet = reader.load_sheet(name, header_row=None, skip_rows=0, dtypes="string").to_polars()
    sheet = sheet.rename({column: f"column_{n}" for n, column in enumerate(sheet.columns, 1)})
    return sheet.select(
        without_noise(
            pl.all().cast(pl.String).fill_null("").str.strip_chars().str.replace(_MIDNIGHT, "$1")
        )
    )


def _check_size(content: bytes) -> None:
    """Refuse an archive that is no workbook, or one that would fill the memory.

    Raises:
        SnapshotError: it cannot be unpacked, is no workbook, or exceeds a limit.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if not any(part.filename.lower().endswith("workbook.xml") for part in parts):
                raise SnapshotError(
                    "a zip archive, but no workbook of Excel (.xlsx). Unpack it and import the"
                    " files in it, or save the table as .xlsx or CSV."
                )
            _check_parts(parts)
            # A sheet may have any name.
            cells = sum(_cells_spanned(archive, part) for part in parts)
            shown = _text_shown(archive, parts, cells) if cells <= MOST_CELLS else 0
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SnapshotError(f"not a complete workbook ({error}). Fetch it again.") from error
    if cells > MOST_CELLS:
        raise SnapshotError(
            f"a workbook that spans {cells:,} cells, more than the {MOST_CELLS:,} that are read at"
            " once. Delete the cells far below or beside the table, or save it as CSV."
        )
    if shown > LARGEST:
        raise SnapshotError(
            f"a workbook whose cells show {shown:,} bytes of text, more than the {LARGEST:,} that"
            " are read at once. Shorten its notes, or save the table as CSV."
        )


def _check_parts(parts: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse what the directory says to be too large; a part that is larger cannot be unpacked."""
    texts = filter(_is_texts, parts)
    for what, found, most in (
        ("bytes when unpacked", sum(part.file_size for part in parts), MOST_BYTES),
        ("bytes of different texts", sum(part.file_size for part in texts), MOST_TEXT),
        ("parts", len(parts), _MOST_PARTS),
    ):
        if found > most:
            raise SnapshotError(
                f"a workbook of {found:,} {what}, more than the {most:,} that are read at once."
                " Divide it, or save it as CSV."
            )


def _is_texts(part: zipfile.ZipInfo) -> bool:
    return part.filename.lower().endswith("sharedstrings.xml")


def _text_shown(archive: zipfile.ZipFile, parts: Sequence[zipfile.ZipInfo], cells: int) -> int:
    """The bytes of the different texts times the cells that show each of them.

    They are counted only where the longest text in every cell would be too much.
    """
    lengths = [
        len(text)
        for part in parts
        if _is_texts(part)
        for text in archive.read(part).split(b"<si")[1:]
    ]
    if max(lengths, default=0) * cells <= LARGEST:
        return 0
    counted: Counter[bytes] = Counter()
    for part in parts:
        with archive.open(part) as opened:
            for piece in _overlapping(opened):
                counted.update(_SHARED.findall(piece))
    return sum(
        lengths[place] * count
        for text, count in counted.items()
        if (place := int(text)) < len(lengths)
    )


def _cells_spanned(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> int:
    """The rows times the columns of a sheet, by the references of its rows and cells."""
    columns, rows = b"", 0
    with archive.open(part) as opened:
        for piece in _overlapping(opened):
            for column, row in set(_REFERENCE.findall(piece)):
                columns = max(columns, column.upper(), key=lambda one: (len(one), one))
                rows = max(rows, int(row))
    width = 0
    for letter in columns:
        width = width * 26 + letter - ord("A") + 1
    return rows * width


def _overlapping(opened: IO[bytes]) -> Iterator[bytes]:
    """The content in pieces, each with the end of the one before."""
    end = b""
    while piece := opened.read(_PIECE):
        yield end + piece
        end = piece[-_LONGEST_REFERENCE:]
