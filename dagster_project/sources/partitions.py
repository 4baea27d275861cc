"""Paths and atomic writing of a raw table's Parquet files."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from pathlib import Path

import polars as pl

SCHEMA_FILE = "_schema.parquet"
PART = "part-0.parquet"
PREFIX = "release_id="
# The metadata key under which a file records its inputs.
FINGERPRINT = "bilateral.fingerprint"


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
    """Write and rename; the temporary name does not end in .parquet, so no reader matches it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
