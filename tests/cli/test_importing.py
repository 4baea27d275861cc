"""`bilateral import`: its messages for each file, and the data it stores."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from sources.test_un_comtrade import FACT, written
from typer.testing import CliRunner, Result

from dagster_project.cli import app

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(home: Path) -> Run:
    def invoke(*arguments: str) -> Result:
        env = {"BILATERAL_DATA_HOME": str(home), "BILATERAL_AS_OF": ""}
        result = CliRunner().invoke(app, ["import", *arguments], env=env)
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        return result

    return invoke


def report(folder: Path, name: str, *, rows: int = 3, layout: str = "comtrade_bulk_34") -> str:
    path = folder / name
    bad = {**FACT, "partner": ("999", "")}
    path.write_bytes(written([*({**FACT, "value": row} for row in range(rows)), bad], layout))
    return str(path)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.slow
def test_files_are_imported_one_after_the_other_and_stay(
    run: Run, home: Path, tmp_path: Path
) -> None:
    paths = [report(tmp_path, "2016.tsv.gz"), report(tmp_path, "other.tsv.gz", rows=4)]
    result = run(*paths, "--known-from", "2026-10-01")
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    found = re.match(
        r"2016\.tsv\.gz: 3 .*\bun_comtrade__bulk\b.* (un_comtrade/2026-10-01-[0-9a-f]{8})\b"
        r".*\b1 .*\bmeta\.rejects\b",
        first,
    )
    assert found
    assert second.startswith("other.tsv.gz: 4 ")
    assert all(Path(path).exists() for path in paths)
    rows = pl.read_parquet(
        home / "raw/un_comtrade__bulk/year=2016/*.parquet", hive_partitioning=False
    )
    assert rows.height == 7
    before = files(home)
    again = run(paths[0])
    assert again.exit_code == 0
    assert again.stdout.startswith("2016.tsv.gz: ")
    assert found[1] in again.stdout
    assert files(home) == before


@pytest.mark.slow
def test_the_table_may_be_named(run: Run, tmp_path: Path) -> None:
    path = report(tmp_path, "fuels.csv", layout="comtrade_legacy_22")
    assert " un_comtrade__bulk " in run(path, "--table", "un_comtrade__bulk").stdout
    assert " un_comtrade__trade " in run(path).stdout


@pytest.mark.slow
def test_a_bad_file_does_not_stop_the_others(run: Run, tmp_path: Path) -> None:
    cut = Path(report(tmp_path, "cut.tsv.gz"))
    cut.write_bytes(cut.read_bytes()[:-9])
    result = run(str(cut), str(tmp_path / "absent.csv"), report(tmp_path, "2016.tsv.gz"))
    assert result.exit_code == 2
    assert result.stdout.startswith("2016.tsv.gz: 3 rows")
    assert "Error: cut.tsv.gz: " in result.stderr
    assert "absent.csv: " in result.stderr
    assert "2 of 3" in result.stderr


@pytest.mark.slow
def test_an_unknown_table_is_refused(run: Run, tmp_path: Path) -> None:
    result = run(report(tmp_path, "2016.tsv.gz"), "--table", "un_comtrade__bluk")
    assert result.exit_code == 2
    assert "un_comtrade__bluk" in result.stderr
    assert "un_comtrade__bulk" in result.stderr


@pytest.mark.slow
def test_a_folder_is_not_a_file(run: Run, tmp_path: Path) -> None:
    result = run(str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {tmp_path.name}: ")
    assert result.stdout == ""


def test_a_future_day_is_refused_before_the_file_is_read(
    run: Run, home: Path, tmp_path: Path
) -> None:
    result = run(report(tmp_path, "2016.tsv.gz"), "--known-from", "2999-01-01")
    assert result.exit_code == 2
    assert "2016.tsv.gz: known_from is 2999-01-01" in result.stderr
    assert not (home / "raw").exists()
