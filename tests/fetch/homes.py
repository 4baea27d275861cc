"""Data homes whose sources are fetched from a replay server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fetch.publishers import PUBLISHERS

from dagster_project.settings import PROJECT_ROOT, Secret, Settings

KEYS = {name: f"Right-Key+of/{name}==" for name, one in PUBLISHERS.items() if one.key_place}

# A home of that name.
HomeAt = Callable[[str], Settings]


def home(folder: Path, name: str, address: str) -> Settings:
    """A data home of a project that ships only articles: all other data was fetched."""
    project = folder / "project"
    for shipped in ("dbt", "data/snapshots/articles"):
        place = project / shipped
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(PROJECT_ROOT / shipped)
    return Settings(
        project_root=project,
        data_home=folder / name,
        as_of=None,
        keys={source: Secret(key) for source, key in KEYS.items()},
        addresses=dict.fromkeys(PUBLISHERS, address),
    )
