"""The same SQL on the same files in bare DuckDB: what no orchestration can beat.

Belongs here: running compiled models or tests one after the other over raw Parquet. Does
not belong here: how long that took (`measure.py`).

Usage: python -m bench.floor MANIFEST DATABASE {models|tests}
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb


def main(manifest_path: Path, database: Path, what: str) -> None:
    manifest = json.loads(manifest_path.read_bytes())
    connection = duckdb.connect()
    connection.execute(f"attach '{database}' as warehouse")
    connection.execute("use warehouse")
    connection.execute("set threads = 2")
    if what == "models":
        for node in _in_order(manifest):
            _build(connection, node, manifest)
        connection.execute("checkpoint warehouse")
    else:
        for node in _tests(manifest):
            connection.execute(f"select count(*) from ({node['compiled_code']}\n) as t").fetchall()
    connection.close()


def _build(
    connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any], manifest: Mapping[str, Any]
) -> None:
    schema, name = node["schema"], node["alias"]
    connection.execute(f'create schema if not exists "{schema}"')
    if node["resource_type"] == "seed":
        path = Path(manifest["metadata"]["seeds"]) / node["original_file_path"]
        types = json.dumps(node["config"]["column_types"]).replace('"', "'")
        connection.execute(
            f'create table "{schema}"."{name}" as from read_csv(\'{path}\', types = {types})'
        )
    else:
        kind = "view" if node["config"]["materialized"].endswith("view") else "table"
        connection.execute(f'create {kind} "{schema}"."{name}" as {node["compiled_code"]}')


def _in_order(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    nodes = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] in {"seed", "model"}
    }
    done: set[str] = set()

    def visit(key: str) -> Iterator[Mapping[str, Any]]:
        if key in done or key not in nodes:
            return
        done.add(key)
        for parent in sorted(manifest["parent_map"].get(key, [])):
            yield from visit(parent)
        yield nodes[key]

    for key in sorted(nodes):
        yield from visit(key)


def _tests(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in sorted(manifest["nodes"]):
        if manifest["nodes"][key]["resource_type"] == "test":
            yield manifest["nodes"][key]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
