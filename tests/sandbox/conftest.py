"""A small published warehouse, and what is around it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from e2e.stand_in import make_build

from dagster_project.publish.publication import publish
from dagster_project.settings import PROJECT_ROOT, Settings


@pytest.fixture(scope="session")
def statements() -> int:
    """How many statements of each grammar are run; the environment raises it."""
    return int(os.environ.get("BILATERAL_TEST_STATEMENTS", "120"))


@pytest.fixture
def published_small(tmp_path: Path) -> Settings:
    settings = Settings(PROJECT_ROOT, tmp_path / "data home", None)
    publish(settings, make_build(settings))
    return settings
