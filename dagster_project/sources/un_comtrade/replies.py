"""Parses replies of API version 1: the envelope and its rows as text cells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

import polars as pl

from dagster_project.sources.parsing import Parsed, read_json, rejects_frame, shows
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.un_comtrade.areas import Areas
from dagster_project.sources.un_comtrade.trade import (
    FLAGS,
    MONEY,
    OPTIONAL,
    QUANTITIES,
    REQUIRED,
    YEAR_AND_MONTH,
    check_trade,
)

LAYOUT = "comtrade_v1"
SIGN = shows('"data"', '"reporterCode"', '"cmdCode"', '"primaryValue"', starts="{")

_FIELDS = {**REQUIRED, **OPTIONAL}
_ALWAYS = frozenset(REQUIRED.values())
_NUMBERS = frozenset({*YEAR_AND_MONTH, *MONEY, *QUANTITIES})


def parse_reply(content: bytes, file: SnapshotFile, areas: Areas) -> Parsed:
    """One reply as rows; the row number is the position in `data`, from 1.

    Raises:
        SnapshotError: the reply is an error message, is truncated, has no rows, or lacks a field in
        its first row.
    """
    name = file.snapshot_file
    data = rows_of(read_json(content, name), name)
    first = data[0]
    missing = [
        field for field in REQUIRED.values() if not isinstance(first, dict) or field not in first
    ]
    if missing:
        raise SnapshotError(
            f"{name}, row 1: field {', '.join(missing)} is missing. The layout is that of"
            " version 1; downloads have layouts of their own."
        )
    rows: list[dict[str, object]] = []
    numbers: list[int] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    for number, row in enumerate(data, start=1):
        if not isinstance(row, dict):
            rejects.append((number, None, str(row)[:200], "not an object"))
        elif row.keys() >= _ALWAYS:
            numbers.append(number)
            rows.append(row)
        else:
            absent = next(field for field in REQUIRED.values() if field not in row)
            rejects.append((number, absent, None, "the field is missing"))
    cells = pl.DataFrame(
        {
            "row_number": pl.Series(numbers, dtype=pl.Int64()),
            **{
                column: _texts(column, [row.get(field) for row in rows])
                for column, field in _FIELDS.items()
            },
        }
    )
    parsed = check_trade(cells, _FIELDS, areas, file.known_from)
    return Parsed(
        parsed.frame,
        pl.concat([rejects_frame(rejects), parsed.rejects]).sort("row_number", maintain_order=True),
    )


def rows_of(reply: object, name: str) -> list[object]:
    """The rows in the envelope.

    Raises:
        SnapshotError: not an envelope, an error message, truncated, or no rows.
    """
    if not isinstance(reply, dict):
        raise SnapshotError(f"{name}: not an envelope with data, count and error. Fetch it again.")
    message = error_of(reply)
    if message:
        raise SnapshotError(
            f"{name}: the publisher answered with an error: {message[:200]!r}. Correct the"
            " request, or wait if a limit was hit, and fetch again."
        )
    data, count = reply.get("data"), reply.get("count")
    if not isinstance(data, list):
        raise SnapshotError(f"{name}: field data is missing from the envelope. Fetch it again.")
    if count != len(data):
        raise SnapshotError(
            f"{name}: the envelope says {count} rows but contains {len(data)}: truncated."
            " Fetch it again."
        )
    if not data:
        raise SnapshotError(f"{name}: no rows. Check the request; an empty reply is not stored.")
    return data


def error_of(reply: Mapping[str, object]) -> str:
    """The error message of an envelope, or of the gateway before it; empty if there is none."""
    return str(reply.get("error") or (reply.get("message") if "data" not in reply else "") or "")


def _texts(column: str, values: list[object]) -> pl.Series:
    """Values as text, as in downloads; values of an unexpected type as JSON.

    A quoted text is then rejected where a number or a flag is expected.
    """
    types = set(map(type, values)) - {type(None)}
    is_text = column not in _NUMBERS and column not in FLAGS
    if types <= {str} and is_text:
        return pl.Series(values, dtype=pl.String())
    if types == {int}:
        texts = [None if value is None else str(value) for value in values]
        return pl.Series(texts, dtype=pl.String())
    return pl.Series([_text(value, is_text=is_text) for value in values], dtype=pl.String())


def _text(value: object, *, is_text: bool) -> str | None:
    if value is None:
        return None
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, str) and not is_text:
        return json.dumps(value)
    return str(value)
