"""An import or a report that is killed at any moment leaves what was there whole, and runs again.

`BILATERAL_KILLS` raises the number of kills of each. Publications are killed in `test_served`,
builds in `test_recovery`, fetches in `fetch/test_killed_fetches`.
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from e2e.stand_in import make_build
from reader import Reader
from sources.test_un_comtrade import FACT, written

from dagster_project.publish.publication import publish
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources.snapshot import discover, read_verified
from dagster_project.warehouse import connect_published

KILLS = int(os.environ.get("BILATERAL_KILLS", "3"))
# An import of one of these takes some time in each of its steps.
_ROWS = 2_000


def started(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "dagster_project.cli", *arguments],
        env={**os.environ, "BILATERAL_DATA_HOME": str(settings.data_home), "BILATERAL_AS_OF": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(settings: Settings, *arguments: str) -> float:
    """The seconds that the command took, which has to end well."""
    began = time.monotonic()
    command = started(settings, *arguments)
    _, said = command.communicate(timeout=300)
    assert command.returncode == 0, said
    return time.monotonic() - began


def killed(settings: Settings, arguments: Sequence[str], seconds: float) -> bool:
    """Whether the command was still running when it was killed; all its processes end with it."""
    command = started(settings, *arguments)
    try:
        command.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        command.kill()
        # Its children hold the other ends of its pipes.
        command.communicate(timeout=60)
    return command.returncode < 0


def moments(seed: str, seconds: float) -> list[float]:
    """When to kill: after the imports, which change nothing, and up to the end."""
    dice = random.Random(seed)
    return [dice.uniform(0.2, 1.05) * seconds for _ in range(KILLS)]


def releases_of(settings: Settings) -> set[str]:
    """The imported releases, each of them complete."""
    usable, unusable = discover(settings.snapshot_roots)
    assert unusable == ()
    imported = [one for one in usable if one.folder.is_relative_to(settings.fetched_snapshots)]
    for release in imported:
        for file in release.files:
            read_verified(file)
    return {release.release_id for release in imported}


def is_whole(site: Path) -> bool:
    """Whether a folder has the files after whose content it is named, and no others."""
    digest = hashlib.sha256()
    for path in sorted(str(one.relative_to(site)) for one in site.rglob("*") if one.is_file()):
        content = (site / path).read_bytes()
        digest.update(f"{path}\0{len(content)}\0".encode())
        digest.update(content)
    return site.name.endswith(f".{digest.hexdigest()[:16]}")


def unfinished(folder: Path) -> list[Path]:
    return list(folder.rglob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize("table", ["un_comtrade__trade", "un_comtrade__bulk"])
def test_a_killed_import_loses_no_release_and_runs_again(tmp_path: Path, table: str) -> None:
    settings = Settings(PROJECT_ROOT, tmp_path / "data home", None)
    publish(settings, make_build(settings))

    def arguments(number: int) -> list[str]:
        """Figures of a month of their own, so that each file is a release."""
        month = {"freq": "M", "year": 1990 + number // 12, "month": 1 + number % 12}
        path = tmp_path / f"{number}.tsv.gz"
        facts = ({**FACT, **month, "goods": f"{100_000 + row}"} for row in range(_ROWS))
        path.write_bytes(written(list(facts), "comtrade_bulk_34"))
        return ["import", str(path), "--table", table]

    ended(settings, *arguments(0))
    seconds = ended(settings, *arguments(1))
    known = releases_of(settings)

    def read() -> None:
        with connect_published(settings) as connection:
            connection.execute("select max(generation) from marts.figures").fetchall()
        assert releases_of(settings) >= known

    cut_short = 0
    with Reader(read) as reader:
        for number, moment in enumerate(moments(table, seconds), start=2):
            cut_short += killed(settings, arguments(number), moment)
            assert releases_of(settings) >= known
            ended(settings, *arguments(number))
            assert len(releases_of(settings)) == len(known) + 1
            known = releases_of(settings)
            assert unfinished(settings.fetched_snapshots) == []
    assert reader.errors == []
    assert reader.reads > KILLS
    assert cut_short >= KILLS // 2, "the kills came too late to test anything"


@pytest.mark.slow
def test_a_killed_report_leaves_a_whole_site_and_runs_again(
    built_warehouse: Settings, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    # Two small sites in turn, so that each has to be written.
    requests = [
        ["report", "--out", str(site), "--reporter", "USA", "--partner", "census:0003", *more]
        for more in ([], ["--partner", "census:0001"])
    ]
    seconds = max(ended(built_warehouse, *request) for request in requests)
    sites = {site.resolve()}

    def read() -> None:
        assert is_whole(site.resolve())

    cut_short = 0
    with Reader(read) as reader:
        for number, moment in enumerate(moments("report", seconds)):
            request = requests[number % 2]
            cut_short += killed(built_warehouse, request, moment)
            read()
            ended(built_warehouse, *request)
            sites.add(site.resolve())
            assert unfinished(tmp_path) == []
    assert reader.errors == []
    assert reader.reads > KILLS
    assert len(sites) == min(2, KILLS)
    assert cut_short >= KILLS // 2, "the kills came too late to test anything"
