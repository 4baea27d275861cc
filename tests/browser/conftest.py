"""The site that all these tests look at, and the browser that they look with."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.chromium import MISSING, executable, started
from playwright.sync_api import Browser

from dagster_project.settings import Settings
from dagster_project.site.build import write_site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if executable() is None:
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with started() as browser:
        yield browser


@pytest.fixture(scope="session")
def site(built_warehouse: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site of what documents speak of, made once for all processes of a test run."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    link = folder / "site"
    with (folder / ".site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not link.exists():
            write_site(built_warehouse, out=link)
    return link
