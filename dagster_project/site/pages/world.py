"""The pages of world trade: the largest asymmetries, and each reporter's distance to partners."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dagster_project.site import addresses
from dagster_project.site.charts import bars, dots
from dagster_project.site.context import File, PageContext
from dagster_project.site.figure import Figure, LegendEntry, Picture
from dagster_project.site.numbers import BILLIONS, billions, plain, share
from dagster_project.site.queries import Answer

_DRAWN_GAPS = 12
_LISTED_GAPS = 100
_GAPS_A_YEAR = 5
_DRAWN_REPORTERS = 12
# Reporters with fewer flows that both sides report are listed but not drawn.
_FLOWS = 200
_GAPS_TITLE = "The largest bilateral asymmetries in world trade"
_REPORTERS_TITLE = "How far each country's reports are from its partners'"
_ABSENCE = "No world trade data is available, so there is nothing to compare."
_ACCOUNTS = (
    ("exporter reports", "exporter_reported_usd", "usually FOB, including re-exports"),
    ("importer reports", "importer_reported_usd", "usually CIF, including freight and insurance"),
    (
        "estimated FOB",
        "importer_fob_estimated_usd",
        "the importer's report divided by an estimated CIF rate",
    ),
)


def gaps(context: PageContext) -> list[File]:
    """The page of the largest asymmetries."""
    years = context.ask("world_years")
    if not years:
        breaks = [context.table("world_breaks")]
        return _page(context, addresses.GAPS, _GAPS_TITLE, breaks, [_ABSENCE])
    causes = context.ask("world_causes")
    widest = context.ask("world_widest", all_products=True, places=_LISTED_GAPS)
    products = context.ask("world_widest", all_products=False, places=_LISTED_GAPS)
    return _page(
        context,
        addresses.GAPS,
        _GAPS_TITLE,
        [
            _widest(context, widest, "widest"),
            _widest(context, products, "widest-products"),
            context.figure(causes),
            context.figure(years),
            context.table("world_widest_by_year", places=_GAPS_A_YEAR),
            context.table("world_cif_rates"),
            context.table("world_breaks"),
        ],
        [_gaps_in_words(years), _causes_in_words(causes)],
    )


def reporters(context: PageContext) -> list[File]:
    """The page of reporters by distance to partners."""
    answers = {
        flow: context.ask("world_reporters", flow=flow, flows=_FLOWS, places=_DRAWN_REPORTERS)
        for flow in ("export", "import")
    }
    if not any(answers.values()):
        return _page(context, addresses.REPORTERS, _REPORTERS_TITLE, [], [_ABSENCE])
    return _page(
        context,
        addresses.REPORTERS,
        _REPORTERS_TITLE,
        [_reporters(context, flow, answer) for flow, answer in answers.items()],
        [_reporters_in_words(flow, answer) for flow, answer in answers.items()],
    )


def _page(
    context: PageContext, path: str, title: str, figures: list[Figure], summary: list[str]
) -> list[File]:
    return context.page(
        path,
        "world.html",
        title=title,
        figures=figures,
        summary=summary,
        is_available=summary != [_ABSENCE],
    )


# -- figures -----------------------------------------------------------------------------


def _widest(context: PageContext, answer: Answer, name: str) -> Figure:
    drawn = answer.rows[:_DRAWN_GAPS]
    picture = None
    if drawn:
        picture = Picture(
            summary=f"The {len(drawn)} largest in {drawn[0]['year']}, in {BILLIONS}: "
            + "; ".join(_in_words(row) for row in drawn[:3])
            + ".",
            wide=bars.draw(
                [
                    bars.Group(
                        row["flow"],
                        [
                            bars.Bar(series, style, row[column])
                            for style, (series, column, _) in enumerate(_ACCOUNTS)
                        ],
                    )
                    for row in drawn
                ],
                name,
            ),
            legend=tuple(
                LegendEntry(series, style, note)
                for style, (series, _, note) in enumerate(_ACCOUNTS)
            ),
        )
    return context.figure(answer, picture=picture, links=_pairs(context, answer.rows))


def _reporters(context: PageContext, flow: str, answer: Answer) -> Figure:
    kinds = {"most": ("closest to partners", 0), "least": ("farthest from partners", 1)}
    drawn = [row for row in answer.rows if row["drawn_as"]]
    drawn.sort(key=lambda row: (row["sigma"], row["reporter_iso3"]))
    picture = None
    if drawn:
        picture = Picture(
            summary=f"From the closest to the farthest: {drawn[0]['country']}"
            f" {plain(drawn[0]['sigma'], 2)}, … {drawn[-1]['country']}"
            f" {plain(drawn[-1]['sigma'], 2)}.",
            wide=dots.draw(
                [dots.Dot(*kinds[row["drawn_as"]], row["country"], row["sigma"]) for row in drawn],
                f"reporters-{flow}",
            ),
            legend=tuple(
                LegendEntry(*kinds[kind])
                for kind in kinds
                if any(row["drawn_as"] == kind for row in drawn)
            ),
        )
    few = f"No reporter has {_FLOWS} flows that its partners also report; the table lists all."
    return context.figure(answer, picture=picture, absence=few if answer and not drawn else None)


def _pairs(context: PageContext, rows: Iterable[dict[str, Any]]) -> dict[str, str]:
    """The pages of flows whose pair is on the site."""
    pairs = {(one.reporter, one.partner) for one in context.outline.pairs}
    return {
        row["flow"]: addresses.of_pair(*pair)
        for row in rows
        for pair in (
            (row["exporter_iso3"], row["importer_iso3"]),
            (row["importer_iso3"], row["exporter_iso3"]),
        )
        if pair in pairs
    }


# -- words -------------------------------------------------------------------------------


def _gaps_in_words(years: Answer) -> str:
    row = years.rows[0]
    return (
        f"In {row['year']} countries reported {row['flows']:,} flows by product. Both sides"
        f" reported {share(row['mirrored_share'])} of them; in"
        f" {share(row['twice_apart_share'])} of these one report is more than twice the other."
    )


def _causes_in_words(causes: Answer) -> str:
    if not causes:
        return ""
    shares = "; ".join(
        f"{share(row['share'])} {row['likely_cause'].replace('_', ' ')}" for row in causes.rows[:3]
    )
    return f"Asymmetries between two countries, by size and likely cause: {shares}."


def _reporters_in_words(flow: str, answer: Answer) -> str:
    drawn = [row for row in answer.rows if row["drawn_as"]]
    if not drawn:
        return "" if answer else f"No report of {flow}s is available with its mirror."
    best = min(drawn, key=lambda row: row["sigma"])
    worst = max(drawn, key=lambda row: row["sigma"])
    return (
        f"Reports of {flow}s are closest to partners' reports for {best['country']}"
        f" (σ {plain(best['sigma'], 2)}) and farthest for {worst['country']}"  # noqa: RUF001
        f" ({plain(worst['sigma'], 2)})."
    )


def _in_words(row: dict[str, Any]) -> str:
    return (
        f"{row['flow']}: {billions(row['exporter_reported_usd'])} by the exporter,"
        f" {billions(row['importer_reported_usd'])} by the importer"
    )
