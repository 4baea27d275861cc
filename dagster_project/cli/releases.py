"""`bilateral releases`: which are held, and what changed from one to another.

Belongs here: options, and which answer goes where. Does not belong here: what a change is
(SQL), reading releases (`figures/releases.py`).
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dagster_project.cli.app import DONE, Refused, TableFormat, app, asked, reported
from dagster_project.cli.writing import write_objects
from dagster_project.figures.values import to_json
from dagster_project.settings import load_settings

_LIST = "list"

Format = Annotated[TableFormat, typer.Option("--format", help="How to write the rows.")]


class _ListsUnlessToldOtherwise(TyperGroup):
    """Reads `releases us_census` as `releases list us_census`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [_LIST, *args]
        return super().parse_args(ctx, args)


releases = typer.Typer(
    cls=_ListsUnlessToldOtherwise,
    rich_markup_mode="markdown",
    help="""List the releases held, or compare two of one source.

    Example: `bilateral releases us_census`

    Example: `bilateral releases diff us_census 2017-01 2026-09`
    """,
)
app.add_typer(releases, name="releases")


@releases.command(_LIST)
@reported
def list_releases(
    source: Annotated[
        str | None, typer.Argument(metavar="[SOURCE]", help="One source; all without it.")
    ] = None,
    form: Format = TableFormat.table,
) -> int:
    """List every release on disk, shipped and fetched, the oldest first.

    Those that are not built yet are taken in by the next `bilateral build`.

    Example: `bilateral releases us_census --format csv`
    """
    from dagster_project.figures.releases import held_releases
    from dagster_project.figures.words import InputError

    try:
        held = held_releases(load_settings(), source)
    except InputError as error:
        raise Refused(str(error)) from error
    write_objects(
        held,
        form,
        {
            "source_id": "source",
            "release_id": "release",
            "known_from": "known from",
            "retrieved_on": "retrieved",
            "files": "files",
            "bytes": "bytes",
            "is_redistributable": "redistributable",
            "is_built": "built",
        },
    )
    return DONE


@releases.command("diff")
@reported
def diff(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The source of both.")],
    first: Annotated[str, typer.Argument(metavar="R1", help="The release to start from.")],
    second: Annotated[str, typer.Argument(metavar="R2", help="The release to compare with it.")],
    form: Format = TableFormat.table,
) -> int:
    """Show what a publisher said otherwise in a second release: every cell, old and new.

    Amounts are US dollars. Sums are given where cells may be added up: for one measure of one
    series at one level, over months or over years, for countries or for the world.

    Example: `bilateral releases diff us_census 2017-01 2026-09 --format csv`
    """
    from dagster_project.figures.releases import compare

    with asked() as replay:
        compared = compare(replay, source, first, second)
    if form is TableFormat.json:
        typer.echo(
            to_json(
                {
                    "source_id": compared.source_id,
                    "a_release_id": compared.a_release_id,
                    "b_release_id": compared.b_release_id,
                    "sums": compared.sums,
                    "cells": compared.cells,
                }
            )
        )
        return DONE
    counts = Counter(str(cell["change"]) for cell in compared.cells)
    counted = ", ".join(
        f"{counts[change]:,} {change}" for change in ("changed", "new", "withdrawn")
    )
    typer.echo(f"{source} {first} to {second}: {counted}.", err=form is TableFormat.csv)
    if form is TableFormat.table and compared.sums:
        typer.echo("\nSums, in US dollars")
        write_objects(
            compared.sums,
            form,
            {
                "leg_id": "series",
                "measure": "measure",
                "product_system": "level",
                "period_kind": "periods",
                "partners": "partners",
                "change": "change",
                "cells": "cells",
                "a_value_usd": "old",
                "b_value_usd": "new",
                "change_usd": "difference",
            },
        )
        typer.echo("\nCells, in US dollars")
    write_objects(
        compared.cells,
        form,
        {
            "leg_id": "series",
            "partner_code": "partner",
            "measure": "measure",
            "product_code": "product",
            "period": "period",
            "change": "change",
            "a_value_usd": "old",
            "b_value_usd": "new",
            "change_usd": "difference",
        },
    )
    return DONE
