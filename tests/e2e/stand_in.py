"""A small substitute for dbt's output, so that publishing is tested in seconds."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from one_pair import copy_one_pair

from dagster_project.publish.audit import FinishedBuild
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.warehouse import quoted

MODEL = "model.bilateral.figures"
QUESTION = "model.bilateral.answers"
TEST = "test.bilateral.figures_are_whole"


def _node(unique_id: str, **more: Any) -> dict[str, Any]:
    kind, _, name = unique_id.split(".")
    return {
        "unique_id": unique_id,
        "resource_type": kind,
        "name": name,
        "depends_on": {"nodes": []},
        "alias": name,
        "schema": "marts",
        "tags": [],
        "config": {"enabled": True, "materialized": "table"},
        **more,
    }


def _result(unique_id: str, status: str) -> dict[str, Any]:
    kind, _, name = unique_id.split(".")
    failing_rows = "select 'several rows have one key' as problem, null as place, 7 as figure_id"
    return {
        "unique_id": unique_id,
        "status": status,
        "message": f"{name} says {status}",
        "relation_name": f'"warehouse"."marts"."{name}"',
        "compiled_code": failing_rows if kind == "test" else f"select * from {name}_of_another",
    }


def make_build(
    settings: Settings,
    *,
    generation: int = 1,
    rows: int = 2000,
    reverse: bool = False,
    run_id: str = "run",
    input_hash: str | None = None,
    statuses: dict[str, str] | None = None,
) -> FinishedBuild:
    """A finished build whose every row carries its generation."""
    for table, frame in {
        "snapshots__files": {
            "source_id": ["s", "s"],
            "release_id": ["2017-01", "2016-01"],
            "licence": ["free", "free"],
            "redistributable": [True, True],
        },
        "snapshots__rejects": {"source_id": ["s"], "reason": ["a word where a number belongs"]},
    }.items():
        folder = settings.raw / table
        folder.mkdir(parents=True, exist_ok=True)
        # Another process may be reading it.
        written = folder / f"{uuid.uuid4().hex}.tmp"
        pl.DataFrame(frame).write_parquet(written)
        written.replace(folder / "part-0.parquet")
    folder = settings.builds / run_id
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "warehouse.duckdb"
    file.unlink(missing_ok=True)
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema marts")
        order = "desc" if reverse else "asc"
        connection.execute(
            "create table marts.figures as"
            f" select i as figure_id, {generation} as generation, (i * 1.5)::decimal(20, 3) as usd"
            f" from range({rows}) as t(i) order by i {order}"
        )
        connection.execute("create schema staging")
        connection.execute(
            "create view staging.stg_snapshots__files as select * from read_parquet("
            f"{quoted(settings.raw / 'snapshots__files' / '**' / '*.parquet')})"
        )
        connection.execute(
            'create table marts.answers as select * from "warehouse".marts.figures limit 0'
        )
    manifest = {
        "nodes": {
            MODEL: _node(MODEL, tags=["question", "question_input"]),
            QUESTION: _node(QUESTION, tags=["question"]),
            TEST: _node(
                TEST,
                schema="tests",
                test_metadata={"name": "valid_rows", "kwargs": {"key": ["figure_id"]}},
                attached_node=MODEL,
            ),
        },
        "unit_tests": {},
        "parent_map": {QUESTION: ["model.bilateral.between"], "model.bilateral.between": [MODEL]},
    }
    ended = {MODEL: "success", QUESTION: "success", TEST: "pass", **(statuses or {})}
    return FinishedBuild(
        file=file,
        run_id=run_id,
        manifest=manifest,
        results={name: _result(name, status) for name, status in ended.items() if status},
        input_hash=input_hash or f"inputs of {generation}",
        code_version="0",
    )


def identity(settings: Settings) -> tuple[int, int, int]:
    """What changes when another file takes the place of the published one."""
    stat = settings.warehouse.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def lay_small_project(root: Path) -> None:
    """A project with the real snapshots and reference codes, and two models of its own."""
    shutil.copytree(Path(__file__).parent / "small_project" / "dbt", root / "dbt")
    shutil.copytree(PROJECT_ROOT / "dbt" / "seeds", root / "dbt" / "seeds")
    copy_one_pair(root / "data" / "snapshots")
    (root / ".dagster").mkdir()
    shutil.copy(PROJECT_ROOT / ".dagster" / "dagster.yaml", root / ".dagster")
