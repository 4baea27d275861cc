"""`bilateral sql` reads the warehouse for anyone and lets nobody do more."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from dagster_project.cli import app
from dagster_project.settings import Settings

Process = Callable[..., subprocess.CompletedProcess[str]]


def test_json_holds_the_exact_decimals(bilateral: Callable[..., Result]) -> None:
    query = (
        "select 27.6246::decimal(20,6) as a, 123456789012345678901.123::decimal(24,3) as b,"
        " date '2016-01-31' as c, [1, 2] as d, null as e, 'x\"y' as f, true as g"
    )
    result = bilateral("sql", query, "--format", "json")
    assert result.exit_code == 0
    assert "123456789012345678901.123" in result.stdout
    (row,) = json.loads(result.stdout)
    assert row["a"] == 27.6246
    assert (row["c"], row["d"], row["e"], row["f"], row["g"]) == (
        "2016-01-31",
        [1, 2],
        None,
        'x"y',
        True,
    )


def test_no_rows_are_an_empty_array_and_a_header(bilateral: Callable[..., Result]) -> None:
    query = "select 1 as a where false"
    assert json.loads(bilateral("sql", query, "--format", "json").stdout) == []
    assert bilateral("sql", query, "--format", "csv").stdout == "a\n"


def test_csv_is_read_back(bilateral: Callable[..., Result]) -> None:
    result = bilateral(
        "sql", "select 'a,b' as x, 1.50::decimal(9,2) as y, null as z", "--format", "csv"
    )
    assert list(csv.reader(io.StringIO(result.stdout))) == [["x", "y", "z"], ["a,b", "1.5", ""]]


def test_parquet_keeps_types(bilateral: Callable[..., Result], tmp_path: Path) -> None:
    out = tmp_path / "years.parquet"
    result = bilateral("sql", "from marts.trade_by_year", "--format", "parquet", "--out", str(out))
    assert result.exit_code == 0
    frame = pl.read_parquet(out)
    assert frame.height > 1000
    assert frame.schema["balance_usd"] == pl.Decimal(24, 3)
    assert list(tmp_path.iterdir()) == [out]


def test_the_suffix_of_the_file_decides_the_format(
    bilateral: Callable[..., Result], tmp_path: Path
) -> None:
    out = tmp_path / "rows.csv"
    assert bilateral("sql", "select 7 as seven", "--out", str(out)).exit_code == 0
    assert out.read_text() == "seven\n7\n"


def test_a_query_is_read_from_stdin(bilateral: Callable[..., Result]) -> None:
    result = bilateral("sql", "--format", "csv", stdin="select 7 as seven")
    assert result.stdout == "seven\n7\n"


def test_a_long_table_is_cut_with_a_note(bilateral: Callable[..., Result]) -> None:
    result = bilateral("sql", "select range as n from range(1000)")
    assert " 200 " in result.stderr
    assert result.stdout.rstrip().endswith("199")


@pytest.mark.parametrize(
    "query",
    [
        "insert into marts.claims select * from marts.claims",
        "update marts.claims set says = ''",
        "delete from marts.claims",
        "drop table marts.claims",
        "create table mine as select 1",
        "alter table marts.claims rename to stolen",
        "attach '{file}' as other",
        "copy marts.claims to '{file}'",
        "copy (select 1) to '{file}' (format parquet)",
        "export database '{file}'",
        "from read_csv('{secret}')",
        "from '{secret}'",
        "select * from read_text('{secret}')",
        "select * from glob('{folder}/*')",
        "install httpfs",
        "load httpfs",
        "pragma database_list; pragma enable_profiling",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "vacuum",
        "checkpoint",
        "select 1; drop table marts.claims",
        "begin; commit",
        "selec 1",
        "",
    ],
)
def test_more_than_reading_is_refused_and_changes_nothing(
    bilateral: Callable[..., Result], built_warehouse: Settings, tmp_path: Path, query: str
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("secret\n42\n")
    before = built_warehouse.warehouse.stat()
    text = query.format(file=tmp_path / "written", secret=secret, folder=tmp_path)
    result = bilateral("sql", text)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert "42" not in result.stdout
    after = built_warehouse.warehouse.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert list(tmp_path.iterdir()) == [secret]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--out", "rows.txt"), r"\brows\.txt .*\.csv, \.json or \.parquet\b"),
        (("--format", "table", "--out", "rows.csv"), r"\brows\.csv .*\.csv, \.json or \.parquet\b"),
        (("--format", "csv", "--out", "warehouse.duckdb"), r"\bwarehouse\.duckdb .*\.csv\."),
        (("--format", "csv", "--out", "/nowhere/rows.csv"), os.strerror(errno.ENOENT)),
        (("--format", "xml"), "'xml'"),
    ],
)
def test_a_bad_output_is_refused(
    bilateral: Callable[..., Result], arguments: tuple[str, ...], named: str
) -> None:
    result = bilateral("sql", "select 1", *arguments)
    assert result.exit_code == 2
    assert re.search(named, result.stderr)


def test_a_query_loads_nothing_of_builds_nor_of_pages(environment: dict[str, str]) -> None:
    heavy = ("dagster", "dbt", "polars", "pyarrow", "altair", "vl_convert", "jinja2")
    code = (
        "import sys; from typer.testing import CliRunner; from dagster_project.cli import app;"
        "assert CliRunner().invoke(app, ['sql', 'select 1']).exit_code == 0;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert found.strip() == "[]"


def test_a_pipe_gets_no_colours_and_whole_rows(bilateral_process: Process) -> None:
    result = bilateral_process("sql", "from marts.sources")
    assert result.returncode == 0
    assert "\x1b" not in result.stdout
    rows = bilateral_process("sql", "select count(*) as n from marts.sources", "--format", "csv")
    assert len(result.stdout.splitlines()) == 2 + int(rows.stdout.splitlines()[1])


def test_without_a_warehouse_the_next_step_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["sql", "select 1"], env={"BILATERAL_DATA_HOME": str(tmp_path)}
    )
    assert result.exit_code == 2
    assert "make build" in result.stderr
