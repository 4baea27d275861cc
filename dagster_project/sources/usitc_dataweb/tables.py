"""Parses the tables of a report: the measure of each, and its cells as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from dagster_project.sources.parsing import rejects_frame
from dagster_project.sources.snapshot import SnapshotError
from dagster_project.sources.usitc_dataweb.seeds import MEASURE_SEED, Measure

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

MONTH_NUMBERS = {name: number for number, name in enumerate(MONTHS, start=1)}
COUNTRY, DESCRIPTION, YEAR = "Country", "Description", "Year"
CODES = {"HTS Number": "HTS", "NAIC Number": "NAIC", "NAICS Number": "NAIC"}
A_YEAR = re.compile(r"(?:19|20)[0-9]{2}")


def read_tables(reply: object, name: str) -> list[Mapping[str, object]]:
    dto = reply.get("dto") if isinstance(reply, dict) else None
    if not isinstance(dto, dict):
        raise SnapshotError(
            f"{name}: no report (field dto) but {excerpt(reply)!r}. Correct the request, or wait"
            " while the publisher loads data, and fetch again."
        )
    if dto.get("errors"):
        raise SnapshotError(
            f"{name}: the publisher answered with an error: {excerpt(dto['errors'])!r}. Correct"
            " the request and fetch again."
        )
    tables = dto.get("tables")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SnapshotError(f"{name}: field dto.tables is missing. Fetch it again.")
    if not tables:
        raise SnapshotError(f"{name}: no tables. Check the request; an empty reply is not stored.")
    return tables


def measures_of(
    tables: Sequence[Mapping[str, object]], asked: Sequence[Measure], name: str
) -> list[Measure]:
    """The measure of each table."""
    found = []
    for place, table in enumerate(tables):
        info = table.get("tableInfo")
        title = (info.get("dataToReportDesc") if isinstance(info, dict) else None) or table.get(
            "tab_name"
        )
        if title:
            fitting = [one for one in asked if one.title_word in str(title).casefold()]
        else:
            fitting = [asked[place]] if len(tables) == len(asked) else []
        if len(fitting) != 1:
            raise SnapshotError(
                f"{name}: table {place + 1} of {len(tables)}, entitled {str(title or '')!r}, is not"
                f" one of {', '.join(one.code for one in asked)}. Request only these, or give its"
                f" title a word in {MEASURE_SEED}."
            )
        found.append(fitting[0])
    if len(set(found)) != len(found):
        raise SnapshotError(
            f"{name}: two tables show {', '.join(one.code for one in found)}. Fetch it again."
        )
    return found


def _labels(groups: object) -> Iterator[str]:
    for group in groups if isinstance(groups, list) else []:
        if isinstance(group, dict) and "columns" in group:
            yield from _labels(group["columns"])
        elif isinstance(group, dict):
            yield str(group.get("label", "")).strip()


def table_cells(
    table: Mapping[str, object], where: str, rows_before: int
) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """A table's rows as text by label, its rejects, and its number of rows."""
    labels = list(_labels(table.get("column_groups")))
    known = {COUNTRY, DESCRIPTION, YEAR, *CODES, *MONTHS}
    unknown = [label for label in labels if label not in known and not A_YEAR.fullmatch(label)]
    if unknown or len(set(labels)) != len(labels):
        raise SnapshotError(
            f"{where}: the columns are {', '.join(labels)}; "
            + (f"{', '.join(unknown)} is not read" if unknown else "one appears twice")
            + ". Leave it out of the request, or give it a meaning in the layout."
        )
    groups = table.get("row_groups")
    rows = [
        row
        for group in (groups if isinstance(groups, list) else [])
        for row in (group.get("rowsNew") or [] if isinstance(group, dict) else [])
    ]
    if rows and not any(label in MONTH_NUMBERS or A_YEAR.fullmatch(label) for label in labels):
        raise SnapshotError(f"{where}: no column of months or years. Check the request.")
    if rows and any(label in MONTH_NUMBERS for label in labels) and YEAR not in labels:
        raise SnapshotError(f"{where}: months without a column {YEAR}. Check the request.")
    records: list[list[str | int | None]] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    for number, row in enumerate(rows, start=rows_before + 1):
        entries = row.get("rowEntries") if isinstance(row, dict) else None
        values = [
            entry.get("value") if isinstance(entry, dict) else entry
            for entry in (entries if isinstance(entries, list) else [])
        ]
        if len(values) != len(labels):
            reason = f"{len(values)} cells where the header has {len(labels)}"
            rejects.append((number, None, excerpt(values), reason))
        elif bad := [value for value in values if not isinstance(value, str | int | None)]:
            rejects.append((number, None, excerpt(bad[0]), "neither text nor a whole number"))
        else:
            texts = [None if value is None else str(value).strip() for value in values]
            records.append([number, *texts])
    schema = {"row_number": pl.Int64(), **{label: pl.String() for label in labels}}
    return pl.DataFrame(records, schema=schema, orient="row"), rejects_frame(rejects), len(rows)


def excerpt(value: object) -> str:
    return " ".join(str(value).split())[:200]
