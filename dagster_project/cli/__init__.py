"""The command `bilateral`.

Belongs in these rooms: commands, their options and help, exit codes, and where output
goes. Does not belong here: any answer (`figures/`, `warehouse.py`, `build.py`,
`fetching/`).

Dagster, dbt and Polars are imported by the command that needs them: a query should not
wait for an orchestrator.
"""

from __future__ import annotations

# In the order in which the help lists the commands.
from dagster_project.cli import (  # noqa: F401
    building,
    querying,
    questions,
    releases,
    reporting,
    sources,
    taking,
)
from dagster_project.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """The entry point: `bilateral`."""
    app()
