"""The data dictionary says what the YAML says, and so does the warehouse."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.publish.dbt_project import ensure_manifest, read_manifest
from dagster_project.publish.dictionary import checks_of, dictionary_file, render_dictionary
from dagster_project.settings import Settings
from dagster_project.warehouse import connect_published


@pytest.fixture(scope="module")
def settings(project_root: Path) -> Settings:
    return Settings(project_root, project_root / "data", None)


@pytest.mark.slow
def test_the_dictionary_is_what_the_yaml_gives(settings: Settings) -> None:
    kept = dictionary_file(settings).read_text(encoding="utf-8")
    assert kept == render_dictionary(settings), (
        "docs/data-dictionary.md has drifted; run `python -m dagster_project.publish.dictionary`"
    )


def test_every_mart_is_in_the_dictionary_with_every_column(settings: Settings) -> None:
    page = render_dictionary(settings)
    marts = [
        node
        for node in read_manifest(ensure_manifest(settings))["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    ]
    assert len(marts) > 15
    for node in marts:
        section = page.split(f"\n### {node['name']}\n")[1].split("\n### ")[0]
        for column in node["columns"].values():
            assert f"| `{column['name']}` | {column['data_type']} |" in section, node["name"]
            assert len(column["description"]) > 10, (node["name"], column["name"])


def test_every_check_has_one_place_in_the_dictionary(settings: Settings) -> None:
    page = render_dictionary(settings)
    said = [
        check.name
        for node in read_manifest(ensure_manifest(settings))["nodes"].values()
        if node["resource_type"] == "test"
        for check in checks_of(node)
        if check.description
    ]
    assert len(said) > 40
    assert {name for name in said if page.count(f"`{name}`") != 1} == set()


def test_the_warehouse_has_the_same_descriptions(built_warehouse: Settings) -> None:
    nodes = read_manifest(ensure_manifest(built_warehouse))["nodes"].values()
    written = {
        (node["name"], column["name"]): column["description"].strip()
        for node in nodes
        if node["resource_type"] == "model" and node["schema"] == "marts"
        for column in node["columns"].values()
    }
    connection = connect_published(built_warehouse)
    try:
        stored = connection.execute(
            "select table_name, column_name, comment from duckdb_columns()"
            " where database_name = 'warehouse' and schema_name = 'marts'"
        ).fetchall()
    finally:
        connection.close()
    assert {(table, column): (said or "").strip() for table, column, said in stored} == written
