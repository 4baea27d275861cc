"""The audit of a finished build: whether every planned model and test has run and passed."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import duckdb

from dagster_project.warehouse import CATALOG, WarehouseError, open_file

# Of what a failed test has found, so that a line of it can be read.
_ROWS_SHOWN = 5
_LONGEST_ROW = 200

# A test that only warns has said what its author wanted it to say; all else must pass.
GOOD_STATUSES = frozenset({"success", "pass", "warn"})


class AuditFailed(WarehouseError):
    """A build is not fit to be published; `problems` says why, one sentence each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__(
            "The build was not published, the warehouse of before is still served:\n"
            + "\n".join(f"  - {problem}" for problem in problems)
        )


@dataclass(frozen=True)
class FinishedBuild:
    """What dbt left behind: a file, the plan it followed, and how each step ended.

    `results` maps a dbt unique id to its last run result.
    """

    file: Path
    run_id: str
    manifest: Mapping[str, Any]
    results: Mapping[str, Mapping[str, Any]]
    input_hash: str
    code_version: str


def audit(build: FinishedBuild, without: Container[str]) -> tuple[str, ...]:
    """Why this build may not be published; empty when nothing speaks against it.

    `without` are the unique ids of what this build was not to run. The rest of the plan is
    compared with the results, not the results alone read: a model that was never run, or a
    test that was never asked, is as bad as one that failed.
    """
    problems = []
    planned = [
        node
        for node in (*build.manifest["nodes"].values(), *build.manifest["unit_tests"].values())
        if _is_executed(node) and node["unique_id"] not in without
    ]
    if not any(node["resource_type"] == "model" for node in planned):
        problems.append("The plan has no model at all; is this the dbt project of this build?")
    for node in sorted(planned, key=lambda node: node["unique_id"]):
        result = build.results.get(node["unique_id"])
        if result is None:
            problems.append(f"{_spoken(node)} was never run.")
        elif result["status"] not in GOOD_STATUSES:
            message = (result.get("message") or "no message").strip().splitlines()[0]
            problems.append(
                f"{_spoken(node)} ended as {result['status']}: {message}"
                f"{failing_rows(build.file, result)}"
            )
    planned_names = {node["unique_id"] for node in planned}
    for name, result in sorted(build.results.items()):
        # Hooks are run but not planned as nodes; what they leave undone is missed later.
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
            problems.append(f"{_spoken(node)} left no table {relation} in the build.")
    return tuple(problems)


def failing_rows(file: Path, result: Mapping[str, Any]) -> str:
    """The first rows that a failed test has found, as the end of a sentence.

    dbt itself says how many there are; what is wrong with them is in the rows. Empty where the
    result is of no failed test.
    """
    if result["status"] != "fail" or not file.is_file():
        return ""
    connection = open_file(file, read_only=True)
    try:
        found = connection.execute(f"from ({result['compiled_code']}) limit {_ROWS_SHOWN}")
        names = [column[0] for column in found.description]
        rows = [_as_text(names, row) for row in found.fetchall()]
    except duckdb.Error as error:
        # That the test failed is known; it must be said, whatever has become of the rows.
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


def _spoken(node: Mapping[str, Any]) -> str:
    return f"{node['resource_type'].replace('_', ' ').capitalize()} {node['name']}"
