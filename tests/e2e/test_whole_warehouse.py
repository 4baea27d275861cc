"""Tests of the real published warehouse."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from dagster_project.publish.dbt_project import ensure_manifest, left_out, read_manifest
from dagster_project.sandbox.connection import Sandbox
from dagster_project.settings import Settings
from dagster_project.warehouse import (
    is_served,
    open_file,
    read_publication,
)


@pytest.fixture
def published(built_warehouse: Settings) -> duckdb.DuckDBPyConnection:
    # It also reads the exports, which a connection for answers cannot.
    connection = open_file(built_warehouse.warehouse, read_only=True)
    connection.execute("use warehouse")
    return connection


def test_the_publication_names_every_available_release(
    built_warehouse: Settings, published: duckdb.DuckDBPyConnection
) -> None:
    stored: dict[str, list[str]] = {}
    for sidecar in built_warehouse.shipped_snapshots.glob("*/*/sidecar.json"):
        described = json.loads(sidecar.read_text())
        stored.setdefault(described["source_id"], []).append(described["release_id"])
    publication = read_publication(built_warehouse)
    assert publication is not None
    assert publication.releases == {source: sorted(ids) for source, ids in stored.items()}
    assert len(stored) > 2


def test_every_mart_is_exported_whole_but_for_rows_withheld(
    built_warehouse: Settings, published: duckdb.DuckDBPyConnection
) -> None:
    publication = read_publication(built_warehouse)
    assert is_served(built_warehouse, publication.content_hash, publication.input_hash)
    marts = {
        name
        for (name,) in published.execute(
            "select table_name from duckdb_tables()"
            " where database_name = 'warehouse' and schema_name = 'marts'"
            " union select table_name from meta.keys"
        ).fetchall()
    }
    exported = {path.stem: path for path in built_warehouse.exports.glob("*.parquet")}
    assert set(exported) == marts
    assert "observations" in marts
    for name, path in exported.items():
        (rows,) = published.execute(f'select count(*) from marts."{name}"').fetchone()
        exported_rows, withheld = duckdb.execute(
            f"select (select count(*) from read_parquet('{path}')),"
            f" (select decode(value)::bigint from parquet_kv_metadata('{path}')"
            " where decode(key) = 'rows_withheld')"
        ).fetchone()
        assert rows == exported_rows + withheld, name


def test_no_figure_that_may_not_be_republished_is_exported(
    built_warehouse: Settings, published: duckdb.DuckDBPyConnection
) -> None:
    """Looked for by value, in every column of every file, whatever the rule of the rows."""
    exports = built_warehouse.exports
    published.execute(
        "create temp table secret as select distinct abs(value_usd)::decimal(38, 3) as value"
        " from marts.observations where source_id in"
        " (select source_id from marts.sources where not is_redistributable)"
        " except select abs(value_usd)::decimal(38, 3)"
        f" from read_parquet('{exports}/observations.parquet')"
    )
    (secrets,) = published.execute("select count(*) from secret").fetchone()
    assert secrets > 50
    for path in sorted(exports.glob("*.parquet")):
        columns = published.execute(
            f"select column_name from (describe from read_parquet('{path}'))"
            " where column_type like 'DECIMAL%' or column_type in ('DOUBLE', 'BIGINT', 'HUGEINT')"
        ).fetchall()
        for (column,) in columns:
            found = published.execute(
                f'select value from secret where value in (select abs(try_cast("{column}" as'
                f" decimal(38, 3))) from read_parquet('{path}'))"
            ).fetchall()
            assert not found, (path.name, column)


def test_world_marts_are_empty_before_the_first_year(
    built_warehouse: Settings, published: duckdb.DuckDBPyConnection
) -> None:
    """What leads to them is not built then; their columns are those of their contracts."""
    manifest = read_manifest(ensure_manifest(built_warehouse))
    contracts = {
        node["name"]: [
            (column["name"], column["data_type"].upper()) for column in node["columns"].values()
        ]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["materialized"].startswith("world_")
    }
    assert contracts.keys() > {"mirror_reconciled", "mirror_years", "mirror_gaps"}
    for name, columns in contracts.items():
        assert published.execute(f"select count(*) from marts.{name}").fetchone() == (0,)
        stored = published.execute(f"select column_name, column_type from (describe marts.{name})")
        assert stored.fetchall() == columns, name
    assert published.execute(
        "select provenance, reconciled_usd from marts.mirror_flow(2016, 'USA', 'KOR', '870323')"
    ).fetchall() == [("missing", None)]
    not_built = left_out(built_warehouse, manifest)
    built = published.execute(
        "select 'model.bilateral.' || table_name from duckdb_tables()"
        " where database_name = 'warehouse' and schema_name = 'intermediate'"
    ).fetchall()
    assert len(built) > 20
    assert len(not_built) > 40
    assert not_built.isdisjoint(name for (name,) in built)


def test_no_log_is_left_beside_the_published_file(built_warehouse: Settings) -> None:
    assert not Path(f"{built_warehouse.warehouse}.wal").exists()


def test_the_models_that_answer_questions_run_again_to_the_same(
    built_warehouse: Settings, published: duckdb.DuckDBPyConnection
) -> None:
    models = published.execute(
        "select model_name, relation_name, compiled_sql from meta.question_models"
        " where not is_input order by ordinal"
    ).fetchall()
    assert models
    for name, relation, compiled in models:
        (differing,) = published.execute(
            f"select count(*) from (({compiled}) except all (from {relation}))"
        ).fetchone()
        assert differing == 0, name


def test_every_table_and_view_opens_in_the_sandbox(built_warehouse: Settings) -> None:
    with Sandbox(built_warehouse) as sandbox:
        relations = sandbox.execute(
            "select schema_name, table_name from duckdb_tables() where not internal"
            " union all select schema_name, view_name from duckdb_views() where not internal",
        ).fetchall()
        for schema, name in relations:
            sandbox.execute(f'from "{schema}"."{name}" limit 1').fetchall()
    assert {"staging", "intermediate", "marts", "meta", "questions", "seeds"} <= {
        schema for schema, _ in relations
    }
