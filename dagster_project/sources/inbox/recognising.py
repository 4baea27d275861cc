"""Telling the table and the layout of a dropped file.

Belongs here: choosing among what the catalog has. Does not belong here: what a layout looks
like (`SourceTable.signs`), parsing (publisher packages).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dagster_project.sources.catalog import CATALOG, SourceTable
from dagster_project.sources.inbox.outcomes import InboxError
from dagster_project.sources.inbox.stated import COMPANION


def recognised(content: bytes, name: str, stated: Mapping[str, Any]) -> tuple[SourceTable, str]:
    """The one table and layout that a file has: as stated, or as it shows.

    Raises:
        InboxError: none, or several.
    """
    possible = [
        (entry, layout)
        for entry in CATALOG
        for layout in sorted(entry.layouts)
        if stated.get("table", entry.table) == entry.table
        and stated.get("layout", layout) == layout
    ]
    if not possible:
        raise InboxError(
            f"{name}{COMPANION} states table {stated.get('table', '(any)')} and layout"
            f" {stated.get('layout', '(any)')}, which no table has. There are:\n"
            + _listed((entry, layout) for entry in CATALOG for layout in entry.layouts)
        )
    shown = [
        (entry, layout)
        for entry, layout in possible
        if len(possible) == 1 or (layout in entry.signs and entry.signs[layout](content, name))
    ]
    if len(shown) == 1:
        return shown[0]
    if shown:
        raise InboxError(
            f"it could be any of these, which look the same:\n{_listed(shown)}\nState which in"
            f' {name}{COMPANION}: {{"layout": "…"}}, and drop both.'
        )
    raise InboxError(
        f"{_nature(content)} that looks like no layout that is read. These are:\n"
        f"{_listed(possible)}\nDrop the publisher's own file, unchanged, or state its layout in"
        f' {name}{COMPANION}: {{"layout": "…"}}.'
    )


def _listed(layouts: Iterable[tuple[SourceTable, str]]) -> str:
    return "\n".join(sorted(f"  {layout} ({entry.table})" for entry, layout in layouts))


def _nature(content: bytes) -> str:
    """What a file is that has no known layout: often a publisher's way to say no."""
    head = content[:200].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page, as publishers send for a bad key or address,"
    return "a file"
