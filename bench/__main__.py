"""Measures builds and queries against the bare SQL and against another commit, in one run.

Usage: python -m bench --help, or python -m bench.world_trade --help
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench.measure import Cost, measure, middle
from dagster_project.publish.dbt_project import BUILD_FILE_NAME
from dagster_project.settings import load_settings

QUERY = "select count(*) from marts.trade_by_year"
EXPLAIN = ["27.6", "29.6", "--reporter", "USA", "--partner", "KOR", "--period", "2016"]
FLOOR = Path(__file__).with_name("floor.py")

# Run by each checkout's own Python, so that each is measured with its own code and packages.
DBT_BUILD = """
import subprocess, sys
from pathlib import Path
from dagster_project.settings import load_settings
try:
    from dagster_project.publish import dbt_project
except ImportError:  # where it was in earlier commits
    from dagster_project import dbt_project
folder, settings = Path(sys.argv[1]), load_settings()
# Earlier commits built everything.
arguments = getattr(dbt_project, "build_arguments", lambda settings: ["build"])(settings)
command = [str(dbt_project.dbt_executable()), "--quiet", *arguments]
env = dbt_project.dbt_environment(settings, target=folder / "target")
subprocess.run(command, cwd=folder, env=env, check=False)
"""

# The displayed measures and their digits.
MEASURES: Mapping[str, tuple[Callable[[Cost], float], int]] = {
    "CPU s": (lambda cost: cost.cpu, 1),
    "s": (lambda cost: cost.seconds, 1),
    "peak MB": (lambda cost: cost.megabytes, 0),
    "file MB": (lambda cost: cost.file_megabytes, 0),
}


@dataclass(frozen=True)
class Checkout:
    """A commit with its own packages, and the data home in which it is measured."""

    root: Path
    home: Path

    @property
    def dbt(self) -> Path:
        """The folder where dbt runs on its own: its manifest, results and database file."""
        return self.home / "dbt"

    def bilateral(self, *arguments: str) -> Cost:
        return self._run("bilateral", *arguments)

    def python(self, *arguments: str) -> Cost:
        return self._run("python", *arguments)

    def _run(self, program: str, *arguments: str) -> Cost:
        command = [str(self.root / ".venv" / "bin" / program), *arguments]
        env = {**os.environ, "BILATERAL_DATA_HOME": str(self.home)}
        return measure(command, env=env, cwd=self.root, may_fail=True)


def bench(
    against: Annotated[
        Path | None, typer.Option(help="Another checkout, already set up, measured in turns.")
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="FILE[@DATE]",
            help="A publisher's file to import first, and its publication date; may be repeated.",
        ),
    ] = None,
    runs: Annotated[int, typer.Option(help="Runs of each stage; the median is shown.")] = 3,
) -> None:
    """CPU seconds, wall seconds, memory and file size of a build and of queries."""
    # A table in a file or a pipe is not cut to the width of a terminal.
    console = Console(width=None if sys.stdout.isatty() else 160)
    roots = [load_settings().project_root, *([against.resolve()] if against else [])]
    with tempfile.TemporaryDirectory(prefix="bilateral-bench-") as folder:
        checkouts = [Checkout(root, Path(folder) / str(n)) for n, root in enumerate(roots)]
        for checkout in checkouts:
            prepare(checkout, files or [])
        costs = {}
        for name, stage in STAGES.items():
            console.print(f"  {name}", style="dim")
            costs[name] = in_turns(stage, checkouts, runs)
    console.print(table_of(costs))
    for root, build, bare in zip(roots, *list(costs.values())[:2], strict=True):
        console.print(
            f"{root}: the build takes {build.cpu / bare.cpu:.2f} times the CPU of its SQL."
        )
    if any(cost.failed for of_stage in costs.values() for cost in of_stage):
        console.print("* ended with an error (a build: in its tests); the cost is that until then.")


# ---------------------------------------------------------------------------
# Stages
# ---------------------------------------------------------------------------


def prepare(checkout: Checkout, files: Sequence[str]) -> None:
    """Prepare a warehouse to query, and one build by dbt alone, whose SQL is the baseline."""
    checkout.dbt.mkdir(parents=True)
    # The command had another name in earlier commits.
    importing = "take" if checkout.bilateral("import", "--help").failed else "import"
    for file, _, day in (text.partition("@") for text in files):
        known_from = ["--known-from", day] if day else []
        checkout.bilateral(importing, str(Path(file).resolve()), *known_from)
    checkout.bilateral("build")
    checkout.python("-c", DBT_BUILD, str(checkout.dbt))


def forced_build(checkout: Checkout) -> Cost:
    cost = checkout.bilateral("build", "--force")
    # A failed build leaves the file it worked on.
    built = [*checkout.home.glob(BUILD_FILE_NAME), *checkout.home.glob("build/*/*.duckdb")]
    return replace(cost, file_megabytes=max(map(_megabytes, built)))


def floor(checkout: Checkout) -> Cost:
    """All SQL that dbt ran, bare; tests use macros created after the models, so they query its
    file."""
    bare = checkout.home / "bare.duckdb"
    bare.unlink(missing_ok=True)
    arguments = [str(FLOOR), str(checkout.dbt / "target"), str(checkout.root / "dbt")]
    models = checkout.python(*arguments, str(bare), "models")
    tests = checkout.python(*arguments, str(checkout.dbt / BUILD_FILE_NAME), "tests")
    return Cost(
        models.seconds + tests.seconds,
        models.cpu + tests.cpu,
        max(models.megabytes, tests.megabytes),
        file_megabytes=_megabytes(bare),
        failed=models.failed or tests.failed,
    )


def check_claims(checkout: Checkout) -> Cost:
    [claims] = checkout.root.glob("data/snapshots/articles/*/claims.csv")
    return checkout.bilateral("check", str(claims))


STAGES: Mapping[str, Callable[[Checkout], Cost]] = {
    "build --force": forced_build,
    "its SQL, bare": floor,
    "build, nothing new": lambda checkout: checkout.bilateral("build"),
    "sql": lambda checkout: checkout.bilateral("sql", QUERY),
    "explain": lambda checkout: checkout.bilateral("explain", *EXPLAIN),
    "check, shipped claims": check_claims,
}


def in_turns(
    stage: Callable[[Checkout], Cost], checkouts: Sequence[Checkout], runs: int
) -> list[Cost]:
    """The median cost of each checkout. They take turns, so that a busy machine slows both."""
    costs = [[stage(checkout) for checkout in checkouts] for _ in range(runs)]
    return [middle(of_one) for of_one in zip(*costs, strict=True)]


def _megabytes(file: Path) -> float:
    return file.stat().st_size / 1e6


# ---------------------------------------------------------------------------
# The table
# ---------------------------------------------------------------------------


def table_of(costs: Mapping[str, Sequence[Cost]]) -> Table:
    """One row per stage; with another checkout, its value and the ratio beside each of ours."""
    is_paired = any(len(of_stage) == 2 for of_stage in costs.values())
    table = Table("stage")
    for measured in MEASURES:
        for heading in [measured, *(["old", "new/old"] if is_paired else [])]:
            table.add_column(heading, justify="right", no_wrap=True)
    for name, of_stage in costs.items():
        cells = [name + (" *" if any(cost.failed for cost in of_stage) else "")]
        for get, digits in MEASURES.values():
            values = [get(cost) for cost in of_stage]
            cells += [f"{value:.{digits}f}" if value else "" for value in values]
            if is_paired:
                cells.append(f"{values[0] / values[1]:.2f}" if values[1] else "")
        table.add_row(*cells)
    return table


if __name__ == "__main__":
    typer.run(bench)
