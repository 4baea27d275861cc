"""The options of DataWeb: flows, product systems, and the limits of one report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SOURCE_ID = "usitc_dataweb"
TABLE = "usitc_dataweb__trade"

# The publisher's word for a flow, by layout.
TRADE_TYPES: Mapping[str, str] = {
    "dataweb_v2_imports_for_consumption": "Import",
    "dataweb_v2_general_imports": "GenImp",
    "dataweb_v2_domestic_exports": "Export",
    "dataweb_v2_foreign_exports": "ForeignExp",
    "dataweb_v2_total_exports": "TotExp",
}

WORLD = "WLD"
ALL_COMMODITIES = "total"
FIRST_YEAR = 1989
FIRST_NAICS_YEAR = 1997

# The publisher's limit of a report, and our limit of a reply.
PUBLISHERS_ROWS = 300_000

OUR_ROWS = 250_000
SPLIT, TOGETHER = "Break Out Countries", "Aggregate Countries"
OBTAINED_AT = "https://dataweb.usitc.gov/ (sign in, tab API; a token lasts about 180 days)"

CALENDAR = (
    "About the middle of the month, after the Census release for the month two earlier; the"
    " three prior years are restated each June."
)


@dataclass(frozen=True)
class Level:
    """A product system of DataWeb, and approximately how many rows per year it has.

    `one` counts the rows of a partner that trades everything, `all` those of all partners: measured
    on one year's Census files, rounded up.
    """

    classification: str
    granularity: str
    one: int
    all: int

    @property
    def name(self) -> str:
        return f"{self.classification}{self.granularity}"


LEVELS: Mapping[str, Level] = {
    ALL_COMMODITIES: Level("HTS", "2", 1, 240),
    "hs2": Level("HTS", "2", 98, 15_000),
    "hs4": Level("HTS", "4", 1_230, 80_000),
    "hs6": Level("HTS", "6", 5_400, 200_000),
    "hs10": Level("HTS", "10", 19_000, 300_000),
    "naics3": Level("NAIC", "3", 32, 7_000),
    "naics4": Level("NAIC", "4", 110, 16_000),
    "naics6": Level("NAIC", "6", 400, 45_000),
}

FLOWS = {"export": ("Export", "ForeignExp", "TotExp"), "import": ("Import", "GenImp")}
