"""Completes the figures of a table with its times and countries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from dagster_project.reading.context import Context
from dagster_project.reading.grammar import Grammar
from dagster_project.reading.items import KIND, Marked, read_times
from dagster_project.reading.pairs import pair_of, with_partner
from dagster_project.reading.periods import BASE, PERIOD, RANGE, Span
from dagster_project.reading.readings import LIKELY, Reading, not_understood
from dagster_project.reading.scope import GOODS, TOTAL
from dagster_project.reading.tables import CellFigure, Table, read_table


def table_readings(
    table: Table, captions: Sequence[Marked], context: Context, words: Grammar, day: date
) -> list[Reading]:
    """The figures of a table for which a flow is named, row by row."""
    result = []
    back = words.office(context.reporter or context.home).months
    for one in read_table(table, captions, context, words):
        period = base = None
        for marks in one.marks:
            read_times(marks, words, day, context.period, context.home, context.agreement)
            spans = [t.span for t in marks.times if t.kind in (PERIOD, RANGE) and t.span]
            period = period or (spans[-1] if spans else None)
            bases = [t.base for t in marks.times if t.kind in (BASE, RANGE) and t.base]
            base = base or (bases[0] if bases else None)
        if period is not None and (base is None or base.months != period.months):
            base = period.moved(-back if period.months == 1 else -12)
        reading = _cell_reading(one, period, base, context, table)
        if reading is not None:
            result.append(reading)
    return result


def _cell_reading(
    one: CellFigure, period: Span | None, base: Span | None, context: Context, table: Table
) -> Reading | None:
    pair = with_partner(pair_of(one.flow, context, None), one.place)
    quantity = one.flow.quantity
    if quantity in ("deficit", "surplus") and one.value < 0 and not one.is_growth:
        quantity = "balance"
    reading = Reading(
        start=one.cell.start,
        end=one.cell.end,
        sentence_start=table.start,
        sentence_end=table.end,
        value=one.value,
        unit=one.unit,
        rounding=Decimal(1).scaleb(-one.decimals),
        hedge="exact",
        confidence=LIKELY,
        rules=["cell of a table"],
    )
    if not one.unit or not period or not pair.reporter or not pair.partner:
        return not_understood(reading, "the table does not give its unit, period or countries")
    if pair.reporter == pair.partner:
        return not_understood(reading, "the table does not say which two countries are meant")
    reading.sector = one.flow.sector or one.sector or TOTAL
    reading.measure = quantity
    if one.is_change:
        reading.measure = f"change_{quantity}"
    elif one.is_growth:
        reading.measure = f"growth_pct_{quantity}"
    elif one.is_share:
        kind = "share_of_world" if reading.sector == TOTAL else "share_pct"
        reading.measure = f"{kind}_{quantity}"
    reading.base_period = str(base) if one.is_growth or one.is_change else ""
    reading.reporter, reading.partner = pair.reporter, pair.partner
    kinds = (item.value["trade_kind"] for marks in one.marks for item in marks.of(KIND))
    reading.trade_kind = one.flow.kind or next(kinds, "") or context.kind or GOODS
    reading.period = str(period)
    return reading
