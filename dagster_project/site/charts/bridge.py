"""Horizontal bars with their names above them: bases side by side, or a bridge as a waterfall.

Horizontal bars leave space for the names of causes on a phone. One drawing serves all screens.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import altair as alt

from dagster_project.site.charts import theme
from dagster_project.site.numbers import millions

WIDTH = 350
_TEXT = 15
_BAR = 15
_GAP = 9
# A name is wrapped before it meets the amount at the right edge.
_LETTERS = 38
# Steps below this share of the largest amount are invisible beside bars from zero.
_VISIBLE = Decimal("0.12")


@dataclass(frozen=True)
class Bar:
    """One bar from `start` to `end` in US dollars; a total starts at the axis.

    `amount_usd` is the label, with its sign if the bar is a step.
    """

    name: str
    amount_usd: Decimal
    start: Decimal
    end: Decimal
    colour: str
    is_step: bool = False
    is_strong: bool = False

    @property
    def written(self) -> str:
        return millions(self.amount_usd, signed=self.is_step)


@dataclass(frozen=True)
class Axis:
    """The amounts at both edges; if truncated, bars of totals do not start at zero."""

    low: Decimal
    high: Decimal
    base: Decimal

    @property
    def is_cut(self) -> bool:
        return self.base != 0


@dataclass(frozen=True)
class Place:
    """The position of a bar in pixels from the top: its first line of text, its own top."""

    text: float
    bar: float
    lines: tuple[str, ...]


def total(name: str, usd: Decimal, colour: str, *, is_strong: bool = False) -> Bar:
    """A bar from zero."""
    return Bar(name, usd, Decimal(0), usd, colour, is_strong=is_strong)


def step(name: str, before: Decimal, amount: Decimal) -> Bar:
    """A floating bar from the figure before a step to the one after it."""
    shade = theme.UP if amount >= 0 else theme.DOWN
    return Bar(name, amount, before, before + amount, shade, is_step=True)


def axis_of(bars: Sequence[Bar]) -> Axis:
    """An axis from zero if the steps are visible on it, else one truncated close to them."""
    ends = [bar.end for bar in bars] + [bar.start for bar in bars if bar.is_step]
    low, high = min(ends), max(ends)
    largest = max(abs(low), abs(high))
    has_steps = any(bar.is_step for bar in bars)
    if not has_steps or low <= 0 <= high or high - low >= largest * _VISIBLE:
        return Axis(min(low, Decimal(0)), max(high, Decimal(0)), Decimal(0))
    # Space for the totals on the side of zero.
    margin = (high - low) or largest / 100
    if high < 0:
        return Axis(low - margin / 10, high + margin, high + margin)
    return Axis(low - margin, high + margin / 10, low - margin)


def places_of(bars: Sequence[Bar]) -> list[Place]:
    """Rows from the top, each as high as its name needs."""
    top, placed = 0.0, []
    for bar in bars:
        lines = tuple(textwrap.wrap(bar.name, _LETTERS)) or ("",)
        placed.append(Place(top, top + len(lines) * _TEXT + 1, lines))
        top = placed[-1].bar + _BAR + _GAP
    return placed


def draw(bars: Sequence[Bar], name: str) -> str:
    """The bars as SVG. A thin line joins consecutive steps.

    Raises:
        ValueError: there is nothing to draw.
    """
    if not bars:
        raise ValueError("A picture needs at least one bar.")
    axis, places = axis_of(bars), places_of(bars)
    height = places[-1].bar + _BAR + 2
    # Two equal amounts need a scale, too.
    span = (axis.high - axis.low) or Decimal(1)
    drawn = WIDTH - 10

    def across(usd: Decimal) -> float:
        return round(float((usd - axis.low) / span) * drawn, 1)

    rows, texts = [], []
    for bar, place in zip(bars, places, strict=True):
        start = bar.start if bar.is_step else axis.base
        texts += _texts(bar, place, drawn)
        edges = sorted((across(start), across(bar.end)))
        rows.append(
            {
                "x": edges[0],
                # At least one pixel wide.
                "x2": max(edges[1], edges[0] + 1),
                "y": place.bar,
                "y2": place.bar + _BAR,
                "colour": bar.colour,
                "says": f"{bar.name}, {bar.written} million US dollars",
            }
        )
    rules = [
        # From the end of one bar to the next.
        _rule(across(one.end), place.bar + _BAR, below.bar)
        for one, place, other, below in zip(bars, places, bars[1:], places[1:], strict=False)
        if one.is_step or other.is_step
    ]
    if axis.is_cut:
        # A bar that does not reach zero has a break near its start.
        at = across(axis.base) + (-9 if axis.base == axis.high else 9)
        rules += [
            _rule(at, place.bar - 1, place.bar + _BAR + 1, theme.PAPER, 4)
            for bar, place in zip(bars, places, strict=True)
            if not bar.is_step
        ]
    else:
        zero = across(Decimal(0))
        rules += [_rule(zero, place.bar - 3, place.bar + _BAR + 3) for place in places]
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, drawn], nice=False, zero=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, height], reverse=True, nice=False))
    chart = alt.layer(
        alt.Chart(theme.values(rows), mark=alt.MarkDef("bar")).encode(
            x, alt.X2("x2:Q"), y, _Y2, _COLOUR, alt.Description("says:N")
        ),
        alt.Chart(
            theme.values(rules), mark=alt.MarkDef("rule", aria=False, strokeWidth=_of("width"))
        ).encode(x, y, _Y2, _COLOUR),
        alt.Chart(
            theme.values(texts),
            mark=alt.MarkDef(
                "text", baseline="top", aria=False, fontWeight=_of("weight"), align=_of("align")
            ),
        ).encode(x, y, alt.Text("text:N")),
    )
    return theme.draw(chart.properties(width=drawn, height=height), name)


# An explicit channel takes Altair a tenth of the time of one inferred from a string.
_Y2 = alt.Y2("y2:Q")
_COLOUR = alt.Color("colour:N", scale=None)


def _of(field: str) -> alt.ExprRef:
    return alt.expr(f"datum.{field}")


def _rule(
    x: float, y: float, y2: float, colour: str = theme.QUIET, width: float = 1
) -> dict[str, object]:
    return {"x": x, "y": y, "y2": y2, "colour": colour, "width": width}


def _texts(bar: Bar, place: Place, right: float) -> Iterator[dict[str, object]]:
    weight = "bold" if bar.is_strong else "normal"
    for at, line in enumerate(place.lines):
        y = place.text + _TEXT * at
        yield {"x": 0, "y": y, "text": line, "weight": weight, "align": "left"}
    yield {"x": right, "y": place.text, "text": bar.written, "weight": weight, "align": "right"}
