"""Bulk files of UN Comtrade: everything one country reported for one period, in one file.

Tested on recordings of a list and the beginning of a file: a file is served as `application/TSV`
from the publisher's own host, as gzip. Which keys give access is known from documentation only.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from urllib.parse import urlsplit

from dagster_project.sources.connector import Available, Chunk, Request, Selection, SelectionError
from dagster_project.sources.snapshot import Covers
from dagster_project.sources.un_comtrade import downloads
from dagster_project.sources.un_comtrade.calls import (
    EDITIONS,
    HOST,
    PERIODS_A_CALL,
    SOURCE_ID,
    dataset_name,
    grouped,
    listing_chunk,
    month_of,
)

LEVEL = "all"
TABLE = "un_comtrade__bulk"
LIST_LAYOUT = "comtrade_bulk_list_v1"
FILE_LAYOUT = "comtrade_bulk_34"
_LIST = f"https://{HOST}/bulk/v1/get"
_FOLDER = "/bulk/v1/file/"
_LIST_KIND = "files"
_FILE_TYPES = ("application/tsv", "application/gzip", "application/octet-stream")
_KEY_HINT = (
    "Not every key gives access to bulk files; --level hs6 requests the products without them."
)
_FIELDS = (
    *("fileUrl", "typeCode", "freqCode", "reporterCode", "period"),
    *("classificationCode", "isOriginalClassification", "publicationDate", "eTag"),
)

_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = zlib.MAX_WBITS | 16
# A file unpacks to many times its size and is read piece by piece.
_PIECE = 1 << 16


def check_selection(selection: Selection) -> None:
    """Raise a SelectionError for a selection smaller than a file."""
    parts = [
        word
        for word, is_part in (
            ("--partner", bool(selection.partners)),
            ("--product", bool(selection.products)),
            ("--flow", set(selection.flows) != set(Selection.flows)),
        )
        if is_part
    ]
    if parts:
        raise SelectionError(
            f"{SOURCE_ID}: level {LEVEL} is one file per reporter and period with all partners,"
            f" products and flows. Leave {' and '.join(parts)} out, or select a part by its"
            " level, for example --level hs6."
        )


def list_chunks(
    selection: Selection, reporters: tuple[str, ...], periods: tuple[str, ...]
) -> tuple[Chunk, ...]:
    """The requests for the lists of files."""
    chunks = (
        listing_chunk(_LIST, _LIST_KIND, LIST_LAYOUT, selection, reporters, group)
        for group in grouped(periods, PERIODS_A_CALL)
    )
    return tuple(
        replace(chunk, request=replace(chunk.request, key_hint=_KEY_HINT)) for chunk in chunks
    )


def is_list(name: str) -> bool:
    """Whether a chunk of this name is one of `list_chunks`."""
    return name.startswith(f"{_LIST_KIND}_")


def check_list(request: Request, data: Sequence[object]) -> str | None:
    """The problem of a list of files; none where it can be used."""
    asked = {name: text.split(",") for name, text in request.parameters}
    for entry in data:
        missing = [name for name in _FIELDS if not isinstance(entry, dict) or name not in entry]
        if not isinstance(entry, dict) or missing:
            return f"field {', '.join(missing)} is missing"
        address = str(entry["fileUrl"])
        if not _is_file_address(address):
            return f"{address[:200]!r} is not an address of a bulk file on {HOST}"
        for name, codes in asked.items():
            if str(entry[name]) not in codes:
                return f"it names a file of {name} {entry[name]!r}, which was not requested"
        try:
            _published(entry)
        except ValueError:
            return f"publicationDate {str(entry['publicationDate'])[:40]!r} is not a day"
    return None


def _is_file_address(address: str) -> bool:
    """Only such addresses get the key: no other host, port, user or folder, and no suffix."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    steps = parts.path.removeprefix(_FOLDER).split("/")
    return (
        parts.scheme == "https"
        and parts.netloc == HOST
        and parts.path.startswith(_FOLDER)
        and all(step.isascii() and step.replace("-", "").isalnum() for step in steps)
        and not parts.query
        and not parts.fragment
    )


def listed(entries: Collection[Mapping[str, object]]) -> tuple[Available, ...]:
    """The files of products of the Harmonized System as reported, one per reporter and period.

    Of several editions the latest is used, whatever the order of the list.
    """
    found: dict[str, tuple[tuple[date, str], Available]] = {}
    for entry in entries:
        if not entry["isOriginalClassification"] or entry["classificationCode"] not in EDITIONS:
            continue
        period, published = str(entry["period"]), _published(entry)
        one = Available(
            name=_file_name(str(entry["freqCode"]), str(entry["reporterCode"]), period),
            first=month_of(period, 1),
            last=month_of(period, 12),
            release_key=str(entry["eTag"]),
            released_on=published,
            address=str(entry["fileUrl"]),
        )
        order = (published or date.min, str(entry["fileUrl"]))
        if one.name not in found or found[one.name][0] < order:
            found[one.name] = (order, one)
    return tuple(found[name][1] for name in sorted(found))


def _published(entry: Mapping[str, object]) -> date | None:
    text = entry["publicationDate"]
    return date.fromisoformat(str(text)[:10]) if text else None


def addresses(
    frequency: str,
    reporters: Mapping[str, tuple[str, ...]],
    periods: Sequence[str],
    known: Sequence[Available],
) -> dict[tuple[str, str, str], str]:
    """The addresses of the files of these reporters and periods, by name, code and period."""
    address_of = {one.name: one.address for one in known}
    return {
        (name, code, period): address
        for name, codes in reporters.items()
        for code in codes
        for period in periods
        if (address := address_of.get(_file_name(frequency, code, period)))
    }


def file_chunk(frequency: str, reporter: str, period: str, address: str) -> Chunk:
    equal = {
        "type_code": ("C",),
        "freq_code": (frequency,),
        "period": (period,),
        "reporter_code": (reporter,),
        # Whatever the edition of the report.
        "classification_code": EDITIONS,
    }
    return Chunk(
        name=f"bulk_{frequency}_{reporter}_{period}.tsv.gz",
        table=TABLE,
        layout=FILE_LAYOUT,
        request=Request(address, accept=_FILE_TYPES, key_hint=_KEY_HINT),
        covers=Covers(equal, month_of(period, 1), month_of(period, 12)),
        datasets=(_file_name(frequency, reporter, period),),
    )


def _file_name(frequency: str, reporter: str, period: str) -> str:
    """A separate dataset name: the lists of files and of datasets use different keys."""
    return f"{dataset_name(frequency, reporter, period)}-file"


def is_file(content: bytes) -> bool:
    """Whether a reply is a table, compressed or not, rather than an error."""
    return content.startswith(_GZIP) or downloads.SIGNS[FILE_LAYOUT](content, "")


def is_cut(content: bytes) -> bool:
    """Whether a file is truncated or damaged.

    A compressed file has checksums; one decompressed in transit must end with a line break.
    """
    if not content.startswith(_GZIP):
        return not content.endswith(b"\n")
    view, place = memoryview(content), 0
    while view[place : place + len(_GZIP)] == _GZIP:
        member = zlib.decompressobj(_GZIP_WINDOW)
        while not member.eof:
            piece = view[place : place + _PIECE]
            if not piece:
                return True
            try:
                member.decompress(piece)
            except zlib.error:
                return True
            place += len(piece) - len(member.unused_data)
    return False
