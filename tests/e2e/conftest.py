"""Separate settings for each test, and instant builds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from e2e.stand_in import make_build

from dagster_project.publish.audit import FinishedBuild
from dagster_project.settings import PROJECT_ROOT, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(project_root=PROJECT_ROOT, data_home=tmp_path / "data home", as_of=None)


@pytest.fixture
def build(settings: Settings) -> Callable[..., FinishedBuild]:
    def make(**wanted: Any) -> FinishedBuild:
        return make_build(settings, **wanted)

    return make
