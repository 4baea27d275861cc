"""The pages to look things up in: sources and releases, marts, columns and codes."""

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
    held = [row for row in answer.rows if row["releases"]]
    return context.page(
        addresses.SOURCES,
        "sources.html",
        title="Sources and releases",
        figures=[
            Figure(
                id="sources",
                title="Sources: who publishes what, and on which terms",
                unit="Observations are figures as published, over all releases: the same cell"
                " counts once a release.",
                basis=_own(context, "files held by the warehouse"),
                answer=answer,
                columns=(
                    "source_id", "publisher", "dataset", "releases", "observations",
                    "latest_known_from", "last_period_end", "may_be_republished",
                ),
                absence=None if answer else "The warehouse knows no source.",
            ),
            Figure(
                id="releases",
                title="Releases: what was known when, and where it was published",
                unit="Known from is the first day on which a release was surely out: where only"
                " the month or year is on record, the last day of it. A composed file has the"
                " publisher's figures in the publisher's layout, and not its bytes.",
                basis=_own(context, "files held by the warehouse"),
                answer=releases,
                columns=(
                    "source_id", "release_id", "known_from", "known_from_precision",
                    "first_period_start", "last_period_end", "observations", "withdrawn",
                    "is_composed", "may_be_republished", "address",
                ),
                absence=None if releases else "No release is held.",
            ),
            Figure(
                id="inputs",
                title="Releases without observations of their own",
                unit="Documents, printed pages by their file, and whole reports of the world's"
                " trade, which are compared and not listed figure by figure.",
                basis=_own(context, "files the publication was made from"),
                answer=inputs,
                absence=None if inputs else "Every release brought observations.",
            ),
            Figure(
                id="rejects",
                title="Rows that could not be used",
                unit="Rows of the publishers' files, by the reason for which they were left out;"
                " the hundred most frequent.",
                basis=_own(context, "files held by the warehouse"),
                answer=rejects,
                absence=None if rejects else "Every row of every file held could be used.",
            ),
        ],
        held=held,
        cited=releases.rows[0] if releases else None,
    )  # fmt: skip


def dictionary(context: PageContext) -> list[File]:
    """The page of the marts, their columns, and what the codes in them mean."""
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
                unit="Tables to be asked; the key names each row once.",
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
                unit="The marts as known on a day, and one flow of the world's trade.",
                basis=_own(context, "functions stored beside the marts"),
                answer=context.ask("mart_functions"),
            ),
            Figure(
                id="codes",
                title="Codes",
                unit="What the short words in coded columns stand for.",
                basis=_own(context, "lists that ship with the warehouse"),
                answer=context.ask("codes"),
            ),
        ],
        names=names,
    )


def _own(context: PageContext, basis: str) -> Basis:
    """What the warehouse says of itself: no publisher's release stands behind it."""
    return Basis(
        basis=basis,
        release=f"publication {context.publication['content_hash'][:16]}",
        source="the published warehouse itself",
    )
