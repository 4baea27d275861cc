"""Replies of BEA: rows, nothing, a refusal or a temporary error; and the rows they contain.

Fields and errors follow the publisher's user guide and other clients. The parser was not tested on
real responses and is strict for that reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import polars as pl

from dagster_project.sources.connector import Chunk, Refused, Reply, ReplyResult, TryAgain
from dagster_project.sources.formats import no_object, read_json
from dagster_project.sources.parsing import Parsed, read_seed, rejects_frame, too_late
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile

SOURCE_ID = "bea_ita"
OBTAINED_AT = "https://apps.bea.gov/API/signup/"
AREA_SEED = "bea_areas.csv"
INDICATOR_SEED = "bea_indicators.csv"
# The publisher's word for all areas.
ALL = "All"
QUARTERS = ("QSA", "QNSA")
FREQUENCIES = ("A", *QUARTERS)

SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "indicator": pl.String(),
    "area_or_country": pl.String(),
    "frequency": pl.String(),
    "time_period": pl.String(),
    "year": pl.Int32(),
    "first_month": pl.Int32(),
    "last_month": pl.Int32(),
    "time_series_id": pl.String(),
    "time_series_description": pl.String(),
    "unit": pl.String(),
    "unit_multiplier": pl.Int32(),
    "value": pl.Decimal(20, 6),
    "rounding": pl.Decimal(20, 6),
}

_FIELDS = ("TimePeriod", "DataValue", "UNIT_MULT")

# Millions, as in these accounts, and the other possible powers of ten.
_MULTIPLIERS = {"0", "3", "6", "9"}

_PERIOD = re.compile(r"((?:19|20)[0-9]{2})(?:Q([1-4]))?")
VALUE = re.compile(r"-?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]{1,6})?")

# Marks that replace a figure, and why there is none.
NOT_HELD: Mapping[str, str] = {
    "": "no figure is given",
    "(D)": "withheld by the publisher to avoid disclosing figures of single firms",
    "(*)": "not zero, but less than half of the rounding unit",
    "n.a.": "not available from the publisher",
    "n.s.": "not shown by the publisher",
    "--": "no transactions, or none possible",
    "---": "no transactions, or none possible",
    "…": "not applicable",
    ".....": "not applicable",
}

_SCRUBBED = b"SCRUBBED"
# A shorter word could occur in the data by chance.
_LEAST_KEY = 6


@dataclass(frozen=True)
class Area:
    """An area of the publisher; a residual completes a sum and may be negative."""

    code: str
    partner_code: str
    is_residual: bool
    is_current: bool


def read_areas(seeds: Path) -> dict[str, Area]:
    """Every area that the project knows, by the publisher's code."""
    return {
        row["area_or_country"]: Area(
            row["area_or_country"],
            row["partner_code"],
            row["is_residual"] == "true",
            row["is_current"] == "true",
        )
        for row in read_seed(seeds, AREA_SEED)
    }


def read_indicators(seeds: Path) -> dict[str, str]:
    """The flow of each indicator that is requested."""
    return {
        row["indicator"]: row["flow"]
        for row in read_seed(seeds, INDICATOR_SEED)
        if row["is_requested"] == "true"
    }


def classify_reply(chunk: Chunk, reply: Reply) -> ReplyResult:
    """A reply without the key, or why there is none.

    Raises:
        TryAgain: too many requests within a minute, or the service is disturbed.
        Refused: the key, the request or the layout is wrong.
    """
    content = without_key(reply.content)
    what = f"{SOURCE_ID}, {chunk.name}"
    said = " ".join(content[:300].decode("utf-8", "replace").split())
    try:
        answer = json.loads(in_utf8(content))
    except ValueError as error:
        if content.lstrip()[:1] in (b"", b"{"):
            raise TryAgain(
                f"{what}: the reply is truncated. Send the same request again."
            ) from error
        message = f"{what}: status {reply.status}, {said!r} instead of JSON. Check the key"
        if said.startswith("<"):
            raise TryAgain(f"{message}, or try later: the service is disturbed.") from error
        raise Refused(f"{message} and the request.") from error
    api = envelope_of(answer)
    problem = problem_of(api)
    if problem is None and reply.status == 200:
        if strange := strange_data(api):
            raise Refused(
                f"{what}: {strange} instead of rows under Data. The layout has changed: the parser"
                " needs to know it."
            )
        return ReplyResult(content=content if rows_of(api) else b"")
    shown = f"{what}: status {reply.status}, {problem or said!r}"
    if problem and re.search(r"(?i)\bno (data|rows?|records?|results?)\b", problem):
        return ReplyResult(content=b"")
    if problem and re.search(r"(?i)user ?id|api key|registered|not active", problem):
        raise Refused(f"{shown}. The key is wrong or not yet active: see {OBTAINED_AT}.")
    if problem and re.search(r"(?i)too many|throttl|exceed|limit|unavailable|try again", problem):
        raise TryAgain(
            f"{shown}. BEA allows 100 requests per minute and blocks for an hour anyone who sends"
            " for more.",
            after_seconds=60,
        )
    raise Refused(f"{shown}. Correct the request: another area or year.")


def in_utf8(content: bytes) -> bytes:
    """A reply in UTF-8: some come in Windows-1252, whatever their header says."""
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        with suppress(UnicodeDecodeError):
            return content.decode("cp1252").encode()
    return content


def without_key(content: bytes) -> bytes:
    """The reply with every occurrence of the key removed; nothing else is changed.

    The publisher repeats the request, and with it the key, in every reply.
    """
    content = re.sub(rb"(?i)(userid=)[^&\"\\\s]+", rb"\1" + _SCRUBBED, content)
    named = re.compile(
        rb'(?i)("ParameterName"\s*:\s*"USERID"\s*,\s*"ParameterValue"\s*:\s*")([^"]*)(")'
        rb'|("ParameterValue"\s*:\s*")([^"]*)("\s*,\s*"ParameterName"\s*:\s*"USERID")'
    )
    keys = {found[2] or found[5] for found in named.finditer(content)}
    content = named.sub(
        lambda found: (found[1] or found[4]) + _SCRUBBED + (found[3] or found[6]), content
    )
    for key in keys:
        if len(key) >= _LEAST_KEY:
            content = re.sub(re.escape(key), _SCRUBBED, content, flags=re.IGNORECASE)
    return content


def parse_transactions(
    content: bytes,
    file: SnapshotFile,
    areas: Mapping[str, Area],
    indicators: Collection[str],
) -> Parsed:
    """One reply as rows, one per figure; every code stays text.

    The row number is the place in `Data`, from 1. Indicator, area and frequency that a row leaves
    out are those of the request, which the reply repeats, where it named one alone. A mark in place
    of a figure rejects the row, and the reason names the mark. The rounding unit is that of the
    file, since zeros at the end of a figure may be dropped.

    Raises:
        SnapshotError: the reply is an error message, is truncated, holds no rows, or lacks a
            field in its first row.
    """
    name = file.snapshot_file
    api = envelope_of(read_json(in_utf8(content), name))
    if problem := problem_of(api):
        raise SnapshotError(
            f"{name}: the publisher answered with an error: {problem!r}. Correct the request, or"
            " wait if a limit was hit, and fetch again."
        )
    rows = rows_of(api)
    if not rows:
        raise SnapshotError(f"{name}: no rows. Check the request; an empty reply is not stored.")
    first = rows[0] if isinstance(rows[0], dict) else {}
    if missing := [field for field in _FIELDS if field not in first]:
        raise SnapshotError(
            f"{name}, row 1: field {', '.join(missing)} is missing. The layout has changed: give"
            " the new one a parser."
        )
    asked = asked_of(api)
    records: list[dict[str, object]] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    decimals = 0
    for number, row in enumerate(rows, start=1):
        record, problem_of_row = _record(row, asked, areas, indicators, file)
        if problem_of_row is None:
            records.append({"row_number": number, "column_name": "DataValue", **record})
            exponent = Decimal(str(record["value"])).as_tuple().exponent
            decimals = max(decimals, -exponent if isinstance(exponent, int) else 0)
        else:
            rejects.append((number, *problem_of_row))
    unit = Decimal(1).scaleb(-decimals)
    frame = pl.DataFrame([{**record, "rounding": unit} for record in records], schema=SCHEMA)
    return Parsed(frame, rejects_frame(rejects))


def _record(
    row: object,
    asked: Mapping[str, str],
    areas: Mapping[str, Area],
    indicators: Collection[str],
    file: SnapshotFile,
) -> tuple[dict[str, object], tuple[str | None, str | None, str] | None]:
    """The row under the project's names, or the first problem: field, value, reason."""
    if not isinstance(row, dict):
        return {}, no_object(row)

    def text(field: str) -> str:
        value = row.get(field)
        return asked.get(field.casefold(), "") if value is None else str(value).strip()

    # The echo of a request may be in capitals: known codes are matched regardless of case.
    indicator = _spelt(text("Indicator"), indicators)
    area = areas.get(_spelt(text("AreaOrCountry"), areas))
    frequency = text("Frequency").upper()
    period = _PERIOD.fullmatch(text("TimePeriod"))
    printed = text("DataValue")
    if indicator not in indicators:
        reason = f"unknown indicator: if it is one of trade, add it to {INDICATOR_SEED}"
        return {}, ("Indicator", indicator or None, reason)
    if area is None:
        reason = f"unknown area: if it is a new one, add it to {AREA_SEED}"
        return {}, ("AreaOrCountry", text("AreaOrCountry") or None, reason)
    if frequency not in FREQUENCIES:
        reason = f"unknown frequency: the parser reads {', '.join(FREQUENCIES)}"
        return {}, ("Frequency", frequency or None, reason)
    if period is None or (period[2] is None) != (frequency == "A"):
        reason = "not a period of this frequency: a year is written 2016, a quarter 2016Q1"
        return {}, ("TimePeriod", text("TimePeriod") or None, reason)
    year, quarter = int(period[1]), period[2]
    last_month = int(quarter) * 3 if quarter else 12
    if (year, last_month) > (file.known_from.year, file.known_from.month):
        return {}, ("TimePeriod", period[0], too_late(file.known_from))
    if text("CL_UNIT") not in ("", "USD"):
        return {}, ("CL_UNIT", text("CL_UNIT"), "not US dollars")
    if text("UNIT_MULT") not in _MULTIPLIERS:
        return {}, ("UNIT_MULT", text("UNIT_MULT") or None, "not 0, 3, 6 or 9")
    if printed in NOT_HELD:
        return {}, ("DataValue", printed or None, NOT_HELD[printed])
    if not VALUE.fullmatch(printed):
        return {}, ("DataValue", printed, "not a number as the publisher prints it")
    value = Decimal(printed.replace(",", ""))
    if value < 0 and not area.is_residual:
        return {}, ("DataValue", printed, "a trade value cannot be negative")
    if abs(value) >= Decimal(10) ** 14:
        return {}, ("DataValue", printed, "more digits than a trade value can have")
    return {
        "indicator": indicator,
        "area_or_country": area.code,
        "frequency": frequency,
        "time_period": period[0],
        "year": year,
        "first_month": last_month - 2 if quarter else 1,
        "last_month": last_month,
        "time_series_id": text("TimeSeriesId") or None,
        "time_series_description": text("TimeSeriesDescription") or None,
        "unit": "USD",
        "unit_multiplier": int(text("UNIT_MULT")),
        "value": value,
    }, None


def _spelt(value: str, known: Collection[str]) -> str:
    if value in known:
        return value
    return next((one for one in known if one.casefold() == value.casefold()), value)


def envelope_of(reply: object) -> Mapping[str, object]:
    api = reply.get("BEAAPI") if isinstance(reply, dict) else None
    return api if isinstance(api, dict) else {}


def _results(api: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The results; a list of them where the publisher answers in parts."""
    results = api.get("Results")
    parts = results if isinstance(results, list) else [results]
    return [part for part in parts if isinstance(part, dict)]


def rows_of(api: Mapping[str, object]) -> list[object]:
    rows: list[object] = []
    for part in _results(api):
        data = part.get("Data")
        # A single row comes without a list around it.
        rows.extend(data if isinstance(data, list) else [data] if data else [])
    return rows


def strange_data(api: Mapping[str, object]) -> str | None:
    """What a part of the results has in place of rows; none where each part has rows.

    An empty list says that there are none; a missing one says nothing.
    """
    for part in _results(api):
        if not isinstance(part.get("Data"), list | dict):
            return repr(part.get("Data"))[:100] if "Data" in part else repr(sorted(part))[:100]
    return None


def problem_of(api: Mapping[str, object]) -> str | None:
    """The publisher's error message; errors come with status 200."""
    found = [error for part in (api, *_results(api)) if (error := part.get("Error"))]
    if not found:
        return None if _results(api) else "no BEAAPI.Results"
    return "; ".join(_words(error) for error in found)[:300]


def _words(error: object) -> str:
    if isinstance(error, dict):
        return " ".join(_words(value) for value in error.values())
    if isinstance(error, list):
        return " ".join(_words(value) for value in error)
    return str(error)


def asked_of(api: Mapping[str, object]) -> dict[str, str]:
    """The request as the reply repeats it: single values only."""
    request = api.get("Request")
    listed = request.get("RequestParam") if isinstance(request, dict) else None
    asked = {}
    for parameter in listed if isinstance(listed, list) else []:
        if isinstance(parameter, dict):
            value = str(parameter.get("ParameterValue", ""))
            if value and "," not in value and value.casefold() != ALL.casefold():
                asked[str(parameter.get("ParameterName", "")).casefold()] = value
    return asked
