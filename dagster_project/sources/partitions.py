"""Paths and atomic writing of a raw table's Parquet files, at once or in parts."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.disk import fsync
from dagster_project.sources.parsing import constant_columns

SCHEMA_FILE = "_schema.parquet"
PART = "part-0.parquet"
PREFIX = "release_id="
# The metadata key under which a file records its inputs.
FINGERPRINT = "bilateral.fingerprint"
# The end of a temporary name: not .parquet, so no reader matches it.
TEMPORARY = ".tmp"
# The rows that a Parquet reader loads at once.
ROWS_A_GROUP = 122_880


def partition_file(folder: Path, release_id: str) -> Path:
    return folder / f"{PREFIX}{release_id}" / PART


def state_of(path: Path) -> Mapping[str, str]:
    """The metadata of a written partition; empty if it cannot be read."""
    try:
        return pl.read_parquet_metadata(path)
    except (OSError, pl.exceptions.PolarsError):
        return {}


def write(path: Path, frame: pl.DataFrame, metadata: dict[str, str]) -> None:
    _replace(path, _parquet_bytes(frame, metadata))


def write_if_changed(path: Path, frame: pl.DataFrame) -> bool:
    content = _parquet_bytes(frame, {})
    if path.exists() and path.read_bytes() == content:
        return False
    _replace(path, content)
    return True


def _parquet_bytes(frame: pl.DataFrame, metadata: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", metadata=metadata)
    return buffer.getvalue()


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}{TEMPORARY}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class Part:
    """One Parquet file being written in parts."""

    def __init__(self, path: Path, schema: pl.Schema) -> None:
        self.path = path
        self.rows = 0
        self._temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}{TEMPORARY}")
        self._waiting: list[pl.DataFrame] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer: pq.ParquetWriter | None = pq.ParquetWriter(
            self._temporary,
            _arrow(pl.DataFrame(schema=schema)).schema,
            compression="zstd",
            use_dictionary=[name for name, dtype in schema.items() if dtype == pl.String],
            # No reader filters row groups by text columns.
            write_statistics=[name for name, dtype in schema.items() if dtype != pl.String],
            store_decimal_as_integer=True,
            # Readers see plain text, whatever Arrow type was passed.
            store_schema=False,
        )

    def add(self, rows: pl.DataFrame) -> None:
        self.rows += rows.height
        self._waiting.append(rows)
        if sum(frame.height for frame in self._waiting) >= ROWS_A_GROUP:
            self._write(ROWS_A_GROUP)

    def close(self, state: Mapping[str, str]) -> None:
        """Afterwards all rows and the file's metadata are on disk."""
        self._write(1)
        if self._writer is not None:
            self._writer.add_key_value_metadata(dict(state))
            self._writer.close()
            self._writer = None
        fsync(self._temporary)

    def put_in_place(self) -> None:
        self._temporary.replace(self.path)
        fsync(self.path.parent)

    def drop(self) -> None:
        if self._writer is not None:
            # Closing writes the rest, which may fail on a full disk.
            with suppress(OSError, pa.ArrowException):
                self._writer.close()
        self._temporary.unlink(missing_ok=True)

    def _write(self, least: int) -> None:
        """Write whole row groups as long as `least` rows are left."""
        rows = pl.concat(self._waiting) if self._waiting else pl.DataFrame()
        while rows.height >= least and self._writer is not None:
            self._writer.write_table(_arrow(rows.head(ROWS_A_GROUP)), row_group_size=ROWS_A_GROUP)
            rows = rows.slice(ROWS_A_GROUP)
        self._waiting = [rows] if rows.height else []


def _arrow(rows: pl.DataFrame) -> pa.Table:
    """The rows with text as dictionaries, as in Parquet: a constant is one value."""
    texts = [name for name, dtype in rows.schema.items() if dtype == pl.String]
    constant = constant_columns(rows.select(texts))
    all_first = pa.array(np.zeros(rows.height, np.int32))
    columns = {}
    for column in rows:
        if column.name in constant and column.first() is not None:
            value = pa.array([column.first()], pa.large_string())
            columns[column.name] = pa.DictionaryArray.from_arrays(all_first, value, safe=False)
        elif column.name in texts:
            columns[column.name] = column.to_arrow().dictionary_encode()
        else:
            columns[column.name] = column.to_arrow()
    return pa.table(columns)
