"""The reference pages: sources and releases, marts, columns and codes."""

from __future__ import annotations

from dagster_project.site import addresses
from dagster_project.site.context import File, PageContext


def sources(context: PageContext) -> list[File]:
    """The page of the sources and their releases."""
    figures = [
        context.table(query) for query in ("sources", "releases", "inputs", "findings", "rejects")
    ]
    listed, releases = (one.answer.rows for one in figures[:2])
    return context.page(
        addresses.SOURCES,
        "sources.html",
        title="Sources and releases",
        figures=figures,
        available=[row for row in listed if row["releases"]],
        cited=releases[0] if releases else None,
    )


def dictionary(context: PageContext) -> list[File]:
    """The page of the marts, their columns, and the meaning of their codes."""
    marts = context.ask("marts")
    names = marts.column("table_name")
    return context.page(
        addresses.DICTIONARY,
        "dictionary.html",
        title="Data dictionary of the marts",
        figures=[
            context.figure(marts, links={name: f"#{name}" for name in names}),
            *(
                context.table("mart_columns", mart=row["table_name"], meaning=row["meaning"] or "")
                for row in marts.rows
            ),
            context.table("mart_functions"),
            context.table("codes"),
        ],
        names=names,
    )
