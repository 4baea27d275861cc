"""Where things are and which knobs a user may turn.

Belongs here: every reading of the environment, every path. Does not belong here:
opening a file, a database or a connection.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent

_DATA_HOME = "BILATERAL_DATA_HOME"
_AS_OF = "BILATERAL_AS_OF"


class SettingsError(ValueError):
    """A variable of the environment holds something that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """The folders of one installation.

    `data_home` is where everything a build makes is kept. `as_of` is the day whose
    knowledge the marts show; none means everything that is held.
    """

    project_root: Path
    data_home: Path
    as_of: date | None

    @property
    def shipped_snapshots(self) -> Path:
        return self.project_root / "data" / "snapshots"

    @property
    def snapshot_roots(self) -> tuple[Path, ...]:
        """Shipped snapshots first, then those under the data home, each folder once."""
        return tuple(dict.fromkeys((self.shipped_snapshots, self.data_home / "snapshots")))

    @property
    def raw(self) -> Path:
        return self.data_home / "raw"

    @property
    def builds(self) -> Path:
        return self.data_home / "build"

    @property
    def warehouse(self) -> Path:
        return self.data_home / "warehouse.duckdb"

    @property
    def exports(self) -> Path:
        return self.data_home / "exports"

    @property
    def dbt_project(self) -> Path:
        return self.project_root / "dbt"

    @property
    def seeds(self) -> Path:
        return self.dbt_project / "seeds"

    @property
    def dagster_home(self) -> Path:
        """The folder whose `dagster.yaml` every process shares."""
        return self.project_root / ".dagster"


def load_settings() -> Settings:
    """Read the environment once.

    Raises:
        SettingsError: `BILATERAL_AS_OF` is not a date such as 2017-07-12.
    """
    data_home = Path(os.environ.get(_DATA_HOME) or PROJECT_ROOT / "data").expanduser().resolve()
    return Settings(project_root=PROJECT_ROOT, data_home=data_home, as_of=_read_as_of())


def _read_as_of() -> date | None:
    text = os.environ.get(_AS_OF)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(
            f"{_AS_OF} is {text!r}; write a date as YYYY-MM-DD, or leave it unset."
        ) from error
