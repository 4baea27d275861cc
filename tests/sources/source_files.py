"""Builds small publishers' files and release folders for tests."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import polars as pl

from dagster_project.sources.snapshot import SnapshotFile

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
COUNTRY_HEADER = (
    "year",
    "CTY_CODE",
    "CTYNAME",
    *(f"I{month}" for month in MONTHS),
    "IYR",
    *(f"E{month}" for month in MONTHS),
    "EYR",
)
CLAIM = {
    "claim_id": "c1",
    "document_id": "d1",
    "says": "deficit",
    "trade_kind": "goods",
    "measure": "deficit",
    "reporter": "USA",
    "partner": "KOR",
    "sector": "total",
    "period": "2016",
    "base_period": "",
    "value": "27.6",
    "unit": "USD bn",
    "rounding": "0.1",
    "hedge": "exact",
    "attributed_to": "",
    "compared_with": "",
}
CLAIM_HEADER = tuple(CLAIM)


def csv_bytes(header: Sequence[str], rows: Sequence[Mapping[str, str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def country_row(year: str, code: str, name: str, **cells: str) -> dict[str, str]:
    return {"year": year, "CTY_CODE": code, "CTYNAME": name, **cells}


def country_bytes(*rows: Mapping[str, str]) -> bytes:
    return csv_bytes(COUNTRY_HEADER, rows)


def claims_bytes(*changes: Mapping[str, str]) -> bytes:
    return csv_bytes(CLAIM_HEADER, [{**CLAIM, **change} for change in changes])


def api_bytes(*rows: Sequence[object]) -> bytes:
    return json.dumps(list(rows)).encode()


def comtrade_row(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "typeCode": "C",
        "freqCode": "A",
        "refPeriodId": 20160101,
        "refYear": 2016,
        "refMonth": 52,
        "period": "2016",
        "reporterCode": 842,
        "reporterISO": "USA",
        "flowCode": "M",
        "partnerCode": 410,
        "partnerISO": "KOR",
        "partner2Code": 0,
        "partner2ISO": "W00",
        "classificationCode": "H4",
        "cmdCode": "TOTAL",
        "customsCode": "C00",
        "mosCode": "0 ",
        "motCode": 0,
        "cifvalue": 71887.5,
        "fobvalue": None,
        "primaryValue": 71887.5,
        "isReported": True,
        "isAggregate": False,
    }
    return {**row, **changes}


def comtrade_bytes(*rows: object, count: int | None = None, error: str = "") -> bytes:
    envelope = {
        "elapsedTime": "0.01 secs",
        "count": len(rows) if count is None else count,
        "data": list(rows),
        "error": error,
    }
    return json.dumps(envelope).encode()


def snapshot_file(
    layout: str, name: str = "file", known_from: date = date(2017, 1, 31)
) -> SnapshotFile:
    """The description of a file for a parser; the bytes are passed separately."""
    return SnapshotFile(
        source_id="source",
        release_id="release",
        known_from=known_from,
        table="source__table",
        name=name,
        layout=layout,
        address=None,
        sha256="",
        bytes=0,
        composed_from=None,
        note=None,
        path=Path(name),
    )


def write_release(
    root: Path,
    source_id: str,
    release_id: str,
    files: Mapping[str, tuple[str, str, bytes]],
    **changes: Any,
) -> Path:
    """A release folder; `files` maps a name to table, layout and bytes."""
    folder = root / source_id / release_id
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for name, (table, layout, content) in files.items():
        (folder / name).write_bytes(content)
        entries.append(
            {
                "name": name,
                "table": table,
                "layout": layout,
                "address": "https://example.org/data?time=2016-01",
                "sha256": hashlib.sha256(content).hexdigest(),
                "bytes": len(content),
                "composed_from": None,
                "note": None,
            }
        )
    sidecar: dict[str, Any] = {
        "source_id": source_id,
        "release_id": release_id,
        "known_from": "2017-01-31",
        "known_from_precision": "month",
        "retrieved_on": "2026-11-21",
        "licence": "public domain",
        "redistributable": True,
        "files": entries,
    }
    (folder / "sidecar.json").write_text(json.dumps(sidecar | changes), encoding="utf-8")
    return folder


def edit_sidecar(folder: Path, **changes: Any) -> None:
    path = folder / "sidecar.json"
    sidecar = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(sidecar | changes), encoding="utf-8")


def numbers_in(reason: str) -> list[str]:
    """The rows, counts and limits that a reason names."""
    return re.findall(r"\d+", reason)


def reject_rows(rejects: pl.DataFrame) -> list[tuple[Any, ...]]:
    return rejects.select("row_number", "column_name", "value", "reason").rows()


def table_bytes(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its place."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def workbook_bytes(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """A workbook: text, numbers, days and True or False as a spreadsheet stores them.

    `None` is an empty cell.
    """
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    numbers = range(1, len(sheets) + 1)
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>'
        for n, name in zip(numbers, sheets, strict=True)
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1"'
        f' Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{listed}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">{related}'
        f'<Relationship Id="rId0" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        # Format 14 is a day.
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><cellXfs><xf numFmtId="0"/>'
        '<xf numFmtId="14"/></cellXfs></styleSheet>',
        **{
            f"xl/worksheets/sheet{n}.xml": f'<worksheet xmlns="{main}"><sheetData>'
            + "".join(_sheet_row(number, row) for number, row in enumerate(rows, start=1))
            + "</sheetData></worksheet>"
            for n, rows in zip(numbers, sheets.values(), strict=True)
        },
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            archive.writestr(entry, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return buffer.getvalue()


def _sheet_row(number: int, row: Sequence[object]) -> str:
    cells = []
    for place, value in enumerate(row):
        letters = chr(65 + place % 26)
        where = f'r="{chr(64 + place // 26) if place >= 26 else ""}{letters}{number}"'
        if isinstance(value, bool):
            cells.append(f'<c {where} t="b"><v>{value:d}</v></c>')
        elif isinstance(value, date):
            cells.append(f'<c {where} s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>')
        elif isinstance(value, int | float):
            cells.append(f"<c {where}><v>{value!r}</v></c>")
        elif value is not None:
            text = escape(str(value))
            cells.append(f'<c {where} t="inlineStr"><is><t>{text}</t></is></c>')
    return f'<row r="{number}">{"".join(cells)}</row>'
