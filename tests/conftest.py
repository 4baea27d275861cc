"""What every test may use: places, the one warehouse they all query, and the hypothesis profile."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import pytest
from compiled_models import CompiledModels, compile_models
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from dagster_project.publish.build import run_build
from dagster_project.publish.fingerprint import input_hash, is_current
from dagster_project.settings import PROJECT_ROOT, Settings

# Time limits say more about the machine than about the code. In CI every run draws the same
# examples, so that a change fails by its own fault; elsewhere they are drawn at random, a failing
# one is kept in the database, and its blob reproduces it on another machine.
hypothesis_settings.register_profile(
    "bilateral",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("bilateral")


# Before pytest deselects by marker.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "takes_long" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def takes_long() -> None:
    """A fixture that takes seconds requests this one: tests that use it are marked `slow`."""


@pytest.fixture(scope="session")
def project_root() -> Path:
    return PROJECT_ROOT


@pytest.fixture(scope="session")
def real_data(takes_long: None, project_root: Path) -> Path:
    """Publishers' own files, which are not part of the project and may be absent."""
    folder = project_root.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the publishers' own files are not here ({folder.name} beside the project)")
    return folder


@pytest.fixture(scope="session")
def built_warehouse(takes_long: None, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The whole warehouse, published; for reading only, since all tests share it.

    The one in the project is used if its inputs have not changed; otherwise it is built once,
    elsewhere. Settings in a user's environment do not count.
    """
    shipped = Settings(PROJECT_ROOT, PROJECT_ROOT / "data", None)
    if is_current(shipped, input_hash(shipped)):
        return shipped
    settings = Settings(PROJECT_ROOT, tmp_path_factory.mktemp("warehouse"), None)
    with dg.DagsterInstance.ephemeral() as instance:
        run_build(settings, instance=instance)
    return settings


@pytest.fixture(scope="session")
def compiled_models(tmp_path_factory: pytest.TempPathFactory) -> CompiledModels:
    folder = tmp_path_factory.getbasetemp()
    # All processes of a test run share the parent of their folders.
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    return compile_models(Settings(PROJECT_ROOT, PROJECT_ROOT / "data", None), folder)
