"""Divides a selection into requests to the International Trade API by the expected rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf

from dagster_project.sources.connector import Chunk, Request, in_runs
from dagster_project.sources.snapshot import Covers
from dagster_project.sources.us_census.files import (
    ALL,
    API_LAYOUTS,
    DETAIL,
    DOMESTIC_FOREIGN,
    TRADE_API_TABLE,
    ApiLayout,
)

API_ADDRESS = "https://api.census.gov/data/timeseries/intltrade/"
JSON = ("application/json",)
MOST_ROWS = 250_000


@dataclass(frozen=True)
class Level:
    """One level of detail.

    `system` is the last part of the endpoint; `comm_lvl` is the publisher's name of the level, none
    where all levels of a system are returned together. `longest_code` is the length of its codes.

    The counts are rows of a December, when every product traded within the year has one:
    `one` of a single large partner, `imports` and `exports` of all partners.
    """

    system: str
    comm_lvl: str | None
    longest_code: int
    one: int
    imports: int
    exports: int


# One large partner was counted in real replies: chapters by month (96 to 98 of 98), subsectors by
# month (32 of 33), tariff lines of a year with the headings and subheadings that they make up
# (994, 3491, 8327). All partners are about 230 times that, by the share of a large partner's
# products that an average partner is taken to trade: from a half of the chapters to a sixth
# of the tariff lines in imports, half as much again in exports. Other systems are scaled by
# the number of their codes.
LEVELS: Mapping[str, Level] = {
    "total": Level("hs", None, 0, one=1, imports=251, exports=251),
    "hs2": Level("hs", "HS2", 2, one=98, imports=10_000, exports=12_500),
    "hs4": Level("hs", "HS4", 4, one=1_000, imports=63_000, exports=93_000),
    "hs6": Level("hs", "HS6", 6, one=3_500, imports=166_000, exports=247_000),
    "hs10": Level("hs", "HS10", 10, one=8_300, imports=343_000, exports=354_000),
    "naics2": Level("naics", "NA2", 2, one=10, imports=1_300, exports=1_400),
    "naics3": Level("naics", "NA3", 3, one=33, imports=4_000, exports=4_800),
    "naics4": Level("naics", "NA4", 4, one=100, imports=9_000, exports=12_000),
    "naics5": Level("naics", "NA5", 5, one=180, imports=15_000, exports=20_000),
    "naics6": Level("naics", "NA6", 6, one=330, imports=25_000, exports=34_000),
    "end_use": Level("enduse", None, 5, one=150, imports=13_000, exports=16_000),
    "sitc": Level("sitc", None, 5, one=2_400, imports=110_000, exports=170_000),
    "hitech": Level("hitech", None, 2, one=11, imports=1_300, exports=1_600),
}

# A record exists from the first month of a year with any trade, so the months of a year have ever
# more rows; this is their average relative to December.
_AVERAGE_MONTH = 0.8

# Exports are requested in total, domestic and foreign. Nearly every total has a domestic part
# and less than half of them a foreign one.
_EXPORT_ROWS = 2.4

# Products by the beginning of their code: a row has the counts of the ten next digits. Those of the
# Harmonized System are subheadings that one large partner's imports of a year were counted in, the
# others those of the publisher's concordance of export codes. The largest are split by their third
# digit, so that none fills a reply alone: their own row replaces their count.
_NONE = (0,) * 10
_PRODUCTS: Mapping[str, Mapping[str, Sequence[int]]] = {
    "hs": {
        "0": (0, 4, 0, 99, 9, 3, 4, 27, 18, 15),
        "1": (9, 20, 16, 5, 1, 19, 29, 8, 4, 16),
        "2": (32, 15, 13, 2, 3, 22, 0, 16, 95, 171),
        "3": (24, 9, 35, 23, 22, 8, 6, 11, 48, 122),
        "4": (69, 10, 19, 2, 32, 5, 6, 0, 79, 17),
        "5": (3, 8, 49, 7, 60, 51, 29, 15, 27, 23),
        "6": (32, 91, 94, 47, 23, 7, 6, 8, 39, 28),
        "7": (54, 29, 92, 106, 40, 10, 32, 0, 2, 4),
        "8": (3, 38, 59, 34, 447, 263, 9, 58, 15, 10),
        "9": (137, 16, 12, 12, 49, 29, 39, 16, 6, 1),
        "84": (25, 69, 65, 49, 33, 51, 62, 51, 42, 0),
        "85": (54, 65, 41, 55, 48, 0, 0, 0, 0, 0),
    },
    "sitc": {
        "0": (10, 37, 22, 48, 34, 92, 17, 34, 25, 18),
        "1": (0, 13, 8, 0, 0, 0, 0, 0, 0, 0),
        "2": (0, 11, 13, 16, 18, 14, 48, 45, 43, 32),
        "3": (0, 0, 8, 15, 8, 1, 0, 0, 0, 0),
        "4": (0, 9, 26, 6, 0, 0, 0, 0, 0, 0),
        "5": (0, 125, 80, 31, 44, 26, 19, 54, 22, 66),
        "6": (0, 19, 31, 30, 61, 219, 94, 133, 63, 116),
        "7": (0, 44, 117, 68, 150, 23, 33, 128, 40, 39),
        "8": (0, 17, 23, 9, 95, 17, 0, 65, 59, 135),
        "9": (0, 0, 0, 1, 0, 1, 1, 3, 0, 0),
    },
    # Manufacturing is 31 to 33.
    "naics": {
        **dict.fromkeys("03456789", _NONE),
        "1": (0, 43, 0, 0, 0, 0, 0, 0, 0, 0),
        "2": (0, 22, 0, 0, 0, 0, 0, 0, 0, 0),
        "31": (0, 36, 7, 6, 5, 6, 4, 0, 0, 0),
        "32": (0, 12, 11, 3, 4, 27, 12, 17, 0, 0),
        "33": (0, 15, 28, 39, 24, 18, 28, 11, 0, 15),
    },
    "enduse": {"": (18, 47, 33, 6, 25, 8, 1, 1, 1, 1)},
    "hitech": {},
}

# Beginnings that together cover all codes of a system, with the number of products of each, at
# least one: another partner may trade products that this one does not.
BEGINNINGS: Mapping[str, Mapping[str, int]] = {
    system: {
        f"{first}{digit}": max(1, count)
        for first, counts in rows.items()
        for digit, count in enumerate(counts)
        if f"{first}{digit}" not in rows
    }
    for system, rows in _PRODUCTS.items()
}

# Codes of the Harmonized System by length, for the share of a beginning.
_CODES = {0: 1, 1: 10, 2: 98, 4: 1_230, 6: 5_300, 10: 18_500}
# Requested products are larger than most.
_LARGER_THAN_MOST = 4


def _share_of(product: str) -> float:
    """The estimated share of a level's rows for a code or the beginning of codes."""
    length = max(one for one in _CODES if one <= len(product))
    return min(1.0, _LARGER_THAN_MOST / _CODES[length])


def shortened(beginnings: Iterable[str]) -> tuple[str, ...]:
    """The same codes with fewer beginnings: ten that extend one are replaced by that one."""
    result = set(beginnings)
    for length in range(max(map(len, result), default=1) - 1, 0, -1):
        for stem in {one[:length] for one in result if len(one) == length + 1}:
            longer = {f"{stem}{digit}" for digit in range(10)}
            if longer <= result:
                result = result - longer | {stem}
    return tuple(sorted(result))


@dataclass(frozen=True)
class Slice:
    """One direction of a selection from the API, period by period.

    `products` are codes or beginnings of codes, empty for all; `share` is their part of the rows.
    """

    level_name: str
    direction: str
    partners: tuple[str, ...]
    is_annual: bool
    products: tuple[str, ...] = ()
    share: float = 1.0

    @property
    def level(self) -> Level:
        return LEVELS[self.level_name]

    @property
    def layout(self) -> ApiLayout:
        return API_LAYOUTS[f"census_api_{self.direction}_{self.level.system}"]

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(f"{stem}_{'YR' if self.is_annual else 'MO'}" for stem in self.layout.stems)

    @property
    def rows_of_all(self) -> float:
        """Expected rows of all products in one period."""
        is_export = self.direction == "exports"
        rows = self.level.exports if is_export else self.level.imports
        if self.partners:
            rows = min(len(self.partners) * self.level.one, rows)
        return rows * (_EXPORT_ROWS if is_export else 1) * (1 if self.is_annual else _AVERAGE_MONTH)


def plan_slice(asked: Slice, periods: list[str]) -> tuple[list[Chunk], int]:
    """The requests of one direction, and the fewest that their rows need.

    A request covers some of the periods and some of the codes. Whole periods of all codes would
    leave replies half empty where a few periods fill one, so every number of periods is tried, with
    the codes packed into as many parts as needed.
    """
    if asked.products:
        asked = replace(asked, share=min(1.0, sum(map(_share_of, asked.products))))
    fewest = ceil(asked.rows_of_all * asked.share * len(periods) / MOST_ROWS)
    best, together = [asked], 1
    least = inf
    for number in range(1, len(periods) + 1):
        parts = _parts(asked, MOST_ROWS / (asked.rows_of_all * number))
        if parts is None:
            break
        windows = ceil(len(periods) / number)
        if len(parts) * windows < least:
            # Windows of equal length, rather than a small remainder at the end.
            best, together, least = parts, ceil(len(periods) / windows), len(parts) * windows
    runs = in_runs(periods, together)
    return [_chunk(part, run) for part in best for run in runs], fewest


def _parts(whole: Slice, capacity: float) -> list[Slice] | None:
    """Parts with a share of at most `capacity`; none where a single code exceeds it."""
    if whole.share <= capacity:
        return [whole]
    if whole.products:
        weights = {product: _share_of(product) for product in whole.products}
    else:
        weights = dict(BEGINNINGS[whole.level.system]) if whole.level.longest_code else {}
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
    codes_of = sorted if whole.products else shortened
    return [
        replace(whole, products=tuple(codes_of(part)), share=sum(part.values())) for part in packed
    ]


def _chunk(asked: Slice, periods: Sequence[str]) -> Chunk:
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
    elif not asked.products:
        columns.append(layout.commodity)
    if level.comm_lvl:
        predicates.append(("COMM_LVL", level.comm_lvl))
        equal["comm_lvl"] = (level.comm_lvl,)
    elif level.system == "enduse":
        columns.append("COMM_LVL")
    for product in asked.products:
        is_code = len(product) == level.longest_code
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
    if asked.direction == "exports":
        predicates += [("DF", code) for code in DOMESTIC_FOREIGN]
    last = "-12" if asked.is_annual else ""
    labels = (_label(asked.partners), _label(asked.products), periods[0], periods[-1])
    return Chunk(
        name="_".join((asked.direction, asked.level_name, *labels)) + ".json",
        table=TRADE_API_TABLE,
        layout=layout.name,
        request=Request(
            API_ADDRESS + layout.endpoint,
            (("get", ",".join(columns)), *predicates),
            accept=JSON,
        ),
        covers=Covers(
            equal,
            periods[0] + last,
            periods[-1] + last,
            {"commodity_code": asked.products} if asked.products else {},
        ),
        expected_rows=ceil(asked.rows_of_all * asked.share * len(periods)),
    )


def time_predicate(months: Sequence[str]) -> str:
    return months[0] if months[0] == months[-1] else f"from {months[0]} to {months[-1]}"


def _label(codes: tuple[str, ...]) -> str:
    """Codes as part of a file name; many are shortened to their number and a digest."""
    text = "-".join("world" if code == ALL else code for code in codes) or "all"
    if len(text) <= 40:
        return text
    return f"{len(codes)}codes-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
