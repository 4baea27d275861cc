"""The page of a year: every reading of it side by side, and what lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster_project.site import addresses
from dagster_project.site.charts import bridge as bars
from dagster_project.site.charts import theme
from dagster_project.site.context import KINDS, File, Link, PageContext, Pair
from dagster_project.site.figure import Figure, LegendEntry, Picture
from dagster_project.site.numbers import BILLIONS, MILLIONS, billions, capital, period_in_words
from dagster_project.site.pages import bridge
from dagster_project.site.pages.bridge import named
from dagster_project.site.queries import Answer


def page(context: PageContext, pair: Pair, year: int) -> list[File]:
    """The page of one year of a pair."""
    values = {**pair.values, "year": year}
    held = _held(context, pair, year)
    bridges = context.ask("bridges_of_year", **values).rows
    walks = {row["bridge_id"]: bridge.walk(context, row["bridge_id"]) for row in bridges}
    falls = [bridge.waterfall(row, walks[row["bridge_id"]], context, str(year)) for row in bridges]
    under = [bridge.raw_rows(row, context) for row in bridges]
    sides = {kind: _readings(context, pair, kind, year, answer) for kind, answer in held.items()}
    others = {kind: _others(context, pair, kind, year) for kind in held}
    rest = [
        _sectors(context, pair, year),
        _mirror(context, pair, year),
        _releases(context, pair, year),
        _claims(context, pair, year),
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
        answer=[
            sentence
            for kind, answer in held.items()
            for sentence in said(answer, kind, year, _widest(bridges, walks, kind))
        ],
        by_kind={
            kind: {
                "readings": sides[kind],
                "others": others[kind],
                "bridges": [
                    {"fall": fall, "rows": rows, "is_open": row["is_of_preferred"]
                     and not row["is_between_releases"]}
                    for row, fall, rows in zip(bridges, falls, under, strict=True)
                    if row["trade_kind"] == kind
                ],
            }
            for kind in held
        },
        rest=rest,
    )  # fmt: skip


# -- words -------------------------------------------------------------------------------


def said(answer: Answer, kind: str, year: int, widest: tuple[str, str] | None) -> list[str]:
    """The year in sentences: how many balances, from where to where, which is preferred and why."""
    rows = sorted(answer.rows, key=lambda row: row["balance_usd"])
    first = next(row for row in answer.rows if row["is_preferred"])
    period = period_in_words(first["period"])
    because = f": {bridge.within(first['reason'])}" if first["reason"] else ""
    if len(rows) == 1:
        text = (
            f"One balance in {KINDS[kind]} is held for {period}: {billions(first['balance_usd'])}"
            f" billion US dollars on the {named(first['basis_id'])} reading{because}."
        )
    else:
        low, high = rows[0], rows[-1]
        text = (
            f"For {period}, {len(rows)} balances in {KINDS[kind]} are held, from"
            f" {billions(low['balance_usd'])} ({named(low['basis_id'])}) to"
            f" {billions(high['balance_usd'])} ({named(high['basis_id'])}) billion US dollars."
            f" Preferred is {named(first['basis_id'])},"
            f" {billions(first['balance_usd'])}{because}."
        )
    sentences = [text]
    if first["is_partial_year"]:
        sentences.append("The year is not whole: not to be compared with whole years.")
    if widest:
        other, steps = widest
        sentences.append(
            f"What parts the preferred balance from {other}, the farthest from it, in {MILLIONS}:"
            f" {steps}."
        )
    return sentences


def _widest(
    bridges: list[dict[str, Any]], walks: Mapping[str, Answer], kind: str
) -> tuple[str, str] | None:
    """The reading farthest from the preferred one, and the steps between."""
    # Bridges of the preferred reading come first, the widest before the others.
    for row in bridges:
        if row["trade_kind"] == kind and row["is_of_preferred"] and not row["is_between_releases"]:
            other = row["a_basis_id"] if row["b_is_preferred"] else row["b_basis_id"]
            return named(other), bridge.causes(walks[row["bridge_id"]])
    return None


# -- figures -----------------------------------------------------------------------------


def _held(context: PageContext, pair: Pair, year: int) -> dict[str, Answer]:
    """The readings of the year, each kind of trade for itself, only those that are held."""
    kinds = dict.fromkeys(
        row["trade_kind"]
        for row in context.readings(pair).rows
        if row["first_year"] <= year <= row["last_year"]
    )
    answers = {
        kind: context.ask("readings_of_year", trade_kind=kind, year=year, **pair.values)
        for kind in kinds
    }
    return {kind: answer for kind, answer in answers.items() if answer}


def _readings(context: PageContext, pair: Pair, kind: str, year: int, answer: Answer) -> Figure:
    figure_id = addresses.anchor(f"readings-{kind}")
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
            wide=bars.draw(drawn, figure_id),
            legend=tuple(
                LegendEntry(named(name), styles[name], notes[name])
                for name in answer.column("basis_id")
            ),
        )
    return Figure(
        id=figure_id,
        title=f"{year}: balance in {KINDS[kind]} on every reading held",
        unit=f"Exports less imports, {MILLIONS}; a deficit is negative. The spread is to the"
        " preferred balance.",
        basis=context.basis("each row is a reading of its own, all products", answer),
        answer=answer,
        picture=picture,
        columns=(
            "basis_id", "balance_usd", "spread_usd", "reason", "exports_usd", "imports_usd",
            "evidence_kind", "release_key", "known_from",
        ),
    )  # fmt: skip


def _others(context: PageContext, pair: Pair, kind: str, year: int) -> Figure | None:
    answer = context.ask("others_of_year", trade_kind=kind, year=year, **pair.values)
    if not answer:
        return None
    return Figure(
        id=addresses.anchor(f"others-{kind}"),
        title=f"{year}: balances in {KINDS[kind]} of earlier releases and printed pages",
        unit=f"{capital(MILLIONS)}; the spread is to the preferred balance.",
        basis=context.basis("each row is one release or one page", answer),
        answer=answer,
        columns=(
            "basis_id", "balance_usd", "spread_usd", "evidence_kind", "release_key",
            "known_from", "reason",
        ),
    )  # fmt: skip


def _sectors(context: PageContext, pair: Pair, year: int) -> Figure:
    answer = context.ask("sectors_of_year", year=year, **pair.values)
    return Figure(
        id="sectors",
        title=f"{year}: exports and imports by sector, each definition for itself",
        unit=f"{capital(MILLIONS)}; shares are of all products of the same series."
        " Two definitions of one sector overlap and must not be added; those of one partition make"
        " up the total.",
        basis=context.basis(
            "each row is one definition", answer, "export_release_key", "import_release_key"
        ),
        answer=answer,
        columns=(
            "sector_id", "sector", "definition", "exports_usd", "exports_share", "imports_usd",
            "imports_share", "breakdown", "export_series_code", "import_series_code",
        ),
        absence=None if answer else f"No figure by sector is held for {year}.",
        links={
            sector_id: addresses.of_sector(pair.reporter, pair.partner, sector_id)
            for sector_id in context.outline.sectors_of(pair)
        },
    )  # fmt: skip


def _mirror(context: PageContext, pair: Pair, year: int) -> Figure:
    answer = context.ask("mirror_of_year", year=year, **pair.values)
    return Figure(
        id="mirror",
        title=f"{year}: the same goods as the exporter and the importer recorded them",
        unit=f"{capital(MILLIONS)}; the gap is the importer's figure less the"
        " exporter's: freight, timing, re-exports and errors together.",
        basis=context.basis(
            "each row is a pair of series", answer, "export_release_key", "import_release_key"
        ),
        answer=answer,
        columns=(
            "exporter_iso3", "importer_iso3", "exporter_reported_usd", "importer_reported_usd",
            "gap_usd", "importer_to_exporter_ratio", "export_series_code", "import_series_code",
        ),
        absence=None if answer else f"No flow of {year} is held from both sides.",
    )  # fmt: skip


def _releases(context: PageContext, pair: Pair, year: int) -> Figure:
    answer = context.ask("releases_of_year", year=year, **pair.values)
    return Figure(
        id="releases",
        title=f"The releases that the figures of {year} come from",
        unit="",
        basis=context.basis("each row is a release", answer),
        answer=answer,
        columns=(
            "release_key", "publisher", "known_from", "evidence_kind", "last_period_end",
            "retrieved_on", "address",
        ),
        absence=None if answer else f"No release with a figure of {year} is held.",
    )  # fmt: skip


def _claims(context: PageContext, pair: Pair, year: int) -> Figure:
    answer = context.ask("claims_of_year", year=year, **pair.values)
    return Figure(
        id="claims",
        title=f"What has been printed of {year}",
        unit="Each figure in its own unit.",
        basis=context.basis("each row is a claim; the release is that of its verdict", answer),
        answer=answer,
        columns=(
            "claim_id", "says", "reported_value", "unit", "verdict", "printed_by", "published_on",
        ),
        absence=None if answer else f"No document that is held speaks of {year}.",
        links={
            claim_id: addresses.of_claim(claim_id)
            for claim_id in answer.column("claim_id")
            if claim_id in context.outline.claims
        },
    )  # fmt: skip
