"""Tests that dbt's exposures list what commands and pages read."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dagster_project.publish.dbt_project import dbt_executable, ensure_manifest, read_manifest
from dagster_project.settings import PROJECT_ROOT, load_settings

_NAMED_WITH_SCHEMA = re.compile(
    r"\b(marts|questions|seeds|intermediate|staging)\.([a-z][a-z0-9_]*)"
)
_QUOTED = re.compile(r'"([a-z][a-z0-9_]*)"')
_SEED_FILE = re.compile(r'"([a-z][a-z0-9_]*)\.csv"')


@pytest.fixture(scope="module")
def manifest() -> Mapping[str, Any]:
    return read_manifest(ensure_manifest(load_settings()))


def relations_named(code: Path, manifest: Mapping[str, Any]) -> set[str]:
    """Unique ids of what SQL reads by schema and name, and of what Python names alone.

    Python names questions, and seeds by their files.
    """
    relations = {
        (node["schema"], node["name"]): unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in {"model", "seed"}
    }
    questions = {
        name: relations[schema, name]
        for schema, name in relations
        if "question" in manifest["nodes"][relations[schema, name]]["tags"]
    }
    text = code.read_text(encoding="utf-8")
    read = {relations[key] for key in _NAMED_WITH_SCHEMA.findall(text) if key in relations}
    if code.suffix == ".py":
        read |= {questions[name] for name in _QUOTED.findall(text) if name in questions}
        read |= {relations["seeds", name] for name in _SEED_FILE.findall(text)}
    return read


def code_of(exposure: Mapping[str, Any]) -> Iterator[Path]:
    for pattern in exposure["config"]["meta"]["code"]:
        found = sorted(PROJECT_ROOT.glob(pattern))
        assert found, pattern
        yield from found


def test_an_exposure_depends_on_what_its_code_names(manifest: Mapping[str, Any]) -> None:
    exposures = manifest["exposures"].values()
    assert len(exposures) > 4
    for exposure in exposures:
        named = {one for code in code_of(exposure) for one in relations_named(code, manifest)}
        assert {*exposure["depends_on"]["nodes"]} == named, exposure["name"]


def test_all_code_that_names_a_relation_is_of_an_exposure(manifest: Mapping[str, Any]) -> None:
    said = {code for exposure in manifest["exposures"].values() for code in code_of(exposure)}
    package = PROJECT_ROOT / "dagster_project"
    read = {
        code
        for code in (*package.glob("questions/*.py"), *package.glob("site/**/*.sql"))
        if relations_named(code, manifest)
    }
    assert len(read) > 40
    assert read - said == set()


def test_what_is_read_from_outside_is_public_and_typed(manifest: Mapping[str, Any]) -> None:
    read = {
        one
        for exposure in manifest["exposures"].values()
        for one in exposure["depends_on"]["nodes"]
    }
    models = [node for one in read if (node := manifest["nodes"][one])["resource_type"] == "model"]
    assert len(models) > 30
    for node in models:
        assert node["schema"] in {"marts", "questions"}, node["name"]
        assert node["config"]["access"] == "public", node["name"]
        assert node["config"]["contract"]["enforced"], node["name"]


@pytest.mark.slow
def test_dbt_lists_them_without_a_setting(tmp_path: Path) -> None:
    finished = subprocess.run(
        [
            *(str(dbt_executable()), "--quiet", "ls", "--resource-type", "exposure"),
            *("--target-path", str(tmp_path), "--log-path", str(tmp_path)),
        ],
        cwd=PROJECT_ROOT / "dbt",
        env={name: text for name, text in os.environ.items() if not name.startswith("BILATERAL")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "exposure:bilateral.status" in finished.stdout.splitlines()
