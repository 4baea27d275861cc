"""Measures world trade from a bulk file to reconciled flows, against a baseline.

The baseline of a stage is the pipeline's own statement on the same files in bare DuckDB with two
threads, measured in the same run. Years beside that of the file are its raw rows under other years'
numbers.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer
from rich.console import Console
from rich.table import Table

from bench.accuracy import accuracy
from bench.measure import BenchError, Cost, Watched, measure, watch
from dagster_project.publish.dbt_project import (
    dbt_environment,
    dbt_executable,
    ensure_manifest,
    lend_parse,
)
from dagster_project.sandbox.connection import Sandbox
from dagster_project.settings import Settings, load_settings
from dagster_project.sources.un_comtrade.downloads import LAYOUTS

TABLE = "un_comtrade__bulk"
MARTS = ("reconciled", "gaps", "years", "reporters", "cif_rates")
YEARS_HELD = 16
ASKED = 60
LITTLE_MEMORY = "1GB"
_BILATERAL = str(Path(sys.executable).with_name("bilateral"))
_LOAD = (
    "from dagster_project.settings import load_settings\n"
    "from dagster_project.sources import catalog\n"
    "catalog.load_all(load_settings())"
)
_TYPES = {
    **dict.fromkeys(("qty", "net_wgt"), "double"),
    **dict.fromkeys(("cifvalue", "fobvalue", "primary_value"), "decimal(18, 3)"),
    **dict.fromkeys(("ref_year", "ref_month"), "integer"),
    **dict.fromkeys(("is_reported", "is_aggregate"), "boolean"),
}
_KEPT = (
    *("type_code", "freq_code", "ref_year", "ref_month", "period", "reporter_code", "flow_code"),
    *("partner_code", "partner2code", "classification_code", "cmd_code", "customs_code"),
    *("mos_code", "mot_code", "qty_unit_code", "qty", "net_wgt"),
    *("cifvalue", "fobvalue", "primary_value", "is_reported", "is_aggregate"),
)
# The rule of one report alone cannot be told from the others by its cost: all are added up.
_ALL_RULES = "select count(*), sum(columns('_usd$')) from marts.mirror_reconciled"

console = Console(width=110)


@dataclass(frozen=True)
class Stage:
    """A step of the pipeline; `rows` are those it reads."""

    name: str
    rows: int | None
    cost: Cost
    floor: Cost | None = None


@dataclass(frozen=True)
class Run:
    """One run of all models, and the steps it was made of."""

    watched: Watched
    stages: tuple[tuple[str, Cost], ...]
    made: frozenset[tuple[str, int]]


# ---------------------------------------------------------------------------
# The command
# ---------------------------------------------------------------------------


def bench(
    file: Annotated[
        Path, typer.Argument(help="A year of the world, as `tests.world_generator` writes it.")
    ],
    home: Annotated[Path, typer.Option(help="Folder to work in; it is emptied first.")],
    growth: Annotated[
        bool, typer.Option(help="Also 4, 5 and 16 years, and questions asked of them.")
    ] = False,
) -> None:
    """Time, CPU and memory of each stage of world trade, against a baseline."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    settings = replace(load_settings(), data_home=home.resolve())
    say(f"Load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    stages = [_ingested(settings, file)]
    _prepare(settings)
    run = _run_models(settings)
    stages += _with_floors(settings, run)
    stages.append(_evaluated(settings))
    _print_stages(settings, stages, run)
    _print_accuracy(settings, file)
    _print_scans(settings)
    _print_little_memory(settings)
    if growth:
        _print_growth(settings, run)
        _print_questions(settings)
    say(f"Load of the machine after: {os.getloadavg()[0]:.1f}.")


# ---------------------------------------------------------------------------
# Stages
# ---------------------------------------------------------------------------


def _ingested(settings: Settings, file: Path) -> Stage:
    cost = measure([_BILATERAL, "import", str(file)], env=_environment(settings))
    columns = {name: _TYPES.get(name, "varchar") for name in LAYOUTS["comtrade_bulk_34"].columns}
    floor = bare(
        f"copy (select {', '.join(_KEPT)} from read_csv('{file}', delim = '\t', header = true,"
        f" auto_detect = false, quote = '', escape = '', nullstr = '', columns = {columns}))"
        f" to '{_scratch(settings)}' (format parquet, compression zstd)"
    )
    return Stage("file to raw Parquet", _rows_of(_raw_files(settings)), cost, floor)


def _prepare(settings: Settings) -> None:
    """The raw tables beside the bulk file, and the reference tables."""
    measure([sys.executable, "-c", _LOAD], env=_environment(settings))
    ensure_manifest(settings)
    lend_parse(settings, _target(settings))
    settings.world.mkdir()
    _dbt(settings, "seed")


def _run_models(settings: Settings, memory: str | None = None) -> Run:
    """All models that lead to the marts of the world's trade, one after the other."""
    before = _world_files(settings)
    select = [f"+mirror_{mart}" for mart in MARTS]
    watched = _dbt(settings, "run", "--threads", "1", "--select", *select, memory=memory)
    results = json.loads((_target(settings) / "run_results.json").read_bytes())["results"]
    stages = []
    for result in results:
        [span] = [one for one in result["timing"] if one["name"] == "execute"]
        started, ended = (
            datetime.fromisoformat(span[end]).timestamp() for end in ("started_at", "completed_at")
        )
        name = result["unique_id"].rsplit(".", 1)[-1]
        stages.append((name, watched.between(started, ended)))
    made = frozenset(key for key, path in _world_files(settings).items() if before.get(key) != path)
    return Run(watched, tuple(stages), made)


def _with_floors(settings: Settings, run: Run) -> list[Stage]:
    """Models made by year, each with its bare statement; the other, small ones together."""
    statements = {
        (model, sql) for model, sql in _ask(settings, "select model, made_by from by_year.files")
    }
    by_model: dict[str, str] = dict(statements)
    raw, cells = _rows_of(_raw_files(settings)), _rows_of(_cells(settings))
    stages = []
    small: list[Cost] = []
    for name, cost in run.stages:
        if name not in by_model:
            small.append(cost)
            continue
        sql = by_model[name]
        order = (
            " order by exporter_iso3, importer_iso3, product_code"
            if name == "int_mirror__cells"
            else ""
        )
        floor = bare(
            f"copy ({sql}{order}) to '{_scratch(settings)}'"
            " (format parquet, parquet_version v2, compression snappy)",
            settings.warehouse,
        )
        rows = raw if "stg_un_comtrade__bulk" in sql else cells
        stages.append(Stage(name.removeprefix("int_mirror__"), rows, cost, floor))
    stages.append(Stage(f"{len(small)} small tables and estimates", None, _sum(small)))
    return stages


def _evaluated(settings: Settings) -> Stage:
    cost = bare(_ALL_RULES, settings.warehouse)
    return Stage("every rule over every flow", _rows_of(_cells(settings)), cost, cost)


def _print_stages(settings: Settings, stages: Sequence[Stage], run: Run) -> None:
    raw = _rows_of(_raw_files(settings))
    table = _table(
        f"One year of {raw:,} rows, {_rows_of(_cells(settings)):,} flows",
        *("stage", "rows/s", "s", "CPU s", "peak MB", "floor s", "floor CPU", "floor MB"),
    )
    for stage in stages:
        table.add_row(
            stage.name,
            f"{stage.rows / stage.cost.seconds:,.0f}" if stage.rows else "",
            *_shown(stage.cost),
            *(_shown(stage.floor) if stage.floor else ("", "", "")),
        )
    of_models = _sum([cost for _, cost in run.stages])
    dbt = run.watched.cost
    table.add_row(
        "dbt itself",
        "",
        *_shown(Cost(dbt.seconds - of_models.seconds, dbt.cpu - of_models.cpu, 0.0))[:2],
    )
    with_floor = [stage for stage in stages if stage.floor is not None]
    floors = _sum([stage.floor for stage in with_floor if stage.floor is not None])
    whole = _sum([stages[0].cost, dbt, stages[-1].cost])
    table.add_row(
        "in all", f"{raw / whole.seconds:,.0f}", *_shown(whole), *_shown(floors), style="bold"
    )
    console.print(table)
    work = _sum([stage.cost for stage in stages])
    say(
        f"Without dbt itself {work.seconds / floors.seconds:.2f} times the floor by the clock,"
        f" {work.cpu / floors.cpu:.2f} times by CPU."
    )


def _print_accuracy(settings: Settings, file: Path) -> None:
    """Reconciled values, the two reports and the other rules beside the truth of the world."""
    truth = file.with_name(f"{file.name.partition('.')[0]}.truth.parquet")
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        errors = accuracy(connection, "marts.mirror_reconciled", f"'{truth}'")
    table = _table("Root mean square of ln(value / truth)", "value", *errors["provenance"])
    table.add_row("flows", *(f"{flows:,}" for flows in errors["flows"]))
    for name in errors.columns[2:]:
        table.add_row(name, *("" if one is None else f"{one:.3f}" for one in errors[name]))
    console.print(table)


def _print_scans(settings: Settings) -> None:
    table = _table("Reading all columns of the same Parquet", "files", "MB", "rows/s", "s", "CPU s")
    for name, files in (("raw", _raw_files(settings)), ("cells", _cells(settings))):
        cost = bare(f"select max(columns(*)) from read_parquet({_listed(files)})")
        table.add_row(
            name,
            f"{sum(file.stat().st_size for file in files) / 1e6:.0f}",
            f"{_rows_of(files) / cost.seconds:,.0f}",
            *_shown(cost)[:2],
        )
    console.print(table)


def _print_little_memory(settings: Settings) -> None:
    """The year made again from its raw rows, with little memory."""
    held = settings.world.with_name("previous world")
    settings.world.rename(held)
    settings.world.mkdir()
    run = _run_models(settings, memory=LITTLE_MEMORY)
    evaluated = bare(_ALL_RULES, settings.warehouse, LITTLE_MEMORY)
    say(
        f"With memory_limit {LITTLE_MEMORY} the models take {run.watched.cost.seconds:.1f} s,"
        f" {run.watched.cost.cpu:.1f} CPU s and {run.watched.cost.megabytes:.0f} MB, every rule"
        f" {evaluated.seconds:.1f} s."
    )
    shutil.rmtree(held)


# ---------------------------------------------------------------------------
# Growth
# ---------------------------------------------------------------------------


def _print_growth(settings: Settings, first: Run) -> None:
    """Add years to the existing ones, which are not rebuilt."""
    table = _table(
        "Years added",
        *(
            "years",
            "new",
            "made by year",
            "s of that",
            "all else s",
            "s in all",
            "CPU s",
            "peak MB",
        ),
    )
    made_by_year = {model for model, _ in first.made}

    def add(years: int, new: int, run: Run) -> None:
        inside = _sum([cost for name, cost in run.stages if name in made_by_year])
        cost = run.watched.cost
        table.add_row(
            f"{years}",
            f"{new}",
            f"{len(run.made)} files of {len({year for _, year in run.made})} years",
            f"{inside.seconds:.1f}",
            f"{cost.seconds - inside.seconds:.1f}",
            *_shown(cost),
        )

    add(1, 1, first)
    [raw] = _raw_files(settings)
    start = int(raw.parent.name.removeprefix("year="))
    runs = [first]
    held = 1
    for years in (4, 5, YEARS_HELD):
        for place in range(held, years):
            _copy_year(raw, start - place)
        runs.append(_run_models(settings))
        add(years, years - held, runs[-1])
        held = years
    console.print(table)
    in_all = _sum([run.watched.cost for run in runs])
    say(
        f"{YEARS_HELD} years in these four runs: {in_all.seconds:.1f} s and {in_all.cpu:.1f} CPU s,"
        f" {in_all.seconds / YEARS_HELD / first.watched.cost.seconds:.2f} and"
        f" {in_all.cpu / YEARS_HELD / first.watched.cost.cpu:.2f} times {YEARS_HELD} times one."
    )
    evaluated = bare(_ALL_RULES, settings.warehouse)
    flows = _rows_of(_cells(settings))
    say(
        f"Every rule over {flows:,} flows: {evaluated.seconds:.1f} s, {evaluated.cpu:.1f} CPU s,"
        f" {evaluated.megabytes:.0f} MB."
    )


def _copy_year(raw: Path, year: int) -> None:
    """The same rows as of another year."""
    target = raw.parent.with_name(f"year={year}") / raw.name
    target.parent.mkdir()
    bare(
        f"copy (select * replace (cast({year} as integer) as ref_year, '{year}' as period)"
        f" from read_parquet('{raw}', hive_partitioning = false)) to '{target}' (format parquet,"
        " compression zstd)"
    )


# ---------------------------------------------------------------------------
# Questions
# ---------------------------------------------------------------------------


def _print_questions(settings: Settings) -> None:
    """Queries through the reader that users get, with new random arguments for each."""
    dice = random.Random(0)
    sandbox = Sandbox(settings)
    connection_settings = sandbox.execute("select current_setting('threads')").fetchone()

    def listed(sql: str) -> list[tuple[Any, ...]]:
        return sandbox.execute(sql).fetchall()

    pairs = listed(
        "select exporter_iso3, importer_iso3 from intermediate.int_mirror__pair_sums"
        " group by all having sum(flows) > 100 order by all"
    )
    products = listed(
        "select distinct product_code from intermediate.int_mirror__unit_values order by all"
    )
    years = listed("select year from marts.mirror_years order by all")
    questions: dict[str, Callable[[], str]] = {
        "a pair's history, all products": lambda: (
            "select year, sum(reconciled_usd), sum(exporter_reported_usd),"
            " sum(importer_reported_usd) from marts.mirror_reconciled where exporter_iso3 = '{}'"
            " and importer_iso3 = '{}' group by year order by year"
        ).format(*dice.choice(pairs)),
        "a pair's history of a product": lambda: (
            "select year, reconciled_usd, band_low_usd, band_high_usd, provenance"
            " from marts.mirror_reconciled where exporter_iso3 = '{}' and importer_iso3 = '{}'"
            " and product_code = '{}' order by year"
        ).format(*dice.choice(pairs), *dice.choice(products)),
        "whom a country sells a product to": lambda: (
            "select importer_iso3, sum(reconciled_usd) as value_usd from marts.mirror_reconciled"
            " where exporter_iso3 = '{}' and product_code = '{}' group by all"
            " order by value_usd desc limit 10"
        ).format(dice.choice(pairs)[0], *dice.choice(products)),
        "a product's largest flows of a year": lambda: (
            "select exporter_iso3, importer_iso3, reconciled_usd from marts.mirror_reconciled"
            " where product_code = '{}' and year = {} order by reconciled_usd desc limit 10"
        ).format(*dice.choice(products), *dice.choice(years)),
        "the widest gaps of a year": lambda: (
            "select * from marts.mirror_gaps where year = {} order by width_rank limit 20"
        ).format(*dice.choice(years)),
    }
    table = _table(
        f"Questions to {_rows_of(_cells(settings)):,} flows, {ASKED} of each,"
        f" {connection_settings[0] if connection_settings else 0} threads",
        *("question", "p50 ms", "p95 ms", "longest ms"),
    )
    for name, question in questions.items():
        sandbox.execute(question()).fetchall()
        taken = []
        for _ in range(ASKED):
            sql = question()
            started = time.perf_counter()
            sandbox.execute(sql).fetchall()
            taken.append(1000 * (time.perf_counter() - started))
        p95 = statistics.quantiles(taken, n=20)[-1]
        table.add_row(name, f"{statistics.median(taken):.0f}", f"{p95:.0f}", f"{max(taken):.0f}")
    sandbox.close()
    console.print(table)


# ---------------------------------------------------------------------------
# Running, and what is there
# ---------------------------------------------------------------------------


def bare(sql: str, database: Path | None = None, memory: str = "") -> Cost:
    """The cost of a bare statement, without Python's start."""
    finished = subprocess.run(
        [sys.executable, "-m", "bench.bare", str(database or ""), memory],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
        cwd=load_settings().project_root,
    )
    if finished.returncode != 0:
        raise BenchError(f"{sql[:300]}\n{finished.stderr[-2000:]}")
    return Cost(**json.loads(finished.stdout))


def say(text: str) -> None:
    console.print(text, highlight=False)


def _dbt(settings: Settings, *arguments: str, memory: str | None = None) -> Watched:
    return watch(
        [str(dbt_executable()), "--quiet", *arguments],
        env=_environment(replace(settings, memory=memory)),
        cwd=settings.data_home,
    )


def _environment(settings: Settings) -> dict[str, str]:
    # dbt makes the warehouse where it is started: in the data home it is as if published.
    return {
        **dbt_environment(settings, target=_target(settings)),
        "BILATERAL_DATA_HOME": str(settings.data_home),
    }


def _target(settings: Settings) -> Path:
    return settings.data_home / "target"


def _scratch(settings: Settings) -> Path:
    return settings.data_home / "bare.parquet"


def _raw_files(settings: Settings) -> list[Path]:
    return sorted((settings.raw / TABLE).glob("year=*/*.parquet"))


def _world_files(settings: Settings) -> Mapping[tuple[str, int], Path]:
    """The newest file of each model and year."""
    found: dict[tuple[str, int], Path] = {}
    for path in sorted(settings.world.glob("*.parquet"), key=lambda one: one.stat().st_mtime_ns):
        model, year, *_ = path.name.split(".")
        found[model, int(year)] = path
    return found


def _cells(settings: Settings) -> list[Path]:
    return [
        path for (model, _), path in _world_files(settings).items() if model == "int_mirror__cells"
    ]


def _rows_of(files: Iterable[Path]) -> int:
    with duckdb.connect() as connection:
        [(rows,)] = connection.execute(
            f"select sum(num_rows) from parquet_file_metadata({_listed(files)})"
        ).fetchall()
    return int(rows)


def _ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _listed(files: Iterable[Path]) -> str:
    return "[" + ", ".join(f"'{file}'" for file in files) + "]"


def _sum(costs: Sequence[Cost]) -> Cost:
    return Cost(
        sum(cost.seconds for cost in costs),
        sum(cost.cpu for cost in costs),
        max(cost.megabytes for cost in costs),
    )


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left", no_wrap=True)
    return table


def _shown(cost: Cost) -> tuple[str, str, str]:
    return f"{cost.seconds:.1f}", f"{cost.cpu:.1f}", f"{cost.megabytes:.0f}"


if __name__ == "__main__":
    typer.run(bench)
