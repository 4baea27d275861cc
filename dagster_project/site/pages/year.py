"""The page of a year: the balance on every basis, and what explains the differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster_project.site import addresses
from dagster_project.site.charts import bridge as bars
from dagster_project.site.charts import theme
from dagster_project.site.context import KINDS, File, Link, PageContext, Pair
from dagster_project.site.figure import Figure, LegendEntry, Picture
from dagster_project.site.numbers import (
    BILLIONS,
    MILLIONS,
    balance_in_words,
    billions,
    dollars,
    period_in_words,
)
from dagster_project.site.pages import bridge
from dagster_project.site.pages.bridge import named
from dagster_project.site.queries import Answer


def page(context: PageContext, pair: Pair, year: int) -> list[File]:
    """The page of one year of a pair."""
    values = {**pair.values, "year": year}
    available = _available(context, pair, year)
    bridges = context.ask("bridges_of_year", **values).rows
    steps = {row["bridge_id"]: bridge.steps_of(context, row["bridge_id"]) for row in bridges}
    falls = [bridge.waterfall(row, steps[row["bridge_id"]], context, str(year)) for row in bridges]
    under = [bridge.raw_rows(row, context) for row in bridges]
    sides = {kind: _bases(context, pair, kind, answer) for kind, answer in available.items()}
    others = {kind: _others(context, {**values, "trade_kind": kind}) for kind in available}
    rest = [
        context.table(query, **values)
        for query in ("sectors_of_year", "mirror_of_year", "releases_of_year", "claims_of_year")
    ]
    years = context.outline.years_of(pair)
    at = years.index(year)
    return context.page(
        addresses.of_year(pair.reporter, pair.partner, year),
        "year.html",
        title=f"{pair.label} in {year}",
        trail=[Link(pair.label, addresses.of_pair(pair.reporter, pair.partner))],
        figures=[*sides.values(), *filter(None, others.values()), *falls, *under, *rest],
        pair=pair,
        year=year,
        before=years[at - 1] if at else None,
        after=years[at + 1] if at + 1 < len(years) else None,
        summary=[
            sentence
            for kind, answer in available.items()
            for sentence in summary(answer, kind, year, _widest(bridges, steps, kind))
        ],
        by_kind={
            kind: {
                "bases": sides[kind],
                "others": others[kind],
                "bridges": [
                    {"fall": fall, "rows": rows, "is_open": row["is_of_preferred"]
                     and not row["is_between_releases"]}
                    for row, fall, rows in zip(bridges, falls, under, strict=True)
                    if row["trade_kind"] == kind
                ],
            }
            for kind in available
        },
        rest=rest,
    )  # fmt: skip


# -- words -------------------------------------------------------------------------------


def summary(answer: Answer, kind: str, year: int, widest: tuple[str, str] | None) -> list[str]:
    """The year in sentences: the range of balances, the preferred one and why, and the causes."""
    rows = sorted(answer.rows, key=lambda row: row["balance_usd"])
    first = next(row for row in answer.rows if row["is_preferred"])
    period = period_in_words(first["period"])
    because = f": {bridge.within(first['reason'])}" if first["reason"] else ""
    preferred = named(first["basis_id"])
    if len(rows) == 1:
        balance = balance_in_words(KINDS[kind], first["balance_usd"])
        sentences = [f"In {period} {balance} on the {preferred} basis{because}."]
    else:
        low, high = rows[0], rows[-1]
        balance = balance_in_words(
            KINDS[kind],
            low["balance_usd"],
            high["balance_usd"],
            (named(low["basis_id"]), named(high["basis_id"])),
        )
        sentences = [
            f"In {period} {balance}. {len(rows)} bases are available.",
            f"The preferred balance is {dollars(first['balance_usd'])} ({preferred}){because}.",
        ]
    if first["is_partial_year"]:
        sentences.append("The year is incomplete, so do not compare it with full years.")
    if widest:
        other, steps = widest
        sentences.append(
            f"What explains the difference to the farthest basis, {other}, in {MILLIONS}: {steps}."
        )
    return sentences


def _widest(
    bridges: list[dict[str, Any]], all_steps: Mapping[str, Answer], kind: str
) -> tuple[str, str] | None:
    """The basis farthest from the preferred one, and the steps between them."""
    # Bridges of the preferred basis come first, the widest before the others.
    for row in bridges:
        if row["trade_kind"] == kind and row["is_of_preferred"] and not row["is_between_releases"]:
            other = row["a_basis_id"] if row["b_is_preferred"] else row["b_basis_id"]
            return named(other), bridge.causes(all_steps[row["bridge_id"]])
    return None


# -- figures -----------------------------------------------------------------------------


def _available(context: PageContext, pair: Pair, year: int) -> dict[str, Answer]:
    """The available bases of the year by goods / services scope."""
    kinds = dict.fromkeys(
        row["trade_kind"]
        for row in context.bases(pair).rows
        if row["first_year"] <= year <= row["last_year"]
    )
    answers = {
        kind: context.ask("bases_of_year", trade_kind=kind, year=year, **pair.values)
        for kind in kinds
    }
    return {kind: answer for kind, answer in answers.items() if answer}


def _bases(context: PageContext, pair: Pair, kind: str, answer: Answer) -> Figure:
    styles, notes = context.styles(pair), context.notes(pair, kind)
    picture = None
    if len(answer.rows) > 1:
        drawn = [
            bars.total(
                named(row["basis_id"]) + (", preferred" if row["is_preferred"] else ""),
                row["balance_usd"],
                theme.colour(styles[row["basis_id"]]),
                is_strong=row["is_preferred"],
            )
            for row in answer.rows
        ]
        picture = Picture(
            summary=f"Balances in {BILLIONS}: "
            + "; ".join(
                f"{named(row['basis_id'])} {billions(row['balance_usd'])}" for row in answer.rows
            )
            + ".",
            wide=bars.draw(drawn, addresses.anchor(f"bases-{kind}")),
            legend=tuple(
                LegendEntry(named(name), styles[name], notes[name])
                for name in answer.column("basis_id")
            ),
        )
    return context.figure(answer, picture=picture)


def _others(context: PageContext, values: Mapping[str, Any]) -> Figure | None:
    figure = context.table("others_of_year", **values)
    return figure if figure.answer else None
