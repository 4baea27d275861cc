"""The command `bilateral`.

This package holds the commands, their options and help, exit codes and output. The answers come
from `questions/`, `publish/` and `fetch/`.

Each command imports Dagster, dbt and Polars only when it needs them, so that a query starts fast.
"""

from __future__ import annotations

# The help lists the commands in this order.
from dagster_project.cli import (  # noqa: F401
    building,
    importing,
    questions,
    reading,
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
