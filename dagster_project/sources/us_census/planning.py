"""Divides a selection into requests to the US Census Bureau."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import ceil, inf

from dagster_project.sources.connector import Chunk, Request
from dagster_project.sources.snapshot import Covers
from dagster_project.sources.us_census.country_file import COUNTRY_FILE_LAYOUT
from dagster_project.sources.us_census.levels import (
    AVERAGE_MONTH,
    BEGINNINGS,
    Level,
    december_rows,
    share_of,
    shortened,
)
from dagster_project.sources.us_census.partners import ALL_COUNTRIES, DETAIL
from dagster_project.sources.us_census.trade_api import (
    ALL,
    API_LAYOUTS,
    DOMESTIC_FOREIGN,
    ApiLayout,
)

COUNTRY_FILE_ADDRESS = "https://www.census.gov/foreign-trade/balance/country.xlsx"
API_ADDRESS = "https://api.census.gov/data/timeseries/intltrade/"
JSON = ("application/json",)
MOST_ROWS = 250_000
FIRST_YEAR = 1985


@dataclass(frozen=True)
class Slice:
    """One direction of a selection from the API, period by period."""

    level_name: str
    level: Level
    direction: str
    partners: tuple[str, ...]
    is_annual: bool

    @property
    def layout_name(self) -> str:
        return f"census_api_{self.direction}_{self.level.system}"

    @property
    def layout(self) -> ApiLayout:
        return API_LAYOUTS[self.layout_name]

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(f"{stem}_{'YR' if self.is_annual else 'MO'}" for stem in self.layout.stems)

    @property
    def rows(self) -> float:
        """Expected in one period."""
        rows = december_rows(self.level, self.direction, len(self.partners))
        return rows if self.is_annual else rows * AVERAGE_MONTH


@dataclass(frozen=True)
class Part:
    """Codes, or beginnings of codes, and their share of the rows; empty means all."""

    products: tuple[str, ...]
    share: float


def country_file_chunk() -> Chunk:
    request = Request(COUNTRY_FILE_ADDRESS)
    return Chunk(
        name="country.xlsx",
        table="us_census__country_file",
        layout=COUNTRY_FILE_LAYOUT,
        request=request,
        # The file has no bounds: rows that it no longer contains were withdrawn.
        covers=Covers({}, f"{FIRST_YEAR}-01", "9999-12"),
        expected_rows=7_000,
    )


def plan_slice(
    asked: Slice, products: tuple[str, ...], periods: list[str]
) -> tuple[list[Chunk], int]:
    """The requests of one direction, and the fewest that their rows need.

    A request covers some of the periods and some of the codes. Whole periods of all codes would
    leave replies half empty where a few periods fill one, so every number of periods is tried, with
    the codes packed into as many parts as needed.
    """
    whole = Part(products, min(1.0, sum(map(share_of, products))) if products else 1.0)
    fewest = ceil(asked.rows * whole.share * len(periods) / MOST_ROWS)
    best, together = [whole], 1
    least = inf
    for number in range(1, len(periods) + 1):
        parts = _parts(asked, whole, MOST_ROWS / (asked.rows * number))
        if parts is None:
            break
        windows = ceil(len(periods) / number)
        if len(parts) * windows < least:
            # Windows of equal length, rather than a small remainder at the end.
            best, together, least = parts, ceil(len(periods) / windows), len(parts) * windows
    return [
        _chunk(asked, part, periods[start : start + together])
        for part in best
        for start in range(0, len(periods), together)
    ], fewest


def _parts(asked: Slice, whole: Part, capacity: float) -> list[Part] | None:
    """The codes in parts with a share of at most `capacity`; none where one code exceeds it."""
    if whole.share <= capacity:
        return [whole]
    if whole.products:
        weights = {product: share_of(product) for product in whole.products}
    else:
        weights = dict(BEGINNINGS[asked.level.system]) if asked.level.code_lengths else {}
    shares = {code: weight / sum(weights.values()) for code, weight in weights.items()}
    if not shares or max(shares.values()) * whole.share > capacity:
        return None
    # The largest first, each into the first part with enough capacity.
    packed: list[dict[str, float]] = []
    for code, share in sorted(shares.items(), key=lambda one: (-one[1], one[0])):
        needed = share * whole.share
        part = next((one for one in packed if sum(one.values()) + needed <= capacity), None)
        if part is None:
            packed.append({code: needed})
        else:
            part[code] = needed
    return [
        Part(tuple(sorted(part)) if whole.products else shortened(part), sum(part.values()))
        for part in packed
    ]


def _chunk(asked: Slice, part: Part, periods: list[str]) -> Chunk:
    level, layout = asked.level, asked.layout
    columns = list(asked.variables)
    # The columns that define the requested part of the table.
    equal = {"endpoint": (layout.endpoint,), "variable": asked.variables}
    predicates: list[tuple[str, str]] = []
    if asked.is_annual:
        predicates += [("YEAR", year) for year in periods]
        predicates.append(("MONTH", "12"))
        equal["last_month"] = ("12",)
    else:
        predicates.append(("time", time_predicate(periods)))
    if asked.level_name == "total":
        equal["commodity_code"] = (ALL,)
    elif not part.products:
        columns.append(layout.commodity)
    if level.comm_lvl:
        predicates.append(("COMM_LVL", level.comm_lvl))
        equal["comm_lvl"] = (level.comm_lvl,)
    elif level.system == "enduse":
        columns.append("COMM_LVL")
    longest = max(level.code_lengths, default=0)
    for product in part.products:
        is_code = len(product) == longest
        predicates.append((layout.commodity, product if is_code else f"{product}*"))
    if asked.partners:
        predicates += [("CTY_CODE", code) for code in asked.partners]
        equal["cty_code"] = asked.partners
    else:
        columns.append("CTY_CODE")
        if asked.level_name != "total":
            # Groups repeat their members and would fill a third of every reply.
            predicates.append(("SUMMARY_LVL", DETAIL))
            equal["summary_lvl"] = (DETAIL,)
    if layout.is_export:
        predicates += [("DF", code) for code in DOMESTIC_FOREIGN]
    last = "-12" if asked.is_annual else ""
    request = Request(
        API_ADDRESS + layout.endpoint,
        (("get", ",".join(columns)), *predicates),
        accept=JSON,
    )
    return Chunk(
        name="_".join(
            (
                asked.direction,
                asked.level_name,
                _label(asked.partners),
                _label(part.products),
                periods[0],
                f"{periods[-1]}.json",
            )
        ),
        table="us_census__trade_api",
        layout=asked.layout_name,
        request=request,
        covers=Covers(
            equal,
            periods[0] + last,
            periods[-1] + last,
            {"commodity_code": part.products} if part.products else {},
        ),
        expected_rows=ceil(asked.rows * part.share * len(periods)),
    )


def time_predicate(months: list[str]) -> str:
    return months[0] if months[0] == months[-1] else f"from {months[0]} to {months[-1]}"


def _label(codes: tuple[str, ...]) -> str:
    """Codes as part of a file name; many are shortened to their number and a digest."""
    text = "-".join("world" if code == ALL_COUNTRIES else code for code in codes) or "all"
    if len(text) <= 40:
        return text
    return f"{len(codes)}codes-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
