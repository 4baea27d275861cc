"""The reference pages: sources and releases, marts, columns and codes."""

from __future__ import annotations

from dagster_project.site import addresses
from dagster_project.site.context import File, PageContext
from dagster_project.site.figure import Basis, Figure


def sources(context: PageContext) -> list[File]:
    """The page of the sources and their releases."""
    answer = context.ask("sources")
    releases = context.ask("releases")
    inputs = context.ask("inputs")
    rejects = context.ask("rejects")
    available = [row for row in answer.rows if row["releases"]]
    return context.page(
        addresses.SOURCES,
        "sources.html",
        title="Sources and releases",
        figures=[
            Figure(
                id="sources",
                title="Sources, datasets and terms",
                unit="Observations are published figures in all releases: a figure counts once"
                " per release.",
                basis=_own(context, "files in the warehouse"),
                answer=answer,
                columns=(
                    "source_id", "publisher", "dataset", "releases", "observations",
                    "latest_known_from", "last_period_end", "may_be_republished",
                ),
                absence=None if answer else "The warehouse has no sources.",
            ),
            Figure(
                id="releases",
                title="Releases: dates and addresses",
                unit="Known from is the first day on which a release was certainly published. If"
                " only its month or year is known, it is the last day of that period. A composed"
                " file is reconstructed: published figures in the publisher's format, not the"
                " original download.",
                basis=_own(context, "files in the warehouse"),
                answer=releases,
                columns=(
                    "source_id", "release_id", "known_from", "known_from_precision",
                    "first_period_start", "last_period_end", "observations", "withdrawn",
                    "is_composed", "may_be_republished", "address",
                ),
                absence=None if releases else "No release is available.",
            ),
            Figure(
                id="inputs",
                title="Releases without observations",
                unit="Articles, printed documents by file, and world trade reports. World trade"
                " reports are compared and not listed by figure.",
                basis=_own(context, "files behind the publication"),
                answer=inputs,
                absence=None if inputs else "Every release has observations.",
            ),
            Figure(
                id="rejects",
                title="Rejected rows",
                unit="Rows of the publishers' files that could not be used, by reason; the 100"
                " most frequent reasons.",
                basis=_own(context, "files in the warehouse"),
                answer=rejects,
                absence=None if rejects else "No row was rejected.",
            ),
        ],
        available=available,
        cited=releases.rows[0] if releases else None,
    )  # fmt: skip


def dictionary(context: PageContext) -> list[File]:
    """The page of the marts, their columns, and the meaning of their codes."""
    marts = context.ask("marts")
    names = marts.column("table_name")
    return context.page(
        addresses.DICTIONARY,
        "dictionary.html",
        title="Data dictionary of the marts",
        figures=[
            Figure(
                id="marts",
                title="Marts",
                unit="Tables for queries. The key identifies each row.",
                basis=_own(context, "comments stored with the tables"),
                answer=marts,
                links={name: f"#{name}" for name in names},
            ),
            *(
                Figure(
                    id=row["table_name"],
                    title=f"marts.{row['table_name']}",
                    unit=row["meaning"] or "",
                    basis=_own(context, "comments stored with the columns"),
                    answer=context.ask("mart_columns", mart=row["table_name"]),
                )
                for row in marts.rows
            ),
            Figure(
                id="functions",
                title="Functions",
                unit="The marts as known on a date, and one flow of world trade.",
                basis=_own(context, "functions stored beside the marts"),
                answer=context.ask("mart_functions"),
            ),
            Figure(
                id="codes",
                title="Codes",
                unit="The meaning of the codes in coded columns.",
                basis=_own(context, "lists that ship with the warehouse"),
                answer=context.ask("codes"),
            ),
        ],
        names=names,
    )


def _own(context: PageContext, basis: str) -> Basis:
    """The basis of metadata of the warehouse, which has no publisher's release."""
    return Basis(
        basis=basis,
        release=f"publication {context.publication['content_hash'][:16]}",
        source="the published warehouse itself",
    )
