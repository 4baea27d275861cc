"""Tests that the manifest follows the edited files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from e2e.stand_in import lay_small_project

from dagster_project.publish import dbt_project
from dagster_project.publish.dbt_project import DbtProjectError, ensure_manifest, read_manifest
from dagster_project.settings import Settings

MODEL = "model.bilateral.flows_by_year"


@pytest.fixture
def small(tmp_path: Path) -> Settings:
    lay_small_project(tmp_path)
    return Settings(tmp_path, tmp_path / "data", None)


@pytest.mark.slow
def test_editing_a_model_makes_the_manifest_stale(
    small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # dbt is found beside the running Python, not on PATH.
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    manifest = ensure_manifest(small)
    parsed = manifest.stat().st_mtime_ns
    assert ensure_manifest(small).stat().st_mtime_ns == parsed

    model = small.dbt_project / "models" / "marts" / "flows_by_year.sql"
    time_of_change = model.stat().st_mtime_ns
    model.write_text(model.read_text() + "order by year\n")
    # A file that is restored from elsewhere may carry an old time.
    os.utime(model, ns=(time_of_change, time_of_change))
    assert "order by year" in read_manifest(ensure_manifest(small))["nodes"][MODEL]["raw_code"]

    model.rename(model.with_name("renamed.sql"))
    (model.parent / "flows_by_year.yml").unlink()
    assert MODEL not in read_manifest(ensure_manifest(small))["nodes"]


@pytest.mark.slow
def test_a_manifest_of_another_dbt_is_replaced(small: Settings) -> None:
    before = read_manifest(ensure_manifest(small))
    ensure_manifest(small).write_text("{}")
    assert read_manifest(ensure_manifest(small))["nodes"].keys() == before["nodes"].keys()


@pytest.mark.slow
def test_a_project_that_does_not_parse_keeps_its_manifest_and_says_why(small: Settings) -> None:
    before = ensure_manifest(small).read_bytes()
    (small.dbt_project / "models" / "marts" / "broken.sql").write_text("{{ ref('nowhere') }}")
    with pytest.raises(DbtProjectError, match="nowhere"):
        ensure_manifest(small)
    assert (small.dbt_project / "target" / "manifest.json").read_bytes() == before


def test_an_environment_without_dbt_says_to_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbt_project.sys, "executable", "/nowhere/bin/python")
    with pytest.raises(DbtProjectError, match="make setup"):
        dbt_project.dbt_executable()
