"""The mirror models over rows that a test makes up: their SQL as compiled, without files or dbt.

The compiled text of a model made by year is SQL over all years, and that is what runs here; a
test of the whole pipeline holds the files of single years equal to it.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import polars as pl

from dagster_project.dbt_project import dbt_environment, dbt_executable
from dagster_project.settings import Settings

REPORTED = "stg_un_comtrade__bulk"
_ASKED = "mirror_reconciled"
_SCHEMAS = ("seeds", "staging", "intermediate", "marts")


@dataclass(frozen=True)
class Model:
    """One node of the plan; `code` is SQL, or the path of a Python model."""

    name: str
    schema: str
    parents: frozenset[str]
    code: str | Path


def compile_models(settings: Settings, folder: Path) -> list[Model]:
    """The models that lead to the reconciled flows, each after those it reads."""
    subprocess.run(
        [str(dbt_executable()), "--quiet", "compile"],
        cwd=folder,
        env=dbt_environment(settings, target=folder / "target"),
        check=True,
    )
    nodes = json.loads((folder / "target" / "manifest.json").read_bytes())["nodes"]
    models: list[Model] = []

    def visit(unique_id: str) -> None:
        node = nodes.get(unique_id)
        if (
            node is None
            or node["resource_type"] != "model"
            or any(one.name == node["name"] for one in models)
        ):
            return
        for parent in node["depends_on"]["nodes"]:
            visit(parent)
        if node["config"]["materialized"] == "ephemeral":
            return
        code = (
            settings.dbt_project / node["original_file_path"]
            if node["language"] == "python"
            else node["compiled_code"]
        )
        parents = frozenset(one.rsplit(".", 1)[-1] for one in node["depends_on"]["nodes"])
        models.append(Model(node["name"], node["schema"], parents, code))

    visit(f"model.bilateral.{_ASKED}")
    return models


@dataclass
class Laboratory:
    """Compiled models and the reference tables they read."""

    models: list[Model]
    seeds: Mapping[str, pl.DataFrame]

    def run(
        self, given: Mapping[str, pl.DataFrame], wanted: str = _ASKED
    ) -> duckdb.DuckDBPyConnection:
        """Build `wanted` and all it reads, with `given` tables in the place of those models."""
        connection = duckdb.connect()
        connection.execute("attach ':memory:' as warehouse")
        connection.execute("use warehouse")
        for schema in _SCHEMAS:
            connection.execute(f"create schema {schema}")
        for name, frame in self.seeds.items():
            self._create(connection, "seeds", name, given.get(name, frame))
        for model in self._needed(wanted, given):
            if model.name in given:
                self._create(connection, model.schema, model.name, given[model.name])
            elif isinstance(model.code, Path):
                self._create(
                    connection, model.schema, model.name, _run_python(model.code, connection)
                )
            else:
                connection.execute(f"create table {model.schema}.{model.name} as {model.code}")
        return connection

    def _needed(self, wanted: str, given: Mapping[str, pl.DataFrame]) -> list[Model]:
        by_name = {model.name: model for model in self.models}
        needed: set[str] = set()

        def visit(name: str) -> None:
            if name in needed or name not in by_name:
                return
            needed.add(name)
            if name not in given:
                for parent in by_name[name].parents:
                    visit(parent)

        visit(wanted)
        # What an ephemeral model reads stands in the SQL of those that read it.
        for model in self.models:
            if any(f'"{model.name}"' in str(by_name[one].code) for one in needed):
                visit(model.name)
        return [model for model in self.models if model.name in needed]

    @staticmethod
    def _create(
        connection: duckdb.DuckDBPyConnection, schema: str, name: str, frame: pl.DataFrame
    ) -> None:
        connection.register("given", frame)
        connection.execute(f"create table {schema}.{name} as select * from given")
        connection.unregister("given")


def _run_python(path: Path, connection: duckdb.DuckDBPyConnection) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def ref(name: str) -> duckdb.DuckDBPyRelation:
        (schema,) = connection.execute(
            "select schema_name from duckdb_tables() where table_name = ?", [name]
        ).fetchone() or (None,)
        return connection.sql(f"select * from {schema}.{name}")

    result = module.model(SimpleNamespace(ref=ref, config=lambda **_: None), connection)
    return result if isinstance(result, pl.DataFrame) else pl.from_arrow(result)
