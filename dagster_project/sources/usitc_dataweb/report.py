"""One requested report of DataWeb: its body, its file name, and its halves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal, TypeVar

from dagster_project.sources.connector import Chunk, Request
from dagster_project.sources.snapshot import Covers
from dagster_project.sources.usitc_dataweb.seeds import Country
from dagster_project.sources.usitc_dataweb.service import (
    ALL_COMMODITIES,
    LEVELS,
    PUBLISHERS_ROWS,
    SPLIT,
    TABLE,
    TOGETHER,
    TRADE_TYPES,
    WORLD,
)

_Part = TypeVar("_Part")
_ADDRESS = "https://datawebws.usitc.gov/dataweb/api/v2/report2/runReport"
_CHAPTERS = tuple(f"{number:02d}" for number in range(1, 100) if number != 77)


@dataclass(frozen=True)
class Report:
    """One report to request; its body is the whole request.

    `countries` empty means every country, `is_world` all of them as one. `commodities`
    empty means every commodity of the level.
    """

    trade_type: str
    measures: tuple[str, ...]
    level: str
    timeline: Literal["Annual", "Monthly"]
    years: tuple[int, ...]
    countries: tuple[Country, ...] = ()
    is_world: bool = False
    commodities: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The commodities by which it can be divided; chapters where all are requested."""
        has_chapters = self.level.startswith("hs")
        return self.commodities or (_CHAPTERS if has_chapters else ())

    @property
    def rows(self) -> int:
        """The approximate rows, of up to twelve figures, of its tables together."""
        level = LEVELS[self.level]
        partners = 1 if self.is_world else len(self.countries)
        a_year = min(level.one * partners, level.all) if partners else level.all
        if self.commodities:
            known = {2: 98, 4: 1_230, 6: 5_400}.get(len(self.commodities[0]), level.one)
            a_year = ceil(a_year * min(1.0, len(self.commodities) / min(known, level.one)))
        years = len(self.years) if self.timeline == "Monthly" else ceil(len(self.years) / 12)
        return a_year * years * len(self.measures)

    def body(self) -> bytes:
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
                "MiscGroup": {
                    "districts": {
                        "aggregation": "Aggregate District",
                        "districtGroups": {"userGroups": []},
                        "districts": [],
                        "districtsExpanded": [{"name": "All Districts", "value": "all"}],
                        "districtsSelectType": "all",
                    },
                    "importPrograms": {
                        "aggregation": None,
                        "importPrograms": [],
                        "programsSelectType": "all",
                    },
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
                },
                "commodities": {
                    "aggregation": "Aggregate Commodities" if is_total else "Break Out Commodities",
                    "codeDisplayFormat": "YES",
                    "commodities": list(self.commodities),
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
                    "dataToReport": list(self.measures),
                    "scale": "1",
                    "timeframeSelectType": "fullYears",
                    "years": [str(year) for year in self.years],
                    "startDate": None,
                    "endDate": None,
                    "startMonth": None,
                    "endMonth": None,
                    "yearsTimeline": self.timeline,
                },
                "countries": {
                    "aggregation": TOGETHER if self.is_world else SPLIT,
                    "countries": [country.census_code for country in self.countries],
                    "countriesExpanded": [country.listed() for country in self.countries]
                    or [{"name": "All Countries", "value": "all"}],
                    "countriesSelectType": "list" if self.countries else "all",
                    "countryGroups": {"systemGroups": [], "userGroups": []},
                },
            },
            "sortingAndDataFormat": {
                "DataSort": {"columnOrder": [], "fullColumnOrder": [], "sortOrder": []},
                "reportCustomizations": {
                    "exportCombineTables": False,
                    "showAllSubtotal": False,
                    "subtotalRecords": "",
                    "totalRecords": str(PUBLISHERS_ROWS),
                    "exportRawData": False,
                },
            },
        }
        return json.dumps(body, separators=(",", ":")).encode()

    @staticmethod
    def of(body: bytes) -> Report:
        """The report that a body requests."""
        asked = json.loads(body)
        search, options = asked["searchOptions"], asked["reportOptions"]
        commodities, countries = search["commodities"], search["countries"]
        component = search["componentSettings"]
        name = f"{options['classificationSystem']}{commodities['granularity']}"
        is_total = commodities["aggregation"] == "Aggregate Commodities"
        return Report(
            trade_type=options["tradeType"],
            measures=tuple(component["dataToReport"]),
            level=ALL_COMMODITIES
            if is_total
            else next(
                level
                for level, one in LEVELS.items()
                if one.name == name and level != ALL_COMMODITIES
            ),
            timeline=component["yearsTimeline"],
            years=tuple(int(year) for year in component["years"]),
            countries=tuple(Country.of(one) for one in countries["countriesExpanded"])
            if countries["countries"]
            else (),
            is_world=countries["aggregation"] == TOGETHER,
            commodities=tuple(commodities["commodities"]),
        )

    def chunk(self) -> Chunk:
        layout = next(name for name, kind in TRADE_TYPES.items() if kind == self.trade_type)
        return Chunk(
            name=f"{self._name()}.json",
            table=TABLE,
            layout=layout,
            request=Request(
                address=_ADDRESS,
                method="POST",
                body=self.body(),
                accept=("application/json",),
            ),
            covers=self._covers(),
            expected_rows=self.rows,
        )

    def halves(self) -> tuple[Report, ...]:
        """Two reports that together request the same; none where it cannot be divided.

        Annual years are columns: dividing them does not reduce the rows.
        """
        if self.timeline == "Monthly" and len(self.years) > 1:
            return tuple(replace(self, years=part) for part in _halves(self.years))
        if len(self.countries) > 1:
            return tuple(replace(self, countries=part) for part in _halves(self.countries))
        if len(self.codes) > 1:
            return tuple(replace(self, commodities=part) for part in _halves(self.codes))
        return ()

    def _name(self) -> str:
        parts = [self.trade_type, self.level, self.timeline.lower()]
        if self.is_world:
            parts.append(WORLD)
        elif self.countries:
            parts.append(_listed([country.iso3 for country in self.countries], "partners"))
        else:
            parts.append("every-partner")
        if self.commodities:
            parts.append(_listed(self.commodities, "products"))
        first, last = self.years[0], self.years[-1]
        parts.append(str(first) if first == last else f"{first}-{last}")
        return "_".join(parts)

    def _covers(self) -> Covers | None:
        level = LEVELS[self.level]
        equal = {
            "trade_type": (self.trade_type,),
            "timeline": (self.timeline,),
            "country_aggregation": (TOGETHER if self.is_world else SPLIT,),
            "commodity_level": (ALL_COMMODITIES if self.level == ALL_COMMODITIES else level.name,),
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


def in_runs(whole: Sequence[_Part], each: int) -> list[tuple[_Part, ...]]:
    """The whole in its order, cut into runs of `each`."""
    return [tuple(whole[start : start + each]) for start in range(0, len(whole), each)]


def _halves(whole: Sequence[_Part]) -> list[tuple[_Part, ...]]:
    return in_runs(whole, ceil(len(whole) / 2))


def _listed(codes: Sequence[str], noun: str) -> str:
    """Codes as part of a file name; many are shortened and distinguished by a hash."""
    if len(codes) <= 4:
        return "-".join(codes)
    digest = hashlib.sha256(" ".join(codes).encode()).hexdigest()[:8]
    return f"{codes[0]}-to-{codes[-1]}-{len(codes)}-{noun}-{digest}"
