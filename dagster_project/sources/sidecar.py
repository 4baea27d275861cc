"""Sidecars: the file beside a publisher's bytes that describes a release, and its checks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from urllib.parse import parse_qsl, quote_plus, urlsplit, urlunsplit

SIDECAR = "sidecar.json"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
DATED_ID = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01]))?")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_PRECISIONS = ("day", "month", "year")
_SECRET_PARAMETERS = frozenset(
    {"key", "subscription-key", "userid", "servicekey", "api_key", "apikey", "token"}
)
_SCRUBBED = "SCRUBBED"


class SnapshotError(ValueError):
    """A snapshot, or one of its files, cannot be used as a whole."""


@dataclass(frozen=True)
class Covers:
    """The part of a raw table that a request covers.

    Rows of earlier releases inside it that the new reply lacks were withdrawn by the publisher.
    `equal` gives the requested values by raw column, `beginnings` their beginnings; a column left
    out is not restricted. `first` and `last` are months (YYYY-MM), compared with
    `SourceTable.period`.
    """

    equal: Mapping[str, tuple[str, ...]]
    first: str
    last: str
    beginnings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def columns(self) -> frozenset[str]:
        """The columns that restrict the part, besides the period."""
        return frozenset(self.equal) | frozenset(self.beginnings)


@dataclass(frozen=True)
class SnapshotFile:
    """One file of a release, as its sidecar describes it.

    `snapshot_file` is the path below the snapshots root, as recorded in raw rows.
    """

    source_id: str
    release_id: str
    known_from: date
    table: str
    name: str
    layout: str
    address: str | None
    sha256: str
    bytes: int
    composed_from: str | None
    note: str | None
    path: Path
    covers: Covers | None = None

    @property
    def snapshot_file(self) -> str:
        return f"{self.source_id}/{self.release_id}/{self.name}"

    @property
    def is_empty(self) -> bool:
        """Whether the publisher had nothing for the request."""
        return self.bytes == 0 and self.covers is not None


@dataclass(frozen=True)
class Release:
    """What one publisher published as of one day.

    `known_from` is never too early: where only the month or the year is known
    (`known_from_precision`), it is the last possible day.
    """

    source_id: str
    release_id: str
    known_from: date
    known_from_precision: str
    retrieved_on: date
    licence: str
    redistributable: bool
    files: tuple[SnapshotFile, ...]
    folder: Path
    retrieved_at: datetime | None = None

    def files_of(self, table: str) -> tuple[SnapshotFile, ...]:
        return tuple(file for file in self.files if file.table == table)

    @property
    def moment(self) -> tuple[date, datetime, str]:
        """The sort key of a source's releases: on the same day, the one retrieved later wins."""
        at = self.retrieved_at or datetime.combine(self.retrieved_on, time.min, UTC)
        return self.known_from, at, self.release_id


def read_release(folder: Path) -> Release:
    """Read and check the sidecar of one release folder; the files are not opened.

    Raises:
        SnapshotError: the sidecar is missing, is not JSON, lacks a field, contradicts the
            folder's place, or does not name exactly the files that are there.
    """
    source_id, release_id = folder.parent.name, folder.name
    where = f"{source_id}/{release_id}/{SIDECAR}"
    sidecar = _read_sidecar(folder / SIDECAR, where)
    for name, expected in (("source_id", source_id), ("release_id", release_id)):
        if _text(sidecar, name, where) != expected:
            raise SnapshotError(
                f"{where}: {name} is {sidecar[name]!r} but the folder is called"
                f" {expected!r}. Rename the folder or correct the sidecar."
            )
        if not _NAME.fullmatch(expected):
            raise SnapshotError(
                f"{where}: {name} {expected!r} must be letters, digits, '.', '_' and '-'."
            )
    precision = _text(sidecar, "known_from_precision", where)
    if precision not in _PRECISIONS:
        raise SnapshotError(
            f"{where}: known_from_precision is {precision!r}; write one of"
            f" {', '.join(_PRECISIONS)}."
        )
    redistributable = sidecar.get("redistributable")
    if not isinstance(redistributable, bool):
        raise SnapshotError(f"{where}: redistributable must be true or false.")
    entries = sidecar.get("files")
    if not isinstance(entries, list) or not entries:
        raise SnapshotError(f"{where}: files must list at least one file.")
    known_from = _date(sidecar, "known_from", where)
    release = Release(
        source_id=source_id,
        release_id=release_id,
        known_from=known_from,
        known_from_precision=precision,
        retrieved_on=_date(sidecar, "retrieved_on", where),
        licence=_text(sidecar, "licence", where),
        redistributable=redistributable,
        files=tuple(
            _read_file_entry(entry, f"{where}, file {number}", folder, known_from)
            for number, entry in enumerate(entries, start=1)
        ),
        folder=folder,
        retrieved_at=_moment(sidecar, "retrieved_at", where),
    )
    _check_dates(release, where)
    named = [file.name for file in release.files]
    for name in named:
        if named.count(name) > 1:
            raise SnapshotError(f"{where}: names {name} twice. Keep one entry per file.")
    present = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    unnamed = sorted(present - {SIDECAR} - set(named))
    if unnamed:
        raise SnapshotError(
            f"{where}: does not name {', '.join(unnamed)}. Describe the file there, or remove it"
            " from the folder."
        )
    return release


def _check_dates(release: Release, where: str) -> None:
    """A release cannot be retrieved before it was known, nor known before the date in its id."""
    earliest = {
        "day": release.known_from,
        "month": release.known_from.replace(day=1),
        "year": release.known_from.replace(month=1, day=1),
    }[release.known_from_precision]
    if earliest > release.retrieved_on:
        raise SnapshotError(
            f"{where}: known_from {release.known_from} lies after retrieved_on"
            f" {release.retrieved_on}. Correct whichever is wrong."
        )
    named = DATED_ID.fullmatch(release.release_id)
    if named and release.known_from < date(int(named[1]), int(named[2]), int(named[3] or 1)):
        raise SnapshotError(
            f"{where}: known_from {release.known_from} lies before the date in the release id"
            f" {release.release_id}. Correct whichever is wrong."
        )


def _read_sidecar(path: Path, where: str) -> Mapping[str, object]:
    try:
        sidecar = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise SnapshotError(
            f"{where}: missing. Every release folder needs a sidecar; fetch the release again."
        ) from error
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"{where}: not JSON ({error}). Correct it.") from error
    if not isinstance(sidecar, dict):
        raise SnapshotError(f"{where}: must be a JSON object.")
    return sidecar


def _read_file_entry(entry: object, where: str, folder: Path, known_from: date) -> SnapshotFile:
    if not isinstance(entry, dict):
        raise SnapshotError(f"{where}: must be a JSON object.")
    name = _text(entry, "name", where)
    if not _NAME.fullmatch(name):
        raise SnapshotError(f"{where}: name {name!r} must be a plain file name.")
    size = entry.get("bytes")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise SnapshotError(f"{where}: bytes must be a whole number.")
    address = _optional_text(entry, "address", where)
    if address is not None and scrub_address(address) != address:
        raise SnapshotError(
            f"{where}: the address holds a key. Replace its value by {_SCRUBBED}, and have the"
            " publisher issue a new one if it was ever shared."
        )
    return SnapshotFile(
        source_id=folder.parent.name,
        release_id=folder.name,
        known_from=known_from,
        table=_text(entry, "table", where),
        name=name,
        layout=_text(entry, "layout", where),
        address=address,
        sha256=_text(entry, "sha256", where),
        bytes=size,
        composed_from=_optional_text(entry, "composed_from", where),
        note=_optional_text(entry, "note", where),
        path=folder / name,
        covers=_read_covers(entry, where),
    )


def _read_covers(entry: Mapping[str, object], where: str) -> Covers | None:
    covers = entry.get("covers")
    if covers is None:
        return None
    where = f"{where}, covers"
    if not isinstance(covers, dict):
        raise SnapshotError(f"{where}: must be an object with equal, first and last.")
    equal = _read_columns(covers.get("equal"), where)
    beginnings = _read_columns(covers.get("beginnings", {}), where)
    bounds = [_text(covers, bound, where) for bound in ("first", "last")]
    if not all(_MONTH.fullmatch(bound) for bound in bounds) or bounds[0] > bounds[1]:
        raise SnapshotError(f"{where}: first and last must be months, YYYY-MM, in this order.")
    return Covers(equal, *bounds, beginnings)


def _read_columns(columns: object, where: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(columns, dict):
        raise SnapshotError(f"{where}: must be an object with equal, first and last.")
    for column, values in columns.items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise SnapshotError(f"{where}: {column} must be a list of texts.")
    return {column: tuple(values) for column, values in columns.items()}


def _text(fields: Mapping[str, object], name: str, where: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise SnapshotError(f"{where}: {name} must be a text that is not empty.")
    return value


def _optional_text(fields: Mapping[str, object], name: str, where: str) -> str | None:
    return None if fields.get(name) is None else _text(fields, name, where)


def _date(fields: Mapping[str, object], name: str, where: str) -> date:
    text = _text(fields, name, where)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SnapshotError(f"{where}: {name} is {text!r}; write it as YYYY-MM-DD.") from error


def _moment(fields: Mapping[str, object], name: str, where: str) -> datetime | None:
    text = _optional_text(fields, name, where)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise SnapshotError(
            f"{where}: {name} is {text!r}; write date, time and zone: 2026-11-22T08:30:00+00:00."
        )
    return moment.astimezone(UTC)


def scrub_address(address: str) -> str:
    """Replace the value of every parameter that can contain a secret.

    Other parameters keep their order and spelling, so that the address still identifies the
    request.
    """
    parts = urlsplit(address)
    if not parts.query:
        return address
    kept = []
    for pair in parts.query.split("&"):
        parsed = parse_qsl(pair, keep_blank_values=True)
        name = parsed[0][0] if parsed else ""
        is_secret = name.lower() in _SECRET_PARAMETERS
        kept.append(f"{quote_plus(name)}={_SCRUBBED}" if is_secret else pair)
    return urlunsplit(parts._replace(query="&".join(kept)))
