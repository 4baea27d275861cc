"""The pages of the world's trade: the widest gaps between two reports, and whose to believe."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dagster_project.site import addresses
from dagster_project.site.charts import bars, dots
from dagster_project.site.context import File, PageContext
from dagster_project.site.figure import Figure, LegendEntry, Picture
from dagster_project.site.numbers import BILLIONS, MILLIONS, billions, capital, plain, share
from dagster_project.site.queries import Answer

_DRAWN_GAPS = 12
_LISTED_GAPS = 100
_GAPS_A_YEAR = 5
_DRAWN_REPORTERS = 12
# Below this many flows that both sides report, a reporter is listed and not drawn.
_FLOWS = 200
_GAPS_TITLE = "Where two countries report one trade and disagree most"
_REPORTERS_TITLE = "How reliable each country's reports are"
_ABSENCE = "No report of the world's trade is held, so there is nothing to compare."
_ACCOUNTS = (
    ("exporter reports", "exporter_reported_usd", "as a rule FOB, re-exports included"),
    ("importer reports", "importer_reported_usd", "as a rule CIF, freight and insurance included"),
    ("estimated FOB", "importer_fob_estimated_usd", "the importer's report over an estimated rate"),
)


def gaps(context: PageContext) -> list[File]:
    """The page of the widest gaps."""
    years = context.ask("world_years")
    if not years:
        return _page(context, addresses.GAPS, _GAPS_TITLE, [_breaks(context)], [_ABSENCE])
    causes = context.ask("world_causes")
    widest = context.ask("world_widest", all_products=True, places=_LISTED_GAPS)
    products = context.ask("world_widest", all_products=False, places=_LISTED_GAPS)
    return _page(
        context,
        addresses.GAPS,
        _GAPS_TITLE,
        [
            _widest(context, widest, "widest", "between two countries, over all products"),
            _widest(context, products, "widest-products", "of single products"),
            _causes(context, causes),
            _years(context, years),
            _by_year(context),
            _cif_rates(context),
            _breaks(context),
        ],
        [_gaps_in_words(years), _causes_in_words(causes)],
    )


def reporters(context: PageContext) -> list[File]:
    """The page of the reporters' reliability."""
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
    context: PageContext, path: str, title: str, figures: list[Figure], answer: list[str]
) -> list[File]:
    return context.page(
        path,
        "world.html",
        title=title,
        figures=figures,
        answer=answer,
        is_held=answer != [_ABSENCE],
    )


# -- figures -----------------------------------------------------------------------------


def _widest(context: PageContext, answer: Answer, figure_id: str, which: str) -> Figure:
    drawn = answer.rows[:_DRAWN_GAPS]
    picture = None
    if drawn:
        picture = Picture(
            summary=f"The widest {len(drawn)} of {drawn[0]['year']}, in {BILLIONS}: "
            + "; ".join(_in_words(row) for row in drawn[:3])
            + ".",
            wide=bars.draw(
                [
                    bars.Group(
                        row["flow"],
                        [
                            bars.Bar(name, style, row[column])
                            for style, (name, column, _) in enumerate(_ACCOUNTS)
                        ],
                    )
                    for row in drawn
                ],
                figure_id,
            ),
            legend=tuple(
                LegendEntry(name, style, note) for style, (name, _, note) in enumerate(_ACCOUNTS)
            ),
        )
    year = f" in {drawn[0]['year']}" if drawn else ""
    return Figure(
        id=figure_id,
        title=f"The widest gaps{year} {which}",
        unit=f"{capital(MILLIONS)}. The order is that of the gap left once estimated freight and"
        " what was added from areas not elsewhere specified are taken off; a side that is missing"
        " counts as nothing.",
        basis=context.basis("both countries' reports of one flow", answer),
        answer=answer,
        picture=picture,
        columns=(
            "flow", "exporter_reported_usd", "importer_reported_usd",
            "importer_fob_estimated_usd", "gap_usd", "gap_left_estimated_usd", "likely_cause",
        ),
        absence=None if picture else _ABSENCE,
        links=_pairs(context, answer.rows),
    )  # fmt: skip


def _causes(context: PageContext, answer: Answer) -> Figure:
    return Figure(
        id="causes",
        title="What the gaps between two countries likely come from",
        unit=f"{capital(MILLIONS)}, the gaps' sizes added up; one likely cause a pair, and"
        " estimates where a rate was taken off.",
        basis=context.basis("all pairs of the last year, over all products", answer),
        answer=answer,
        columns=("likely_cause", "meaning", "pairs", "gap_left_estimated_usd", "share"),
        absence=None if answer else _ABSENCE,
    )


def _years(context: PageContext, answer: Answer) -> Figure:
    return Figure(
        id="years",
        title="Who reports, and how far the reports lie apart",
        unit="Flows by product; values in millions of US dollars. The mean is that of the"
        " importer's side over the exporter's, both FOB, so it holds an estimated rate.",
        basis=context.basis("reports by product of all countries held", answer),
        answer=answer,
        columns=(
            "year", "exporters_reporting", "importers_reporting", "flows", "flows_mirrored",
            "mirrored_share", "twice_apart_share", "mean_importer_to_exporter",
            "exporter_reported_usd", "importer_reported_usd", "importer_fob_estimated_usd",
        ),
        absence=None if answer else _ABSENCE,
    )  # fmt: skip


def _by_year(context: PageContext) -> Figure:
    answer = context.ask("world_widest_by_year", places=_GAPS_A_YEAR)
    return Figure(
        id="widest-by-year",
        title="The widest gaps between two countries, year by year",
        unit=f"{capital(MILLIONS)}; reported by each side, and estimated where the column says so.",
        basis=context.basis("both countries' reports, over all products", answer),
        answer=answer,
        columns=(
            "year", "width_rank", "exporter", "importer", "exporter_reported_usd",
            "importer_reported_usd", "importer_fob_estimated_usd", "gap_left_estimated_usd",
            "likely_cause",
        ),
        absence=None if answer else _ABSENCE,
    )  # fmt: skip


def _cif_rates(context: PageContext) -> Figure:
    answer = context.ask("world_cif_rates")
    return Figure(
        id="cif-rates",
        title="What freight and insurance add, as each year's pairs show it",
        unit="An estimate: the CIF rate is the importer's value over the exporter's, in its"
        " geometric mean over the pairs of the fit.",
        basis=context.basis("pairs by product that carry weights", answer),
        answer=answer,
        columns=(
            "year", "mean_cif_rate", "r_squared", "residual_sigma", "flows_used",
            "flows_dropped", "is_pooled",
        ),
        absence=None
        if answer
        else "No rate could be fitted: no pair of reports held carries weights, so nothing is"
        " taken off the importer's side.",
    )  # fmt: skip


def _breaks(context: PageContext) -> Figure:
    answer = context.ask("world_breaks")
    return Figure(
        id="breaks",
        title="Imports that stand at another valuation than in other years",
        unit="Logarithms of the imports over what they are held against.",
        basis=context.basis("found in the rows, not announced by the reporter", answer),
        answer=answer,
        columns=(
            "reporter", "year", "flow", "valuation", "evidence", "ln_level", "ln_usual_level",
            "standard_error", "years_usual",
        ),
        absence=None if answer else "No such year was found in the rows held.",
    )  # fmt: skip


def _reporters(context: PageContext, flow: str, answer: Answer) -> Figure:
    kinds = {"most": ("most reliable", 0), "least": ("least reliable", 1)}
    drawn = [row for row in answer.rows if row["drawn_as"]]
    drawn.sort(key=lambda row: (row["sigma"], row["reporter_iso3"]))
    picture = None
    if drawn:
        picture = Picture(
            summary=f"From the least spread to the most: {drawn[0]['country']}"
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
    if not answer:
        absence = _ABSENCE
    elif not drawn:
        absence = f"No reporter has {_FLOWS} flows that its partners report too; all are listed."
    else:
        absence = None
    return Figure(
        id=f"reporters-{flow}",
        title=f"Reports of {flow}s: whose lie nearest to their partners'",
        unit="An estimate: the standard deviation σ of a reporter's errors in logarithms, fitted"  # noqa: RUF001
        " to the distances of pairs; 0.10 is about 10 %. Drawn are reporters with at least"
        f" {_FLOWS} flows that both sides report.",
        basis=context.basis(f"all years held, reports of {flow}s against their mirror", answer),
        answer=answer,
        picture=picture,
        columns=(
            "country", "reliability_rank", "sigma", "agreed_share", "flows_mirrored",
            "partners_mirrored", "reported_usd", "mirrored_share",
        ),
        absence=absence,
    )  # fmt: skip


def _pairs(context: PageContext, rows: Iterable[dict[str, Any]]) -> dict[str, str]:
    """The pages of flows between two countries whose pair the site has."""
    held = {(one.reporter, one.partner) for one in context.outline.pairs}
    return {
        row["flow"]: addresses.of_pair(*pair)
        for row in rows
        for pair in (
            (row["exporter_iso3"], row["importer_iso3"]),
            (row["importer_iso3"], row["exporter_iso3"]),
        )
        if pair in held
    }


# -- words -------------------------------------------------------------------------------


def _gaps_in_words(years: Answer) -> str:
    row = years.rows[0]
    return (
        f"In {row['year']}, of {row['flows']:,} flows by product that a country reported,"
        f" {share(row['mirrored_share'])} were reported by both sides; in"
        f" {share(row['twice_apart_share'])} of these one report is more than twice the other."
    )


def _causes_in_words(causes: Answer) -> str:
    if not causes:
        return ""
    told = "; ".join(
        f"{share(row['share'])} {row['likely_cause'].replace('_', ' ')}" for row in causes.rows[:3]
    )
    return f"Of the gaps between two countries, by size and likely cause: {told}."


def _reporters_in_words(flow: str, answer: Answer) -> str:
    drawn = [row for row in answer.rows if row["drawn_as"]]
    if not drawn:
        return "" if answer else f"No report of {flow}s is held with its mirror."
    best = min(drawn, key=lambda row: row["sigma"])
    worst = max(drawn, key=lambda row: row["sigma"])
    return (
        f"Reports of {flow}s lie nearest to their partners' from {best['country']}"
        f" (σ {plain(best['sigma'], 2)}) and farthest from {worst['country']}"  # noqa: RUF001
        f" ({plain(worst['sigma'], 2)})."
    )


def _in_words(row: dict[str, Any]) -> str:
    return (
        f"{row['flow']}: {billions(row['exporter_reported_usd'])} by the exporter,"
        f" {billions(row['importer_reported_usd'])} by the importer"
    )
