"""Rows of a raw table that become no figure: the reasons stated beside the aligning models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import duckdb
import polars as pl
import yaml

from dagster_project.settings import Settings
from dagster_project.sources.snapshot import SnapshotFile

_SEED = re.compile(r"\bseeds\.(\w+)")


def rows_left_out(frame: pl.DataFrame, file: SnapshotFile, settings: Settings) -> dict[str, int]:
    """The numbers of rows of a file that are left out of the figures, by reason.

    The conditions are those of the build: SQL on rows `f`, which may read the raw table and the
    seeds by name. A row counts under the first reason that holds.

    Args:
        frame: the parsed rows of the file, without lineage.
    """
    reasons = _reasons(file.table, settings.dbt_project)
    if not reasons:
        return {}
    cases = " ".join(f"when {condition} then '{name}'" for name, condition in reasons.items())
    rows = frame.with_columns(
        release_id=pl.lit(file.release_id), snapshot_file=pl.lit(file.snapshot_file)
    )
    with duckdb.connect() as connection:
        connection.execute("create schema seeds")
        for seed in sorted(set(_SEED.findall(cases))):
            connection.execute(
                f"create table seeds.{seed} as"
                " select * from read_csv(?, all_varchar = true, nullstr = '')",
                [str(settings.seeds / f"{seed}.csv")],
            )
        connection.register(file.table, rows.to_arrow())
        counted = connection.execute(
            f"select case {cases} end as reason, count(*) from {file.table} as f"
            " group by reason having reason is not null order by reason"
        ).fetchall()
    return dict(counted)


def kind_of_rows(table: str, settings: Settings) -> str | None:
    """What the rows of a table are of which none is a figure; nothing for the other tables."""
    others = _read(settings.dbt_project / "dbt_project.yml")["vars"]["tables_of_other_rows"]
    return others.get(table)


def _reasons(table: str, dbt_project: Path) -> Mapping[str, str]:
    """The conditions of a table by reason; none for a table of which every row is a figure."""
    for path in dbt_project.glob(f"models/**/int_trade__{table.replace('__', '_')}_aligned.yml"):
        [model] = _read(path)["models"]
        return model.get("config", {}).get("meta", {}).get("left_out", {})
    return {}


def _read(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
