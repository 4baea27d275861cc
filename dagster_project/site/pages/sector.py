"""The pages of sectors: figures by product group, year and series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from dagster_project.claims.wording import verdict_in_words
from dagster_project.site import addresses
from dagster_project.site.charts import balances, bars, theme
from dagster_project.site.context import KINDS, File, Link, PageContext, Pair
from dagster_project.site.figure import Figure, LegendEntry, Picture
from dagster_project.site.numbers import (
    MILLION,
    MILLIONS,
    Money,
    dollars,
    millions,
    money_for,
    share,
)
from dagster_project.site.queries import Answer

_DIRECTIONS = ("exports", "imports")


def page(context: PageContext, pair: Pair, sector: str) -> list[File]:
    """The page of one sector of a pair."""
    name = context.outline.sectors_of(pair).get(sector, sector)
    values = {**pair.values, "sector": sector, "name": name}
    groups = context.ask("sector_definitions", **values)
    years = context.ask("sector_years", **values)
    balance_rows = context.ask("sector_balances", **values)
    gaps = context.ask("sector_definition_gaps", **values)
    claims = context.ask("sector_claims", **values)
    return context.page(
        addresses.of_sector(pair.reporter, pair.partner, sector),
        "sector.html",
        title=f"{name}: {pair.label}",
        trail=[
            Link(pair.label, addresses.of_pair(pair.reporter, pair.partner)),
            Link("Sectors", addresses.of_sectors(pair.reporter, pair.partner)),
        ],
        figures=[
            _by_year(context, name, years),
            context.figure(balance_rows),
            context.figure(groups),
            _gaps(context, name, gaps, groups),
            context.figure(claims),
        ],
        pair=pair,
        sector=sector,
        claims=[(row, verdict_in_words(row, context.words)) for row in claims.rows],
        summary=[
            _latest(name, balance_rows, years),
            _differing(groups, gaps),
        ],
    )


def overview(context: PageContext, pair: Pair) -> list[File]:
    """The sectors of a pair: breakdowns of the total, and links to all sectors."""
    answer = context.ask("sector_breakdowns", **pair.values)
    figures = [
        _breakdown(context, replace(answer, rows=list(rows)))
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


def _by_year(context: PageContext, name: str, answer: Answer) -> Figure:
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
    return context.figure(answer, picture=picture, chart_unit=money.words)


def _gaps(context: PageContext, name: str, answer: Answer, product_groups: Answer) -> Figure:
    picture = None
    if answer:
        groups, legend = _gap_groups(answer)
        picture = Picture(
            summary=f"{name} by two product groups, in {MILLIONS}: "
            + "; ".join(
                f"{row['year']} {millions(row['amount_usd'], signed=True)}" for row in answer.rows
            )
            + ".",
            wide=bars.draw(groups, "definition-gaps"),
            legend=legend,
        )
    available = sum(row["first_year"] is not None for row in product_groups.rows)
    return context.figure(answer, picture=picture, has_several_groups=available > 1)


def _gap_groups(
    answer: Answer,
) -> tuple[list[bars.Group], tuple[LegendEntry, ...]]:
    """One group of bars per year and series, one bar per product group."""
    styles = {
        name: place
        for place, name in enumerate(
            dict.fromkeys(
                row[side] for side in ("a_product_group", "b_product_group") for row in answer.rows
            )
        )
    }
    # The series is named where a direction has several.
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


def _breakdown(context: PageContext, answer: Answer) -> Figure:
    """The sectors of a year that together count each product once."""
    first = answer.rows[0]
    names = _series_names(answer.rows)
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
    figure_id = f"breakdown-{first['breakdown']}-{first['trade_kind']}-{first['year']}"
    return context.figure(
        answer,
        figure_id=figure_id.lower().replace(" ", "-").replace("_", "-"),
        picture=Picture(
            summary="The largest: "
            + "; ".join(
                f"{row['sector_name']}, {row['quantity']} {millions(row['value_usd'])}"
                f" {MILLION}" + (f" ({share(row['share'])})" if row["share"] is not None else "")
                for row in answer.rows[:4]
            )
            + ".",
            wide=bars.draw(groups, "breakdown"),
            legend=tuple(LegendEntry(name, style) for name, style in styles.items()),
        ),
    )


# -- names of series ---------------------------------------------------------------------


def _lines(answer: Answer) -> list[balances.Line]:
    names = _series_names(answer.rows)
    has_several_kinds = len(set(answer.column("trade_kind"))) > 1
    has_several_groups = len(set(answer.column("product_group"))) > 1
    lines = []
    for place, ((group, quantity, series, kind), rows) in enumerate(
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
        ending = f" {_ending(group)}" if has_several_groups else ""
        lines.append(
            balances.Line(
                name=names[quantity, series]
                + ending
                + (f" {KINDS[kind]}" if has_several_kinds else ""),
                style=place,
                is_strong=False,
                points=[(row["year"], row["value_usd"]) for row in rows],
            )
        )
    return lines


def _ending(product_group: str) -> str:
    """The part of a product group that distinguishes it within its sector."""
    return product_group.rpartition(".")[2]


def _series_names(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Names of the series of each direction: the parts of their codes that differ.

    A series is compiler.flow.concept.valuation.account basis.seasonal adjustment.
    """
    names = {}
    for direction in _DIRECTIONS:
        codes = list(
            dict.fromkeys(row["series_code"] for row in rows if row["quantity"] == direction)
        )
        parts = list(zip(*(code.split(".") for code in codes), strict=False))
        for code in codes:
            differing = [
                one
                for one, all_of_them in zip(code.split("."), parts, strict=False)
                if len(set(all_of_them)) > 1
            ]
            names[direction, code] = " ".join([direction, *differing])
    return names


# -- words -------------------------------------------------------------------------------


def _latest(name: str, balance_rows: Answer, years: Answer) -> str:
    """The last year with a balance, or the last figure there is."""
    if balance_rows:
        row = balance_rows.rows[0]
        return (
            f"In {row['year']} exports were {dollars(row['exports_usd'])}, imports"
            f" {dollars(row['imports_usd'])} and the balance {dollars(row['balance_usd'])}"
            f" (product group {row['product_group']})."
        )
    if years:
        row = max(years.rows, key=lambda one: one["year"])
        return (
            f"The latest available figure is for {row['year']}: {row['quantity']} of"
            f" {dollars(row['value_usd'])} (product group {row['product_group']})."
        )
    return f"No figure for {name} is available for this pair."


def _differing(product_groups: Answer, gaps: Answer) -> str:
    """The number of product groups, and the difference between two of them."""
    available = [row for row in product_groups.rows if row["first_year"] is not None]
    listed = len(product_groups.rows)
    words = f"{listed} product groups are listed" if listed != 1 else "One product group is listed"
    words += f"; {len(available)} have data." if listed != len(available) else ", with data."
    if not gaps:
        return words
    row = gaps.rows[0]
    return (
        f"{words} They count different products: in {row['year']} {row['quantity']} were"
        f" {dollars(row['a_usd'])} for {row['a_product_group']} and {dollars(row['b_usd'])} for"
        f" {row['b_product_group']}."
    )


def _summary(name: str, lines: Sequence[balances.Line], money: Money) -> str:
    """The first and the last year of each line."""
    spans = "; ".join(
        f"{line.name} {line.points[0][0]} {money.shown(line.points[0][1])}"
        f" and {line.points[-1][0]} {money.shown(line.points[-1][1])}"
        for line in lines
    )
    return f"{name} by year, in {money.words}: {spans}."
