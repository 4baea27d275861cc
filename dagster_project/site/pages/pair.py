"""The page of a pair: its balance on every basis, and the balances that articles quote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from dagster_project.claims.cells import document_name
from dagster_project.claims.words import listed
from dagster_project.site import addresses
from dagster_project.site.charts import theme
from dagster_project.site.charts.balances import Dot, Line, draw
from dagster_project.site.context import KINDS, File, Link, PageContext, Pair
from dagster_project.site.figure import Figure, LegendEntry, Picture
from dagster_project.site.numbers import (
    BILLIONS,
    MILLIONS,
    balance_in_words,
    billions,
    dollars,
)
from dagster_project.site.pages import bridge
from dagster_project.site.queries import Answer


def page(context: PageContext, pair: Pair) -> list[File]:
    """The page of one pair."""
    parts = [
        _part(context, pair, kind)
        for kind in dict.fromkeys(context.bases(pair).column("trade_kind"))
    ]
    rest = [context.table(query, **pair.values) for query in ("revised_last", "freshness")]
    has_several = any(part.has_several for part in parts)
    return context.page(
        addresses.of_pair(pair.reporter, pair.partner),
        "pair.html",
        title=f"{pair.label}: one trade, several balances" if has_several else pair.label,
        has_several=has_several,
        pair=pair,
        figures=[*(one for part in parts for one in (*part.figures, *part.folded)), *rest],
        parts=parts,
        rest=rest,
        articles=_articles(context, pair),
    )


@dataclass(frozen=True)
class Part:
    """The part of the page about goods, services or both."""

    kind: str
    summary: list[str]
    figures: list[Figure]
    # Shown in a closed `details` element.
    folded: list[Figure]
    has_several: bool


def _part(context: PageContext, pair: Pair, kind: str) -> Part:
    spreads = spreads_of(context, pair, kind)
    row = year_to_describe(spreads)
    steps = bridge.steps_of(context, row["bridge_id"]) if row and row["bridge_id"] else None
    figures = [balances(context, pair, kind)]
    if row and steps:
        whole = {**row, "trade_kind": kind}
        figures.append(bridge.waterfall(whole, steps, context, str(row["year"])))
    # The dots of the picture, each with its claim.
    printed = context.table("printed_balances", trade_kind=kind, **pair.values)
    if printed.answer:
        figures.append(printed)
    # The first table already shows single years.
    if figures[0].picture:
        figures.append(context.table("latest_years", trade_kind=kind, **pair.values))
    folded = [context.figure(spreads)] if spreads else []
    has_several = row is not None and row["bases"] > 1
    return Part(kind, summary(spreads, steps, kind), figures, folded, has_several)


# -- the summary -------------------------------------------------------------------------


def spreads_of(context: PageContext, pair: Pair, kind: str) -> Answer:
    """The spread of balances in each year, the last year first."""
    return context.ask("spreads", trade_kind=kind, **pair.values)


def year_to_describe(spreads: Answer) -> dict[str, Any] | None:
    """The year that the summary describes: the last with several bases, else the last."""
    several = [row for row in spreads.rows if row["bases"] > 1]
    return next(iter(several or spreads.rows), None)


def summary(spreads: Answer, steps: Answer | None, kind: str) -> list[str]:
    """The balances in sentences: their range, the preferred one and why, what explains the rest.

    Args:
        spreads: the answer of `spreads_of`.
        steps: the bridge between the ends of that year, if available.
    """
    row = year_to_describe(spreads)
    if row is None:
        return [f"No full-year {KINDS[kind]} balance is available."]
    because = f": {bridge.within(row['why_preferred'])}" if row["why_preferred"] else ""
    preferred = bridge.named(row["preferred_basis_id"])
    year = row["year"]
    if row["bases"] == 1:
        balance = balance_in_words(KINDS[kind], row["preferred_usd"])
        sentences = [f"In {year} {balance} on the {preferred} basis{because}."]
        years = len(spreads.rows)
        if years > 1:
            sentences.append(f"Only one basis is available in each of {years} years.")
        return sentences
    low, high = bridge.named(row["low_basis_id"]), bridge.named(row["high_basis_id"])
    balance = balance_in_words(KINDS[kind], row["low_usd"], row["high_usd"], (low, high))
    sentences = [
        f"In {year}, the last year with several bases, {balance}, depending on the basis.",
        f"The preferred balance is {dollars(row['preferred_usd'])} ({preferred}){because}.",
        f"What explains the difference, in {MILLIONS}: {bridge.causes(steps)}."
        if steps
        else "No bridge between the two figures is available.",
    ]
    widest = next((one for one in spreads.rows if one["is_widest"]), row)
    if widest is not row:
        sentences.append(
            f"The spread was widest in {widest['year']}:"
            f" {dollars(widest['spread_usd'])} between"
            f" {bridge.named(widest['low_basis_id'])} and"
            f" {bridge.named(widest['high_basis_id'])}."
        )
    return sentences


# -- figures -----------------------------------------------------------------------------


def balances(context: PageContext, pair: Pair, kind: str = "goods") -> Figure:
    """The balance on each basis by year as a line, quoted balances as dots."""
    answer = context.ask("balances", trade_kind=kind, **pair.values)
    printed = context.ask("printed_balances", trade_kind=kind, **pair.values)
    styles = context.styles(pair)
    lines = _lines(answer, styles)
    dots = _dots(printed, styles)
    figure_id = addresses.anchor(f"balances-{kind}")
    picture = None
    # A line needs two consecutive years; else the table is enough.
    if any(line.has_stretch for line in lines):
        picture = Picture(
            summary=_summary(answer, pair, kind),
            wide=draw(lines, dots, theme.WIDE, f"{figure_id}-wide"),
            narrow=draw(lines, dots, theme.NARROW, f"{figure_id}-narrow"),
            legend=_legend(context, pair, kind, lines),
        )
    return context.figure(
        answer,
        picture=picture,
        absence=_without_line(answer) if answer and not picture else None,
        dots=dots,
    )


def _without_line(answer: Answer) -> str:
    years = listed([str(year) for year in sorted(set(answer.column("year")))])
    return f"Only {years} available: without two consecutive years there is no line to draw."


def _articles(context: PageContext, pair: Pair) -> list[Link]:
    """The articles with a page that make claims about the pair, from either side."""
    rows = context.ask("claims_of_pair", **pair.values).rows
    # A publisher may have several articles.
    names = {row["document_id"]: document_name(row) for row in rows}
    return [
        Link(name, addresses.of_document(document_id))
        for document_id, name in names.items()
        if document_id in context.outline.documents
    ]


def _lines(answer: Answer, styles: dict[str, int]) -> list[Line]:
    # The preferred basis of the last year is the bold line, even if another was preferred earlier.
    preferred = [row for row in answer.rows if row["is_preferred"]]
    last = max((row["year"] for row in preferred), default=None)
    strong = {row["basis_id"] for row in preferred if row["year"] == last}
    return [
        Line(
            name=bridge.named(name),
            style=styles[name],
            is_strong=name in strong,
            points=[(row["year"], row["balance_usd"]) for row in rows],
        )
        for name, rows in groupby(answer.rows, lambda row: row["basis_id"])
    ]


def _dots(printed: Answer, styles: dict[str, int]) -> list[Dot]:
    return [
        Dot(
            name=f"{row['document_publisher'] or row['claim_id']} for {row['year']}",
            year=row["year"],
            usd=row["printed_usd"],
            style=styles.get(row["basis_id"]) if row["basis_id"] else None,
        )
        for row in printed.rows
    ]


def _legend(
    context: PageContext, pair: Pair, kind: str, lines: Sequence[Line]
) -> tuple[LegendEntry, ...]:
    notes = {bridge.named(name): note for name, note in context.notes(pair, kind).items()}
    return tuple(LegendEntry(one.name, one.style, notes.get(one.name, "")) for one in lines)


def _summary(answer: Answer, pair: Pair, kind: str) -> str:
    """The picture in words: the last year with several bases, and their balances."""
    if not answer:
        return f"Quoted {KINDS[kind]} balances of {pair.label}; no statistics are available."
    by_year: dict[int, list[dict[str, Any]]] = {}
    for row in answer.rows:
        by_year.setdefault(row["year"], []).append(row)
    several = [year for year, rows in by_year.items() if len(rows) > 1]
    year = max(several or by_year)
    rows = sorted(by_year[year], key=lambda row: row["balance_usd"])
    names = "; ".join(
        f"{bridge.named(row['basis_id'])} {billions(row['balance_usd'])}" for row in rows
    )
    return (
        f"Lines for {len(dict.fromkeys(answer.column('basis_id')))} bases from"
        f" {min(by_year)} to {max(by_year)}. In {year}, in {BILLIONS}: {names}."
    )
