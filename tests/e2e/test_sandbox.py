"""Tests that a user's query can read the warehouse and do nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from dagster_project.publish.audit import FinishedBuild
from dagster_project.publish.publication import publish
from dagster_project.settings import Settings
from dagster_project.warehouse import QueryRefused, connect_sandboxed, execute_sandboxed


@pytest.fixture
def sandbox(
    settings: Settings, build: Callable[..., FinishedBuild]
) -> Iterator[duckdb.DuckDBPyConnection]:
    publish(settings, build())
    connection = connect_sandboxed(settings)
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select count(*) from marts.figures", [(2000,)]),
        ("from marts.figures select max(usd)::varchar", [("2998.500",)]),
        ("with a as (select 1 as x) select x from a", [(1,)]),
        ("values (1), (2)", [(1,), (2,)]),
        ("select 1; select 2", [(2,)]),
        ("pivot (select 'a' as k, 2 as v) on k using sum(v)", [(2,)]),
    ],
)
def test_reading_is_answered(
    sandbox: duckdb.DuckDBPyConnection, query: str, rows: list[tuple]
) -> None:
    assert execute_sandboxed(sandbox, query).fetchall() == rows


@pytest.mark.parametrize("query", ["describe marts.figures", "show all tables", "explain select 1"])
def test_looking_around_is_answered(sandbox: duckdb.DuckDBPyConnection, query: str) -> None:
    assert execute_sandboxed(sandbox, query).fetchall()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("insert into marts.figures values (1, 1, 1)", "INSERT is refused"),
        ("update marts.figures set usd = 0", "UPDATE is refused"),
        ("delete from marts.figures", "DELETE is refused"),
        ("drop table marts.figures", "DROP is refused"),
        ("create table mine as select 1", "CREATE is refused"),
        ("create temp table mine as select 1", "CREATE is refused"),
        ("select 1; create table mine as select 1", "CREATE is refused"),
        ("copy marts.figures to '{folder}/out.csv'", "COPY is refused"),
        ("export database '{folder}/out'", "EXPORT is refused"),
        ("attach '{folder}/other.duckdb'", "ATTACH is refused"),
        ("detach warehouse", "DETACH is refused"),
        ("set enable_external_access = true", "SET is refused"),
        ("reset lock_configuration", "SET is refused"),
        ("install httpfs", "LOAD is refused"),
        ("checkpoint", "refused"),
        ("explain analyze delete from marts.figures", "read-only"),
        ("select * from read_csv('{folder}/secret.csv')", "file system operations are disabled"),
        ("select * from read_text('{folder}/secret.csv')", "file system operations are disabled"),
        ("select * from glob('{folder}/*')", "file system operations are disabled"),
        ("select * from '{folder}/secret.csv'", "file system operations are disabled"),
        ("selec 1", "syntax error"),
        ("select * from marts.figure", "figures"),
        ("  ", "empty"),
    ],
)
def test_anything_more_is_refused(
    sandbox: duckdb.DuckDBPyConnection, settings: Settings, tmp_path: Path, query: str, said: str
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "secret.csv").write_text("secret\n42\n")
    before = settings.warehouse.read_bytes()
    with pytest.raises(QueryRefused, match=said):
        execute_sandboxed(sandbox, query.format(folder=folder)).fetchall()
    assert settings.warehouse.read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["secret.csv"]
