"""The core, compiled once for all its tests."""

from __future__ import annotations

import pytest
from dbt.core import Core, compiled

from dagster_project.settings import PROJECT_ROOT, Settings


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Core:
    settings = Settings(PROJECT_ROOT, PROJECT_ROOT / "data", None)
    return compiled(settings, tmp_path_factory.mktemp("core"))
