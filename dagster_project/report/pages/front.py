"""The front page of the site: what there is, and what it is for.

Belongs here: the way to pairs, documents and world pages, each with what it says first. Does
not belong here: their figures.
"""

from __future__ import annotations

from dataclasses import dataclass

from dagster_project.report import addresses
from dagster_project.report.desk import Desk, File, Pair
from dagster_project.report.figure import Figure
from dagster_project.report.pages import pair


@dataclass(frozen=True)
class Entry:
    """A pair, its answer in a sentence, and the query that the numbers in it come from."""

    pair: Pair
    said: str
    sql: str | None = None


def page(desk: Desk) -> list[File]:
    """The page that a visitor opens first."""
    entries = [_entry(desk, one) for one in desk.outline.pairs]
    figures = [_documents(desk)]
    first = None
    if entries:
        kinds = desk.readings(entries[0].pair).column("trade_kind")
        if kinds:
            first = pair.balances(desk, entries[0].pair, kinds[0])
            figures.append(first)
    return desk.page(
        addresses.INDEX,
        "front.html",
        title="Why published trade figures disagree",
        figures=figures,
        entries=entries,
        first=first,
    )


def _entry(desk: Desk, one: Pair) -> Entry:
    kinds = desk.readings(one).column("trade_kind")
    if not kinds:
        return Entry(one, f"No figure of {one.label} is held.")
    spreads = pair.spreads_of(desk, one, kinds[0])
    return Entry(one, pair.said(spreads, None, kinds[0])[0], spreads.sql)


def _documents(desk: Desk) -> Figure:
    names = desk.outline.documents
    answer = desk.ask("documents_counted", documents=sorted(names))
    return Figure(
        id="documents",
        title="Documents that print trade figures, and what came of their claims",
        unit="Number of claims.",
        basis=desk.basis("each row is a document; the releases are those of its verdicts", answer),
        answer=answer,
        columns=(
            "document_id", "publisher", "claims", "borne_out", "true_on_another_basis",
            "mislabelled", "contradicted", "undetermined", "out_of_scope",
        ),
        absence=None if answer else "No document with a claim about these pairs is held.",
        links={one: addresses.of_document(one) for one in names},
    )  # fmt: skip
