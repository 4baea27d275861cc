"""Classifies replies of UN Comtrade, and reads the metadata and lists that they contain.

Metadata and availability are parsed as documented and as other clients read them. They have not
been tested on real responses. Unknown values are rejected, not guessed.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import re
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from dagster_project.sources.blocks import GZIP
from dagster_project.sources.connector import (
    Available,
    Chunk,
    QuotaSpent,
    Refused,
    Reply,
    ReplyError,
    ReplyResult,
    Request,
    TryAgain,
)
from dagster_project.sources.formats import shows
from dagster_project.sources.parsing import Check, Parsed, reject_faulty, rejects_frame
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.un_comtrade import downloads
from dagster_project.sources.un_comtrade.planning import (
    EDITIONS,
    HOST,
    SOURCE_ID,
    ask_of,
    balanced,
    dataset_name,
    month_of,
    trade_chunk,
)
from dagster_project.sources.un_comtrade.trade import (
    LAYOUT,
    REQUIRED,
    SCHEMA,
    Areas,
    error_of,
    in_order,
    missing_fields,
    rows_of,
)

KEY_ADDRESS = "https://comtradedeveloper.un.org/"
METADATA_LAYOUT = "comtrade_metadata_v1"
METADATA_SIGN = shows('"data"', '"reporterCode"', '"importValuation"', starts="{")
AVAILABILITY_LAYOUT = "comtrade_availability_v1"
LIST_LAYOUT = "comtrade_bulk_list_v1"
LIST_KIND = "files"
FILE_LAYOUT = "comtrade_bulk_34"

METADATA_SCHEMA: dict[str, pl.DataType] = {
    **{
        column: SCHEMA[column]
        for column in (
            *("row_number", "column_name", "type_code", "freq_code", "period"),
            *("ref_year", "ref_month", "reporter_code", "reporter_iso"),
        )
    },
    "trade_system": pl.String(),
    "import_valuation": pl.String(),
    "export_valuation": pl.String(),
    "published_on": pl.Date(),
}
METADATA_KEY = ("type_code", "freq_code", "period", "reporter_code")
METADATA_VALUES = ("trade_system", "import_valuation", "export_valuation")

# Raw column → field of a dataset's metadata; the values are in the dataset itself, or in `notes`.
_METADATA_CODES = {column: REQUIRED[column] for column in METADATA_KEY}
_METADATA_WORDS = {
    "trade_system": "tradeSystem",
    "import_valuation": "importValuation",
    "export_valuation": "exportValuation",
}
_PUBLISHED = "publicationDate"
_VALUATIONS = ("cif", "fob", "fas")
_WORDS = {
    "trade_system": ("general", "special"),
    "import_valuation": _VALUATIONS,
    "export_valuation": _VALUATIONS,
}
_YEAR = 52
_FILE_FIELDS = (
    *("fileUrl", "typeCode", "freqCode", "reporterCode", "period"),
    *("classificationCode", "isOriginalClassification", "publicationDate", "eTag"),
)
_FILE_ADDRESS = re.compile(rf"https://{re.escape(HOST)}/bulk/v1/file(/-*[A-Za-z0-9][A-Za-z0-9-]*)+")
# A file expands to many times its size, so it is read in pieces.
_PIECE = 1 << 16


# ---------------------------------------------------------------------------
# Classifying a reply
# ---------------------------------------------------------------------------


def classify_reply(chunk: Chunk, reply: Reply) -> ReplyResult:
    """Return the reply, nothing if it is empty, or smaller calls if it was cut at the limit.

    Raises:
        TryAgain: the reply is a web page or truncated, or the publisher is overloaded.
        QuotaSpent: the publisher says that today's calls are used up.
        Refused: the request or the layout is wrong, or a call cannot be made smaller.
    """
    if chunk.layout == FILE_LAYOUT:
        return _classify_file(chunk, reply)
    envelope = _envelope(chunk, reply)
    data = envelope.get("data")
    if not isinstance(data, list):
        raise _layout_changed(chunk, "the reply has no rows under data")
    if envelope.get("count") != len(data):
        raise TryAgain(
            f"{_what(chunk)}: the reply says {envelope.get('count')} rows and has {len(data)}."
            " Send the same request again."
        )
    if not data:
        return ReplyResult(content=b"")
    if chunk.layout == LAYOUT:
        if len(data) >= ask_of(chunk.request).rows_a_call:
            return ReplyResult(content=b"", more=_smaller(chunk), is_whole=False)
        _check_fields(chunk, data[0], REQUIRED.values())
    elif chunk.layout == AVAILABILITY_LAYOUT:
        _check_fields(chunk, data[0], ("reporterCode", "period", "datasetChecksum"))
    elif chunk.layout == LIST_LAYOUT and (problem := _problem_of_list(chunk.request, data)):
        raise _layout_changed(chunk, f"the list of files cannot be used: {problem}")
    return ReplyResult(content=reply.content)


def _classify_file(chunk: Chunk, reply: Reply) -> ReplyResult:
    if reply.status == 404:
        raise Refused(
            f"{_what(chunk)}: HTTP 404: the file was removed since it was listed, as after a new"
            " publication. Fetch this reporter and period separately: they are listed again."
        )
    content = reply.content
    is_table = content.startswith(GZIP) or downloads.SIGNS[FILE_LAYOUT](content, "")
    if not 200 <= reply.status < 300 or not is_table:
        _envelope(chunk, reply)
        raise _layout_changed(chunk, "JSON without rows instead of a gzip file")
    if _is_cut(content):
        raise TryAgain(
            f"{_what(chunk)}: the file is truncated or damaged after"
            f" {len(content):,} bytes. Send the same request again."
        )
    return ReplyResult(content=content)


def _is_cut(content: bytes) -> bool:
    """Whether a file is truncated or damaged.

    A compressed file has checksums; one decompressed in transit must end with a line break.
    """
    if not content.startswith(GZIP):
        return not content.endswith(b"\n")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as unpacked:
            while unpacked.read(_PIECE):
                pass
    except (EOFError, OSError, zlib.error):
        return True
    return False


def _smaller(chunk: Chunk) -> tuple[Chunk, ...]:
    """Halve a call by its periods or, if it has only one, by flow, reporter, partner, product."""
    ask = ask_of(chunk.request)
    for part in ("periods", "flows", "reporters", "partners", "products"):
        values = getattr(ask, part)
        if len(values) > 1:
            return tuple(
                trade_chunk(replace(ask, **{part: half}), math.ceil(chunk.expected_rows / 2))
                for half in balanced(values, 2)
            )
    raise Refused(
        f"{_what(chunk)}: {ask.rows_a_call:,} rows, as many as a call returns, and nothing left to"
        " divide it by. Name partners or single products, or use a key."
    )


def _envelope(chunk: Chunk, reply: Reply) -> Mapping[str, object]:
    """Return the reply as an object, and raise the error that it contains, if any."""
    said = " ".join(reply.content[:300].decode("utf-8", "replace").split())
    if not said or said.startswith("<"):
        raise TryAgain(
            f"{_what(chunk)}: {repr(said) if said else 'nothing'} instead of JSON (status"
            f" {reply.status}). Send the same request again."
        )
    try:
        envelope = json.loads(reply.content)
    except ValueError as error:
        if said.startswith("{"):
            raise TryAgain(
                f"{_what(chunk)}: the reply is truncated after {len(reply.content):,} bytes. Ask"
                " for the same again."
            ) from error
        raise _meant(chunk, said, said, reply.status) from error
    if not isinstance(envelope, dict):
        raise Refused(f"{_what(chunk)}: {said!r} is not an envelope. The layout has changed.")
    message = error_of(envelope)
    if message or not 200 <= reply.status < 300:
        status = envelope.get("statusCode")
        status = status if isinstance(status, int) else reply.status
        raise _meant(chunk, message[:200] or said, message, status)
    return envelope


def _meant(chunk: Chunk, said: str, message: str, status: int) -> ReplyError:
    """Return the error for a message. Its words are more specific than its status."""
    shown = f"{_what(chunk)}: {said!r}"
    if re.search(r"(?i)\bquota\b|call volume", message):
        return QuotaSpent(f"{shown}. Today's calls are used up: run it again tomorrow.")
    wait = re.search(r"(?i)try again in (\d+) second", message)
    overloaded = r"(?i)time[d]? ?-?out|try again|rate limit|too many req|overload|busy|temporar"
    if wait or status in (408, 425, 429) or status >= 500 or re.search(overloaded, message):
        return TryAgain(f"{shown}. Try again later.", float(wait[1]) if wait else None)
    if status in (401, 403):
        advice = f"The key is wrong or not active: see {KEY_ADDRESS}. {chunk.request.key_hint}"
        return Refused(f"{shown}. {advice.rstrip()}")
    return Refused(f"{shown}. Correct the selection: the publisher rejects this request.")


def _check_fields(chunk: Chunk, row: object, fields: Collection[str]) -> None:
    if missing := missing_fields(row, fields):
        raise _layout_changed(chunk, f"field {', '.join(missing)} is missing")


def _layout_changed(chunk: Chunk, what: str) -> Refused:
    return Refused(
        f"{_what(chunk)}: {what}. The publisher has changed its layout: the parser needs to know"
        " it."
    )


def _what(chunk: Chunk) -> str:
    address = chunk.request.stored_address
    return f"{SOURCE_ID}, {address[:300]}{'…' if len(address) > 300 else ''}"


# ---------------------------------------------------------------------------
# Metadata
# ---------------------------------------------------------------------------


def parse_metadata(content: bytes, file: SnapshotFile, areas: Areas) -> Parsed:
    """Return a reply as rows, one per reporter and period, numbered by position in `data`.

    If a dataset was published several times, the last publication applies.

    Raises:
        SnapshotError: see `rows_of`. It is also raised if the first dataset lacks a field.
    """
    name = file.snapshot_file
    datasets = dict(enumerate(rows_of(content, name), start=1))
    latest = {number: _latest(dataset) for number, dataset in datasets.items()}
    printed = {**_METADATA_CODES, **_METADATA_WORDS}
    if missing := missing_fields(latest[1], printed.values()):
        raise SnapshotError(
            f"{name}, row 1: field {', '.join(missing)} is missing. The layout has changed, or"
            " this is not a reply of getMetadata."
        )
    printed["published_on"] = _PUBLISHED
    rows = {number: row for number, row in latest.items() if row is not None}
    strange = [
        (number, None, str(dataset)[:200], "not a dataset with its notes")
        for number, dataset in datasets.items()
        if number not in rows
    ]
    texts = {
        column: [str(value) if (value := row.get(field)) else None for row in rows.values()]
        for column, field in printed.items()
    }
    cells = pl.DataFrame(
        {"row_number": list(rows), **texts},
        schema={"row_number": pl.Int64(), **dict.fromkeys(printed, pl.String())},
    ).with_columns(pl.col(METADATA_KEY).str.strip_chars().replace("", None))
    cells, found = reject_faulty(cells, _checks_of_metadata(areas))
    is_month, period = pl.col("freq_code") == "M", pl.col("period")
    frame = cells.with_columns(
        pl.lit(_METADATA_WORDS["trade_system"]).alias("column_name"),
        period.str.slice(0, 4).alias("ref_year"),
        pl.when(is_month).then(period.str.slice(4)).otherwise(pl.lit(_YEAR)).alias("ref_month"),
        pl.col("reporter_code")
        .replace_strict(areas.printed_iso, return_dtype=pl.String)
        .alias("reporter_iso"),
        *(_word(column).alias(column) for column in METADATA_VALUES),
        _day(),
    ).select(pl.col(column).cast(dtype) for column, dtype in METADATA_SCHEMA.items())
    named = [
        bad.with_columns(pl.lit(printed[column]).alias("column_name")) for column, bad in found
    ]
    return Parsed(frame, in_order(rejects_frame(strange), *named))


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


def _checks_of_metadata(areas: Areas) -> list[Check]:
    form = pl.when(freq_code="A").then(pl.lit("^[0-9]{4}$"))
    form = form.otherwise(pl.lit("^[0-9]{4}(0[1-9]|1[0-2])$"))
    return [
        *(Check(pl.col(column).is_null(), column, "the field is empty") for column in METADATA_KEY),
        Check(
            ~pl.col("freq_code").is_in(["A", "M"]),
            "freq_code",
            "neither a year (A) nor a month (M)",
        ),
        Check(
            ~pl.col("period").str.contains(form), "period", "not a year (YYYY) or a month (YYYYMM)"
        ),
        Check(
            ~pl.col("reporter_code").is_in(list(areas.printed_iso)),
            "reporter_code",
            "unknown area code",
        ),
        *(
            Check(
                (~_word(column).is_in(words)).fill_null(False),
                column,
                f"not known: {', '.join(words)} or empty",
            )
            for column, words in _WORDS.items()
        ),
        Check(pl.col("published_on").is_not_null() & _day().is_null(), "published_on", "not a day"),
    ]


def _word(column: str) -> pl.Expr:
    """Return the first word: "General" means "General trade system". Empty stays unknown."""
    return pl.col(column).str.to_lowercase().str.extract(r"(\S+)")


def _day() -> pl.Expr:
    day = pl.col("published_on").str.slice(0, 10)
    formats = ("%Y-%m-%d", "%Y%m%d")
    return pl.coalesce(day.str.to_date(form, strict=False) for form in formats)


# ---------------------------------------------------------------------------
# Available datasets and files
# ---------------------------------------------------------------------------


def available(replies: Mapping[str, bytes]) -> tuple[Available, ...]:
    """Return the listed datasets or files by reporter and period, in the latest edition.

    Only files of Harmonized System products as reported are included.
    """
    found = [
        _listed_file(entry) if name.startswith(f"{LIST_KIND}_") else _dataset(entry, name)
        for name, content in replies.items()
        if content
        for entry in json.loads(content)["data"]
        if not name.startswith(f"{LIST_KIND}_")
        or (entry["isOriginalClassification"] and entry["classificationCode"] in EDITIONS)
    ]
    found.sort(key=lambda one: (one.released_on or date.min, one.address or ""))
    latest = {one.name: one for one in found}
    return tuple(latest[name] for name in sorted(latest))


def _dataset(dataset: object, name: str) -> Available:
    try:
        period, reporter = str(dataset["period"]), str(dataset["reporterCode"])  # ty: ignore
        rows = dataset.get("totalRecords")  # ty: ignore
        return Available(
            name=dataset_name("A" if len(period) == 4 else "M", reporter, period),
            first=month_of(period, 1),
            last=month_of(period, 12),
            release_key=str(dataset["datasetChecksum"]),  # ty: ignore
            released_on=_date(dataset.get("lastReleased")),  # ty: ignore
            rows=None if rows is None else int(rows),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused(
            f"{SOURCE_ID}, {name}: a dataset without period, reporter, checksum or days as"
            f" expected: {str(dataset)[:200]!r}. The publisher has changed its layout."
        ) from error


def _listed_file(entry: Mapping[str, object]) -> Available:
    period = str(entry["period"])
    return Available(
        name=file_name(str(entry["freqCode"]), str(entry["reporterCode"]), period),
        first=month_of(period, 1),
        last=month_of(period, 12),
        release_key=str(entry["eTag"]),
        released_on=_date(entry["publicationDate"]),
        address=str(entry["fileUrl"]),
    )


def file_name(frequency: str, reporter: str, period: str) -> str:
    """Return a separate dataset name: lists of files and of datasets use different keys."""
    return f"{dataset_name(frequency, reporter, period)}-file"


def _date(text: object) -> date | None:
    return date.fromisoformat(str(text)[:10]) if text else None


def _problem_of_list(request: Request, data: Sequence[object]) -> str | None:
    """Return the problem with a list of files, or None if the list can be used."""
    asked = {name: text.split(",") for name, text in request.parameters}
    for entry in data:
        missing = missing_fields(entry, _FILE_FIELDS)
        if not isinstance(entry, dict) or missing:
            return f"field {', '.join(missing)} is missing"
        address = str(entry["fileUrl"])
        if not _is_file_address(address):
            return f"{address[:200]!r} is not an address of a bulk file on {HOST}"
        for name, codes in asked.items():
            if str(entry[name]) not in codes:
                return f"it names a file of {name} {entry[name]!r}, which was not requested"
        try:
            _date(entry["publicationDate"])
        except ValueError:
            return f"publicationDate {str(entry['publicationDate'])[:40]!r} is not a day"
    return None


def _is_file_address(address: str) -> bool:
    """Whether an address may get the key: no other host, port, user or folder, no suffix."""
    return _FILE_ADDRESS.fullmatch(address) is not None
