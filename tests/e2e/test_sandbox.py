"""Tests that a user's query can read the warehouse and do nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from e2e.stand_in import make_build

from dagster_project.publication_record import RECORD, read_record, write_record
from dagster_project.publish.publication import publish
from dagster_project.sandbox.connection import Sandbox
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.warehouse import (
    CATALOG,
    QueryRefused,
    WarehouseRefused,
    connect_answering,
    connect_published,
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One publication for all queries, none of which can change it."""
    settings = Settings(PROJECT_ROOT, tmp_path_factory.mktemp("sandbox"), None)
    publish(settings, make_build(settings))
    return settings


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[Sandbox]:
    with Sandbox(settings) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select count(*) from marts.figures", [(2000,)]),
        ("from marts.figures select max(usd)::varchar", [("2998.500",)]),
        ("with a as (select 1 as x) select x from a", [(1,)]),
        ("values (1), (2)", [(1,), (2,)]),
        ("select sum(x) from unnest([1, 2]) as t(x)", [(3,)]),
        ("unpivot (select 1 as a) on a", [("a", 1)]),
        ("from staging.stg_snapshots__files select count(*)", [(2,)]),
        ("pivot (select 'a' as k, 2 as v) on k using sum(v)", [(2,)]),
    ],
)
def test_reading_is_allowed(sandbox: Sandbox, query: str, rows: list[tuple]) -> None:
    assert sandbox.execute(query).fetchall() == rows


@pytest.mark.parametrize(
    "query",
    [
        *("describe marts.figures", "summarize marts.figures", "show all tables"),
        *(
            "explain select 1",
            "explain analyze from marts.figures",
            "explain (format json) select 1",
        ),
        "explain /* é */ analyze -- all of it\n select 'é'",
        "explain analyze pivot (select 'a' as k, 2 as v) on k in ('a') using sum(v)",
    ],
)
def test_listing_tables_and_plans_is_allowed(sandbox: Sandbox, query: str) -> None:
    assert sandbox.execute(query).fetchall()


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
        ("select 1; select 2", "one select"),
        ("explain analyze delete from marts.figures", "DELETE"),
        ("explain analyze copy (select 1) to '{folder}/out.csv'", "COPY"),
        ("explain (analyze) copy (pivot (select 1 as k) on k) to '{folder}/out.csv'", "refused"),
        ("explain pragma show_tables", "select"),
        ("call enable_logging(storage = 'file', storage_path = '{folder}')", "CALL"),
        ("from enable_logging(storage = 'file', storage_path = '{folder}')", "enable_logging"),
        ("from enable_profiling(save_location = '{folder}/profile')", "enable_profiling"),
        ("from pandas_scan(null)", "pandas_scan"),
        ("from system.main.pandas_scan(null)", "pandas_scan"),
        ("select (from query('select 1'))", "query"),
        ("select list_transform([1], lambda x: write_log('x'))", "write_log"),
        ("pivot (from glob('/*')) on file", "glob"),
        ("explain pivot (select 1 as k) on k", "refused"),
        ("select json_serialize_plan('from pandas_scan(null)')", "json_serialize_plan"),
        ("select * from read_csv('{folder}/secret.csv')", "read_csv"),
        ("select * from READ_TEXT('{folder}/secret.csv')", "read_text"),
        ("select * from \"glob\"('{folder}/*')", "glob"),
        ("select * from '{folder}/secret.csv'", "disabled"),
        ("from tmp_path", "does not exist"),
        ("selec 1", "syntax error"),
        ("select * from marts.figure", "figures"),
        ("  ", None),
    ],
)
def test_anything_more_is_refused(
    sandbox: Sandbox,
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
        sandbox.execute(query.format(folder=folder)).fetchall()
    assert settings.warehouse.read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["secret.csv"]


@pytest.mark.slow
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
        Sandbox(settings) as sandbox,
        pytest.raises(QueryRefused, match=r"raw rows.*snapshots__files.*`bilateral build`"),
    ):
        sandbox.execute("from staging.stg_snapshots__files")


FORGED = {
    "view that reads a file": "create view marts.{name} as from read_text('/etc/passwd')",
    "view that lists files": "create view marts.{name} as select (select max(file) from glob('*'))",
    "view that writes a log": "create view marts.{name} as"
    " from enable_logging(storage = 'file', storage_path = '{folder}/log')",
    "view that tells keys": "create view marts.{name} as from duckdb_secrets()",
    "view that runs text": "create view marts.{name} as from query('select 1')",
    "macro": "create macro marts.{name}() as table from read_blob('/etc/passwd')",
    "macro of a value": "create macro marts.{name}(a) as (select max(content) from read_text(a))",
    "generated column": "create table marts.{name} (a int, b int as (write_log('x')))",
}


def forge(settings: Settings, *statements: str, has_record: bool = True) -> None:
    """Change the file as whoever publishes it could: no hash tells that it is another's."""
    folder = settings.published.resolve()
    record = read_record(folder)
    assert record is not None
    (folder / RECORD).unlink()
    file = settings.warehouse.resolve()
    file.chmod(0o644)
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)
    if has_record:
        write_record(folder, record.publication, record.world)
    else:
        # As a file that came from somewhere else.
        file.replace(settings.warehouse)


@pytest.mark.slow
@pytest.mark.parametrize("has_record", [True, False], ids=["with a record", "without"])
@pytest.mark.parametrize("statement", FORGED.values(), ids=list(FORGED))
def test_a_file_whose_own_sql_does_more_than_read_is_refused(
    tmp_path: Path, statement: str, has_record: bool
) -> None:
    settings = Settings(PROJECT_ROOT, tmp_path / "home", None)
    publish(settings, make_build(settings))
    forge(settings, statement.format(name="forged", folder=tmp_path), has_record=has_record)
    shutil.rmtree(tmp_path / "log", ignore_errors=True)
    for connect in (Sandbox, connect_published, connect_answering):
        with pytest.raises(WarehouseRefused, match=r"marts\.forged"):
            connect(settings)
    assert not (tmp_path / "log").exists()


@pytest.mark.slow
def test_a_view_of_a_file_elsewhere_is_refused(tmp_path: Path) -> None:
    settings = Settings(PROJECT_ROOT, tmp_path / "home", None)
    publish(settings, make_build(settings))
    secret = tmp_path / "secret.parquet"
    shutil.copy(settings.raw / "snapshots__files" / "part-0.parquet", secret)
    forge(settings, f"create view marts.forged as from read_parquet('{secret}')")
    with Sandbox(settings) as sandbox, pytest.raises(QueryRefused, match="disabled"):
        sandbox.execute("from marts.forged")
    with (
        closing(connect_answering(settings)) as connection,
        pytest.raises(duckdb.PermissionException),
    ):
        connection.execute(f"from {CATALOG}.marts.forged")


@pytest.mark.slow
def test_a_macro_of_the_file_cannot_take_the_place_of_a_function(tmp_path: Path) -> None:
    settings = Settings(PROJECT_ROOT, tmp_path / "home", None)
    publish(settings, make_build(settings))
    harmless = '{"error": false}'
    forge(
        settings,
        f"create macro json_serialize_sql(a) as '{harmless}'",
        "create macro duckdb_functions() as table select 'x' as function_name where false",
        "create macro duckdb_views() as table select 'x' as view_name where false",
        "create view marts.forged as from glob('/*')",
    )
    with pytest.raises(WarehouseRefused, match=r"marts\.forged"):
        Sandbox(settings)
    forge(settings, "drop view marts.forged")
    with Sandbox(settings) as sandbox, pytest.raises(QueryRefused, match="glob"):
        sandbox.execute("from glob('/*')")


def test_a_query_nested_too_deeply_is_refused(sandbox: Sandbox) -> None:
    for opening, closing_ in (("(", ")"), ("[", "]"), ("abs(", ")"), ("(select ", ")")):
        with pytest.raises(QueryRefused):
            sandbox.execute("select " + opening * 20_000 + "1" + closing_ * 20_000)


def test_no_path_leads_out_of_the_folders_of_the_views(
    sandbox: Sandbox, settings: Settings
) -> None:
    beside = settings.data_home / "beside.parquet"
    shutil.copy(settings.raw / "snapshots__files" / "part-0.parquet", beside)
    for path in (beside, settings.raw / ".." / beside.name, f"{settings.raw}_of_another/x.parquet"):
        with pytest.raises(QueryRefused, match="read_parquet"):
            sandbox.execute(f"from read_parquet('{path}')").fetchall()
        with pytest.raises(QueryRefused, match=r"does not exist|disabled"):
            sandbox.execute(f"from '{path}'").fetchall()
