"""What the default build and the command cost, beside a floor measured in the same run.

Belongs here: the stages, and the table that is printed. Does not belong here: measuring
(`measure.py`), the floor (`floor.py`), the world's trade (`world_trade.py`).

Usage: python -m bench, or python -m bench.world_trade --help
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measure import Cost, measure, median
from dagster_project.dbt_project import BUILD_FILE_NAME, dbt_environment, dbt_executable
from dagster_project.settings import Settings, load_settings

RUNS = 5
BILATERAL = str(Path(sys.executable).with_name("bilateral"))
QUERY = "select count(*) from marts.trade_by_year"
EXPLAIN = ["explain", "27.6", "29.6", "--reporter", "USA", "--partner", "KOR", "--period", "2016"]


def main() -> None:
    console = Console()
    with tempfile.TemporaryDirectory(prefix="bilateral-bench-") as folder:
        home = Path(folder)
        settings = replace(load_settings(), data_home=home)
        table = Table(title="The default build, from shipped snapshots", title_justify="left")
        for heading in ("stage", "seconds", "peak MB", "floor s", "floor MB", "times"):
            table.add_column(
                heading, justify="left" if heading == "stage" else "right", no_wrap=True
            )
        for name, cost, floor in _stages(settings, home, console):
            table.add_row(name, *_shown(cost), *_beside(cost, floor))
        console.print(table)
        console.print(
            "The floor of a stage is its compiled SQL in bare DuckDB, two threads, on the same"
            " raw Parquet. Peak MB is the largest single process."
        )


def _stages(
    settings: Settings, home: Path, console: Console
) -> list[tuple[str, Cost, Cost | None]]:
    here = {**dbt_environment(settings, target=home / "target"), "BILATERAL_DATA_HOME": str(home)}
    folder = home / "dbt"
    folder.mkdir()
    load = (
        "from dagster_project.settings import load_settings\n"
        "from dagster_project.sources import catalog\n"
        "catalog.load_all(load_settings())"
    )
    rows: list[tuple[str, Cost, Cost | None]] = []

    def stage(name: str, cost: Cost, floor: Cost | None = None) -> None:
        rows.append((name, cost, floor))
        console.print(f"  {name}: {cost.seconds:.2f} s", style="dim")

    stage("snapshots to raw", measure([sys.executable, "-c", load], env=here))
    dbt = [str(dbt_executable()), "--quiet"]
    stage("dbt parse", measure([*dbt, "parse"], env=here, cwd=folder))
    models = measure(
        [*dbt, "build", "--resource-type", "seed", "--resource-type", "model"], env=here, cwd=folder
    )
    tests = measure([*dbt, "test"], env=here, cwd=folder)
    manifest = _manifest_with_sql(settings, home, here, folder)
    bare = home / "bare.duckdb"
    stage("models", models, _floor(manifest, bare, "models", here))
    # Tests ask macros that dbt makes after the models, so they run on the file dbt built.
    stage("tests", tests, _floor(manifest, folder / BUILD_FILE_NAME, "tests", here))
    stage("bilateral build, whole", measure([BILATERAL, "build"], env=here))
    site = [BILATERAL, "report", "--reporter", "USA", "--partner", "KOR"]
    stage("bilateral report, one pair", measure(site, env=here))
    stage("bilateral build, nothing new", median([BILATERAL, "build"], runs=RUNS, env=here))
    stage("bilateral sql", median([BILATERAL, "sql", QUERY], runs=RUNS, env=here))
    stage("bilateral explain", median([BILATERAL, *EXPLAIN], runs=RUNS, env=here))
    return rows


def _manifest_with_sql(
    settings: Settings, home: Path, env: Mapping[str, str], folder: Path
) -> Path:
    """Compile everything once; where the seeds stand goes along for the floor."""
    measure([str(dbt_executable()), "--quiet", "compile"], env=env, cwd=folder)
    manifest = json.loads((home / "target" / "manifest.json").read_bytes())
    manifest["metadata"]["seeds"] = str(settings.dbt_project)
    path = home / "compiled.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return path


def _floor(manifest: Path, database: Path, what: str, env: Mapping[str, str]) -> Cost:
    return measure(
        [sys.executable, "-m", "bench.floor", str(manifest), str(database), what],
        env=env,
        cwd=load_settings().project_root,
    )


def _shown(cost: Cost) -> tuple[str, str]:
    return f"{cost.seconds:.2f}", f"{cost.megabytes:.0f}"


def _beside(cost: Cost, floor: Cost | None) -> tuple[str, str, str]:
    if floor is None:
        return "", "", ""
    return (*_shown(floor), f"{cost.seconds / floor.seconds:.1f}")


if __name__ == "__main__":
    main()
