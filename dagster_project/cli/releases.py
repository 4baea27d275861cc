"""`bilateral releases`: list the available releases, or compare two of them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dagster_project.cli.app import DONE, TableForm, TableFormat, app, handle_errors, open_replay
from dagster_project.cli.terminal import echo, print_error
from dagster_project.cli.writing import write_csv, write_objects
from dagster_project.questions.values import cell, to_json
from dagster_project.settings import load_settings

_LIST = "list"
_FIGURES_SHOWN = 200
_AMOUNTS = {"a_value_usd": "old", "b_value_usd": "new", "change_usd": "difference"}
_TITLES = {
    "product_code": "product",
    "period": "period",
    "change": "change",
    "cells": "figures",
}
_FIELDS = (
    "source_id",
    "a_release_id",
    "b_release_id",
    "change",
    "reporter_iso3",
    "partner_code",
    "flow",
    "series_code",
    "measure",
    "product_system",
    "product_code",
    "period",
    "a_value_usd",
    "b_value_usd",
    "change_usd",
    "raw_table",
    "series_key",
    "a_reference_id",
    "b_reference_id",
)


class _ListByDefault(TyperGroup):
    """Treat `releases us_census` as `releases list us_census`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [_LIST, *args]
        return super().parse_args(ctx, args)


releases = typer.Typer(
    cls=_ListByDefault,
    rich_markup_mode="markdown",
    help="""List the available releases, or compare two releases of one source.

    Example: `bilateral releases us_census`

    Example: `bilateral releases diff us_census 2017-01 2026-09`
    """,
)
app.add_typer(releases, name="releases")


@releases.command(_LIST)
@handle_errors
def list_releases(
    source: Annotated[
        str | None, typer.Argument(metavar="[SOURCE]", help="A source. Default: all sources.")
    ] = None,
    form: TableForm = TableFormat.table,
) -> int:
    """List every release on disk, bundled, fetched or imported, oldest first.

    The next `bilateral build` includes those that are not built yet.

    Example: `bilateral releases us_census --format csv`
    """
    from dagster_project.questions.releases import available_releases

    write_objects(
        available_releases(load_settings(), source),
        form,
        {
            "source_id": "source",
            "release_id": "release",
            "known_from": "known from",
            "retrieved_on": "retrieved",
            "files": "files",
            "is_redistributable": "reuse",
            "is_built": "built",
        },
    )
    return DONE


@releases.command("diff")
@handle_errors
def diff(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The source of both releases.")],
    first: Annotated[str, typer.Argument(metavar="R1", help="The earlier release.")],
    second: Annotated[str, typer.Argument(metavar="R2", help="The later release.")],
    form: TableForm = TableFormat.table,
) -> int:
    """Show every figure that a publisher changed, added or withdrew between two releases.

    Amounts are in US dollars. Sums cover figures that may be added up: one measure of one series
    at one level, over months or over years, for countries or for the world.

    Example: `bilateral releases diff us_census 2017-01 2026-09 --format csv`
    """
    from dagster_project.questions.releases import compare

    with open_replay() as replay:
        compared = compare(replay, source, first, second)
    if form is TableFormat.json:
        echo(
            to_json(
                {
                    "source_id": compared.source_id,
                    "a_release_id": compared.a_release_id,
                    "b_release_id": compared.b_release_id,
                    "sums": compared.sums,
                    "cells": compared.figures,
                }
            )
        )
        return DONE
    counts = Counter(str(one["change"]) for one in compared.figures)
    counted = ", ".join(
        f"{counts[change]:,} {change}" for change in ("changed", "new", "withdrawn")
    )
    echo(f"{source} {first} to {second}: {counted}.", err=form is TableFormat.csv)
    if form is TableFormat.csv:
        write_csv(
            list(_FIELDS), ([one[name] for name in _FIELDS] for one in compared.figures), sys.stdout
        )
    elif compared.figures:
        echo("\nSums, in US dollars")
        _show(
            compared.sums,
            ("series_code", "measure", "product_system", "period_kind", "partners"),
            ("change", "cells"),
        )
        echo("\nFigures, in US dollars")
        _show(
            compared.figures[:_FIGURES_SHOWN],
            ("series_code", "measure", "partner_code"),
            ("product_code", "period"),
        )
        if len(compared.figures) > _FIGURES_SHOWN:
            print_error(
                f"only the first {_FIGURES_SHOWN} of {len(compared.figures):,} figures are shown;"
                " --format csv writes all",
                "Note",
            )
    return DONE


def _show(
    rows: Sequence[Mapping[str, Any]], heading: tuple[str, ...], columns: tuple[str, ...]
) -> None:
    """Print old and new amounts under one heading per series, to fit a terminal.

    Without a column for the change, it takes the place of the missing amount.
    """

    def amount(row: Mapping[str, Any], name: str) -> str:
        if row[name] is not None:
            return f"{row[name]:,.0f}"
        return "" if "change" in columns else f"({row['change']})"

    lines = [
        [cell(row[name]) for name in columns] + [amount(row, name) for name in _AMOUNTS]
        for row in rows
    ]
    titles = [*(_TITLES[name] for name in columns), *_AMOUNTS.values()]
    widths = [max(map(len, column)) for column in zip(titles, *lines, strict=True)]

    def line(texts: Sequence[str]) -> str:
        left = [
            f"{text:<{width}}" for text, width in zip(texts[: len(columns)], widths, strict=False)
        ]
        right = [
            f"{text:>{width}}"
            for text, width in zip(texts[len(columns) :], widths[len(columns) :], strict=True)
        ]
        return f"  {'  '.join([*left, *right])}".rstrip()

    echo(line(titles))
    previous: list[str] | None = None
    for row, texts in zip(rows, lines, strict=True):
        series = [cell(row[name]) for name in heading]
        if series != previous:
            previous = series
            echo(", ".join(series))
        echo(line(texts))
