"""Reads tables that people write in a spreadsheet and save as text."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

import polars as pl

from dagster_project.sources.formats import read_csv_cells

COMMA = ","
_SEPARATORS = (COMMA, ";", "\t")


def read_spreadsheet_cells(
    content: bytes, name: str, columns: Sequence[str], optional: Sequence[str] = ()
) -> tuple[pl.DataFrame, pl.DataFrame, str]:
    """What `read_csv_cells` reads, and the separator: a comma, a semicolon or a tab.

    Spreadsheets write a semicolon where the comma separates decimals, and text as UTF-8, UTF-16 or
    Windows-1252.

    Raises:
        SnapshotError: see `read_csv_cells`.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        content = content.decode("utf-16", errors="replace").encode()
    header = content.lstrip().partition(b"\n")[0]
    separator = max(_SEPARATORS, key=lambda one: header.count(one.encode()))
    cells, rejects = read_csv_cells(
        content, name, columns, optional, separator=separator, is_from_spreadsheet=True
    )
    return cells, rejects, separator
