"""Dots on one scale, one row each: the best and the worst of a ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from dagster_project.site.charts import theme
from dagster_project.site.numbers import plain

WIDTH = 350

_NAMES = 150
_NUMBER = 46
_ROW = 17


@dataclass(frozen=True)
class Dot:
    """A named value; `series` differ by shape as well as by colour."""

    series: str
    style: int
    name: str
    value: float


def draw(dots: Sequence[Dot], name: str) -> str:
    """The picture as SVG, on a scale from zero to the largest value.

    Raises:
        ValueError: there is nothing to draw.
    """
    if not dots:
        raise ValueError("A picture needs at least one dot.")
    rows = [
        {
            "name": dot.name,
            "value": dot.value,
            "number": plain(dot.value, 2),
            "place": (place + 0.5) * _ROW,
            "colour": theme.colour(dot.style),
            "shape": ("circle", "diamond")[dot.style % 2],
            "says": f"{dot.series}, {dot.name}: {plain(dot.value, 2)}",
        }
        for place, dot in enumerate(dots)
    ]
    plot = WIDTH - _NAMES - _NUMBER - 8
    data = theme.values(rows)
    y = alt.Y("place:Q", scale=None, axis=None)
    x = alt.X(
        "value:Q",
        axis=None,
        scale=alt.Scale(
            domain=[0, max(dot.value for dot in dots) or 1.0],
            range=[_NAMES, _NAMES + plot],
            nice=False,
        ),
    )
    colour = alt.Color("colour:N", scale=None)
    chart = alt.layer(
        alt.Chart(data, mark=alt.MarkDef("rule", color=theme.GRID, aria=False)).encode(
            x=x, x2=alt.datum(0), y=y
        ),
        alt.Chart(data, mark=alt.MarkDef("point", filled=True, size=55, opacity=1)).encode(
            x=x, y=y, color=colour, shape=alt.Shape("shape:N", scale=None), description="says:N"
        ),
        alt.Chart(
            data, mark=alt.MarkDef("text", align="left", dx=8, fontSize=10.5, aria=False)
        ).encode(x=x, y=y, text="number:N"),
        alt.Chart(
            data,
            mark=alt.MarkDef("text", align="left", fontSize=11, limit=_NAMES - 8, aria=False),
        ).encode(x=alt.value(0), y=y, text="name:N"),
    ).properties(width=WIDTH - 8, height=len(rows) * _ROW)
    return theme.draw(chart, name)
