"""One report to request from USITC DataWeb: its size, its parts, and its body."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from dagster_project.sources.connector import Chunk, Request, in_runs
from dagster_project.sources.snapshot import Covers
from dagster_project.sources.usitc_dataweb.files import (
    ALL_COMMODITIES,
    SPLIT,
    TABLE,
    TOGETHER,
    TRADE_TYPES,
    WORLD,
)

# The publisher's limit of a table, and ours: the rows of a year are only known approximately.
PUBLISHERS_ROWS = 20_000
OUR_ROWS = 18_000

_ADDRESS = "https://datawebws.usitc.gov/dataweb/api/v2/report2/runReport"
_CHAPTERS = tuple(f"{number:02d}" for number in range(1, 100) if number != 77)

# The parts of a body that are the same in every request.
_ALL_OTHER_DIMENSIONS = {
    "districts": {
        "aggregation": "Aggregate District",
        "districtGroups": {"userGroups": []},
        "districts": [],
        "districtsExpanded": [{"name": "All Districts", "value": "all"}],
        "districtsSelectType": "all",
    },
    "importPrograms": {"aggregation": None, "importPrograms": [], "programsSelectType": "all"},
    "extImportPrograms": {
        "aggregation": "Aggregate CSC",
        "extImportPrograms": [],
        "extImportProgramsExpanded": [],
        "programsSelectType": "all",
    },
    "provisionCodes": {
        "aggregation": "Aggregate RPCODE",
        "provisionCodesSelectType": "all",
        "rateProvisionCodes": [],
        "rateProvisionCodesExpanded": [],
    },
}
_FORMAT = {
    "DataSort": {"columnOrder": [], "fullColumnOrder": [], "sortOrder": []},
    "reportCustomizations": {
        "exportCombineTables": False,
        "showAllSubtotal": False,
        "subtotalRecords": "",
        "totalRecords": str(PUBLISHERS_ROWS),
        "exportRawData": False,
    },
}


@dataclass(frozen=True)
class Level:
    """A product system of DataWeb, and approximately how many rows per year it has.

    `name` is that of the raw table. `one` counts the rows of a partner that trades everything,
    `all` those of all partners: measured on one year's Census files, rounded up.
    """

    name: str
    classification: str
    granularity: str
    one: int
    all: int


LEVELS: Mapping[str, Level] = {
    ALL_COMMODITIES: Level(ALL_COMMODITIES, "HTS", "2", 1, 240),
    "hs2": Level("HTS2", "HTS", "2", 98, 15_000),
    "hs4": Level("HTS4", "HTS", "4", 1_230, 80_000),
    "hs6": Level("HTS6", "HTS", "6", 5_400, 200_000),
    "hs10": Level("HTS10", "HTS", "10", 19_000, 300_000),
    "naics3": Level("NAIC3", "NAIC", "3", 32, 7_000),
    "naics4": Level("NAIC4", "NAIC", "4", 110, 16_000),
    "naics6": Level("NAIC6", "NAIC", "6", 400, 45_000),
}


@dataclass(frozen=True)
class Country:
    """A country as DataWeb lists it: Schedule C code, and a name that contains the ISO codes."""

    census_code: str
    iso3: str
    listed_name: str


@dataclass(frozen=True)
class Report:
    """One report to request; its body is the whole request.

    `countries` empty means every country, `is_world` all of them as one. `commodities`
    empty means every commodity of the level.
    """

    level: str
    timeline: Literal["Annual", "Monthly"]
    years: tuple[int, ...]
    trade_type: str = ""
    measures: tuple[str, ...] = ()
    countries: tuple[Country, ...] = ()
    is_world: bool = False
    commodities: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The commodities by which it can be divided; chapters where all are requested."""
        return self.commodities or (_CHAPTERS if self.level.startswith("hs") else ())

    @property
    def rows(self) -> int:
        """The approximate rows, of up to twelve figures, of each of its tables."""
        level = LEVELS[self.level]
        partners = 1 if self.is_world else len(self.countries)
        a_year = min(level.one * partners, level.all) if partners else level.all
        if self.commodities:
            known = {2: 98, 4: 1_230, 6: 5_400}.get(len(self.commodities[0]), level.one)
            a_year = ceil(a_year * min(1.0, len(self.commodities) / min(known, level.one)))
        years = len(self.years) if self.timeline == "Monthly" else ceil(len(self.years) / 12)
        return a_year * years

    def within_limit(self) -> list[Report]:
        """The report, or parts of it that stay below the limit of one reply.

        The grid of years and chapters is covered by the fewest equal rectangles.
        """
        if self.rows <= OUR_ROWS:
            return [self]
        at_once = 1 if self.timeline == "Monthly" else 12
        blocks = ceil(len(self.years) / at_once)
        ways = []
        for each in range(1, blocks + 1):
            rows = self.rows // blocks * each
            fitting = len(self.codes) * OUR_ROWS // rows
            if fitting == 0 and (self.codes or rows > OUR_ROWS) and each > 1:
                break
            chapters = in_runs(self.codes, max(1, fitting))
            ways.append(
                [
                    replace(self, years=years, commodities=codes)
                    for years in in_runs(self.years, each * at_once)
                    for codes in (chapters if len(chapters) > 1 else [self.commodities])
                ]
            )
        return min(ways, key=len)

    def halves(self) -> list[Report]:
        """Two reports that together request the same; none where it cannot be divided.

        Annual years are columns: dividing them does not reduce the rows.
        """
        parts = {
            "years": self.years if self.timeline == "Monthly" else (),
            "countries": self.countries,
            "commodities": self.codes,
        }
        for name, whole in parts.items():
            if len(whole) > 1:
                runs = in_runs(whole, ceil(len(whole) / 2))
                return [replace(self, **{name: run}) for run in runs]
        return []

    def chunk(self) -> ReportChunk:
        return ReportChunk(
            name=f"{self._name()}.json",
            table=TABLE,
            layout=next(name for name, kind in TRADE_TYPES.items() if kind == self.trade_type),
            request=Request(
                _ADDRESS, method="POST", body=self._body(), accept=("application/json",)
            ),
            covers=self._covers(),
            expected_rows=self.rows * len(self.measures),
            report=self,
        )

    def _name(self) -> str:
        partners = "every-partner"
        if self.is_world:
            partners = WORLD
        elif self.countries:
            partners = _listed([country.iso3 for country in self.countries], "partners")
        products = [_listed(self.commodities, "products")] if self.commodities else []
        first, last = self.years[0], self.years[-1]
        years = str(first) if first == last else f"{first}-{last}"
        return "_".join(
            (self.trade_type, self.level, self.timeline.lower(), partners, *products, years)
        )

    def _covers(self) -> Covers | None:
        level = LEVELS[self.level]
        equal = {
            "trade_type": (self.trade_type,),
            "timeline": (self.timeline,),
            "country_aggregation": (TOGETHER if self.is_world else SPLIT,),
            "commodity_level": (level.name,),
        }
        if self.countries:
            equal["partner_code"] = tuple(country.iso3 for country in self.countries)
        if self.commodities:
            lengths = {len(code) for code in self.commodities}
            if lengths == {int(level.granularity)}:
                equal["commodity_code"] = self.commodities
            elif lengths == {2} and level.classification == "HTS":
                equal["chapter"] = self.commodities
            else:
                return None
        return Covers(equal, f"{self.years[0]}-01", f"{self.years[-1]}-12")

    def _body(self) -> bytes:
        level = LEVELS[self.level]
        is_total = self.level == ALL_COMMODITIES
        body = {
            "savedQueryType": "",
            "isOwner": True,
            "runMonthly": False,
            "unitConversion": "0",
            "manualConversions": [],
            "reportOptions": {
                "tradeType": self.trade_type,
                "classificationSystem": level.classification,
            },
            "searchOptions": {
                "MiscGroup": _ALL_OTHER_DIMENSIONS,
                "commodities": {
                    "aggregation": "Aggregate Commodities" if is_total else "Break Out Commodities",
                    "codeDisplayFormat": "YES",
                    "commodities": self.commodities,
                    "commoditiesExpanded": [
                        {"name": code, "value": code} for code in self.commodities
                    ],
                    "commoditiesManual": ",".join(self.commodities),
                    "commodityGroups": {"systemGroups": [], "userGroups": []},
                    "commoditySelectType": "list" if self.commodities else "all",
                    "granularity": level.granularity,
                    "groupGranularity": None,
                    "searchGranularity": None,
                },
                "componentSettings": {
                    "dataToReport": self.measures,
                    "scale": "1",
                    "timeframeSelectType": "fullYears",
                    "years": [str(year) for year in self.years],
                    **dict.fromkeys(("startDate", "endDate", "startMonth", "endMonth")),
                    "yearsTimeline": self.timeline,
                },
                "countries": {
                    "aggregation": TOGETHER if self.is_world else SPLIT,
                    "countries": [country.census_code for country in self.countries],
                    "countriesExpanded": [
                        {"name": country.listed_name, "value": country.census_code}
                        for country in self.countries
                    ]
                    or [{"name": "All Countries", "value": "all"}],
                    "countriesSelectType": "list" if self.countries else "all",
                    "countryGroups": {"systemGroups": [], "userGroups": []},
                },
            },
            "sortingAndDataFormat": _FORMAT,
        }
        return json.dumps(body, separators=(",", ":")).encode()


@dataclass(frozen=True, kw_only=True)
class ReportChunk(Chunk):
    """A request that knows its report, to divide it if the reply is truncated."""

    report: Report


def _listed(codes: Sequence[str], noun: str) -> str:
    """Codes as part of a file name; many are shortened and distinguished by a hash."""
    if len(codes) <= 4:
        return "-".join(codes)
    digest = hashlib.sha256(" ".join(codes).encode()).hexdigest()[:8]
    return f"{codes[0]}-to-{codes[-1]}-{len(codes)}-{noun}-{digest}"
