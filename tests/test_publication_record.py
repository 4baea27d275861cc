"""What is served is what was published: any change of a published file is seen."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dagster_project.publication_record import RECORD, altered_files, read_record, write_record

PUBLICATION = {"content_hash": "c", "input_hash": "i"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "published.0"
    (made / "exports").mkdir(parents=True)
    (made / "warehouse.duckdb").write_bytes(b"balance 27.6")
    (made / "exports" / "balances.parquet").write_bytes(b"27.6")
    write_record(made, PUBLICATION, [tmp_path / "cells.parquet"])
    return made


def altered(folder: Path, *, in_full: bool = False) -> list[str]:
    record = read_record(folder)
    assert record is not None
    return [one.split()[0] for one in altered_files(folder, record, in_full=in_full)]


def test_published_files_are_read_only_and_known(folder: Path, tmp_path: Path) -> None:
    record = read_record(folder)
    assert record is not None
    assert record.is_of("c", "i")
    assert not record.is_of("c", "other")
    assert record.world == (tmp_path / "cells.parquet",)
    assert set(record.files) == {"warehouse.duckdb", "exports/balances.parquet"}
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o444}
    assert altered(folder) == []


def rewrite(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"27.6", b"66.6"))


def rewrite_in_place_of(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes().replace(b"27.6", b"66.6"))
    other.replace(path)


def rewrite_and_set_times_back(path: Path) -> None:
    stat = path.stat()
    rewrite(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def cut(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:3])


@pytest.mark.parametrize(
    "change", [rewrite, rewrite_in_place_of, rewrite_and_set_times_back, cut, Path.unlink]
)
@pytest.mark.parametrize("name", ["warehouse.duckdb", "exports/balances.parquet"])
def test_any_change_is_seen_without_reading_untouched_files(
    folder: Path, name: str, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    change(folder / name)
    read: list[Path] = []
    open_file = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, *mode, **more: read.append(path) or open_file(path, *mode, **more),
    )
    assert altered(folder) == [name]
    assert {path for path in read if path.name != RECORD} <= {folder / name}


def test_a_log_of_changes_beside_the_warehouse_is_a_change(folder: Path) -> None:
    (folder / "warehouse.duckdb.wal").write_bytes(b"update")
    assert altered(folder) == ["warehouse.duckdb.wal"]


def test_a_file_changed_below_the_file_system_is_found_in_full(folder: Path) -> None:
    content = json.loads((folder / RECORD).read_text())
    content["files"]["warehouse.duckdb"]["sha256"] = "0" * 64
    (folder / RECORD).chmod(0o644)
    (folder / RECORD).write_text(json.dumps(content))
    assert altered(folder) == []
    assert altered(folder, in_full=True) == ["warehouse.duckdb"]


def test_a_copied_publication_is_the_same(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, copy_function=shutil.copyfile)
    assert altered(copy) == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"publication": 1}', '{"files": []}'])
def test_a_damaged_record_is_none(folder: Path, content: str) -> None:
    (folder / RECORD).chmod(0o644)
    (folder / RECORD).write_text(content)
    assert read_record(folder) is None
    assert [one.split(",")[0] for one in altered_files(folder, None)] == [RECORD]


def test_a_record_that_does_not_name_the_warehouse_proves_nothing(folder: Path) -> None:
    content = json.loads((folder / RECORD).read_text())
    del content["files"]["warehouse.duckdb"]
    (folder / RECORD).chmod(0o644)
    (folder / RECORD).write_text(json.dumps(content))
    [said] = altered_files(folder, read_record(folder), only="warehouse.duckdb")
    assert said.startswith(RECORD)
