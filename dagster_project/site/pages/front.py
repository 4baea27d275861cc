"""The front page of the site: what there is, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass

from dagster_project.site import addresses
from dagster_project.site.context import File, PageContext, Pair
from dagster_project.site.figure import Figure
from dagster_project.site.pages import pair


@dataclass(frozen=True)
class Entry:
    """A pair, its answer in a sentence, and the query that the numbers in it come from."""

    pair: Pair
    said: str
    sql: str | None = None


def page(context: PageContext) -> list[File]:
    """The page that a visitor opens first."""
    entries = [_entry(context, one) for one in context.outline.pairs]
    figures = [_documents(context)]
    first = None
    if entries:
        kinds = context.readings(entries[0].pair).column("trade_kind")
        if kinds:
            first = pair.balances(context, entries[0].pair, kinds[0])
            figures.append(first)
    return context.page(
        addresses.INDEX,
        "front.html",
        title="Why published trade figures disagree",
        figures=figures,
        entries=entries,
        first=first,
    )


def _entry(context: PageContext, one: Pair) -> Entry:
    kinds = context.readings(one).column("trade_kind")
    if not kinds:
        return Entry(one, f"No figure of {one.label} is held.")
    spreads = pair.spreads_of(context, one, kinds[0])
    return Entry(one, pair.said(spreads, None, kinds[0])[0], spreads.sql)


def _documents(context: PageContext) -> Figure:
    names = context.outline.documents
    answer = context.ask("documents_counted", documents=sorted(names))
    return Figure(
        id="documents",
        title="Articles we checked",
        unit="Number of claims.",
        basis=context.basis("one row per article; the releases are those of its verdicts", answer),
        answer=answer,
        columns=(
            "document_id", "publisher", "claims", "borne_out", "true_on_another_basis",
            "mislabelled", "contradicted", "undetermined", "out_of_scope",
        ),
        absence=None if answer else "No document with a claim about these pairs is held.",
        links={one: addresses.of_document(one) for one in names},
    )  # fmt: skip
