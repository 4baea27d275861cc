"""Metadata of the datasets: trade system and valuation of what a country reported.

Written from the publisher's documentation and other clients, not tested on real responses: the
values are in the dataset itself, or in `notes`, one per publication of the dataset, of which the
last applies. The parser is strict: unknown values are rejected, not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from dagster_project.sources.parsing import Parsed, read_json, rejects_frame, shows
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.un_comtrade.areas import Areas
from dagster_project.sources.un_comtrade.replies import rows_of

LAYOUT = "comtrade_metadata_v1"
SIGN = shows('"data"', '"reporterCode"', '"importValuation"', starts="{")

SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "type_code": pl.String(),
    "freq_code": pl.String(),
    "period": pl.String(),
    "ref_year": pl.Int32(),
    "ref_month": pl.Int32(),
    "reporter_code": pl.String(),
    "reporter_iso": pl.String(),
    "trade_system": pl.String(),
    "import_valuation": pl.String(),
    "export_valuation": pl.String(),
    "published_on": pl.Date(),
}
PRIMARY_KEY = ("type_code", "freq_code", "period", "reporter_code")
VALUES = ("trade_system", "import_valuation", "export_valuation")

_CODES = {
    "type_code": "typeCode",
    "freq_code": "freqCode",
    "period": "period",
    "reporter_code": "reporterCode",
}
_WORDS = {
    "trade_system": "tradeSystem",
    "import_valuation": "importValuation",
    "export_valuation": "exportValuation",
}
_SYSTEMS = ("general", "special")
_VALUATIONS = ("cif", "fob", "fas")
_PUBLISHED = "publicationDate"
_YEAR = 52


def parse_metadata(content: bytes, file: SnapshotFile, areas: Areas) -> Parsed:
    """One reply as rows, one per reporter and period; the row number is the position in `data`.

    Raises:
        SnapshotError: see `rows_of`; or the first dataset lacks a field.
    """
    name = file.snapshot_file
    data = rows_of(read_json(content, name), name)
    first = _latest(data[0])
    missing = [
        field
        for field in (*_CODES.values(), *_WORDS.values())
        if first is None or field not in first
    ]
    if missing:
        raise SnapshotError(
            f"{name}, row 1: field {', '.join(missing)} is missing. The layout has changed, or"
            " this is not a reply of getMetadata."
        )
    records: list[dict[str, object]] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    for number, dataset in enumerate(data, start=1):
        row = _latest(dataset)
        if row is None:
            rejects.append((number, None, str(dataset)[:200], "not a dataset with its notes"))
            continue
        record, problem = _record(row, areas)
        if problem is None:
            records.append({"row_number": number, "column_name": _WORDS["trade_system"], **record})
        else:
            rejects.append((number, *problem))
    return Parsed(pl.DataFrame(records, schema=SCHEMA, orient="row"), rejects_frame(rejects))


def _latest(dataset: object) -> Mapping[str, object] | None:
    """The dataset with the values of its last publication."""
    if not isinstance(dataset, dict):
        return None
    notes = dataset.get("notes")
    if notes is None:
        return dataset
    if not isinstance(notes, list) or not all(isinstance(note, dict) for note in notes):
        return None
    last = max(notes, key=lambda note: str(note.get(_PUBLISHED) or ""), default={})
    return {**dataset, **last}


def _record(
    row: Mapping[str, object], areas: Areas
) -> tuple[dict[str, object], tuple[str, str | None, str] | None]:
    record: dict[str, object] = {}
    for column, field in _CODES.items():
        text = str(row.get(field) or "").strip()
        if not text:
            return {}, (field, None, "the field is empty")
        record[column] = text
    period, freq = str(record["period"]), record["freq_code"]
    length = {"A": 4, "M": 6}.get(str(freq))
    if length is None:
        return {}, (_CODES["freq_code"], str(freq), "neither a year (A) nor a month (M)")
    month = period[4:] if length == 6 else "01"
    if not (period.isdecimal() and len(period) == length and 1 <= int(month) <= 12):
        return {}, (_CODES["period"], period, "not a year (YYYY) or a month (YYYYMM)")
    record["ref_year"] = int(period[:4])
    record["ref_month"] = int(month) if length == 6 else _YEAR
    code = str(record["reporter_code"])
    if code not in areas.printed_iso:
        return {}, (_CODES["reporter_code"], code, "unknown area code")
    record["reporter_iso"] = areas.printed_iso[code]
    for column, field in _WORDS.items():
        text = str(row.get(field) or "").strip().lower()
        words = _SYSTEMS if column == "trade_system" else _VALUATIONS
        # "General" and "General trade system" are the same; an empty value stays unknown.
        word = text.split()[0] if text else None
        if word is not None and word not in words:
            return {}, (field, str(row.get(field)), f"not known: {', '.join(words)} or empty")
        record[column] = word
    published = row.get(_PUBLISHED)
    try:
        record["published_on"] = date.fromisoformat(str(published)[:10]) if published else None
    except ValueError:
        return {}, (_PUBLISHED, str(published), "not a day")
    return record, None
