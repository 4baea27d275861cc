"""What every test may use: nothing but places. Heavier fixtures stand beside their tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.settings import PROJECT_ROOT


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
