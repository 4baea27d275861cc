"""The front page of the site: the country pairs, and what the site is for."""

from __future__ import annotations

from dataclasses import dataclass

from dagster_project.site import addresses
from dagster_project.site.context import File, PageContext, Pair
from dagster_project.site.pages import pair


@dataclass(frozen=True)
class Entry:
    """A pair, its balance in a sentence, and the query behind the sentence."""

    pair: Pair
    summary: str
    sql: str | None = None


def page(context: PageContext) -> list[File]:
    """The front page."""
    entries = [_entry(context, one) for one in context.outline.pairs]
    figures = [context.table("documents_counted", documents=sorted(context.outline.documents))]
    first = None
    if entries:
        kinds = context.bases(entries[0].pair).column("trade_kind")
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
    kinds = context.bases(one).column("trade_kind")
    if not kinds:
        return Entry(one, f"No figure for {one.label} is available.")
    spreads = pair.spreads_of(context, one, kinds[0])
    return Entry(one, pair.summary(spreads, None, kinds[0])[0], spreads.sql)
