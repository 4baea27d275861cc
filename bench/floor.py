"""The same SQL on the same files in bare DuckDB: the lower bound for any orchestration.

Usage: python -m bench.floor TARGET PROJECT DATABASE {models|tests}, where TARGET has the manifest
and the results of a dbt build. Models create DATABASE; tests query an existing one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

# The end of every Python model as dbt compiles it.
_NAMES = ("dbtObj", "model")


def main(target: Path, project: Path, database: Path, what: str) -> None:
    connection = duckdb.connect()
    connection.execute(f"attach '{database}' as warehouse")
    connection.execute("use warehouse")
    connection.execute("set threads = 2")
    if what == "models":
        for node in _ran(target, {"seed", "model"}):
            _build(connection, node, project)
        connection.execute("checkpoint warehouse")
    else:
        for node in _ran(target, {"test"}):
            connection.execute(f"select count(*) from ({node['compiled_code']}\n) as t").fetchall()
    connection.close()


def _ran(target: Path, types: set[str]) -> Iterator[Mapping[str, Any]]:
    """The nodes that dbt ran, in the order they finished."""
    nodes = json.loads((target / "manifest.json").read_bytes())["nodes"]
    results = json.loads((target / "run_results.json").read_bytes())["results"]
    ran = (nodes.get(result["unique_id"], {}).get("config", {}) for result in results)
    has_years = any((config.get("meta") or {}).get("needs") for config in ran)
    for result in results:
        node = nodes.get(result["unique_id"])
        if not node or node["resource_type"] not in types or result["status"] == "skipped":
            continue
        # Without a year of the world's trade dbt runs no SQL of these: they are empty.
        if not has_years and node["config"]["materialized"].startswith(("world_", "by_year")):
            typed = (f"null::{one['data_type']} as {name}" for name, one in node["columns"].items())
            result = {"compiled_code": f"select {', '.join(typed)} limit 0"}
        yield {**node, "compiled_code": result["compiled_code"]}


def _build(connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any], project: Path) -> None:
    relation = f'"{node["schema"]}"."{node["alias"]}"'
    connection.execute(f'create schema if not exists "{node["schema"]}"')
    if node["resource_type"] == "seed":
        path = project / node["original_file_path"]
        types = json.dumps(node["config"]["column_types"]).replace('"', "'")
        connection.execute(f"create table {relation} as from read_csv('{path}', types = {types})")
    elif node["language"] == "python":
        rows = _run_python(node["compiled_code"], connection.table)
        connection.register("rows_of_model", rows)
        connection.execute(f"create table {relation} as from rows_of_model")
        connection.unregister("rows_of_model")
    else:
        kind = "view" if node["config"]["materialized"].endswith("view") else "table"
        connection.execute(f"create {kind} {relation} as {node['compiled_code']}")


def _run_python(code: str, load: Callable[[str], duckdb.DuckDBPyRelation]) -> object:
    """The result of a Python model, called as dbt's own adapter does."""
    names: dict[str, Any] = {}
    exec(compile(code, "model", "exec"), names)
    dbt, model = (names[name] for name in _NAMES)
    return model(dbt(load), None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
