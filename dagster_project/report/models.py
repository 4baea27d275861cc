"""dbt's own pages of the models, as one file without a server.

Belongs here: making them. Does not belong here: the dictionary of the marts (`pages/`).
"""

from __future__ import annotations

from dagster_project.report.desk import File
from dagster_project.settings import Settings


def models_page(settings: Settings) -> list[File]:
    """The pages of dbt, or nothing."""
    return []
