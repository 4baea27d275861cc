"""Tests that a user's query can read the warehouse and do nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from e2e.stand_in import make_build

from dagster_project.publish.publication import publish
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.warehouse import QueryRefused, connect_sandboxed, execute_sandboxed


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One publication for all queries, none of which can change it."""
    settings = Settings(PROJECT_ROOT, tmp_path_factory.mktemp("sandbox"), None)
    publish(settings, make_build(settings))
    return settings


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect_sandboxed(settings) as connection:
        yield connection


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select count(*) from marts.figures", [(2000,)]),
        ("from marts.figures select max(usd)::varchar", [("2998.500",)]),
        ("with a as (select 1 as x) select x from a", [(1,)]),
        ("values (1), (2)", [(1,), (2,)]),
        ("select 1; select 2", [(2,)]),
        ("from staging.stg_snapshots__files select count(*)", [(2,)]),
        ("pivot (select 'a' as k, 2 as v) on k using sum(v)", [(2,)]),
    ],
)
def test_reading_is_allowed(
    sandbox: duckdb.DuckDBPyConnection, query: str, rows: list[tuple]
) -> None:
    assert execute_sandboxed(sandbox, query).fetchall() == rows


@pytest.mark.parametrize("query", ["describe marts.figures", "show all tables", "explain select 1"])
def test_listing_tables_and_plans_is_allowed(
    sandbox: duckdb.DuckDBPyConnection, query: str
) -> None:
    assert execute_sandboxed(sandbox, query).fetchall()


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("insert into marts.figures values (1, 1, 1)", "INSERT"),
        ("update marts.figures set usd = 0", "UPDATE"),
        ("delete from marts.figures", "DELETE"),
        ("drop table marts.figures", "DROP"),
        ("create table mine as select 1", "CREATE"),
        ("create temp table mine as select 1", "CREATE"),
        ("select 1; create table mine as select 1", "CREATE"),
        ("copy marts.figures to '{folder}/out.csv'", "COPY"),
        ("export database '{folder}/out'", "EXPORT"),
        ("attach '{folder}/other.duckdb'", "ATTACH"),
        ("detach warehouse", "DETACH"),
        ("set enable_external_access = true", "SET"),
        ("reset lock_configuration", "SET"),
        ("install httpfs", "LOAD"),
        ("checkpoint", None),
        ("explain analyze delete from marts.figures", "read-only"),
        ("select * from read_csv('{folder}/secret.csv')", "disabled"),
        ("select * from read_text('{folder}/secret.csv')", "disabled"),
        ("select * from glob('{folder}/*')", "disabled"),
        ("select * from '{folder}/secret.csv'", "disabled"),
        ("selec 1", "syntax error"),
        ("select * from marts.figure", "figures"),
        ("  ", None),
    ],
)
def test_anything_more_is_refused(
    sandbox: duckdb.DuckDBPyConnection,
    settings: Settings,
    tmp_path: Path,
    query: str,
    named: str | None,
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "secret.csv").write_text("secret\n42\n")
    before = settings.warehouse.read_bytes()
    with pytest.raises(QueryRefused, match=named):
        execute_sandboxed(sandbox, query.format(folder=folder)).fetchall()
    assert settings.warehouse.read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["secret.csv"]


@pytest.mark.parametrize("is_moved", [False, True], ids=["removed", "moved"])
def test_a_view_whose_files_are_gone_says_what_to_do(tmp_path: Path, is_moved: bool) -> None:
    settings = Settings(PROJECT_ROOT, tmp_path / "home", None)
    publish(settings, make_build(settings))
    if is_moved:
        moved = settings.data_home.rename(tmp_path / "elsewhere")
        settings = Settings(PROJECT_ROOT, moved, None)
    else:
        shutil.rmtree(settings.raw / "snapshots__files")
    with (
        connect_sandboxed(settings) as connection,
        pytest.raises(QueryRefused, match=r"raw rows.*snapshots__files.*`bilateral build`"),
    ):
        execute_sandboxed(connection, "from staging.stg_snapshots__files")


def test_no_path_leads_out_of_the_folders_of_the_views(
    sandbox: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    beside = settings.data_home / "beside.parquet"
    shutil.copy(settings.raw / "snapshots__files" / "part-0.parquet", beside)
    for path in (beside, settings.raw / ".." / beside.name, f"{settings.raw}_of_another/x.parquet"):
        with pytest.raises(QueryRefused, match="disabled"):
            execute_sandboxed(sandbox, f"from read_parquet('{path}')").fetchall()
