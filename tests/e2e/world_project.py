"""The models of world trade alone, over synthetic years, so that they build in seconds."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources.inbox import ingest_named
from dagster_project.warehouse import connect_published
from tests.world_generator.errors import log_normal
from tests.world_generator.files import write_bulk_file
from tests.world_generator.geography import real_geography
from tests.world_generator.parameters import Reporting, World
from tests.world_generator.products import real_products

_DBT = PROJECT_ROOT / "dbt"
_WANTED = ("mirror_reconciled", "mirror_years")
# Where the world ends: what other sources say of its valuations is nothing here.
_ENDS = {
    "int_breaks__imports_compared": "select null::varchar as source_id, null::varchar as raw_table,"
    " null::varchar as release_id, null::varchar as reporter_iso3, null::varchar as partner_code,"
    " null::varchar as product, null::integer as year, null::varchar as compared_with,"
    " null::varchar as compared_valuation, null::double as ln_ratio limit 0",
    "int_trade__un_comtrade_reporting_chosen": "select null::varchar as type_code,"
    " null::varchar as freq_code, null::varchar as reference_period,"
    " null::varchar as reporter_iso3, null::varchar as import_valuation limit 0",
}
_REFERENCE = re.compile(r"""ref\(\s*["'](\w+)["']\s*\)""")


def lay_world_project(root: Path) -> Settings:
    """A project of the real models and seeds, without their tests and no reports yet."""
    target = root / "dbt"
    models, seeds = _needed()
    for path in models:
        copy = target / path.relative_to(_DBT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(_ENDS.get(path.stem) or path.read_text(encoding="utf-8"), encoding="utf-8")
    shutil.copytree(_DBT / "macros", target / "macros")
    shutil.copytree(_DBT / "seeds", target / "seeds")
    shutil.copy(_DBT / "profiles.yml", target)
    shutil.copy(_DBT / "models" / "groups.yml", target / "models")
    for path in (*_DBT.glob("models/staging/*/*.yml"), _DBT / "seeds" / "_seeds.yml"):
        described = _without_tests(yaml.safe_load(path.read_text(encoding="utf-8")))
        copy = target / path.relative_to(_DBT)
        if copy.parent.is_dir():
            copy.write_text(yaml.safe_dump(described), encoding="utf-8")
    project = yaml.safe_load((_DBT / "dbt_project.yml").read_text(encoding="utf-8"))
    # The parsers read all seeds, the models few.
    project["seeds"]["bilateral"] |= {"+enabled": False} | {
        name: {"+enabled": True} for name in sorted(seeds)
    }
    project["models"]["bilateral"]["world"]["+contract"] = {"enforced": False}
    (target / "dbt_project.yml").write_text(yaml.safe_dump(project), encoding="utf-8")
    # A data home without any release is refused; this one is of another source, and small.
    shutil.copytree(
        PROJECT_ROOT / "data" / "snapshots" / "articles", root / "data" / "snapshots" / "articles"
    )
    (root / ".dagster").mkdir()
    shutil.copy(PROJECT_ROOT / ".dagster" / "dagster.yaml", root / ".dagster")
    return Settings(root, root / "data", None)


def _needed() -> tuple[list[Path], set[str]]:
    """The files of the models that the wanted ones read, and the names of the seeds."""
    files = {path.stem: path for path in _DBT.glob("models/**/*") if path.suffix in (".sql", ".py")}
    macros = "".join(path.read_text(encoding="utf-8") for path in _DBT.glob("macros/mirror*.sql"))
    found: set[str] = set()
    waiting = [*_WANTED, *_REFERENCE.findall(macros)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            if name in files and name not in _ENDS:
                waiting += _REFERENCE.findall(files[name].read_text(encoding="utf-8"))
    return [files[name] for name in sorted(found & files.keys())], found - files.keys()


def _without_tests(described: Any) -> Any:
    if isinstance(described, Mapping):
        return {
            name: _without_tests(value) for name, value in described.items() if name != "data_tests"
        }
    return [_without_tests(one) for one in described] if isinstance(described, list) else described


def write_years(folder: Path, years: Iterable[int], *, seed: int = 1) -> dict[int, Path]:
    """One bulk file per year of twelve countries and forty products."""
    countries, products = 12, 40
    seeds = PROJECT_ROOT / "dbt" / "seeds"
    world = World(
        countries=countries,
        products=products,
        years=tuple(years),
        seed=seed,
        density=0.5,
        errors=log_normal(),
        reporting=Reporting.as_in_practice(),
        geography=real_geography(countries, seed, seeds),
        product_list=real_products(products, seed, seeds),
    )
    folder.mkdir(parents=True, exist_ok=True)
    files = {year: folder / f"{year}.tsv.gz" for year in world.years}
    for year, file in files.items():
        write_bulk_file(world, year, file)
    return files


def import_file(settings: Settings, file: Path) -> None:
    ingest_named(file, settings, {}, datetime.now(UTC))


def files_by_year(settings: Settings) -> dict[int, set[str]]:
    """The names of the files that the published views read."""
    rows = _asked(settings, "select year, file from by_year.files")
    found: dict[int, set[str]] = {}
    for year, file in rows:
        found.setdefault(year, set()).add(Path(file).name)
    return found


def served(settings: Settings, columns: str, *years: int) -> list[tuple[Any, ...]]:
    """The reconciled rows of these years."""
    return _asked(
        settings,
        f"select {columns} from marts.mirror_reconciled where year in {(*years, 0)} order by all",
    )


def _asked(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with connect_published(settings) as connection:
        return connection.execute(query).fetchall()
