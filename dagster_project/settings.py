"""Paths and settings, read from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent

_DATA_HOME = "BILATERAL_DATA_HOME"
_AS_OF = "BILATERAL_AS_OF"
_KEYS_FILE = "BILATERAL_KEYS_FILE"
_MEMORY = "BILATERAL_MEMORY"
# Enough for the bundled data on any machine. What does not fit is spilled to disk: more is faster
# for years of world trade.
DEFAULT_MEMORY = "800MB"
# An amount of memory or disk space: 1GB.
AMOUNT = re.compile(r"[1-9][0-9]*(\.[0-9]+)?\s*(MB|GB|MiB|GiB)", re.IGNORECASE)
# One variable per source: BILATERAL_KEY_UN_COMTRADE, BILATERAL_ADDRESS_UN_COMTRADE.
_KEY = "BILATERAL_KEY_"
_ADDRESS = "BILATERAL_ADDRESS_"


class SettingsError(ValueError):
    """An environment variable has an invalid value."""


@dataclass(frozen=True)
class Secret:
    """A text that is never printed; only `reveal` returns it."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        return self._text

    def __str__(self) -> str:
        return "***"


@dataclass(frozen=True)
class Settings:
    """The folders of one installation, and how it reaches publishers.

    `data_home` is the folder for everything that a build writes. `as_of` is the as-of date of the
    marts; None means the latest data. `keys` are the API keys in the environment, by source; more
    may be in `keys_file`. `addresses` are scheme and host of a gateway that replaces a publisher's
    own, by source. `memory` limits the memory of the engine that builds the warehouse (1GB); None
    means the engine's default.
    """

    project_root: Path
    data_home: Path
    as_of: date | None
    keys: Mapping[str, Secret] = field(default_factory=dict)
    keys_file: Path | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)
    memory: str = DEFAULT_MEMORY

    @property
    def shipped_snapshots(self) -> Path:
        return self.project_root / "data" / "snapshots"

    @property
    def snapshot_roots(self) -> tuple[Path, ...]:
        """The bundled source archive first, then that in the data home, each folder once."""
        return tuple(dict.fromkeys((self.shipped_snapshots, self.fetched_snapshots)))

    @property
    def fetched_snapshots(self) -> Path:
        """Where fetched and imported releases are stored."""
        return self.data_home / "snapshots"

    @property
    def fetching(self) -> Path:
        """By source: unfinished fetches, request counts and fetched datasets."""
        return self.data_home / "fetching"

    @property
    def inbox(self) -> Path:
        return self.data_home / "inbox"

    @property
    def raw(self) -> Path:
        return self.data_home / "raw"

    @property
    def world(self) -> Path:
        """Models of world trade as Parquet, one file per model and year, read by views."""
        return self.data_home / "world"

    @property
    def builds(self) -> Path:
        return self.data_home / "build"

    @property
    def published(self) -> Path:
        """A link to the folder of the publication: warehouse, exports and their record."""
        return self.data_home / "published"

    @property
    def warehouse(self) -> Path:
        """A link through `published`, as is `exports`: both are replaced at once."""
        return self.data_home / "warehouse.duckdb"

    @property
    def exports(self) -> Path:
        return self.data_home / "exports"

    @property
    def report(self) -> Path:
        """The site: a link to the folder of its pages, so that it is replaced as a whole."""
        return self.data_home / "report"

    @property
    def dbt_project(self) -> Path:
        return self.project_root / "dbt"

    @property
    def seeds(self) -> Path:
        return self.dbt_project / "seeds"

    @property
    def dagster_home(self) -> Path:
        """The folder with the `dagster.yaml` that all processes share."""
        return self.project_root / ".dagster"


def load_settings() -> Settings:
    """Read the environment once.

    Raises:
        SettingsError: `BILATERAL_AS_OF` is not a date (2017-07-12), or `BILATERAL_MEMORY` not an
            amount (1GB).
    """
    data_home = Path(os.environ.get(_DATA_HOME) or PROJECT_ROOT / "data").expanduser().resolve()
    keys_file = Path(
        os.environ.get(_KEYS_FILE) or Path("~/.config/bilateral/keys.toml")
    ).expanduser()
    return Settings(
        project_root=PROJECT_ROOT,
        data_home=data_home,
        as_of=_read_as_of(),
        keys={source: Secret(key) for source, key in _by_source(_KEY)},
        keys_file=keys_file,
        addresses=dict(_by_source(_ADDRESS)),
        memory=_read_memory(),
    )


def _by_source(prefix: str) -> Iterator[tuple[str, str]]:
    """Variables with a prefix, by source: BILATERAL_KEY_UN_COMTRADE is for un_comtrade."""
    for name, value in os.environ.items():
        if name.startswith(prefix) and value.strip():
            yield name.removeprefix(prefix).lower(), value.strip()


def _read_memory() -> str:
    text = os.environ.get(_MEMORY, "").strip() or DEFAULT_MEMORY
    if not AMOUNT.fullmatch(text):
        raise SettingsError(f"{_MEMORY} is {text!r}; write an amount, for example 1GB or 800MB.")
    return text


def _read_as_of() -> date | None:
    text = os.environ.get(_AS_OF)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(
            f"{_AS_OF} is {text!r}; write a date as YYYY-MM-DD, or unset it."
        ) from error
