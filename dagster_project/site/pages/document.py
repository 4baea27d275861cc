"""The page of an article: all its figures with their verdicts, and its contradictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from dagster_project.claims.cells import document_name, figure_of
from dagster_project.claims.words import in_words, listed
from dagster_project.site import addresses
from dagster_project.site.context import KINDS, File, Link, PageContext
from dagster_project.site.numbers import ABSENT, basis_name, compared
from dagster_project.site.pages.claim import pair_of
from dagster_project.site.pages.contradictions import (
    claim_links,
    contradicting_figures,
    contradictions_in_words,
)
from dagster_project.site.queries import Answer

Row = Mapping[str, Any]

# From confirmed to not confirmed.
STATUSES = (
    "confirmed",
    "revised",
    "other_basis",
    "ambiguous",
    "mislabelled",
    "contradicted",
    "undetermined",
    "out_of_scope",
)

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def page(context: PageContext, document_id: str) -> list[File]:
    """The page of one article."""
    answer = context.ask("document", document=document_id)
    bases = context.ask("document_bases", document=document_id)
    first = answer.rows[0]
    figures = [
        context.figure(answer),
        *contradicting_figures(context, document_id),
        *([context.figure(bases)] if bases else []),
    ]
    pairs = {one.label: one for row in answer.rows if (one := pair_of(context, row))}
    return context.page(
        addresses.of_document(document_id),
        "document.html",
        title=f"Figures in {document_name(first)}",
        trail=[
            Link(label, addresses.of_pair(one.reporter, one.partner))
            for label, one in list(pairs.items())[:1]
        ],
        figures=figures,
        counts=_counts(answer),
        has_contradictions=any(one.id == "inconsistencies" for one in figures),
        contradictions=contradictions_in_words(context, figures),
        claims=[_claim_in_words(context, row) for row in answer.rows],
        sentences=[list(parts) for parts in _sentences(context, answer.rows)],
        address=_web_address(first["document_address"]),
        sources=[_source(context, list(rows)) for _, rows in groupby(bases.rows, _source_key)],
    )


def counted(number: int, noun: str) -> str:
    """A number in words up to ten, with its noun: two figures."""
    return f"{_number(number)} {noun}{'' if number == 1 else 's'}"


def _number(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else f"{number:,}"


def _counts(answer: Answer) -> str:
    """The number of verdicts by status, in the order of `STATUSES`."""
    by_status = {row["status"]: row["with_status"] for row in answer.rows}
    order = [one for one in STATUSES if one in by_status]
    order += [one for one in by_status if one not in STATUSES]
    parts = [f"{_number(by_status[one])} {in_words(one)}" for one in order]
    return f"{counted(answer.rows[0]['claims'], 'figure').capitalize()}: {listed(parts)}."


def _sentences(context: PageContext, rows: Sequence[Row]) -> Iterator[Iterator[dict[str, Any]]]:
    """The quoted sentences of an imported article, each in pieces: words, and figures."""
    quoted = [row for row in rows if row["quoted"]]
    for says, figures in groupby(quoted, itemgetter("says")):
        yield _pieces(context, says, list(figures))


def _web_address(address: str | None) -> str | None:
    """The address of an article, if a page may link to it."""
    return address if address and address.startswith(("https://", "http://")) else None


def _pieces(context: PageContext, says: str, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    position = 0
    for row in rows:
        start = says.find(row["quoted"], position)
        if start < 0:
            # The end of a long sentence is not stored.
            continue
        end = start + len(row["quoted"])
        yield {"text": says[position:start]}
        yield {
            "text": says[start:end],
            "path": claim_links(context, [row["claim_id"]])[0][1],
            "status": row["status"],
            "words": in_words(row["status"]),
            "is_open": row["confidence"] == "open",
        }
        position = end
    yield {"text": says[position:]}


def _claim_in_words(context: PageContext, row: Row) -> dict[str, Any]:
    return {
        "link": claim_links(context, [row["claim_id"]])[0],
        "figure": figure_of(row),
        # The sentence of an imported article is quoted above the table.
        "says": f"{in_words(row['measure'])}, {row['period']}"
        if row["quoted"]
        else row["says"] or ABSENT,
        "attributed_to": row["attributed_to"],
        "status": row["status"],
        "words": in_words(row["status"]),
        "found": compared(row["value"], row["unit"], row["rounding"]),
        "basis": basis_name(row["basis_id"]) if row["basis_id"] else ABSENT,
        "products": row["definition_name"],
    }


def _source_key(row: Row) -> tuple[str, str]:
    return row["attributed_to"] or "", row["trade_kind"]


def _source(context: PageContext, rows: Sequence[Row]) -> dict[str, Any]:
    """Which bases one attributed source uses, and whether it uses only one."""
    first = rows[0]
    return {
        "who": first["attributed_to"] or "The article itself",
        "kind": KINDS.get(first["trade_kind"], first["trade_kind"]),
        "is_one": first["bases_of_source"] == 1,
        "bases": [
            {
                "name": basis_name(row["basis_id"]),
                "claims": claim_links(context, row["claim_ids"]),
            }
            for row in rows
        ],
    }
