"""What every test may use: places, and the one warehouse they all ask."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from dagster_project.publish.build import run_build
from dagster_project.publish.fingerprint import input_hash, is_current
from dagster_project.settings import PROJECT_ROOT, Settings


@pytest.fixture(scope="session")
def project_root() -> Path:
    return PROJECT_ROOT


@pytest.fixture(scope="session")
def real_data(project_root: Path) -> Path:
    """Publishers' own files, which are not part of the project and may be absent."""
    folder = project_root.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the publishers' own files are not here ({folder.name} beside the project)")
    return folder


@pytest.fixture(scope="session")
def built_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The whole warehouse, published; for reading only, since all tests share it.

    The one in the project is taken when it was made from the inputs as they are now;
    otherwise it is built once, elsewhere. What a user's environment says is left out.
    """
    shipped = Settings(PROJECT_ROOT, PROJECT_ROOT / "data", None)
    if is_current(shipped, input_hash(shipped)):
        return shipped
    settings = Settings(PROJECT_ROOT, tmp_path_factory.mktemp("warehouse"), None)
    with dg.DagsterInstance.ephemeral() as instance:
        run_build(settings, instance=instance)
    return settings
