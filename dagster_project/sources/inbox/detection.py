"""Detects the table and layout of a file, or says which layout it looks most like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dagster_project.sources.blocks import GZIP, split_header, unpacked_head
from dagster_project.sources.bulk import BulkTable
from dagster_project.sources.catalog import BULK, CATALOG, SourceTable
from dagster_project.sources.formats import is_workbook
from dagster_project.sources.inbox.folder import COMPANION, InboxError, UnknownLayout
from dagster_project.sources.snapshot import SnapshotError
from dagster_project.sources.workbooks import part_with_layout, workbook_sheets

Entry = SourceTable | BulkTable

# Where two tables read a layout, a file larger than this is for the bulk table: some 400,000 rows,
# as many as may be in memory at once.
_LARGE, _LARGE_PACKED = 64 * 1024 * 1024, 8 * 1024 * 1024
# The fewest columns that make a file look like a layout, and how many are named.
_SHARED, _SHOWN = 3, 8


def detect_layout(
    content: bytes, size: int, name: str, stated: Mapping[str, Any]
) -> tuple[Entry, str]:
    """The one table and layout of a file: as stated, or as detected.

    Args:
        content: the beginning of the file, or the whole of a workbook; `size` is that of the file.

    Raises:
        InboxError: none, or several; or a workbook that cannot be opened.
    """
    entries: tuple[Entry, ...] = (*CATALOG, *BULK)
    possible = [
        (entry, layout)
        for entry in entries
        for layout in sorted(entry.layouts)
        if stated.get("table", entry.table) == entry.table
        and stated.get("layout", layout) == layout
    ]
    if not possible:
        raise InboxError(
            f"no table {stated.get('table', '(any)')} has the layout"
            f" {stated.get('layout', '(any)')}. Tables and layouts:\n"
            + _layouts((entry, layout) for entry in entries for layout in entry.layouts)
        )
    plain = unpacked_head(content)
    try:
        shown = [
            (entry, layout)
            for entry, layout in possible
            if len(possible) == 1
            or (
                (is_shown := entry.layout_detectors.get(layout)) is not None
                and part_with_layout(plain, name, is_shown) is not None
            )
        ]
    except SnapshotError as error:
        raise InboxError(str(error).removeprefix(f"{name}: ")) from error
    if len(shown) > 1 and len({layout for _, layout in shown}) == 1:
        shown = [
            (entry, layout) for entry, layout in shown if _is_for(entry, layout, content, size)
        ]
    if len(shown) == 1:
        return shown[0]
    if shown:
        raise InboxError(
            f"it matches more than one layout:\n{_layouts(shown)}\nState which in"
            f' {name}{COMPANION}: {{"layout": "…"}}, and drop both.'
        )
    raise UnknownLayout(
        f"{_nature(plain, name)} whose layout is not recognised."
        f"{_nearest(plain, name, possible)} Known layouts:\n{_layouts(possible)}\nDrop the"
        f" publisher's own file, unchanged, or state its layout in {name}{COMPANION}:"
        ' {"layout": "…"}.'
    )


def _is_for(entry: Entry, layout: str, content: bytes, size: int) -> bool:
    """Whether a file is for this one of the two tables that read its layout."""
    is_large = size > (_LARGE_PACKED if content.startswith(GZIP) else _LARGE)
    is_bulk = is_large or any(layout in one.whole_reports for one in BULK)
    return is_bulk == isinstance(entry, BulkTable)


def _layouts(layouts: Iterable[tuple[Entry, str]]) -> str:
    return "\n".join(sorted(f"  {layout} ({entry.table})" for entry, layout in layouts))


def _nature(content: bytes, name: str) -> str:
    """What kind of file has no known layout: often a publisher's refusal."""
    head = content[:200].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page, as publishers send for a bad key or address,"
    if is_workbook(content):
        return f"a workbook (sheets: {_some(list(workbook_sheets(content, name)))})"
    return "a file"


def _nearest(content: bytes, name: str, possible: Iterable[tuple[Entry, str]]) -> str:
    """The layout that shares most columns with the file, if it shares a good part of them."""
    best, said = 0.0, ""
    for where, header in _headers(content, name):
        there = {_plain(column): column for column in header if column.strip()}
        for entry, layout in possible:
            wanted = {_plain(column): column for column in entry.headers.get(layout, ())}
            shared = there.keys() & wanted.keys()
            likeness = len(shared) / max(len(there.keys() | wanted.keys()), 1)
            is_alike = len(shared) >= max(_SHARED, len(wanted) / 3)
            if likeness <= best or not is_alike:
                continue
            best = likeness
            missing = [column for plain, column in wanted.items() if plain not in there]
            other = [column for plain, column in there.items() if plain not in wanted]
            said = (
                f" {where} looks most like {layout} ({entry.table}), with {len(shared)} of its"
                f" {len(wanted)} columns"
                + (f"; missing: {_some(missing)}" if missing else "")
                + (f"; unknown: {_some(other)}" if other else "")
                + "."
            )
    return said


def _headers(content: bytes, name: str) -> Iterable[tuple[str, Sequence[str]]]:
    """The first row of a file, or of every sheet of a workbook, and where it is."""
    if is_workbook(content):
        for sheet, rows in workbook_sheets(content, name).items():
            if rows.height:
                yield f"Sheet {sheet}", rows.row(0)
    else:
        first = content.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]
        line = first.decode("utf-8", "replace").rstrip()
        yield "It", split_header(line, is_coded=True).columns


def _plain(column: str) -> str:
    return re.sub(r"[\W_]+", "", column).casefold()


def _some(columns: Sequence[str]) -> str:
    more = len(columns) - _SHOWN
    return ", ".join(columns[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
