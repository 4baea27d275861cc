"""The pages of world trade: the largest asymmetries, and each reporter's distance to partners."""

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
            _widest(context, products, "widest-products", "for single products"),
            _causes(context, causes),
            _years(context, years),
            _by_year(context),
            _cif_rates(context),
            _breaks(context),
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


def _widest(context: PageContext, answer: Answer, figure_id: str, which: str) -> Figure:
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
        title=f"The largest asymmetries{year} {which}",
        unit=f"{capital(MILLIONS)}. Ordered by the gap that remains after estimated freight and"
        " amounts allocated from areas n.e.s. are deducted; a missing side counts as zero.",
        basis=context.basis("both countries' reports of the same flow", answer),
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
        title="Likely causes of the asymmetries between two countries",
        unit=f"{capital(MILLIONS)}, the sum of absolute gaps; one likely cause per pair. Gaps"
        " are estimates where a CIF rate was applied.",
        basis=context.basis("all pairs of the latest year, all products", answer),
        answer=answer,
        columns=("likely_cause", "meaning", "pairs", "gap_left_estimated_usd", "share"),
        absence=None if answer else _ABSENCE,
    )


def _years(context: PageContext, answer: Answer) -> Figure:
    return Figure(
        id="years",
        title="Reporters, and the distance between their reports",
        unit="Flows by product; values in millions of US dollars. The mean is the ratio of"
        " the importer's to the exporter's report, both FOB, so it includes an estimated CIF rate.",
        basis=context.basis("reports by product of all available countries", answer),
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
        title="The largest asymmetries between two countries by year",
        unit=f"{capital(MILLIONS)}; reported by each side, and estimated where the column says so.",
        basis=context.basis("both countries' reports, all products", answer),
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
        title="Freight and insurance by year, estimated from pairs of reports",
        unit="An estimate: the CIF rate is the ratio of the importer's to the exporter's value,"
        " as a geometric mean over the pairs in the fit.",
        basis=context.basis("pairs by product that report weights", answer),
        answer=answer,
        columns=(
            "year", "mean_cif_rate", "r_squared", "residual_sigma", "flows_used",
            "flows_dropped", "is_pooled",
        ),
        absence=None
        if answer
        else "No rate could be fitted because no available pair of reports has weights. Nothing is"
        " deducted from the importer's side.",
    )  # fmt: skip


def _breaks(context: PageContext) -> Figure:
    answer = context.ask("world_breaks")
    return Figure(
        id="breaks",
        title="Breaks in import valuation",
        unit="Logarithm of the ratio of imports to the comparison figure.",
        basis=context.basis("detected in the data, not announced by the reporter", answer),
        answer=answer,
        columns=(
            "reporter", "year", "flow", "valuation", "evidence", "ln_level", "ln_usual_level",
            "standard_error", "years_usual",
        ),
        absence=None if answer else "No break was found in the available data.",
    )  # fmt: skip


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
    if not answer:
        absence = _ABSENCE
    elif not drawn:
        absence = (
            f"No reporter has {_FLOWS} flows that its partners also report; the table lists all."
        )
    else:
        absence = None
    return Figure(
        id=f"reporters-{flow}",
        title=f"Reports of {flow}s: distance to partners' reports",
        unit="An estimate: σ is the standard deviation of a reporter's log errors, fitted to the"  # noqa: RUF001
        " distances of pairs; 0.10 is about 10 %. It includes entrepôt trade and re-exports. The"
        f" chart shows reporters with at least {_FLOWS} flows that both sides report.",
        basis=context.basis(f"all years, reports of {flow}s against their mirror", answer),
        answer=answer,
        picture=picture,
        columns=(
            "country", "reliability_rank", "sigma", "agreed_share", "flows_mirrored",
            "partners_mirrored", "reported_usd", "mirrored_share",
        ),
        absence=absence,
    )  # fmt: skip


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
