"""The laboratory, compiled once for all tests of the mirror models."""

from __future__ import annotations

import pytest
from world.laboratory import Areas, Laboratory, compiled

from dagster_project.settings import PROJECT_ROOT, Settings


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    settings = Settings(PROJECT_ROOT, PROJECT_ROOT / "data", None)
    return Laboratory(compiled(settings, tmp_path_factory.mktemp("mirror models")))


@pytest.fixture(scope="session")
def areas(laboratory: Laboratory) -> Areas:
    return Areas.of(laboratory)
