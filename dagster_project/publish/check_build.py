"""Build into a temporary file, treating every warning as an error."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from dagster_project.publish.build_dir import raw_lock
from dagster_project.publish.dbt_project import build_arguments, dbt_environment, dbt_executable
from dagster_project.settings import Settings, load_settings
from dagster_project.sources.catalog import CATALOG, load_snapshot_index, load_table

# A dbt warning is an error here; findings about publishers' data remain warnings.
_STRICT = ("--warn-error-options", '{"error": "all", "warn": ["LogTestResult"]}')


def check_build(settings: Settings) -> int:
    """Load what changed, build and test everything, and return the exit code of dbt."""
    with (
        raw_lock(settings, alone=True),
        tempfile.TemporaryDirectory(prefix="check-", dir=settings.data_home) as folder,
    ):
        load_snapshot_index(settings)
        for entry in CATALOG:
            load_table(entry, settings)
        target = Path(folder)
        return subprocess.run(
            [str(dbt_executable()), *_STRICT, "--quiet", *build_arguments(settings)],
            cwd=target,
            env=dbt_environment(settings, target=target),
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(check_build(load_settings()))
