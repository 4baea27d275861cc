"""The range of a quoted figure as a band, and candidates as dots: the chart of a claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import altair as alt

from dagster_project.site.charts import theme

_WIDTH = 344
_ROW = 38
_ROWS = 8
_MIDDLE = 0.6
# A cross of two strokes differs from a disc and a diamond in shape.
_CROSS = "M-0.8,-0.8L0.8,0.8M0.8,-0.8L-0.8,0.8"
_MARKS = {
    "exact": ("circle", "var(--good)", "var(--good)"),
    "possible": ("diamond", "var(--open)", theme.PAPER),
    "none": (_CROSS, "var(--bad)", "transparent"),
}


@dataclass(frozen=True)
class Band:
    """The quoted figure and its range after hedges and rounding."""

    low: Decimal
    high: Decimal
    low_is_closed: bool
    high_is_closed: bool
    printed: Decimal


@dataclass(frozen=True)
class Dot:
    """A candidate: its series, its value in the unit of the quoted figure, its fit, its text."""

    name: str
    value: Decimal
    fit: str
    label: str
    says: str


def near(band: Band, dots: Sequence[Dot]) -> list[Dot]:
    """The dots that a chart of the band can show, the nearest first.

    A much more distant dot would shrink the band to a line.
    """
    ordered = sorted(dots, key=lambda one: (_distance(band, one.value), one.name))
    if not ordered:
        return []
    reach = max(
        (band.high - band.low) * 6,
        abs(band.printed) / 4,
        _distance(band, ordered[0].value) * Decimal("1.25"),
    )
    return [one for one in ordered if _distance(band, one.value) <= reach][:_ROWS]


def draw(band: Band, dots: Sequence[Dot], unit: str, name: str) -> str:
    """The picture as SVG, one row per dot, its axis in the unit of the quoted figure.

    Raises:
        ValueError: there is nothing to draw.
    """
    if not dots:
        raise ValueError("A picture needs at least one dot.")
    height = _ROW * len(dots)
    low, high = _domain(band, dots)
    x = alt.X(
        "value:Q",
        title=unit,
        scale=alt.Scale(domain=[low, high], nice=False, zero=False),
        axis=alt.Axis(tickCount=5, format="~r" if max(abs(low), abs(high)) < 1e4 else ",~r"),
    )
    y = alt.Y("row:Q", axis=None, scale=alt.Scale(domain=[len(dots), 0], nice=False))
    chart = alt.layer(*_band(band, x, height), *_rows(dots, x, y, low, high))
    return theme.draw(chart.properties(width=_WIDTH, height=height), name)


def _distance(band: Band, value: Decimal) -> Decimal:
    return max(band.low - value, value - band.high, Decimal(0))


def _domain(band: Band, dots: Sequence[Dot]) -> tuple[float, float]:
    places = [band.low, band.high, *(one.value for one in dots)]
    low, high = float(min(places)), float(max(places))
    margin = max(high - low, float(band.high - band.low), 1e-6) * 0.08
    return low - margin, high + margin


def _band(band: Band, x: alt.X, height: int) -> Iterator[alt.Chart]:
    yield alt.Chart(
        theme.values([{"value": band.low, "end": band.high}]),
        mark=alt.MarkDef(
            "rect", color="var(--accent)", opacity=0.18, description="Range after rounding"
        ),
    ).encode(x=x, x2="end:Q", y=alt.value(0), y2=alt.value(height))
    yield alt.Chart(
        theme.values(
            [
                # An end that is excluded has a dashed line.
                {"value": band.low, "dash": [1, 0] if band.low_is_closed else [3, 3]},
                {"value": band.high, "dash": [1, 0] if band.high_is_closed else [3, 3]},
            ]
        ),
        mark=alt.MarkDef("rule", color="var(--accent)", strokeWidth=1.2, aria=False),
    ).encode(x=x, strokeDash=alt.StrokeDash("dash:N", scale=None))


def _rows(dots: Sequence[Dot], x: alt.X, y: alt.Y, low: float, high: float) -> Iterator[alt.Chart]:
    rows = []
    for place, one in enumerate(dots):
        shape, stroke, fill = _MARKS.get(one.fit, _MARKS["none"])
        # The label is on the side with more space.
        is_left = (float(one.value) - low) / (high - low) < _MIDDLE
        rows.append(
            {
                "row": place + 0.7,
                "name_row": place + 0.26,
                "value": one.value,
                "name": one.name,
                "label": one.label,
                "says": f"{one.name}, {one.says}",
                "shape": shape,
                "stroke": stroke,
                "fill": fill,
                "align": "left" if is_left else "right",
                "dx": 9 if is_left else -9,
            }
        )
    data = theme.values(rows)
    yield alt.Chart(data, mark=alt.MarkDef("rule", color=theme.GRID, aria=False)).encode(
        y=y, x=alt.value(0), x2=alt.value("width")
    )
    yield alt.Chart(
        data,
        mark=alt.MarkDef(
            "text",
            align="left",
            baseline="middle",
            limit=_WIDTH,
            aria=False,
            # A paper-coloured outline keeps the name legible across the band.
            stroke=theme.PAPER,
            strokeWidth=4,
            strokeJoin="round",
        ),
    ).encode(x=alt.value(0), y=alt.Y("name_row:Q", axis=None), text="name:N")
    yield alt.Chart(data, mark=alt.MarkDef("point", strokeWidth=2, size=70, opacity=1)).encode(
        x=x,
        y=y,
        shape=alt.Shape("shape:N", scale=None),
        stroke=alt.Stroke("stroke:N", scale=None),
        fill=alt.Fill("fill:N", scale=None),
        description="says:N",
    )
    yield alt.Chart(
        data,
        mark=alt.MarkDef(
            "text",
            align=alt.ExprRef("datum.align"),
            dx=alt.ExprRef("datum.dx"),
            baseline="middle",
            fontWeight="bold",
            aria=False,
        ),
    ).encode(x=x, y=y, text="label:N")
