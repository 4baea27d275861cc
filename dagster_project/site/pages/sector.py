"""The pages of sectors: figures by product group, year and series."""

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
    dollars,
    millions,
    money_for,
    share,
)
from dagster_project.site.queries import Answer

_DIRECTIONS = ("exports", "imports")


def page(context: PageContext, pair: Pair, sector: str) -> list[File]:
    """The page of one sector of a pair."""
    values = {**pair.values, "sector": sector}
    groups = context.ask("sector_definitions", **values)
    years = context.ask("sector_years", **values)
    balance_rows = context.ask("sector_balances", **values)
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
            _balances(context, pair, name, balance_rows),
            _product_groups(context, name, groups),
            _gaps(context, name, gaps, groups),
            _claims(context, name, claims),
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
        _breakdown(context, pair, Answer(answer.sql, answer.columns, list(rows)))
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
        title=f"{name}: exports and imports by year, product group and series",
        unit=f"Chart in {money.words}, table in millions. Exports of"
        f" {pair.reporter_name}. Shares are of all products in the same series.",
        basis=context.basis("one line per product group and series", answer),
        answer=answer,
        picture=picture,
        columns=(
            "year", "product_group", "quantity", "series_code", "value_usd", "share",
            "members_found", "release_key",
        ),
        absence=None if picture else "No full-year figure is available.",
        links=_years(context, pair),
    )  # fmt: skip


def _balances(context: PageContext, pair: Pair, name: str, answer: Answer) -> Figure:
    return Figure(
        id="balances",
        title=f"{name}: balance, where exports and imports are available on one basis",
        unit=f"{capital(MILLIONS)}; exports less imports, a deficit is negative.",
        basis=context.basis("one row per product group and basis", answer),
        answer=answer,
        columns=(
            "year", "product_group", "basis_id", "exports_usd", "imports_usd", "balance_usd",
        ),
        absence=None
        if answer
        else "No year has exports and imports of one product group on one basis, so there is no"
        " balance.",
        links=_years(context, pair),
    )  # fmt: skip


def _product_groups(context: PageContext, name: str, answer: Answer) -> Figure:
    return Figure(
        id="definitions",
        title=f"{name}: product groups",
        unit="Codes of different classifications are not comparable. A product group without years"
        " is listed but has no data.",
        basis=Basis(
            basis="lists that ship with the warehouse",
            release=f"version {context.publication['code_version']}",
            source="codes of the classifications, grouped by Bilateral",
        ),
        answer=answer,
        columns=(
            "product_group", "definition_name", "product_system", "product_codes", "note",
            "available", "first_year", "last_year",
        ),
        absence=None if answer else "No product group is listed for this sector.",
    )  # fmt: skip


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
    several = sum(row["first_year"] is not None for row in product_groups.rows) > 1
    return Figure(
        id="definition-gaps",
        title=f"{name}: differences between product groups",
        unit=f"{capital(MILLIONS)}; the second product group less the first, on the same"
        " series.",
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
        else "No year has two product groups on the same series, so they cannot be compared."
        if several
        else "Figures are available for only one product group, so there is nothing to compare.",
    )  # fmt: skip


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


def _claims(context: PageContext, name: str, answer: Answer) -> Figure:
    return Figure(
        id="claims",
        title=f"{name}: claims in articles",
        unit="Each figure as quoted, in its own unit.",
        basis=context.basis("the series of each verdict", answer),
        answer=answer,
        columns=(
            "claim_id", "publisher", "period", "reported_value", "unit", "status",
            "product_group", "release_key",
        ),
        absence=None if answer else "No article quotes a figure for this sector.",
        links={
            row["claim_id"]: addresses.of_claim(row["claim_id"])
            for row in answer.rows
            if row["claim_id"] in context.outline.claims
        },
    )  # fmt: skip


def _breakdown(context: PageContext, pair: Pair, answer: Answer) -> Figure:
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
    return Figure(
        id=figure_id.lower().replace(" ", "-").replace("_", "-"),
        title=f"{first['breakdown']}: {KINDS[first['trade_kind']]} in {first['year']}, each"
        " product counted once",
        unit=f"{capital(MILLIONS)}. The parts and the residual add up to the total exactly. If the"
        " total comes from a later release, the residual includes its revisions.",
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
            wide=bars.draw(groups, "breakdown"),
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
