"""The core of the warehouse over figures that a test makes up: its SQL as compiled, without files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import polars as pl

from dagster_project.publish.dbt_project import dbt_environment, dbt_executable
from dagster_project.settings import Settings

# Each after those it reads; what else they read is given by a test.
MODELS = (
    "int_trade__keys_listed",
    "int_trade__areas_listed",
    "int_trade__products_listed",
    "int_trade__series_listed",
    "int_trade__files_listed",
    "int_trade__releases_ordered",
    "int_trade__columns_listed",
    "int_trade__figures",
    "int_trade__observations",
    "observations",
    "product_groups",
    "int_figures__cells",
    "int_figures__parts_of_periods",
    "int_figures__value_observations",
    "int_figures__values",
    "int_figures__value_figures",
    "int_figures__value_rows",
    "int_figures__quoted",
    "int_figures__balances",
    "bases",
)
_KNOWN_ON_A_DAY = ("int_figures__values_known", "int_figures__balances_known")
_SEEDS = {"source_list", "bases_named", "basis_policy", "sector_codes"}
_OPEN_DAY = "cast('9999-12-31' as date)"
# As the build fills it in for the as-of macros.
_GIVEN_DAY = "cast(as_of_day as date)"


@dataclass(frozen=True, repr=False)
class Core:
    """Compiled models by name, and the seeds they read."""

    code: Mapping[str, str]
    seeds: Mapping[str, pl.DataFrame]

    def __repr__(self) -> str:
        # A failing test need not print thousands of lines.
        return "Core()"

    def run(
        self, given: Mapping[str, pl.DataFrame], as_of: date | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Build all models over `given`, with the knowledge of a day, and the as-of macros."""
        # Of so few rows two threads make more work than they save.
        connection = duckdb.connect(config={"threads": 1})
        connection.execute("attach ':memory:' as warehouse")
        connection.execute("use warehouse")
        for schema in ("seeds", "staging", "intermediate", "questions", "marts"):
            connection.execute(f"create schema {schema}")
        for name, frame in {**self.seeds, **given}.items():
            connection.register("frame", frame)
            connection.execute(f"create table {_relation(name)} as from frame")
            connection.unregister("frame")
        day = f"cast('{as_of or date.max}' as date)"
        for name in MODELS:
            code = self.code[name].replace(_OPEN_DAY, day)
            connection.execute(f"create table {_relation(name)} as {code}")
        for name in (*_KNOWN_ON_A_DAY, "observations"):
            connection.execute(
                f"create macro {_relation(name)}_as_of(as_of_day) as table {self._as_of(name)}"
            )
        return connection

    def with_code(self, name: str, old: str, new: str) -> Core:
        """The same core but for one text in one model, which must be in it."""
        if old not in self.code[name]:
            raise ValueError(f"{name} has no text {old!r}")
        return replace(self, code={**self.code, name: self.code[name].replace(old, new)})

    def _as_of(self, name: str) -> str:
        code = self.code[f"{name}_as_of" if name == "observations" else name]
        return code.replace(_OPEN_DAY, _GIVEN_DAY)


def compiled(settings: Settings, folder: Path) -> Core:
    """Compile with dbt; the day of the build is left open."""
    selected = [*MODELS, *_KNOWN_ON_A_DAY]
    finished = subprocess.run(
        [str(dbt_executable()), "--quiet", "compile", "--select", *selected],
        cwd=folder,
        env=dbt_environment(settings, target=folder / "target"),
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise RuntimeError(f"dbt cannot compile the core:\n{finished.stdout}")
    nodes = json.loads((folder / "target" / "manifest.json").read_bytes())["nodes"]
    code = {name: nodes[f"model.bilateral.{name}"]["compiled_code"] for name in selected}
    code["observations_as_of"] = _observations_known(settings)
    seeds = {name: _read_seed(settings, nodes[f"seed.bilateral.{name}"]) for name in _SEEDS}
    return Core(code, seeds)


def _observations_known(settings: Settings) -> str:
    """dbt renders hooks only when it runs them; all they need is where relations are."""
    macro = settings.dbt_project / "macros" / "as_of" / "observations_as_of.sql"
    call = f"{{{{ observations_known('{_relation('observations')}') }}}}"
    template = jinja2.Environment(autoescape=False).from_string(
        macro.read_text(encoding="utf-8") + call
    )
    return template.render(ref=_relation)


def _read_seed(settings: Settings, node: Mapping[str, Any]) -> pl.DataFrame:
    """As dbt reads it: typed as its YAML says, and an empty cell is null."""
    path = settings.dbt_project / node["original_file_path"]
    columns = path.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    types = {name: node["config"]["column_types"].get(name, "varchar") for name in columns}
    with duckdb.connect() as connection:
        return connection.read_csv(str(path), header=True, dtype=types).pl()


def _relation(name: str) -> str:
    prefixes = {"stg": "staging", "int": "intermediate", "figures": "questions"}
    schema = prefixes.get(name.split("_", 1)[0], "marts")
    return f"{'seeds' if name in _SEEDS else schema}.{name}"
