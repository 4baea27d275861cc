"""The command as a user meets it: what it prints, where, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dagster_project.cli import app
from dagster_project.settings import Settings


@pytest.fixture
def environment(built_warehouse: Settings) -> dict[str, str]:
    return {"BILATERAL_DATA_HOME": str(built_warehouse.data_home), "BILATERAL_AS_OF": ""}


@pytest.fixture
def bilateral(environment: dict[str, str]) -> Callable[..., Result]:
    """Run the command in this process."""

    def run(*arguments: str, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(app, list(arguments), input=stdin, env=environment)
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        return result

    return run


@pytest.fixture
def bilateral_process(
    environment: dict[str, str],
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command as a process of its own."""

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name("bilateral")), *arguments],
            env={**os.environ, **environment},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run
