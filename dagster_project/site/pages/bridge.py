"""A bridge on a page: the waterfall between two balances, and the source rows of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster_project.site import addresses
from dagster_project.site.charts import bridge, theme
from dagster_project.site.context import KINDS, PageContext
from dagster_project.site.figure import Figure, Picture
from dagster_project.site.numbers import basis_name, millions, share
from dagster_project.site.queries import Answer


def named(basis_id: str | None) -> str:
    """A basis in a sentence."""
    return basis_name(basis_id) if basis_id else "unnamed basis"


def within(reason: str) -> str:
    """A reason as written after a colon."""
    return reason[:1].lower() + reason[1:]


def steps_of(context: PageContext, bridge_id: str) -> Answer:
    """The two ends of a bridge and the steps between them, in order."""
    return context.ask("bridge_steps", bridge_id=bridge_id)


def waterfall(row: Mapping[str, Any], steps: Answer, context: PageContext, period: str) -> Figure:
    """The steps between two balances, drawn and listed.

    Args:
        row: the bridge, as in `bridges_of_year`.
        steps: its ends and steps.
        period: what both balances cover.
    """
    bars = _bars(steps)
    has_steps = any(bar.is_step for bar in bars)
    figure_id = anchor(row)
    first, last = _ends(row)
    picture = None
    if has_steps:
        picture = Picture(
            summary=f"Waterfall from {first} to {last}: {causes(steps)}.",
            wide=bridge.draw(bars, figure_id),
        )
    return context.figure(
        steps,
        figure_id=figure_id,
        picture=picture,
        absence=None if has_steps else "No steps between the two are available.",
        period=period,
        start=first,
        end=last,
        gap=millions(row["gap_usd"], signed=True),
        kind=KINDS[row["trade_kind"]],
        is_cut=has_steps and bridge.axis_of(bars).is_cut,
    )


def raw_rows(row: Mapping[str, Any], context: PageContext) -> Figure:
    """The source values of each step, with file, row and hash."""
    answer = context.ask("bridge_rows", bridge_id=row["bridge_id"])
    first, last = _ends(row)
    return context.figure(answer, figure_id=f"{anchor(row)}-rows", start=first, end=last)


def anchor(row: Mapping[str, Any]) -> str:
    """The id of a bridge on its page and in file names."""
    ends = (row["a_basis_id"] or "figure", row["b_basis_id"] or "figure")
    if row["a_basis_id"] == row["b_basis_id"]:
        ends = (ends[0], f"{row['a_release_key']} to {row['b_release_key']}")
    return addresses.anchor(f"bridge-{row['trade_kind']}-{ends[0]}-to-{ends[1]}")


def causes(steps: Answer) -> str:
    """The steps in words: freight and insurance −2,000.8 (100.0 %)."""  # noqa: RUF002
    rows = [row for row in steps.rows if row["role"] == "step"]
    return "; ".join(
        f"{row['name']} {millions(row['amount_usd'], signed=True)} ({share(row['gap_share'])})"
        for row in rows
    )


def _ends(row: Mapping[str, Any]) -> tuple[str, str]:
    names = named(row["a_basis_id"]), named(row["b_basis_id"])
    if names[0] != names[1]:
        return names
    # Two releases of one basis.
    return f"{names[0]} as of {row['a_release_key']}", f"{names[1]} as of {row['b_release_key']}"


def _bars(steps: Answer) -> list[bridge.Bar]:
    ends = [row for row in steps.rows if row["role"] != "step"]
    is_one_basis = len({row["name"] for row in ends}) == 1
    bars = []
    for row in steps.rows:
        if row["role"] == "step":
            bars.append(bridge.step(row["name"], row["before_usd"], row["amount_usd"]))
        else:
            name = row["release_key"] if is_one_basis else named(row["name"])
            bars.append(bridge.total(name, row["amount_usd"], theme.TOTAL))
    return bars
