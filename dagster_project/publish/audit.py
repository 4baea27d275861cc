"""Audit a finished build: every planned model and test must have run and passed."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import duckdb

from dagster_project.warehouse import CATALOG, WarehouseError, open_file

# Limits on the rows shown of a failed test, to keep the message readable.
_ROWS_SHOWN = 5
_LONGEST_ROW = 200

# A test configured to warn does not stop publication; everything else must pass.
GOOD_STATUSES = frozenset({"success", "pass", "warn"})


class AuditFailed(WarehouseError):
    """A build cannot be published; `problems` has one sentence per reason."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__(
            "The build was not published; the previous warehouse is still being served:\n"
            + "\n".join(f"  - {problem}" for problem in problems)
        )


@dataclass(frozen=True)
class FinishedBuild:
    """The output of dbt: the database file, the plan, and the result of each step.

    `results` maps a dbt unique id to its last run result.
    """

    file: Path
    run_id: str
    manifest: Mapping[str, Any]
    results: Mapping[str, Mapping[str, Any]]
    input_hash: str
    code_version: str


def audit(build: FinishedBuild, without: Container[str]) -> tuple[str, ...]:
    """The reasons why this build may not be published; empty if there are none.

    `without` has the unique ids that this build leaves out. Everything else in the plan needs a
    result: a model or test that never ran counts as failed.
    """
    problems = []
    planned = [
        node
        for node in (*build.manifest["nodes"].values(), *build.manifest["unit_tests"].values())
        if _is_executed(node) and node["unique_id"] not in without
    ]
    if not any(node["resource_type"] == "model" for node in planned):
        problems.append("The plan has no models. Is this the dbt project of this build?")
    for node in sorted(planned, key=lambda node: node["unique_id"]):
        result = build.results.get(node["unique_id"])
        if result is None:
            problems.append(f"{_label(node)} was never run.")
        elif result["status"] not in GOOD_STATUSES:
            message = (result.get("message") or "no message").strip().splitlines()[0]
            problems.append(
                f"{_label(node)} ended as {result['status']}: {message}"
                f"{failing_rows(build.file, result)}"
            )
    planned_names = {node["unique_id"] for node in planned}
    for name, result in sorted(build.results.items()):
        # Hooks run without being planned as nodes; a hook that did not run shows up later.
        if name not in planned_names and result["status"] not in GOOD_STATUSES:
            problems.append(f"{name} ended as {result['status']}: {result.get('message')}")
    if not build.file.is_file():
        return (*problems, f"{build.file} does not exist.")
    connection = open_file(build.file, read_only=True)
    try:
        present = {
            f"{schema}.{name}"
            for schema, name in connection.execute(
                "select table_schema, table_name from information_schema.tables"
                f" where table_catalog = '{CATALOG}'"
            ).fetchall()
        }
    finally:
        connection.close()
    for node in planned:
        relation = f"{node.get('schema')}.{node.get('alias')}"
        if node["resource_type"] in {"model", "seed"} and relation not in present:
            problems.append(f"{_label(node)} did not create table {relation}.")
    return tuple(problems)


def failing_rows(file: Path, result: Mapping[str, Any]) -> str:
    """The first rows found by a failed test, to append to a message.

    dbt reports only their number; the rows show what is wrong. Empty unless the test failed.
    """
    if result["status"] != "fail" or not file.is_file():
        return ""
    connection = open_file(file, read_only=True)
    try:
        found = connection.execute(f"from ({result['compiled_code']}) limit {_ROWS_SHOWN}")
        names = [column[0] for column in found.description]
        rows = [_as_text(names, row) for row in found.fetchall()]
    except duckdb.Error as error:
        # Report the failed test even if its rows cannot be read.
        rows = [f"its rows cannot be read: {str(error).splitlines()[0]}"]
    finally:
        connection.close()
    return f" [{'; '.join(rows)}]"


def _as_text(names: Sequence[str], row: Sequence[object]) -> str:
    filled = [
        f"{name} {value}" for name, value in zip(names, row, strict=True) if value is not None
    ]
    return shorten(", ".join(filled) or "null", _LONGEST_ROW, placeholder=" …")


def _is_executed(node: Mapping[str, Any]) -> bool:
    config = node.get("config", {})
    return (
        node["resource_type"] in {"model", "seed", "test", "unit_test"}
        and config.get("enabled", True)
        and config.get("materialized") != "ephemeral"
    )


def _label(node: Mapping[str, Any]) -> str:
    return f"{node['resource_type'].replace('_', ' ').capitalize()} {node['name']}"
