"""One copy of the project for all tests; each test repairs what it breaks."""

from __future__ import annotations

import pytest
from fault_injection.project_copy import ProjectCopy

from dagster_project.settings import PROJECT_ROOT, Settings


@pytest.fixture(scope="session")
def loaded_copy(tmp_path_factory: pytest.TempPathFactory) -> ProjectCopy:
    original = Settings(PROJECT_ROOT, PROJECT_ROOT / "data", None)
    return ProjectCopy(original, tmp_path_factory.mktemp("copy of the project"))


@pytest.fixture(scope="session")
def copy(takes_long: None, loaded_copy: ProjectCopy) -> ProjectCopy:
    """The copy, with a warehouse published from it."""
    loaded_copy.publish_unbroken()
    return loaded_copy
