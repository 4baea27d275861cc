"""The page of a pair: its balance on every basis, and the balances that articles quote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

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
    capital,
    dollars,
)
from dagster_project.site.pages import bridge
from dagster_project.site.pages.claim_words import document_name
from dagster_project.site.queries import Answer


def page(context: PageContext, pair: Pair) -> list[File]:
    """The page of one pair."""
    parts = [
        _part(context, pair, kind)
        for kind in dict.fromkeys(context.bases(pair).column("trade_kind"))
    ]
    rest = [_revised(context, pair), _fresh(context, pair)]
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
    figures += _printed(context, pair, kind)
    # The first table already shows single years.
    if figures[0].picture:
        figures.append(_latest(context, pair, kind))
    folded = [_spreads(context, pair, kind, spreads)] if spreads else []
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


_OF_DOTS = (
    " Dots are figures quoted in articles, coloured by the basis they match in some release or"
    " within its revisions; hollow dots match none."
)


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
    return Figure(
        id=figure_id,
        title=f"{pair.label}: {KINDS[kind]} balance by year and basis",
        unit=f"Exports less imports; a deficit is negative. Table in {MILLIONS}"
        + (f", chart in {BILLIONS}." if picture else ".")
        + (_OF_DOTS if picture and dots else ""),
        basis=context.basis("one line per basis", answer),
        answer=answer,
        picture=picture,
        columns=("year", "basis_id", "exports_usd", "imports_usd", "balance_usd", "release_key"),
        absence=None if picture else _without_line(answer, kind),
        links=_years(context, pair),
    )


def _latest(context: PageContext, pair: Pair, kind: str) -> Figure:
    answer = context.ask("latest_years", trade_kind=kind, **pair.values)
    return Figure(
        id=addresses.anchor(f"latest-{kind}"),
        title=f"{KINDS[kind].capitalize()}: year to date, same period last year, last full year",
        unit=f"{capital(MILLIONS)}.",
        basis=context.basis("one row per basis, all products", answer),
        answer=answer,
        columns=("period", "basis_id", "balance_usd", "exports_usd", "imports_usd", "known_from"),
        absence=None if answer else f"No {KINDS[kind]} figure is available.",
    )


def _without_line(answer: Answer, kind: str) -> str:
    if not answer:
        return f"No full-year {KINDS[kind]} balance is available."
    *others, last = map(str, sorted(set(answer.column("year"))))
    years = f"{', '.join(others)} and {last}" if others else last
    return f"Only {years} available: without two consecutive years there is no line to draw."


def _spreads(context: PageContext, pair: Pair, kind: str, answer: Answer) -> Figure:
    return Figure(
        id=addresses.anchor(f"spreads-{kind}"),
        title=f"Spread of {KINDS[kind]} balances by year",
        unit=f"{capital(MILLIONS)}.",
        basis=context.basis("one row per year, all products", answer),
        answer=answer,
        columns=(
            "year", "bases", "spread_usd", "low_basis_id", "low_usd", "high_basis_id",
            "high_usd", "preferred_basis_id", "preferred_usd",
        ),
        links=_years(context, pair),
    )  # fmt: skip


def _printed(context: PageContext, pair: Pair, kind: str) -> list[Figure]:
    """The dots of the picture, each with its claim; empty where no article quotes a balance."""
    answer = context.ask("printed_balances", trade_kind=kind, **pair.values)
    if not answer:
        return []
    return [
        Figure(
            id=addresses.anchor(f"printed-{kind}"),
            title=f"{KINDS[kind].capitalize()} balances quoted in articles, with the basis that"
            " each matches",
            unit=f"{capital(MILLIONS)}. Balance of {pair.reporter_name}.",
            basis=context.basis("one row per claim; the release is that of its verdict", answer),
            answer=answer,
            columns=(
                "claim_id", "year", "printed_usd", "verdict", "basis_id", "document_publisher",
                "says",
            ),
            links={
                claim_id: addresses.of_claim(claim_id)
                for claim_id in answer.column("claim_id")
                if claim_id in context.outline.claims
            },
        )
    ]  # fmt: skip


def _revised(context: PageContext, pair: Pair) -> Figure:
    answer = context.ask("revised_last", **pair.values)
    return Figure(
        id="revised",
        title="Latest revisions: annual totals changed by the latest release",
        unit=f"{capital(MILLIONS)}; a change within the rounding of both releases is"
        " not a revision.",
        basis=context.basis("one row per series, all products", answer),
        answer=answer,
        columns=(
            "period", "series", "previous_value_usd", "value_usd", "change_usd", "change_pct",
            "previous_release_key", "release_key", "known_from",
        ),
        absence=None if answer else "No revision of an annual total is available.",
        links=_years(context, pair),
    )  # fmt: skip


def _fresh(context: PageContext, pair: Pair) -> Figure:
    answer = context.ask("freshness", **pair.values)
    return Figure(
        id="freshness",
        title="Latest release of each source",
        unit="",
        basis=context.basis("one row per source of either country", answer),
        answer=answer,
        columns=(
            "publisher", "last_release_id", "last_known_from", "last_period_end", "releases",
            "evidence_kind",
        ),
        absence=None if answer else "No release with a figure for this pair is available.",
    )  # fmt: skip


def _years(context: PageContext, pair: Pair) -> dict[str, str]:
    return {
        str(year): addresses.of_year(pair.reporter, pair.partner, year)
        for year in context.outline.years_of(pair)
    }


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
    strong = {row["basis_id"] for row in answer.rows if row["is_preferred"]}
    last = max((row["year"] for row in answer.rows if row["is_preferred"]), default=None)
    strong &= {
        row["basis_id"] for row in answer.rows if row["is_preferred"] and row["year"] == last
    }
    return [
        Line(
            name=bridge.named(name),
            style=styles[name],
            is_strong=name in strong,
            points=[(row["year"], row["balance_usd"]) for row in rows],
        )
        for name, rows in _by_basis(answer.rows)
    ]


def _by_basis(rows: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    return [(name, list(group)) for name, group in groupby(rows, lambda row: row["basis_id"])]


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
