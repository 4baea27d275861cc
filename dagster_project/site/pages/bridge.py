"""A bridge on a page: the waterfall from one balance to another, and the rows under its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster_project.site import addresses
from dagster_project.site.charts import bridge, theme
from dagster_project.site.context import KINDS, PageContext
from dagster_project.site.figure import Figure, Picture
from dagster_project.site.numbers import MILLIONS, millions, share
from dagster_project.site.queries import Answer


def named(basis_id: str | None) -> str:
    """A reading in a sentence."""
    return (basis_id or "a figure without a name").replace("_", " ")


def within(reason: str) -> str:
    """A reason as it stands after a colon."""
    return reason[:1].lower() + reason[1:]


def walk(context: PageContext, bridge_id: str) -> Answer:
    return context.ask("bridge_walk", bridge_id=bridge_id)


def waterfall(row: Mapping[str, Any], walked: Answer, context: PageContext, period: str) -> Figure:
    """The steps between two balances, drawn and listed.

    Args:
        row: the bridge, as in `bridges_of_year`.
        walked: its steps.
        period: what both balances cover.
    """
    bars = _bars(walked)
    has_steps = any(bar.is_step for bar in bars)
    figure_id = anchor(row)
    first, last = _ends(row)
    gap = millions(row["gap_usd"], signed=True)
    picture = None
    if has_steps:
        picture = Picture(
            summary=f"Waterfall from {first} to {last}: {causes(walked)}.",
            wide=bridge.draw(bars, figure_id),
        )
    cut = " The axis is cut: the bars of the two balances do not begin at zero."
    return Figure(
        id=figure_id,
        title=f"{period}: from {first} to {last}, {gap} million US dollars",
        unit=f"Balance in {KINDS[row['trade_kind']]}, {MILLIONS}. Each step is what one cause"
        " adds on the way." + (cut if has_steps and bridge.axis_of(bars).is_cut else ""),
        basis=context.basis("all products; each step is the difference of two rows", walked),
        answer=walked,
        picture=picture,
        columns=(
            "name", "amount_usd", "gap_share", "explanation", "before_usd", "after_usd",
            "before_series", "after_series",
        ),
        absence=None if has_steps else "No step lies between the two.",
    )  # fmt: skip


def raw_rows(row: Mapping[str, Any], context: PageContext) -> Figure:
    """What was read for each step, down to file, row and hash."""
    answer = context.ask("bridge_rows", bridge_id=row["bridge_id"])
    first, last = _ends(row)
    return Figure(
        id=f"{anchor(row)}-rows",
        title=f"Raw rows under the steps from {first} to {last}",
        unit="As published, each in its own unit.",
        basis=context.basis("each row as its publisher gave it", answer),
        answer=answer,
        columns=(
            "step", "snapshot_file", "row_number", "column_name", "reported_value",
            "reported_unit", "release_key", "snapshot_sha256",
        ),
        absence=None if answer else "No raw row is held under a step of it.",
    )  # fmt: skip


def anchor(row: Mapping[str, Any]) -> str:
    """The name of a bridge in its page, and of its files."""
    ends = (row["a_basis_id"] or "figure", row["b_basis_id"] or "figure")
    if row["a_basis_id"] == row["b_basis_id"]:
        ends = (ends[0], f"{row['a_release_key']} to {row['b_release_key']}")
    return addresses.anchor(f"bridge-{row['trade_kind']}-{ends[0]}-to-{ends[1]}")


def causes(walked: Answer) -> str:
    """The steps in words: freight and insurance −2,000.8 (100.0 %)."""  # noqa: RUF002
    steps = [row for row in walked.rows if row["role"] == "step"]
    return "; ".join(
        f"{row['name']} {millions(row['amount_usd'], signed=True)} ({share(row['gap_share'])})"
        for row in steps
    )


def _ends(row: Mapping[str, Any]) -> tuple[str, str]:
    names = named(row["a_basis_id"]), named(row["b_basis_id"])
    if names[0] != names[1]:
        return names
    # Two releases of one reading.
    return f"{names[0]} as of {row['a_release_key']}", f"{names[1]} as of {row['b_release_key']}"


def _bars(walked: Answer) -> list[bridge.Bar]:
    ends = [row for row in walked.rows if row["role"] != "step"]
    is_one_reading = len({row["name"] for row in ends}) == 1
    bars = []
    for row in walked.rows:
        if row["role"] == "step":
            bars.append(bridge.step(row["name"], row["before_usd"], row["amount_usd"]))
        else:
            name = row["release_key"] if is_one_reading else named(row["name"])
            bars.append(bridge.total(name, row["amount_usd"], theme.TOTAL))
    return bars
