"""The pages of sectors: what a name counts, by every definition, year and series held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from dagster_project.claims.wording import verdict_in_words
from dagster_project.site import addresses
from dagster_project.site.charts import balances, bars, theme
from dagster_project.site.context import KINDS, File, Link, PageContext, Pair
from dagster_project.site.figure import Basis, Figure, LegendEntry, Picture
from dagster_project.site.numbers import (
    MILLION,
    MILLIONS,
    Money,
    capital,
    millions,
    money_for,
    share,
)
from dagster_project.site.queries import Answer

_DIRECTIONS = ("exports", "imports")


def page(context: PageContext, pair: Pair, sector: str) -> list[File]:
    """The page of one sector of a pair."""
    values = {**pair.values, "sector": sector}
    definitions = context.ask("sector_definitions", **values)
    years = context.ask("sector_years", **values)
    held = context.ask("sector_balances", **values)
    gaps = context.ask("sector_definition_gaps", **values)
    claims = context.ask("sector_claims", **values)
    name = context.outline.sectors_of(pair).get(sector, sector)
    return context.page(
        addresses.of_sector(pair.reporter, pair.partner, sector),
        "sector.html",
        title=f"{name}: {pair.label}",
        trail=[
            Link(pair.label, addresses.of_pair(pair.reporter, pair.partner)),
            Link("Sectors", addresses.of_sectors(pair.reporter, pair.partner)),
        ],
        figures=[
            _by_year(context, pair, name, years),
            _balances(context, pair, name, held),
            _definitions(context, name, definitions),
            _gaps(context, name, gaps, definitions),
            _claims(context, name, claims),
        ],
        pair=pair,
        sector=sector,
        claims=[(row, verdict_in_words(row, context.words)) for row in claims.rows],
        answer=[
            _latest(name, held, years),
            _differing(definitions, gaps),
        ],
    )


def overview(context: PageContext, pair: Pair) -> list[File]:
    """The sectors of a pair: those that make up the total, and all with a page."""
    answer = context.ask("sector_breakdowns", **pair.values)
    figures = [
        _partition(context, pair, Answer(answer.sql, answer.columns, list(rows)))
        for _, rows in groupby(answer.rows, lambda row: (row["breakdown"], row["trade_kind"]))
    ]
    return context.page(
        addresses.of_sectors(pair.reporter, pair.partner),
        "sectors.html",
        title=f"Sectors: {pair.label}",
        trail=[Link(pair.label, addresses.of_pair(pair.reporter, pair.partner))],
        figures=figures,
        pair=pair,
    )


# -- figures -----------------------------------------------------------------------------


def _by_year(context: PageContext, pair: Pair, name: str, answer: Answer) -> Figure:
    lines = _lines(answer)
    money = money_for(answer.column("value_usd"))
    picture = None
    if lines:
        picture = Picture(
            summary=_summary(name, lines, money),
            wide=balances.draw(lines, [], theme.WIDE, "years-wide", money),
            narrow=balances.draw(lines, [], theme.NARROW, "years-narrow", money),
            legend=tuple(LegendEntry(one.name, one.style) for one in lines),
        )
    return Figure(
        id="years",
        title=f"{name}: exports and imports by year, each definition and series for itself",
        unit=f"Picture in {money.words}, rows in millions. Whose exports:"
        f" {pair.reporter_name}. The share is that of all products in the same series.",
        basis=context.basis("each line is one definition on one series", answer),
        answer=answer,
        picture=picture,
        columns=(
            "year", "product_group", "quantity", "series_code", "value_usd", "share",
            "members_found", "release_key",
        ),
        absence=None if picture else "No figure of a whole year is held.",
        links=_years(context, pair),
    )  # fmt: skip


def _balances(context: PageContext, pair: Pair, name: str, answer: Answer) -> Figure:
    return Figure(
        id="balances",
        title=f"{name}: balance, where both directions are held on one basis",
        unit=f"{capital(MILLIONS)}; exports less imports, a deficit is negative.",
        basis=context.basis("each row is one definition on one reading", answer),
        answer=answer,
        columns=(
            "year", "product_group", "basis_id", "exports_usd", "imports_usd", "balance_usd",
        ),
        absence=None
        if answer
        else "No year has exports and imports of one definition on one basis, so no balance can"
        " be told.",
        links=_years(context, pair),
    )  # fmt: skip


def _definitions(context: PageContext, name: str, answer: Answer) -> Figure:
    return Figure(
        id="definitions",
        title=f"{name}: what each definition counts",
        unit="Codes of two systems are never comparable. A definition without years is listed"
        " and not held.",
        basis=Basis(
            basis="lists that ship with the warehouse",
            release=f"version {context.publication['code_version']}",
            source="the classifications' own codes, put together by Bilateral",
        ),
        answer=answer,
        columns=(
            "product_group", "definition_name", "product_system", "product_codes", "note",
            "held", "first_year", "last_year",
        ),
        absence=None if answer else "No definition of this name is listed.",
    )  # fmt: skip


def _gaps(context: PageContext, name: str, answer: Answer, definitions: Answer) -> Figure:
    picture = None
    if answer:
        groups, legend = _gap_groups(answer)
        picture = Picture(
            summary=f"{name} by two definitions, in {MILLIONS}: "
            + "; ".join(
                f"{row['year']} {millions(row['amount_usd'], signed=True)}" for row in answer.rows
            )
            + ".",
            wide=bars.draw(groups, "definition-gaps"),
            legend=legend,
        )
    several = sum(row["first_year"] is not None for row in definitions.rows) > 1
    return Figure(
        id="definition-gaps",
        title=f"{name}: how far the definitions lie apart",
        unit=f"{capital(MILLIONS)}; what the second definition counts beyond the first, on"
        " the same series.",
        basis=context.basis(
            "both figures on one series", answer, "a_release_key", "b_release_key"
        ),
        answer=answer,
        picture=picture,
        columns=(
            "year", "quantity", "a_product_group", "a_usd", "b_product_group", "b_usd",
            "amount_usd", "cause", "a_release_key", "b_release_key",
        ),
        absence=None
        if answer
        else "No year holds two definitions on the same series, so they cannot be compared."
        if several
        else "Figures of one definition alone are held, so nothing can be compared with it.",
    )  # fmt: skip


def _gap_groups(
    answer: Answer,
) -> tuple[list[bars.Group], tuple[LegendEntry, ...]]:
    """A group a year and series, with a bar a definition."""
    styles = {
        name: place
        for place, name in enumerate(
            dict.fromkeys(
                row[side] for side in ("a_product_group", "b_product_group") for row in answer.rows
            )
        )
    }
    # A series is named where there are several of a direction.
    series = dict.fromkeys((row["quantity"], row["a_basis_key"]) for row in answer.rows)
    is_named = len(series) > len({quantity for quantity, _ in series})
    groups = [
        bars.Group(
            f"{row['quantity'].capitalize()} {row['year']}"
            + (f", {row['a_basis_key']}" if is_named else "")
            + f": {millions(row['amount_usd'], signed=True)}",
            [
                bars.Bar(
                    _ending(row[f"{side}_product_group"]),
                    styles[row[f"{side}_product_group"]],
                    row[f"{side}_usd"],
                )
                for side in "ab"
            ],
        )
        for row in answer.rows
    ]
    return groups, tuple(LegendEntry(_ending(name), style, name) for name, style in styles.items())


def _claims(context: PageContext, name: str, answer: Answer) -> Figure:
    return Figure(
        id="claims",
        title=f"{name}: what documents print, and what the rows make of it",
        unit="Each figure as printed, in its own unit.",
        basis=context.basis("the series each verdict rests on", answer),
        answer=answer,
        columns=(
            "claim_id", "publisher", "period", "reported_value", "unit", "status",
            "product_group", "release_key",
        ),
        absence=None if answer else "No document held prints a figure of this sector.",
        links={
            row["claim_id"]: addresses.of_claim(row["claim_id"])
            for row in answer.rows
            if row["claim_id"] in context.outline.claims
        },
    )  # fmt: skip


def _partition(context: PageContext, pair: Pair, answer: Answer) -> Figure:
    """The sectors of a year that together count every product once."""
    first = answer.rows[0]
    names = _leg_names(answer.rows)
    styles = {name: place for place, name in enumerate(names.values())}
    groups = [
        bars.Group(
            head,
            [
                bars.Bar(
                    names[row["quantity"], row["series_code"]],
                    styles[names[row["quantity"], row["series_code"]]],
                    row["value_usd"],
                )
                for row in rows
            ],
        )
        for head, rows in groupby(answer.rows, lambda row: row["sector_name"])
    ]
    figure_id = f"partition-{first['breakdown']}-{first['trade_kind']}-{first['year']}"
    return Figure(
        id=figure_id.lower().replace(" ", "-").replace("_", "-"),
        title=f"{first['breakdown']}: {KINDS[first['trade_kind']]} of {first['year']}, every"
        " product counted once",
        unit=f"{capital(MILLIONS)}. The parts and what they leave of the total add up to it"
        " exactly; a release of the total that is later leaves its revisions.",
        basis=context.basis(
            "; ".join(dict.fromkeys(answer.column("series_code"))),
            answer,
            "release_key",
            "total_release_key",
        ),
        answer=answer,
        picture=Picture(
            summary="The largest: "
            + "; ".join(
                f"{row['sector_name']}, {row['quantity']} {millions(row['value_usd'])}"
                f" {MILLION}" + (f" ({share(row['share'])})" if row["share"] is not None else "")
                for row in answer.rows[:4]
            )
            + ".",
            wide=bars.draw(groups, "partition"),
            legend=tuple(LegendEntry(name, style) for name, style in styles.items()),
        ),
        columns=(
            "sector_name", "quantity", "series_code", "value_usd", "share", "release_key",
            "total_release_key",
        ),
        links={
            row["sector_name"]: addresses.of_sector(pair.reporter, pair.partner, row["sector_id"])
            for row in answer.rows
            if row["sector_id"] in context.outline.sectors_of(pair)
        },
    )  # fmt: skip


def _years(context: PageContext, pair: Pair) -> dict[str, str]:
    return {
        str(year): addresses.of_year(pair.reporter, pair.partner, year)
        for year in context.outline.years_of(pair)
    }


# -- names of series ---------------------------------------------------------------------


def _lines(answer: Answer) -> list[balances.Line]:
    names = _leg_names(answer.rows)
    kinds = len(set(answer.column("trade_kind"))) > 1
    definitions = len(set(answer.column("product_group"))) > 1
    lines = []
    for place, ((definition, quantity, leg, kind), rows) in enumerate(
        groupby(
            answer.rows,
            lambda row: (
                row["product_group"],
                row["quantity"],
                row["series_code"],
                row["trade_kind"],
            ),
        )
    ):
        ending = f" {_ending(definition)}" if definitions else ""
        lines.append(
            balances.Line(
                name=names[quantity, leg] + ending + (f" {KINDS[kind]}" if kinds else ""),
                style=place,
                is_strong=False,
                points=[(row["year"], row["value_usd"]) for row in rows],
            )
        )
    return lines


def _ending(definition: str) -> str:
    """Of a definition the part that tells it from others of its sector."""
    return definition.rpartition(".")[2]


def _leg_names(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """What tells the series of each direction apart: the parts of their names that differ.

    A series is compiler.flow.concept.valuation.account basis.seasonal adjustment.
    """
    names = {}
    for direction in _DIRECTIONS:
        legs = list(
            dict.fromkeys(row["series_code"] for row in rows if row["quantity"] == direction)
        )
        parts = list(zip(*(leg.split(".") for leg in legs), strict=False))
        for leg in legs:
            told = [
                one
                for one, all_of_them in zip(leg.split("."), parts, strict=False)
                if len(set(all_of_them)) > 1
            ]
            names[direction, leg] = " ".join([direction, *told])
    return names


# -- words -------------------------------------------------------------------------------


def _latest(name: str, held: Answer, years: Answer) -> str:
    """The last year with a balance, or the last figure there is."""
    if held:
        row = held.rows[0]
        return (
            f"In {row['year']} exports came to {millions(row['exports_usd'])} and imports to"
            f" {millions(row['imports_usd'])} {MILLION}: a balance of"
            f" {millions(row['balance_usd'])} by the definition {row['product_group']}."
        )
    if years:
        row = max(years.rows, key=lambda one: one["year"])
        return (
            f"The last figure held is of {row['year']}: {row['quantity']} of"
            f" {millions(row['value_usd'])} {MILLION} by the definition {row['product_group']}."
        )
    return f"No figure of {name} is held of this pair."


def _differing(definitions: Answer, gaps: Answer) -> str:
    """How many definitions there are, and what their difference comes to."""
    held = [row for row in definitions.rows if row["first_year"] is not None]
    listed = len(definitions.rows)
    words = f"{listed} definitions are listed" if listed != 1 else "One definition is listed"
    words += f" and {len(held)} held." if listed != len(held) else " and held."
    if not gaps:
        return words
    row = gaps.rows[0]
    return (
        f"{words} They count different products: in {row['year']} {row['b_product_group']} has"
        f" {millions(row['amount_usd'], signed=True)} {MILLION} of {row['quantity']} against"
        f" {row['a_product_group']}."
    )


def _summary(name: str, lines: Sequence[balances.Line], money: Money) -> str:
    """The first and the last year of each line."""
    told = "; ".join(
        f"{line.name} {line.points[0][0]} {money.shown(line.points[0][1])}"
        f" and {line.points[-1][0]} {money.shown(line.points[-1][1])}"
        for line in lines
    )
    return f"{name} by year, in {money.words}: {told}."
