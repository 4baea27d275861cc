"""The command `bilateral`.

Belongs here: commands, their options and help, exit codes, and where output goes. Does not
belong here: any answer (`questions/`, `publish/`, `fetch/`).

Dagster, dbt and Polars are imported by the command that needs them: a query should not
wait for an orchestrator.
"""

from __future__ import annotations

# In the order in which the help lists the commands.
from dagster_project.cli import (  # noqa: F401
    building,
    importing,
    questions,
    releases,
    site,
    sources,
    sql,
)
from dagster_project.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """The entry point: `bilateral`."""
    app()
