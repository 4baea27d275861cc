"""Detects the table and the layout of a dropped file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dagster_project.sources.catalog import BULK, CATALOG, BulkTable, SourceTable
from dagster_project.sources.inbox.metadata import COMPANION
from dagster_project.sources.inbox.outcomes import InboxError

Entry = SourceTable | BulkTable

# Where two tables read a layout, a file larger than this is for the bulk table: some 400,000 rows,
# as many as may be in memory at once.
_LARGE, _LARGE_PACKED = 64 * 1024 * 1024, 8 * 1024 * 1024
_GZIP = b"\x1f\x8b"


def detect_layout(
    content: bytes, size: int, name: str, stated: Mapping[str, Any]
) -> tuple[Entry, str]:
    """The one table and layout of a file: as stated, or as detected.

    Args:
        content: the beginning of the file; `size` is the whole of it.

    Raises:
        InboxError: none, or several.
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
            f"table {stated.get('table', '(any)')} and layout {stated.get('layout', '(any)')} are"
            " asked for, which no table has. There are:\n"
            + _listed((entry, layout) for entry in entries for layout in entry.layouts)
        )
    shown = [
        (entry, layout)
        for entry, layout in possible
        if len(possible) == 1
        or (layout in entry.layout_detectors and entry.layout_detectors[layout](content, name))
    ]
    if len(shown) > 1 and len({layout for _, layout in shown}) == 1:
        shown = [
            (entry, layout) for entry, layout in shown if _is_for(entry, layout, content, size)
        ]
    if len(shown) == 1:
        return shown[0]
    if shown:
        raise InboxError(
            f"it matches more than one layout:\n{_listed(shown)}\nState which in"
            f' {name}{COMPANION}: {{"layout": "…"}}, and drop both.'
        )
    raise InboxError(
        f"{_nature(content)} whose layout is not recognised. Known layouts:\n"
        f"{_listed(possible)}\nDrop the publisher's own file, unchanged, or state its layout in"
        f' {name}{COMPANION}: {{"layout": "…"}}.'
    )


def _is_for(entry: Entry, layout: str, content: bytes, size: int) -> bool:
    """Whether a file is for this one of the two tables that read its layout."""
    is_large = size > (_LARGE_PACKED if content.startswith(_GZIP) else _LARGE)
    is_bulk = is_large or any(layout in one.whole_reports for one in BULK)
    return is_bulk == isinstance(entry, BulkTable)


def _listed(layouts: Iterable[tuple[Entry, str]]) -> str:
    return "\n".join(sorted(f"  {layout} ({entry.table})" for entry, layout in layouts))


def _nature(content: bytes) -> str:
    """What kind of file has no known layout: often a publisher's refusal."""
    head = content[:200].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page, as publishers send for a bad key or address,"
    return "a file"
