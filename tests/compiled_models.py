"""Runs the SQL that dbt compiles in memory, on rows that a test gives in the place of some models.

The compiled text of a model made by year is SQL over all years, and that is what runs here; how
it is cut into files of single years is for tests of a real build.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import polars as pl

from dagster_project.publish.dbt_project import (
    dbt_environment,
    dbt_executable,
    ensure_manifest,
    lend_parse,
)
from dagster_project.settings import Settings
from dagster_project.warehouse import CATALOG

# What these and their ancestors do is tested on made-up rows.
_GOALS = (
    *("mirror_reconciled", "mirror_years", "mirror_reporters", "mirror_gaps", "baci_flows"),
    *("observations", "int_figures__value_rows", "int_figures__balances_as_of", "claim_verdicts"),
)
# The day of a build that shows everything, as compiled.
OPEN_DAY = "cast('9999-12-31' as date)"


@dataclass(frozen=True)
class Model:
    """One model. `code` is SQL, or the path of a Python model; `hooks` run after it.

    An ephemeral model is a view here, for the SQL of those that read it, and makes no table.
    """

    name: str
    relation: str
    parents: frozenset[str]
    code: str | Path
    hooks: tuple[str, ...]
    is_ephemeral: bool


@dataclass(frozen=True)
class CompiledModels:
    """Models, each after those it reads, and the seeds they read."""

    # Thousands of lines, which a failing test need not print.
    models: tuple[Model, ...] = field(repr=False)
    seeds: Mapping[str, pl.DataFrame] = field(repr=False)

    def run(
        self, given: Mapping[str, pl.DataFrame], *wanted: str, as_of: date | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Make `wanted` and what they read, `given` in the place of these models and seeds."""
        # Of so few rows two threads make more work than they save; tests run side by side.
        connection = duckdb.connect(config={"threads": 1})
        connection.execute("attach ':memory:' as warehouse")
        connection.execute("use warehouse")
        for schema in ("seeds", *sorted({one.relation.split(".")[0] for one in self.models})):
            connection.execute(f"create schema {schema}")
        needed = self._needed(wanted, given)
        for name, frame in self.seeds.items():
            if name in needed:
                _create(connection, f"seeds.{name}", given.get(name, frame))
        for model in self.models:
            if model.name not in needed:
                continue
            if model.name in given:
                _create(connection, model.relation, given[model.name])
                continue
            if isinstance(model.code, Path):
                _create(connection, model.relation, self._run_python(model.code, connection))
            else:
                code = model.code
                if as_of:
                    code = code.replace(OPEN_DAY, f"cast('{as_of}' as date)")
                kind = "view" if model.is_ephemeral else "table"
                connection.execute(f"create {kind} {model.relation} as {code}")
            for hook in model.hooks:
                connection.execute(hook)
        return connection

    def staged(self, name: str, raw: pl.DataFrame) -> pl.DataFrame:
        """What a staging model makes of the rows of its raw table."""
        code = next(str(model.code) for model in self.models if model.name == name)
        with duckdb.connect() as connection:
            connection.register("raw_rows", raw.to_arrow())
            return connection.sql(re.sub(r"read_parquet\([^)]*\)", "raw_rows", code)).pl()

    def _needed(self, wanted: Iterable[str], given: Mapping[str, pl.DataFrame]) -> set[str]:
        parents = {model.name: model.parents for model in self.models}
        needed: set[str] = set()
        waiting = list(wanted)
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                if name not in given:
                    waiting += parents.get(name, ())
        return needed

    def _run_python(self, path: Path, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        relations = {name: f"seeds.{name}" for name in self.seeds}
        relations |= {model.name: model.relation for model in self.models}
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        dbt = SimpleNamespace(
            ref=lambda name: connection.sql(f"select * from {relations[name]}"),
            config=lambda **_: None,
        )
        result = module.model(dbt, connection)
        return result if isinstance(result, pl.DataFrame) else pl.DataFrame(pl.from_arrow(result))


def compile_models(settings: Settings, folder: Path) -> CompiledModels:
    """Compile with dbt, once for all processes that share the folder."""
    compiled = folder / "compiled.json"
    with (folder / "compiled.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not compiled.exists():
            _compile(settings, folder / "compiled").rename(compiled)
    nodes = json.loads(compiled.read_bytes())["nodes"]
    relations = {node["name"]: f"{node['schema']}.{node['name']}" for node in nodes.values()}
    models: dict[str, Model] = {}
    seeds: dict[str, pl.DataFrame] = {}

    def visit(unique_id: str) -> None:
        node = nodes.get(unique_id)
        if node is None or node["name"] in models or node["name"] in seeds:
            return
        path = settings.dbt_project / node["original_file_path"]
        if node["resource_type"] == "seed":
            seeds[node["name"]] = _read_seed(path, node["config"]["column_types"])
            return
        for parent in node["depends_on"]["nodes"]:
            visit(parent)
        models[node["name"]] = Model(
            name=node["name"],
            relation=relations[node["name"]],
            parents=frozenset(one.rsplit(".", 1)[-1] for one in node["depends_on"]["nodes"]),
            code=path if node["language"] == "python" else node["compiled_code"],
            hooks=tuple(
                _rendered(settings, hook["sql"], node, relations)
                for hook in node["config"]["post-hook"]
            ),
            is_ephemeral=node["config"]["materialized"] == "ephemeral",
        )

    for goal in _GOALS:
        visit(f"model.bilateral.{goal}")
    return CompiledModels(tuple(models.values()), seeds)


def _compile(settings: Settings, target: Path) -> Path:
    """The manifest with compiled code, from the last parse of the project."""
    ensure_manifest(settings)
    target.mkdir(exist_ok=True)
    lend_parse(settings, target)
    finished = subprocess.run(
        [str(dbt_executable()), "--quiet", "compile", "--select", *(f"+{one}" for one in _GOALS)],
        cwd=target,
        env=dbt_environment(settings, target=target),
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise RuntimeError(f"dbt cannot compile the models:\n{finished.stdout}")
    return target / "manifest.json"


def _rendered(
    settings: Settings, hook: str, node: Mapping[str, Any], relations: Mapping[str, str]
) -> str:
    """dbt renders hooks only when it runs them; all they need is the names of relations."""
    folder = settings.dbt_project / "macros"
    names = ("mirror*.sql", "as_of/*.sql", "create_view_as.sql")
    files = sorted(path for name in names for path in folder.glob(name))
    macros = "".join(path.read_text(encoding="utf-8") for path in files)
    template = jinja2.Environment(autoescape=False).from_string(macros + hook)
    return template.render(
        ref=relations.get,
        # Printed it is the name of the relation, and macros read its parts.
        this=_Relation(node["schema"], node["name"]),
        model=node,
        env_var=lambda _, default: default,
        target=SimpleNamespace(database=CATALOG),
        adapter=SimpleNamespace(quote='"{}"'.format),
    )


@dataclass(frozen=True)
class _Relation:
    schema: str
    identifier: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.identifier}"


def _read_seed(path: Path, column_types: Mapping[str, str]) -> pl.DataFrame:
    """As dbt reads it: typed as its YAML says, and an empty cell is null."""
    columns = path.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    with duckdb.connect() as connection:
        return connection.read_csv(
            str(path),
            header=True,
            dtype={name: column_types.get(name, "varchar") for name in columns},
        ).pl()


def _create(connection: duckdb.DuckDBPyConnection, relation: str, frame: pl.DataFrame) -> None:
    connection.register("frame", frame)
    connection.execute(f"create table {relation} as from frame")
    connection.unregister("frame")
