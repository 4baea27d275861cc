"""UN Comtrade: replies of API version 1.

Belongs here: the envelope and the rows of `data/v1/get`, and which of the publisher's
area codes mean which country. Does not belong here: choosing between rows that overlap
(aggregates, modes of transport): staging does that in sight of everybody.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from dagster_project.sources.raw import FileParser, SourceTable
from dagster_project.sources.reading import Parsed, read_json, rejects_frame
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile

LAYOUT = "comtrade_v1"
COUNTRY_SEED = "country_list.csv"
WORLD = ("0", "W00")

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
    "flow_code": pl.String(),
    "partner_code": pl.String(),
    "partner_iso": pl.String(),
    "partner2_code": pl.String(),
    "classification_code": pl.String(),
    "cmd_code": pl.String(),
    "customs_code": pl.String(),
    "mot_code": pl.String(),
    "cif_value": pl.Decimal(20, 3),
    "fob_value": pl.Decimal(20, 3),
    "primary_value": pl.Decimal(20, 3),
    "is_reported": pl.Boolean(),
    "is_aggregate": pl.Boolean(),
}

_TEXTS = {
    "type_code": "typeCode",
    "freq_code": "freqCode",
    "period": "period",
    "flow_code": "flowCode",
    "classification_code": "classificationCode",
    "cmd_code": "cmdCode",
    "customs_code": "customsCode",
    "mot_code": "motCode",
    "partner2_code": "partner2Code",
}
_INTEGERS = {"ref_year": "refYear", "ref_month": "refMonth"}
_VALUES = {"cif_value": "cifvalue", "fob_value": "fobvalue", "primary_value": "primaryValue"}
_FLAGS = {"is_reported": "isReported", "is_aggregate": "isAggregate"}
_AREAS = {"reporter": ("reporterCode", "reporterISO"), "partner": ("partnerCode", "partnerISO")}
_FIELDS = (
    *_TEXTS.values(),
    *_INTEGERS.values(),
    *_VALUES.values(),
    *_FLAGS.values(),
    *(field for pair in _AREAS.values() for field in pair),
)
_LARGEST_VALUE = Decimal(10) ** 17
_THOUSANDTH = Decimal("0.001")


def comtrade_areas(seeds: Path) -> dict[str, str]:
    """Area code → ISO 3166 alpha-3, every code that the publisher uses for a country.

    The United States, for one, are 842 today and were 840 and 841.
    """
    try:
        text = (seeds / COUNTRY_SEED).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SnapshotError(f"seed {COUNTRY_SEED}: absent from {seeds}. Restore it.") from error
    areas = {
        code: row["iso3"]
        for row in csv.DictReader(io.StringIO(text, newline=""))
        for code in row["comtrade_codes"].split()
    }
    if not areas:
        raise SnapshotError(f"seed {COUNTRY_SEED}: has no rows. Restore it.")
    return areas


def parse_trade(content: bytes, file: SnapshotFile, areas: Mapping[str, str]) -> Parsed:
    """One reply as rows under the project's names; ISO codes are those of the seed.

    The row number is the place in `data`, from 1.

    Raises:
        SnapshotError: the reply is an error message, is cut short, holds no rows, or lacks
            a field in its first row.
    """
    name = file.snapshot_file
    data = _rows(read_json(content, name), name)
    first = data[0]
    missing = [field for field in _FIELDS if not isinstance(first, dict) or field not in first]
    if missing:
        raise SnapshotError(
            f"{name}, row 1: field {', '.join(missing)} is missing. The layout is that of"
            " version 1; older downloads need a parser of their own."
        )
    records: list[dict[str, object]] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    for number, row in enumerate(data, start=1):
        record, problem = _record(row, areas, file.known_from)
        if problem is None:
            records.append({"row_number": number, "column_name": "primaryValue", **record})
        else:
            rejects.append((number, *problem))
    return Parsed(pl.DataFrame(records, schema=SCHEMA, orient="row"), rejects_frame(rejects))


def _rows(reply: object, name: str) -> list[object]:
    if not isinstance(reply, dict):
        raise SnapshotError(f"{name}: not an envelope with data, count and error. Fetch it again.")
    message = reply.get("error") or (reply.get("message") if "data" not in reply else None)
    if message:
        raise SnapshotError(
            f"{name}: the publisher answered with an error: {str(message)[:200]!r}. Correct the"
            " request, or wait where a limit was hit, and fetch again."
        )
    data, count = reply.get("data"), reply.get("count")
    if not isinstance(data, list):
        raise SnapshotError(f"{name}: field data is missing from the envelope. Fetch it again.")
    if count != len(data):
        raise SnapshotError(
            f"{name}: the envelope says {count} rows but holds {len(data)}: cut short."
            " Fetch it again."
        )
    if not data:
        raise SnapshotError(f"{name}: no rows. Check the request; an empty reply is not stored.")
    return data


def _record(
    row: object, areas: Mapping[str, str], known_from: date
) -> tuple[dict[str, object], tuple[str | None, str | None, str] | None]:
    """The row under the project's names, or the first problem: field, value, reason."""
    if not isinstance(row, dict):
        return {}, (None, str(row)[:200], "not an object")
    record: dict[str, object] = {}
    for field in _FIELDS:
        if field not in row:
            return {}, (field, None, "the field is missing")
    for column, field in _TEXTS.items():
        if row[field] is None:
            return {}, (field, None, "the field is empty")
        # Some codes come with trailing blanks.
        record[column] = str(row[field]).strip()
    for column, field in _INTEGERS.items():
        if not _is_integer(row[field]):
            return {}, (field, _as_text(row[field]), "not a whole number")
        record[column] = row[field]
    if not str(record["period"]).startswith(str(record["ref_year"])):
        return {}, ("period", _as_text(row["period"]), "does not lie in refYear")
    if row["refYear"] > known_from.year:
        reason = f"a release known from {known_from} cannot hold this year"
        return {}, ("refYear", _as_text(row["refYear"]), reason)
    for column, (code_field, iso_field) in _AREAS.items():
        code = str(row[code_field])
        iso = WORLD[1] if code == WORLD[0] else areas.get(code)
        if iso is None:
            reason = f"unknown area code: if it is a country, add it to {COUNTRY_SEED}"
            return {}, (code_field, code, reason)
        printed = row[iso_field]
        if printed in areas.values() and printed != iso:
            return {}, (iso_field, _as_text(printed), f"code {code} is {iso}, not this")
        record[f"{column}_code"], record[f"{column}_iso"] = code, iso
    for column, field in _VALUES.items():
        value = row[field]
        problem = _value_problem(value, is_required=field == "primaryValue")
        if problem is not None:
            return {}, (field, _as_text(value), problem)
        record[column] = None if value is None else Decimal(value)
    for column, field in _FLAGS.items():
        if not (row[field] is None or isinstance(row[field], bool)):
            return {}, (field, _as_text(row[field]), "neither true nor false")
        record[column] = row[field]
    return record, None


def _value_problem(value: object, *, is_required: bool) -> str | None:
    if value is None:
        return "the value is missing" if is_required else None
    if not (_is_integer(value) or isinstance(value, Decimal)):
        return "not a number"
    number = Decimal(str(value))
    if number < 0:
        return "a trade value cannot be negative"
    if number >= _LARGEST_VALUE or number != number.quantize(_THOUSANDTH):
        return "more digits than a value in dollars can have"
    return None


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _as_text(value: object) -> str | None:
    return None if value is None else str(value)


_LAST_MONTH = pl.format(
    "{}-{}",
    pl.col("ref_year"),
    pl.when(pl.col("freq_code") == "M")
    .then(pl.col("ref_month"))
    .otherwise(12)
    .cast(pl.String)
    .str.zfill(2),
)


def _comtrade_parser(seeds: Path) -> FileParser:
    areas = comtrade_areas(seeds)
    return lambda content, file: parse_trade(content, file, areas)


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id="un_comtrade",
        table="un_comtrade__trade",
        description="Trade as each country reported it to the United Nations.",
        layouts=frozenset({LAYOUT}),
        parser=_comtrade_parser,
        seeds=(COUNTRY_SEED,),
        columns=SCHEMA,
        primary_key=(
            "type_code",
            "freq_code",
            "period",
            "reporter_code",
            "flow_code",
            "partner_code",
            "partner2_code",
            "classification_code",
            "cmd_code",
            "customs_code",
            "mot_code",
        ),
        values=("cif_value", "fob_value", "primary_value"),
        period=_LAST_MONTH,
        calendar="Continuously, as countries report; a year is fairly complete"
        " by the following autumn.",
    ),
)
