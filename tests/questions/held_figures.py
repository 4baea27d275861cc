"""What the stored rows come to, worked out a second time and in another language."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from dagster_project.questions.replay import Replay

TOTAL = "total:total"

Number = Decimal


_SAMPLE = (
    *("KOR", "JPN", "CHN", "DEU", "CAN", "MEX", "VNM", "AUS", "THA", "BRA", "IND", "FRA"),
    *("GBR", "BEL", "NLD", "SGP", "census:0003", "WLD"),
)
_OF_SAMPLE = f"(o.partner_code in {_SAMPLE} or o.reporter_iso3 <> 'USA')"


@dataclass(frozen=True)
class Period:
    """Whole months, both ends counted."""

    first: date
    last: date

    @staticmethod
    def of_months(year: int, first_month: int, months: int = 1) -> Period:
        end = year * 12 + first_month - 1 + months - 1
        last_year, last_month = divmod(end, 12)
        last_day = calendar.monthrange(last_year, last_month + 1)[1]
        return Period(date(year, first_month, 1), date(last_year, last_month + 1, last_day))

    @staticmethod
    def of_year(year: int) -> Period:
        return Period.of_months(year, 1, 12)

    @property
    def months(self) -> int:
        return (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1

    @property
    def text(self) -> str:
        if self.months == 12 and self.first.month == 1:
            return f"{self.first.year:04d}"
        if self.months == 1:
            return f"{self.first:%Y-%m}"
        return f"{self.first:%Y-%m}/{self.last:%Y-%m}"

    def shifted(self, years: int) -> Period:
        return Period.of_months(self.first.year + years, self.first.month, self.months)


@dataclass(frozen=True)
class Cell:
    reporter: str
    partner: str
    trade_kind: str
    definition: str
    period: Period

    def at(self, *, period: Period | None = None, definition: str | None = None) -> Cell:
        return Cell(
            self.reporter,
            self.partner,
            self.trade_kind,
            definition or self.definition,
            period or self.period,
        )


@dataclass(frozen=True)
class Row:
    observation_id: str
    source_id: str
    raw_table: str
    source_rank: int
    is_printed: bool
    known_from: date
    known_to: date | None
    series_code: str | None
    code: str
    period: Period
    value: Number
    half: Number
    # The days on which a release gave it.
    said: tuple[date, ...]

    def is_known(self, day: date) -> bool:
        return self.known_from <= day and (self.known_to is None or self.known_to > day)


@dataclass(frozen=True)
class Leg:
    """One direction of a cell's trade as one country compiled it, on one day."""

    series_code: str
    value: Number
    half: Number
    is_statistic: bool
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Printed:
    """A row that a page prints of a cell, whatever is held beside it."""

    token: str
    quantity: str
    legs: frozenset[str]
    value: Number
    half: Number


@dataclass(frozen=True)
class Value:
    """A figure, the series it is made of, and how surely it is known."""

    value: Number
    half: Number
    is_statistic: bool
    legs: frozenset[str]
    token: str

    def minus(self, other: Value) -> Value:
        return self._beside(other, self.value - other.value, self.half + other.half)

    def over(self, other: Value, multiple: int) -> Value | None:
        if other.value <= 0:
            return None
        ratio = self.value / other.value
        half = (self.half + abs(ratio) * other.half) / other.value
        return self._beside(other, ratio * multiple, half * multiple)

    def _beside(self, other: Value, value: Number, half: Number) -> Value:
        return Value(value, half, self.is_statistic and other.is_statistic, self.legs, self.token)


class HeldFigures:
    """Every figure that the stored observations allow, by cell, series and day.

    Of the many partners only a sample is read, in which the pair with the most sources is one.
    Seasonally adjusted figures are left out.
    """

    def __init__(self, warehouse: Replay) -> None:
        self.members: dict[str, tuple[str, frozenset[str]]] = {}
        self.definitions_of: dict[str, list[str]] = defaultdict(list)
        self.rows: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        self.charges: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        self._days: dict[tuple[str, str], set[date]] = defaultdict(set)
        self._printed: dict[tuple[str, ...], list[tuple[bool, Row, str, list[str]]]]
        self._printed = defaultdict(list)
        self.headlines: dict[tuple[str, ...], set[frozenset[str]]] = defaultdict(set)
        self._read_sectors(warehouse)
        self._read_headlines(warehouse)
        self._read_observations(warehouse)
        self.legs = lru_cache(maxsize=None)(self._legs)

    def _read_sectors(self, warehouse: Replay) -> None:
        members = warehouse.published(
            "select product_group, m.sector_id, m.product_system, m.product_code"
            " from warehouse.marts.sector_members as m"
            " left join warehouse.marts.sectors as s using (product_group)"
            " order by s.definition_rank, m.sector_id, product_group, m.product_code"
        )
        gathered: dict[str, tuple[str, set[str]]] = {}
        for definition, sector, system, code in members.iter_rows():
            gathered.setdefault(definition, (system, set()))[1].add(code)
            if definition not in self.definitions_of[sector]:
                self.definitions_of[sector].append(definition)
        self.members = {name: (s, frozenset(codes)) for name, (s, codes) in gathered.items()}

    def _read_headlines(self, warehouse: Replay) -> None:
        """The basis that comes first of those the reporter's own office counts on."""
        bases = warehouse.published(
            "select reporter_iso3, partner_code, trade_kind, policy_rank,"
            " export_series_code, import_series_code"
            " from warehouse.marts.bases where reported_by = 'reporter'"
        )
        ranked: dict[tuple[str, ...], list[tuple[int, frozenset[str]]]] = defaultdict(list)
        for *pair, rank, export_code, import_code in bases.iter_rows():
            ranked[tuple(pair)].append((rank, frozenset({export_code, import_code})))
        for pair, found in ranked.items():
            first = min(rank for rank, _ in found)
            self.headlines[pair] = {legs for rank, legs in found if rank == first}

    def _read_observations(self, warehouse: Replay) -> None:
        observations = warehouse.published(
            "select observation_id, source_id, release_id, raw_table, source_rank, evidence_kind,"
            " known_from, known_to, reporter_iso3, partner_code, trade_kind, flow,"
            " export_series_code, import_series_code, product_system, product_code,"
            " period_start, period_end, value_usd, rounding_margin_usd"
            " from warehouse.marts.observations as o where measure in ('trade_value', 'charges')"
            f" and seasonal_adjustment = 'nsa' and {_OF_SAMPLE}"
            " order by observation_id"
        )
        releases = warehouse.published(
            "select r.observation_id, list(distinct r.known_from order by r.known_from) as said"
            " from warehouse.marts.raw_references as r"
            " inner join warehouse.marts.observations as o using (observation_id)"
            f" where {_OF_SAMPLE} group by r.observation_id"
        )
        said = dict(releases.iter_rows())
        for o in observations.iter_rows(named=True):
            row = Row(
                o["observation_id"],
                o["source_id"],
                o["raw_table"],
                o["source_rank"],
                o["evidence_kind"] == "printed",
                o["known_from"],
                o["known_to"],
                o["export_series_code"] or o["import_series_code"],
                o["product_code"],
                Period(o["period_start"], o["period_end"]),
                o["value_usd"],
                o["rounding_margin_usd"],
                tuple(said[o["observation_id"]]),
            )
            pair = (o["reporter_iso3"], o["partner_code"])
            if ".charges." in (row.series_code or ""):
                self.charges[(*pair, o["trade_kind"])].append(row)
                self._days[pair].add(row.known_from)
                continue
            if o["flow"] in ("export", "import"):
                self._days[pair].add(row.known_from)
                self.rows[(*pair, o["trade_kind"], o["product_system"])].append(row)
            if row.is_printed:
                for own, key in ((True, pair), (False, pair[::-1])):
                    legs = [x for x in (o["export_series_code"], o["import_series_code"]) if x]
                    self._printed[(*key, o["trade_kind"])].append(
                        (own, row, o["flow"], [o["product_system"], o["release_id"], *legs])
                    )

    @staticmethod
    def compilers(legs: Iterable[str]) -> set[str]:
        """The countries whose offices count these series."""
        return {leg.split(".")[0] for leg in legs}

    def days(self, reporter: str, partner: str) -> list[date]:
        """Each day on which something about the pair became known, from either side."""
        return sorted(self._days[(reporter, partner)] | self._days[(partner, reporter)])

    def codes(self, definition: str) -> tuple[str, frozenset[str]]:
        if definition in self.members:
            return self.members[definition]
        system, _, code = definition.partition(":")
        return system, frozenset({code})

    def _legs(self, cell: Cell, day: date) -> dict[str, dict[str, Leg]]:
        """By compiler ('reporter' or 'partner'), each series of the cell as known on a day."""
        system, codes = self.codes(cell.definition)
        found: dict[str, dict[str, Leg]] = {}
        for side, pair in (
            ("reporter", (cell.reporter, cell.partner)),
            ("partner", (cell.partner, cell.reporter)),
        ):
            offers: dict[str, list[tuple[tuple, Leg]]] = defaultdict(list)
            for (series_code, route, source, table), rows in self._groups(
                pair, cell.trade_kind, system, codes, cell.period, day
            ).items():
                if route == 1 and {r.period.first for r in rows} != _months(cell.period):
                    continue
                order = (
                    1,
                    rows[0].source_rank,
                    -max(said for r in rows for said in r.said if said <= day).toordinal(),
                    route,
                    sum(r.half for r in rows),
                    table,
                    source,
                )
                leg = Leg(
                    series_code,
                    sum((r.value for r in rows), Decimal(0)),
                    sum((r.half for r in rows), Decimal(0)),
                    not rows[0].is_printed,
                    tuple(sorted(r.observation_id for r in rows)),
                )
                offers[series_code].append((order, leg))
            if system == "total":
                for order, leg in self._with_charges(pair, cell, day):
                    offers[leg.series_code].append((order, leg))
            found[side] = {
                name: min(offered, key=lambda x: x[0])[1] for name, offered in offers.items()
            }
        return found

    def _with_charges(
        self, pair: tuple[str, str], cell: Cell, day: date
    ) -> Iterator[tuple[tuple, Leg]]:
        """Imports CIF as the customs value and the charges by chapter of one table.

        They come after every CIF value that a publisher gives.
        """
        key = (*pair, cell.trade_kind)
        groups = self._groups(pair, cell.trade_kind, *self.codes(TOTAL), cell.period, day)
        for (series_code, route, source, table), (customs,) in (
            (group, rows) for group, rows in groups.items() if len(rows) == 1
        ):
            charged = series_code.replace(".customs.", ".charges.")
            newest: dict[str, Row] = {}
            for row in self.charges[key]:
                if (
                    row.series_code == charged
                    and (row.source_id, row.raw_table) == (source, table)
                    and row.period == cell.period
                    and row.is_known(day)
                    and (row.code not in newest or _newer(row) < _newer(newest[row.code]))
                ):
                    newest[row.code] = row
            if route or charged == series_code or not newest:
                continue
            parts = [customs, *newest.values()]
            said = max(on for row in parts for on in row.said if on <= day)
            yield (
                (2, customs.source_rank, -said.toordinal(), route),
                Leg(
                    series_code.replace(".customs.", ".cif."),
                    sum((row.value for row in parts), Decimal(0)),
                    sum((row.half for row in parts), Decimal(0)),
                    True,
                    tuple(sorted(row.observation_id for row in parts)),
                ),
            )

    def _groups(
        self,
        pair: tuple[str, str],
        trade_kind: str,
        system: str,
        codes: frozenset[str],
        period: Period,
        day: date,
    ) -> dict[tuple[str, int, str, str], list[Row]]:
        newest: dict[tuple, Row] = {}
        for row in self.rows.get((*pair, trade_kind, system), ()):
            if row.code not in codes or not row.is_known(day):
                continue
            routes = []
            if row.period == period:
                routes.append(0)
            if (
                period.months > 1
                and row.period.months == 1
                and period.first <= row.period.first
                and row.period.last <= period.last
            ):
                routes.append(1)
            for route in routes:
                group = (row.series_code, route, row.source_id, row.raw_table)
                place = (*group, row.code, row.period.first)
                other = newest.get(place)
                if other is None or _newer(row) < _newer(other):
                    newest[place] = row
        groups: dict[tuple[str, int, str, str], list[Row]] = defaultdict(list)
        for place, row in newest.items():
            groups[place[:4]].append(row)
        return groups

    def known(self, cell: Cell, quantity: str, day: date) -> list[Value]:
        """The quantity on every pair of series of one compiler that is known on a day."""
        values = []
        for side, legs in self.legs(cell, day).items():
            out = [x for x in legs.values() if _is_outbound(x.series_code, side)]
            back = [x for x in legs.values() if not _is_outbound(x.series_code, side)]
            if quantity in ("exports", "imports"):
                for leg in out if quantity == "exports" else back:
                    values.append(
                        Value(
                            leg.value,
                            leg.half,
                            leg.is_statistic,
                            frozenset({leg.series_code}),
                            f"{day}",
                        )
                    )
                continue
            for o in out:
                for i in back:
                    if o.series_code.split(".")[4:] != i.series_code.split(".")[4:]:
                        continue
                    amount = o.value - i.value if quantity == "balance" else o.value + i.value
                    values.append(
                        Value(
                            amount,
                            o.half + i.half,
                            o.is_statistic and i.is_statistic,
                            frozenset({o.series_code, i.series_code}),
                            f"{day}",
                        )
                    )
        return values

    def printed(self, cell: Cell, quantity: str) -> list[Value]:
        """The quantity as pages print it."""
        return [value for value, _ in self._pages(cell, quantity)]

    def _pages(self, cell: Cell, quantity: str) -> list[tuple[Value, date]]:
        system, codes = self.codes(cell.definition)
        values = []
        for own, row, flow, (row_system, release, *legs) in self._printed.get(
            (cell.reporter, cell.partner, cell.trade_kind), ()
        ):
            if row_system != system or frozenset({row.code}) != codes or row.period != cell.period:
                continue
            if flow in ("balance", "two_way"):
                told = flow
            else:
                told = "exports" if (flow == "export") == own else "imports"
            if told != quantity:
                continue
            value = row.value if own or flow != "balance" else -row.value
            token = f"{row.source_id} {release}"
            page = Value(value, row.half, False, frozenset(legs), token)
            values.append((page, row.known_from))
        return values

    def printed_with_days(self, cell: Cell, quantity: str) -> list[tuple[Value, date]]:
        return self._pages(cell, quantity)

    def valued(self, cell: Cell, quantity: str, token: str, legs: frozenset[str]) -> Decimal | None:
        """What a quantity comes to of the given series, whoever compiled them, on one token."""
        for x in self.printed(cell, quantity):
            if x.token == token and x.legs == legs:
                return x.value
        if not token[:4].isdigit():
            return None
        found = self.legs(cell, date.fromisoformat(token))
        amount = Decimal(0)
        for side in ("reporter", "partner"):
            for series_code in legs:
                leg = found[side].get(series_code)
                if leg is None:
                    continue
                sense = 1 if _is_outbound(series_code, side) or quantity != "balance" else -1
                amount += sense * leg.value
        held = {series_code for side in found.values() for series_code in side}
        return amount if legs <= held else None

    def every(self, cell: Cell, quantity: str) -> list[Value]:
        known = (self.known(cell, quantity, day) for day in self.days(cell.reporter, cell.partner))
        return [*(value for values in known for value in values), *self.printed(cell, quantity)]

    def cells_held(self, reporter: str, partner: str, trade_kind: str = "goods") -> Iterator[Row]:
        for key, rows in self.rows.items():
            if key[:3] == (reporter, partner, trade_kind):
                yield from rows


def pairs_of_one_moment(
    period: Iterable[Value], base: Iterable[Value]
) -> Iterator[tuple[Value, Value]]:
    """Two figures on one basis at one moment."""
    bases = {(b.token, b.legs): b for b in base}
    for p in period:
        b = bases.get((p.token, p.legs))
        if b is not None:
            yield p, b


def _newer(row: Row) -> tuple:
    return (-row.known_from.toordinal(), row.half, row.observation_id)


def _months(period: Period) -> set[date]:
    first = period.first.year * 12 + period.first.month - 1
    return {date(m // 12, m % 12 + 1, 1) for m in range(first, first + period.months)}


def _is_outbound(series_code: str, side: str) -> bool:
    """Goods leave the reporter as its own exports, or as its partner's imports."""
    return (series_code.split(".")[1] == "export") == (side == "reporter")
