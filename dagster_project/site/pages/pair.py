"""The front page of a pair: its balance on every reading, and what has been printed of it."""

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
from dagster_project.site.numbers import BILLIONS, MILLIONS, billions, capital
from dagster_project.site.pages import bridge
from dagster_project.site.pages.claim_words import document_name
from dagster_project.site.queries import Answer


def page(context: PageContext, pair: Pair) -> list[File]:
    """The page of one pair."""
    parts = [
        _part(context, pair, kind)
        for kind in dict.fromkeys(context.readings(pair).column("trade_kind"))
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
        documents=_documents(context, pair),
    )


@dataclass(frozen=True)
class Part:
    """What the page says of one kind of trade."""

    kind: str
    said: list[str]
    figures: list[Figure]
    # Shown when asked for.
    folded: list[Figure]
    has_several: bool


def _part(context: PageContext, pair: Pair, kind: str) -> Part:
    spreads = spreads_of(context, pair, kind)
    row = telling(spreads)
    walked = bridge.walk(context, row["bridge_id"]) if row and row["bridge_id"] else None
    figures = [balances(context, pair, kind)]
    if row and walked:
        whole = {**row, "trade_kind": kind}
        figures.append(bridge.waterfall(whole, walked, context, str(row["year"])))
    figures += _printed(context, pair, kind)
    # Single years stand in the first table already.
    if figures[0].picture:
        figures.append(_latest(context, pair, kind))
    folded = [_spreads(context, pair, kind, spreads)] if spreads else []
    has_several = row is not None and row["readings"] > 1
    return Part(kind, said(spreads, walked, kind), figures, folded, has_several)


# -- the answer --------------------------------------------------------------------------


def spreads_of(context: PageContext, pair: Pair, kind: str) -> Answer:
    """How far apart the balances of each year lie, the last year first."""
    return context.ask("spreads", trade_kind=kind, **pair.values)


def telling(spreads: Answer) -> dict[str, Any] | None:
    """The year an answer is told by: the last with several readings, else the last."""
    several = [row for row in spreads.rows if row["readings"] > 1]
    return next(iter(several or spreads.rows), None)


def said(spreads: Answer, walked: Answer | None, kind: str) -> list[str]:
    """The answer in sentences: how many balances, which is preferred and why, what parts them.

    Args:
        spreads: what `spreads_of` found.
        walked: the bridge between the ends of the year it is told by, where one is held.
    """
    row = telling(spreads)
    if row is None:
        return [f"No balance in {KINDS[kind]} of a whole year is held."]
    because = f": {bridge.within(row['why_preferred'])}" if row["why_preferred"] else ""
    preferred = bridge.named(row["preferred_basis_id"])
    if row["readings"] == 1:
        one = f"{billions(row['preferred_usd'])} billion US dollars on the {preferred} reading"
        years = len(spreads.rows)
        if years == 1:
            return [f"One balance in {KINDS[kind]} is held, of {row['year']}: {one}{because}."]
        return [
            f"One balance in {KINDS[kind]} is held for each of {years} years. That of"
            f" {row['year']} is {one}{because}."
        ]
    low, high = bridge.named(row["low_basis_id"]), bridge.named(row["high_basis_id"])
    sentences = [
        f"For {row['year']}, the last year held on several readings, {row['readings']} balances in"
        f" {KINDS[kind]} stand side by side, from {billions(row['low_usd'])} ({low}) to"
        f" {billions(row['high_usd'])} ({high}) billion US dollars. Preferred is {preferred},"
        f" {billions(row['preferred_usd'])}{because}.",
        f"What parts the two ends, in {MILLIONS}: {bridge.causes(walked)}."
        if walked
        else "No bridge between the two ends is held.",
    ]
    widest = next((one for one in spreads.rows if one["is_widest"]), row)
    if widest is not row:
        sentences.append(
            f"The balances of a year lay furthest apart in {widest['year']}:"
            f" {billions(widest['spread_usd'])} billion US dollars between"
            f" {bridge.named(widest['low_basis_id'])} and"
            f" {bridge.named(widest['high_basis_id'])}."
        )
    return sentences


# -- figures -----------------------------------------------------------------------------


_OF_DOTS = (
    " Dots are printed figures: in the colour of the reading that gives them in some release or"
    " comes as near as it is revised, hollow where none does."
)


def balances(context: PageContext, pair: Pair, kind: str = "goods") -> Figure:
    """Each reading's balance by year as a line, printed balances as dots."""
    answer = context.ask("balances", trade_kind=kind, **pair.values)
    printed = context.ask("printed_balances", trade_kind=kind, **pair.values)
    styles = context.styles(pair)
    lines = _lines(answer, styles)
    dots = _dots(printed, styles)
    figure_id = addresses.anchor(f"balances-{kind}")
    picture = None
    # Years that do not follow each other make no line; their rows say as much.
    if any(line.has_stretch for line in lines):
        picture = Picture(
            summary=_summary(answer, pair, kind),
            wide=draw(lines, dots, theme.WIDE, f"{figure_id}-wide"),
            narrow=draw(lines, dots, theme.NARROW, f"{figure_id}-narrow"),
            legend=_legend(context, pair, kind, lines),
        )
    return Figure(
        id=figure_id,
        title=f"{pair.label}: balance in {KINDS[kind]} by year, on every reading held",
        unit=f"Exports less imports; a deficit is negative. The rows are {MILLIONS}"
        + (f", the picture {BILLIONS}." if picture else ".")
        + (_OF_DOTS if picture and dots else ""),
        basis=context.basis("each line is a reading of its own", answer),
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
        title=f"{KINDS[kind].capitalize()}: the last months held of a year not yet whole, the same"
        " months a year before, and the last whole year",
        unit=f"{capital(MILLIONS)}.",
        basis=context.basis("each row is a reading of its own, all products", answer),
        answer=answer,
        columns=("period", "basis_id", "balance_usd", "exports_usd", "imports_usd", "known_from"),
        absence=None if answer else f"No figure in {KINDS[kind]} is held.",
    )


def _without_line(answer: Answer, kind: str) -> str:
    if not answer:
        return f"No balance in {KINDS[kind]} of a whole year is held."
    *others, last = map(str, sorted(set(answer.column("year"))))
    years = f"{', '.join(others)} and {last}" if others else last
    return f"Held for {years} alone: no two years follow each other, so there is no line to draw."


def _spreads(context: PageContext, pair: Pair, kind: str, answer: Answer) -> Figure:
    return Figure(
        id=addresses.anchor(f"spreads-{kind}"),
        title=f"How far apart the balances in {KINDS[kind]} of each year lie",
        unit=f"{capital(MILLIONS)}.",
        basis=context.basis("each row is a year, all products", answer),
        answer=answer,
        columns=(
            "year", "readings", "spread_usd", "low_basis_id", "low_usd", "high_basis_id",
            "high_usd", "preferred_basis_id", "preferred_usd",
        ),
        links=_years(context, pair),
    )  # fmt: skip


def _printed(context: PageContext, pair: Pair, kind: str) -> list[Figure]:
    """The dots of the picture, each with its claim; nothing where nobody printed a balance."""
    answer = context.ask("printed_balances", trade_kind=kind, **pair.values)
    if not answer:
        return []
    return [
        Figure(
            id=addresses.anchor(f"printed-{kind}"),
            title=f"Balances in {KINDS[kind]} that have been printed, and the reading that makes"
            " each true",
            unit=f"{capital(MILLIONS)}. Whose balance: {pair.reporter_name}.",
            basis=context.basis("each row is a claim; the release is that of its verdict", answer),
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
        title="What was revised last: totals of years in the latest release that changed any",
        unit=f"{capital(MILLIONS)}; a change within the rounding of both prints is"
        " no revision.",
        basis=context.basis("each row is one series, all products", answer),
        answer=answer,
        columns=(
            "period", "series", "previous_value_usd", "value_usd", "change_usd", "change_pct",
            "previous_release_key", "release_key", "known_from",
        ),
        absence=None if answer else "No revision of a year's total is held.",
        links=_years(context, pair),
    )  # fmt: skip


def _fresh(context: PageContext, pair: Pair) -> Figure:
    answer = context.ask("freshness", **pair.values)
    return Figure(
        id="freshness",
        title="How fresh this is: the last release of each source behind the pair",
        unit="",
        basis=context.basis("each row is a source, seen from either side", answer),
        answer=answer,
        columns=(
            "publisher", "last_release_id", "last_known_from", "last_period_end", "releases",
            "evidence_kind",
        ),
        absence=None if answer else "No release with a figure of this pair is held.",
    )  # fmt: skip


def _years(context: PageContext, pair: Pair) -> dict[str, str]:
    return {
        str(year): addresses.of_year(pair.reporter, pair.partner, year)
        for year in context.outline.years_of(pair)
    }


def _documents(context: PageContext, pair: Pair) -> list[Link]:
    """The documents with a page that speak of the pair, from either side."""
    rows = context.ask("claims_of_pair", **pair.values).rows
    # One publisher may have printed several.
    names = {row["document_id"]: document_name(row) for row in rows}
    return [
        Link(name, addresses.of_document(document_id))
        for document_id, name in names.items()
        if document_id in context.outline.documents
    ]


def _lines(answer: Answer, styles: dict[str, int]) -> list[Line]:
    # The preferred reading of the last year is the strong line, also where another led before.
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
        for name, rows in _by_reading(answer.rows)
    ]


def _by_reading(rows: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    return [(name, list(group)) for name, group in groupby(rows, lambda row: row["basis_id"])]


def _dots(printed: Answer, styles: dict[str, int]) -> list[Dot]:
    return [
        Dot(
            name=f"{row['document_publisher'] or row['claim_id']} prints for {row['year']}",
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
        f"{bridge.named(row['basis_id'])} {billions(row['balance_usd'])}" for row in rows
    )
    return (
        f"Lines of {len(dict.fromkeys(answer.column('basis_id')))} readings from"
        f" {min(by_year)} to {max(by_year)}. In {year}, in {BILLIONS}: {names}."
    )
