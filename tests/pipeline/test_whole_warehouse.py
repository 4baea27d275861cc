"""The real warehouse, as published: what a reader of the one file may rely on."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from dagster_project.settings import Settings
from dagster_project.warehouse import connect_published, exports_match, read_publication


@pytest.fixture
def published(built_warehouse: Settings) -> duckdb.DuckDBPyConnection:
    return connect_published(built_warehouse)


def test_the_publication_names_every_release_that_is_held(
    built_warehouse: Settings, published: duckdb.DuckDBPyConnection
) -> None:
    held: dict[str, list[str]] = {}
    for sidecar in built_warehouse.shipped_snapshots.glob("*/*/sidecar.json"):
        described = json.loads(sidecar.read_text())
        held.setdefault(described["source_id"], []).append(described["release_id"])
    publication = read_publication(built_warehouse)
    assert publication is not None
    assert publication.releases == {source: sorted(ids) for source, ids in held.items()}
    assert len(held) > 2


def test_every_mart_is_exported_and_equal(
    built_warehouse: Settings, published: duckdb.DuckDBPyConnection
) -> None:
    assert exports_match(built_warehouse, read_publication(built_warehouse).content_hash)
    marts = {
        name
        for (name,) in published.execute(
            "select table_name from duckdb_tables()"
            " where database_name = 'warehouse' and schema_name = 'marts'"
        ).fetchall()
    }
    exported = {path.stem: path for path in built_warehouse.exports.glob("*.parquet")}
    assert set(exported) == marts
    assert "observations" in marts
    for name, path in exported.items():
        counts = published.execute(
            f'select (select count(*) from marts."{name}"),'
            f" (select count(*) from read_parquet('{path}'))"
        ).fetchone()
        assert counts[0] == counts[1], name


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
