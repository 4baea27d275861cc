"""The levels of the International Trade API and their expected numbers of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """One level of detail.

    `system` is the last part of the endpoint; `comm_lvl` is the publisher's name of the level, none
    where all levels of a system are returned together. `code_lengths` are those of its codes.

    The counts are rows of a December, when every product traded within the year has one:
    `one` of a single large partner, `imports` and `exports` of all partners.
    """

    system: str
    comm_lvl: str | None
    code_lengths: tuple[int, ...]
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
    "total": Level("hs", None, (), one=1, imports=251, exports=251),
    "hs2": Level("hs", "HS2", (2,), one=98, imports=10_000, exports=12_500),
    "hs4": Level("hs", "HS4", (4,), one=1_000, imports=63_000, exports=93_000),
    "hs6": Level("hs", "HS6", (6,), one=3_500, imports=166_000, exports=247_000),
    "hs10": Level("hs", "HS10", (10,), one=8_300, imports=343_000, exports=354_000),
    "naics2": Level("naics", "NA2", (2,), one=10, imports=1_300, exports=1_400),
    "naics3": Level("naics", "NA3", (3,), one=33, imports=4_000, exports=4_800),
    "naics4": Level("naics", "NA4", (4,), one=100, imports=9_000, exports=12_000),
    "naics5": Level("naics", "NA5", (5,), one=180, imports=15_000, exports=20_000),
    "naics6": Level("naics", "NA6", (6,), one=330, imports=25_000, exports=34_000),
    "end_use": Level("enduse", None, (1, 5), one=150, imports=13_000, exports=16_000),
    "sitc": Level("sitc", None, (1, 2, 3, 4, 5), one=2_400, imports=110_000, exports=170_000),
    "hitech": Level("hitech", None, (2,), one=11, imports=1_300, exports=1_600),
}

# A record exists from the first month of a year with any trade, so the months of a year have ever
# more rows; this is their average relative to December.
AVERAGE_MONTH = 0.8

# Exports are requested in total, domestic and foreign. Nearly every total has a domestic part
# and less than half of them a foreign one.
EXPORT_ROWS = 2.4

# Products by the beginning of their code: rows are first digits, columns second ones. Those
# of the Harmonized System are subheadings that one large partner's imports of a year were
# counted in, the others those of the publisher's concordance of export codes.
_HS_BY_CHAPTER = (
    (0, 4, 0, 99, 9, 3, 4, 27, 18, 15),
    (9, 20, 16, 5, 1, 19, 29, 8, 4, 16),
    (32, 15, 13, 2, 3, 22, 0, 16, 95, 171),
    (24, 9, 35, 23, 22, 8, 6, 11, 48, 122),
    (69, 10, 19, 2, 32, 5, 6, 0, 79, 17),
    (3, 8, 49, 7, 60, 51, 29, 15, 27, 23),
    (32, 91, 94, 47, 23, 7, 6, 8, 39, 28),
    (54, 29, 92, 106, 40, 10, 32, 0, 2, 4),
    (3, 38, 59, 34, 447, 263, 9, 58, 15, 10),
    (137, 16, 12, 12, 49, 29, 39, 16, 6, 1),
)
_SITC_BY_DIVISION = (
    (10, 37, 22, 48, 34, 92, 17, 34, 25, 18),
    (0, 13, 8, 0, 0, 0, 0, 0, 0, 0),
    (0, 11, 13, 16, 18, 14, 48, 45, 43, 32),
    (0, 0, 8, 15, 8, 1, 0, 0, 0, 0),
    (0, 9, 26, 6, 0, 0, 0, 0, 0, 0),
    (0, 125, 80, 31, 44, 26, 19, 54, 22, 66),
    (0, 19, 31, 30, 61, 219, 94, 133, 63, 116),
    (0, 44, 117, 68, 150, 23, 33, 128, 40, 39),
    (0, 17, 23, 9, 95, 17, 0, 65, 59, 135),
    (0, 0, 0, 1, 0, 1, 1, 3, 0, 0),
)
# Manufacturing is 31 to 33 in NAICS; no sector begins with 0.
_NAICS_BY_SECTOR = (
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    (0, 43, 0, 0, 0, 0, 0, 0, 0, 0),
    (0, 22, 0, 0, 0, 0, 0, 0, 0, 0),
    (0, 64, 86, 178, 0, 0, 0, 0, 0, 0),
    *(((0,) * 10,) * 5),
    (0, 1, 0, 1, 0, 0, 0, 0, 0, 1),
)
# The largest are split by their third digit, so that none fills a reply alone.
_HS_LARGEST = {
    "84": (25, 69, 65, 49, 33, 51, 62, 51, 42, 0),
    "85": (54, 65, 41, 55, 48, 0, 0, 0, 0, 0),
}
_NAICS_LARGEST = {
    "31": (0, 36, 7, 6, 5, 6, 4, 0, 0, 0),
    "32": (0, 12, 11, 3, 4, 27, 12, 17, 0, 0),
    "33": (0, 15, 28, 39, 24, 18, 28, 11, 0, 15),
}


def _by_beginning(
    table: Sequence[Sequence[int]], largest: Mapping[str, Sequence[int]]
) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for place, count in enumerate(count for row in table for count in row):
        beginning = f"{place:02d}"
        if beginning in largest:
            parts = {f"{beginning}{third}": one for third, one in enumerate(largest[beginning])}
        else:
            parts = {beginning: count}
        # Another partner may trade products that this one does not.
        counts |= {one: max(1, count) for one, count in parts.items()}
    return counts


# Beginnings that together cover all codes of a system, with the number of products of each.
BEGINNINGS: Mapping[str, Mapping[str, int]] = {
    "hs": _by_beginning(_HS_BY_CHAPTER, _HS_LARGEST),
    "naics": _by_beginning(_NAICS_BY_SECTOR, _NAICS_LARGEST),
    "sitc": _by_beginning(_SITC_BY_DIVISION, {}),
    "enduse": dict(zip("0123456789", (18, 47, 33, 6, 25, 8, 1, 1, 1, 1), strict=True)),
    "hitech": {},
}

# Codes of the Harmonized System by length, for the share of a beginning.
_CODES = {0: 1, 1: 10, 2: 98, 4: 1_230, 6: 5_300, 10: 18_500}
# Requested products are larger than most.
_LARGER_THAN_MOST = 4


def december_rows(level: Level, direction: str, partners: int) -> float:
    """Rows of a December; `partners` is how many are named, 0 for all of them."""
    of_all = level.exports if direction == "exports" else level.imports
    rows = min(partners * level.one, of_all) if partners else of_all
    return rows * (EXPORT_ROWS if direction == "exports" else 1)


def share_of(product: str) -> float:
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
