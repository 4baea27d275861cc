"""Tests of world trade years in whole builds: what is rebuilt, and what a failure leaves.

The tests run in order on one data home, as releases do.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
import yaml
from e2e.stand_in import identity
from e2e.world_project import (
    files_by_year,
    import_file,
    lay_world_project,
    served,
    write_years,
)

from dagster_project.publish.build import BuildOutcome, added_since, run_build
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.warehouse import connect_published

_KEY = "year, exporter_iso3, importer_iso3, product_code"
# Columns that do not depend on the estimates over all years.
_OF_THE_YEAR = (
    f"{_KEY}, provenance, exporter_usd, importer_fob_usd, cif_rate, exporter_reported_usd,"
    " importer_reported_usd, nes_allocated_usd, simple_mean_usd"
)
_BUILD = """
import resource, sys
from pathlib import Path
import dagster as dg
from dagster_project.publish.build import BuildFailed, run_build
from dagster_project.settings import Settings
root, limit = Path(sys.argv[1]), int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    with dg.DagsterInstance.ephemeral() as instance:
        run_build(Settings(root, root / "data", None), instance=instance)
except BuildFailed as error:
    sys.exit(str(error))
"""


@dataclass(frozen=True)
class MadeUp:
    """A data home and the yearly files that can be imported into it."""

    settings: Settings
    reports: dict[int, Path]


@pytest.fixture(scope="module")
def world(takes_long: None, tmp_path_factory: pytest.TempPathFactory) -> MadeUp:
    """Two of three years are published."""
    root = tmp_path_factory.mktemp("world")
    settings = lay_world_project(root)
    reports = write_years(root / "given", (2013, 2014, 2015))
    for year in (2013, 2014):
        import_file(settings, reports[year])
    assert build(settings).published
    assert files_by_year(settings).keys() == {2013, 2014}
    return MadeUp(settings, reports)


def build(settings: Settings) -> BuildOutcome:
    with dg.DagsterInstance.ephemeral() as instance:
        return run_build(settings, instance=instance)


def start(settings: Settings, *, largest_file: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _BUILD, str(settings.project_root), str(largest_file)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def names(settings: Settings, pattern: str) -> set[str]:
    return {path.name for path in settings.world.glob(pattern)}


def test_another_year_makes_only_its_own_files_even_after_a_kill(world: MadeUp) -> None:
    settings = world.settings
    before, published = files_by_year(settings), identity(settings)
    of_the_year = served(settings, _OF_THE_YEAR, 2013, 2014)
    import_file(settings, world.reports[2015])

    builder = start(settings)
    deadline = time.monotonic() + 300
    while not names(settings, "int_mirror__pairs_summed.2015.*") and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(builder.pid, signal.SIGKILL)
    builder.communicate()
    begun = names(settings, "int_mirror__*.2015.*")
    assert begun
    (settings.world / "tmp_int_mirror__cells.2015.0123.4567.parquet").write_bytes(b"half")
    assert identity(settings) == published
    assert files_by_year(settings) == before
    assert served(settings, _OF_THE_YEAR, 2013, 2014) == of_the_year

    assert build(settings).published
    after = files_by_year(settings)
    assert after == {**before, 2015: after[2015]}
    assert begun <= after[2015]
    assert added_since(settings) == []
    assert len(after[2015]) == len(after[2014])
    assert len(of_the_year) > 1000
    assert served(settings, _OF_THE_YEAR, 2013, 2014) == of_the_year
    assert len(served(settings, _KEY, 2015)) > 500
    assert names(settings, "tmp_*") == set()
    assert list(settings.builds.iterdir()) == []


@pytest.mark.parametrize("model", ["int_mirror__import_levels", "int_mirror__reporters_counted"])
def test_columns_declared_without_a_year_are_those_of_its_file(world: MadeUp, model: str) -> None:
    declared = yaml.safe_load(
        (PROJECT_ROOT / "dbt" / "models" / "world" / "intermediate" / f"{model}.yml").read_text()
    )["models"][0]["columns"]
    with connect_published(world.settings) as connection:
        stored = connection.execute(
            f"select column_name, lower(column_type) from (describe intermediate.{model})"
        ).fetchall()
    assert stored == [(column["name"], column["data_type"]) for column in declared]


def test_a_second_release_makes_its_year_again_once_there_is_space(world: MadeUp) -> None:
    settings = world.settings
    before, published = files_by_year(settings), identity(settings)
    kept, replaced = served(settings, _OF_THE_YEAR, 2013, 2015), served(settings, _KEY, 2014)
    import_file(settings, write_years(settings.project_root / "again", (2014,), seed=2)[2014])

    full = start(settings, largest_file=settings.warehouse.stat().st_size // 2)
    _, said = full.communicate(timeout=300)
    assert full.returncode != 0
    assert os.strerror(errno.EFBIG) in said
    assert str(settings.data_home) in said
    # Neither the release is to blame, nor one step after the other.
    assert str(settings.fetched_snapshots) not in said
    assert said.count("\n  - ") == 1
    assert identity(settings) == published
    assert served(settings, _OF_THE_YEAR, 2013, 2015) == kept
    assert names(settings, "tmp_*") == set()
    assert list(settings.builds.glob("*/warehouse.duckdb*")) == []

    assert build(settings).published
    after = files_by_year(settings)
    assert after == {**before, 2014: after[2014]}
    assert after[2014].isdisjoint(before[2014])
    assert served(settings, _OF_THE_YEAR, 2013, 2015) == kept
    assert served(settings, _KEY, 2014) != replaced
    assert list(settings.builds.iterdir()) == []
