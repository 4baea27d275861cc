"""Horizontal bars in groups: the figures of one subject in several series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import altair as alt

from dagster_project.site.charts import theme
from dagster_project.site.numbers import MILLION, millions

WIDTH = 350

_BAR = 13
_HEAD = 16
_GAP = 9
# Width of a character of the amount after a bar.
_CHARACTER = 5.4


@dataclass(frozen=True)
class Bar:
    """One series of a group: its name, its style, its US dollars if available."""

    series: str
    style: int
    usd: Decimal | float | None


@dataclass(frozen=True)
class Group:
    """One subject and its series in the order of the legend."""

    head: str
    bars: Sequence[Bar]


def draw(groups: Sequence[Group], name: str) -> str:
    """The picture as SVG, its amounts in millions of US dollars.

    Raises:
        ValueError: there is nothing to draw.
    """
    heads, bars, place = [], [], 0
    for group in groups:
        heads.append({"head": group.head, "top": place + _HEAD / 2})
        place += _HEAD
        for bar in group.bars:
            if bar.usd is None:
                continue
            bars.append(
                {
                    "usd": bar.usd,
                    "after": max(bar.usd, 0),
                    "top": place + 1,
                    "bottom": place + _BAR - 1,
                    "middle": place + _BAR / 2,
                    "colour": theme.colour(bar.style),
                    "amount": f"{millions(bar.usd)} {bar.series}",
                    "says": f"{bar.series}, {group.head}: {millions(bar.usd)} {MILLION}",
                }
            )
            place += _BAR
        place += _GAP
    if not bars:
        raise ValueError("A picture needs at least one bar.")
    low = min(0.0, *(float(bar["usd"]) for bar in bars))
    high = max(0.0, *(float(bar["usd"]) for bar in bars))
    extent = (high - low) or 1.0
    margin = (max(len(str(bar["amount"])) for bar in bars) * _CHARACTER + 10) / WIDTH
    scale = alt.Scale(domain=[low, high + extent * margin / (1 - margin)], nice=False)
    x = alt.X("usd:Q", scale=scale, axis=None)
    data = theme.values(bars)
    chart = alt.layer(
        alt.Chart(data, mark=alt.MarkDef("bar")).encode(
            x=x,
            x2=alt.datum(0),
            y=alt.Y("top:Q", scale=None, axis=None),
            y2="bottom:Q",
            color=alt.Color("colour:N", scale=None),
            description="says:N",
        ),
        alt.Chart(
            data, mark=alt.MarkDef("text", align="left", dx=4, fontSize=10.5, baseline="middle")
        ).encode(
            x=alt.X("after:Q", scale=scale, axis=None),
            y=alt.Y("middle:Q", scale=None, axis=None),
            text="amount:N",
            description="says:N",
        ),
        alt.Chart(
            theme.values(heads),
            mark=alt.MarkDef(
                "text", align="left", fontSize=11.5, fontWeight=600, limit=WIDTH - 8, aria=False
            ),
        ).encode(x=alt.value(0), y=alt.Y("top:Q", scale=None, axis=None), text="head:N"),
    ).properties(width=WIDTH - 8, height=place)
    return theme.draw(chart, name)
