"""The front page of a pair: its balance on every reading, and what has been printed of it.

Belongs here: the question in words, the picture, this year and last, what was revised last,
freshness. Does not belong here: a single year (`year.py`), a single claim (`claim.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from dagster_project.report import addresses
from dagster_project.report.asking import Answer
from dagster_project.report.charts import theme
from dagster_project.report.charts.balances import Dot, Line, draw
from dagster_project.report.desk import KINDS, Desk, File, Pair
from dagster_project.report.figure import Figure, LegendEntry, Picture
from dagster_project.report.numbers import BILLIONS, billions


def page(desk: Desk, pair: Pair) -> list[File]:
    """The page of one pair."""
    figures = []
    for kind in dict.fromkeys(desk.readings(pair).column("trade_kind")):
        figures += [balances(desk, pair, kind), _latest(desk, pair, kind)]
    return desk.page(
        addresses.of_pair(pair.reporter, pair.partner),
        "pair.html",
        title=f"{pair.label}: one trade, several balances",
        pair=pair,
        figures=figures,
    )


def balances(desk: Desk, pair: Pair, kind: str = "goods") -> Figure:
    """Each reading's balance by year as a line, printed balances as dots."""
    answer = desk.ask("balances", trade_kind=kind, **pair.values)
    printed = desk.ask("printed_balances", trade_kind=kind, **pair.values)
    styles = desk.styles(pair)
    lines = _lines(answer, styles)
    dots = _dots(printed, styles)
    figure_id = f"balances-{kind.replace('_', '-')}"
    picture = None
    if lines or dots:
        picture = Picture(
            summary=_summary(answer, pair, kind),
            wide=draw(lines, dots, theme.WIDE, f"{figure_id}-wide"),
            narrow=draw(lines, dots, theme.NARROW, f"{figure_id}-narrow"),
            legend=_legend(desk, pair, kind, lines),
        )
    return Figure(
        id=figure_id,
        title=f"{pair.reporter_name}: balance in {KINDS[kind]} with {pair.partner_name}, by year,"
        " on every reading held",
        unit=f"Exports less imports, {BILLIONS}; a deficit is negative. Dots are printed figures:"
        " filled on the line that makes them true, hollow where none does.",
        basis=desk.basis("each line is a reading of its own", answer),
        answer=answer,
        picture=picture,
        columns=("year", "reading_id", "exports_usd", "imports_usd", "balance_usd", "release_key"),
        absence=None if picture else f"No balance in {KINDS[kind]} of a whole year is held.",
        links={
            str(year): addresses.of_year(pair.reporter, pair.partner, year)
            for year in desk.outline.years_of(pair)
        },
    )


def _latest(desk: Desk, pair: Pair, kind: str) -> Figure:
    answer = desk.ask("latest_years", trade_kind=kind, **pair.values)
    return Figure(
        id=f"latest-{kind.replace('_', '-')}",
        title=f"{KINDS[kind].capitalize()}: the running year and the last whole one",
        unit="",
        basis=desk.basis("each row is a reading of its own", answer),
        answer=answer,
        columns=("period", "reading_id", "exports_usd", "imports_usd", "balance_usd", "known_from"),
    )


def _lines(answer: Answer, styles: dict[str, int]) -> list[Line]:
    # The preferred reading of the last year is the strong line, also where another led before.
    strong = {row["reading_id"] for row in answer.rows if row["is_preferred"]}
    last = max((row["year"] for row in answer.rows if row["is_preferred"]), default=None)
    strong &= {
        row["reading_id"] for row in answer.rows if row["is_preferred"] and row["year"] == last
    }
    return [
        Line(
            name=name.replace("_", " "),
            style=styles[name],
            is_strong=name in strong,
            points=[(row["year"], row["balance_usd"]) for row in rows],
        )
        for name, rows in _by_reading(answer.rows)
    ]


def _by_reading(rows: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    return [(name, list(group)) for name, group in groupby(rows, lambda row: row["reading_id"])]


def _dots(printed: Answer, styles: dict[str, int]) -> list[Dot]:
    return [
        Dot(
            name=f"{row['document_publisher'] or row['claim_id']} prints for {row['year']}",
            year=row["year"],
            usd=row["printed_usd"],
            style=styles.get(row["reading_id"]) if row["reading_id"] else None,
        )
        for row in printed.rows
    ]


def _legend(desk: Desk, pair: Pair, kind: str, lines: Sequence[Line]) -> tuple[LegendEntry, ...]:
    notes = {
        row["reading_id"].replace("_", " "): row["description"] or ""
        for row in desk.readings(pair).rows
        if row["trade_kind"] == kind
    }
    return tuple(LegendEntry(one.name, one.style, notes.get(one.name, "")) for one in lines)


def _summary(answer: Answer, pair: Pair, kind: str) -> str:
    """The picture in words: the last year in which readings differ, and by how much."""
    if not answer:
        return f"Printed balances in {KINDS[kind]} of {pair.label}; no statistic is held."
    by_year: dict[int, list[dict[str, Any]]] = {}
    for row in answer.rows:
        by_year.setdefault(row["year"], []).append(row)
    several = [year for year, rows in by_year.items() if len(rows) > 1]
    year = max(several or by_year)
    rows = sorted(by_year[year], key=lambda row: row["balance_usd"])
    names = "; ".join(
        f"{row['reading_id'].replace('_', ' ')} {billions(row['balance_usd'])}" for row in rows
    )
    return (
        f"Lines of {len(dict.fromkeys(answer.column('reading_id')))} readings from"
        f" {min(by_year)} to {max(by_year)}. In {year}, in {BILLIONS}: {names}."
    )
