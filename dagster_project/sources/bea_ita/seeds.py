"""Areas and indicators of the publisher, as the project's seeds list them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dagster_project.sources.parsing import read_seed

AREA_SEED = "bea_areas.csv"
INDICATOR_SEED = "bea_indicators.csv"


@dataclass(frozen=True)
class Area:
    """An area of the publisher; a residual completes a sum and may be negative."""

    code: str
    partner_code: str
    is_residual: bool
    is_current: bool


def read_areas(seeds: Path) -> dict[str, Area]:
    """Every area that the project knows, by the publisher's code."""
    return {
        row["area_or_country"]: Area(
            row["area_or_country"],
            row["partner_code"],
            row["is_residual"] == "true",
            row["is_current"] == "true",
        )
        for row in read_seed(seeds, AREA_SEED)
    }


def read_indicators(seeds: Path) -> dict[str, str]:
    """The flow of each known indicator."""
    return {row["indicator"]: row["flow"] for row in read_seed(seeds, INDICATOR_SEED)}
