"""Lines by year, one per basis, with quoted figures as dots: the chart of a pair."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import altair as alt

from dagster_project.site.charts import theme
from dagster_project.site.numbers import IN_BILLIONS, Money

_HEIGHT = {theme.WIDE: 380, theme.NARROW: 320}
_NAMES = {theme.WIDE: 130, theme.NARROW: 96}
_NAME_HEIGHT = 15
_LETTERS = {theme.WIDE: 15, theme.NARROW: 14}
_AXIS = 36


@dataclass(frozen=True)
class Line:
    """One series: US dollars by year, its style, whether it is the preferred one."""

    name: str
    style: int
    is_strong: bool
    points: Sequence[tuple[int, Decimal]]

    @property
    def has_stretch(self) -> bool:
        """Whether it has two consecutive years."""
        years = {year for year, _ in self.points}
        return any(year + 1 in years for year in years)


@dataclass(frozen=True)
class Dot:
    """A quoted figure in US dollars at its year; without a style it is hollow and on no line."""

    name: str
    year: int
    usd: Decimal
    style: int | None


def draw(
    lines: Sequence[Line],
    dots: Sequence[Dot],
    width: int,
    name: str,
    money: Money = IN_BILLIONS,
) -> str:
    """The picture as SVG, its axis in the given unit of US dollars.

    Raises:
        ValueError: there is nothing to draw.
    """
    lines = [line for line in lines if line.points]
    years = [year for line in lines for year, _ in line.points] + [dot.year for dot in dots]
    if not years:
        raise ValueError("A picture needs at least one point.")
    first, last = min(years), max(years)
    amounts = [*(usd for line in lines for _, usd in line.points), *(dot.usd for dot in dots)]
    low, high = _range(amounts, money)
    # A single year needs space on both sides.
    x = alt.X(
        "year:Q",
        title=None,
        scale=alt.Scale(domain=[first - (first == last), last + (first == last)], nice=False),
        axis=alt.Axis(format="d", grid=False, tickMinStep=1, tickCount=8 if width > 500 else 4),
    )
    scale = alt.Scale(domain=[low, high], nice=False)
    y = alt.Y("amount:Q", title=None, scale=scale, axis=alt.Axis(tickCount=6, format="~r"))
    plot = _HEIGHT[width]
    # The bold line is drawn over the others.
    ordered = sorted(lines, key=lambda one: one.is_strong)
    names = list(_names(ordered, low, high, width, money))
    layers = [
        _layer([{"amount": 0, "colour": theme.QUIET}], "rule", aria=False).encode(
            alt.Y("amount:Q", scale=scale), _COLOUR
        ),
        _layer(names, "rule", aria=False, strokeDash=[1, 2]).encode(
            x, alt.X2(value="width"), alt.Y("end:Q", scale=scale), alt.Y2("amount:Q"), _COLOUR
        ),
        _layer([row for line in ordered for row in _stretches(line, money)], "line").encode(
            x,
            y,
            _COLOUR,
            alt.Detail("stretch:N"),
            alt.StrokeDash("dash:N", scale=None),
            alt.StrokeWidth("width:Q", scale=None),
            alt.Description("name:N"),
        ),
        _layer([row for line in ordered for row in _points(line, money)], "circle").encode(
            x, y, _COLOUR, alt.Size("size:Q", scale=None), alt.Description("says:N")
        ),
        _layer(
            [_dot(dot, money) for dot in dots],
            "point",
            filled=True,
            size=70,
            stroke=alt.expr("datum.edge"),
            strokeWidth=1.6,
            opacity=1,
        ).encode(x, y, _COLOUR, alt.Description("says:N")),
        _layer(names, "text", align="left", dx=4, fontWeight=alt.expr("datum.weight")).encode(
            alt.XValue("width"), y, _COLOUR, alt.Text("label:N"), alt.Description("name:N")
        ),
    ]
    # An empty layer would be a mark without text for screen readers.
    drawn = [layer for layer in layers if layer["data"] != theme.values([])]
    chart = alt.layer(*drawn).properties(width=width - _NAMES[width] - _AXIS, height=plot)
    return theme.draw(chart, name)


# An explicit channel takes Altair a tenth of the time of one inferred from a string.
_COLOUR = alt.Color("colour:N", scale=None)
_Mark = Literal["circle", "line", "point", "rule", "text"]


def _layer(rows: Sequence[Mapping[str, Any]], mark: _Mark, **looks: Any) -> alt.Chart:
    return alt.Chart(theme.values(rows), mark=alt.MarkDef(mark, **looks))


def _range(amounts: Sequence[Decimal], money: Money) -> tuple[float, float]:
    """The axis in its unit: zero and all amounts, with a margin."""
    low, high = (float(edge(Decimal(0), *amounts)) / money.size for edge in (min, max))
    margin = (high - low) * 0.04 or 1.0
    return low - margin * (low < 0), high + margin * (high > 0)


def _rows(line: Line, money: Money) -> list[dict[str, Any]]:
    return [
        {
            "year": year,
            "amount": usd / money.size,
            "name": line.name,
            "colour": theme.colour(line.style),
        }
        for year, usd in sorted(line.points)
    ]


def _stretches(line: Line, money: Money) -> Iterator[dict[str, Any]]:
    """The points of a line: a missing year is a gap, not a straight line across it."""
    dash, width = theme.dash(line.style), 3.5 if line.is_strong else 1.6
    for place, row in enumerate(_rows(line, money)):
        # Consecutive years keep one distance from their index.
        stretch = f"{line.name} {row['year'] - place}"
        yield {**row, "stretch": stretch, "dash": dash, "width": width}


def _points(line: Line, money: Money) -> Iterator[dict[str, Any]]:
    years = {year for year, _ in line.points}
    for (year, usd), row in zip(sorted(line.points), _rows(line, money), strict=True):
        is_alone = not {year - 1, year + 1} & years
        size = 40 if is_alone else 24 if line.is_strong else 12
        says = f"{line.name}, {year}: {money.shown(usd)} {money.word}"
        yield {**row, "size": size, "says": says}


def _dot(dot: Dot, money: Money) -> dict[str, Any]:
    shade = theme.INK if dot.style is None else theme.colour(dot.style)
    return {
        "year": dot.year,
        "amount": dot.usd / money.size,
        "colour": theme.PAPER if dot.style is None else shade,
        "edge": shade if dot.style is None else theme.INK,
        "says": f"{dot.name}: {money.shown(dot.usd)} {money.word}",
    }


def _names(
    lines: Sequence[Line], low: float, high: float, width: int, money: Money
) -> Iterator[dict[str, Any]]:
    """The name of each line in the right margin, as near its end as the others allow."""
    plot = _HEIGHT[width]
    ends = sorted(
        ((max(line.points), line) for line in lines), key=lambda one: one[0][1], reverse=True
    )
    wanted = [(high - float(usd) / money.size) / (high - low) * plot for (_, usd), _ in ends]
    labels = [_wrapped(line.name, _LETTERS[width]) for _, line in ends]
    heights = [_NAME_HEIGHT * len(label) for label in labels]
    # The position is that of the first line of a name.
    places = spread(wanted, heights, plot + _NAME_HEIGHT - heights[-1] if heights else plot)
    for ((year, usd), line), label, at in zip(ends, labels, places, strict=True):
        yield {
            "name": line.name,
            "label": label,
            "amount": high - at / plot * (high - low),
            # The end of the line, where its leader line starts.
            "year": year,
            "end": usd / money.size,
            "colour": theme.colour(line.style),
            "weight": "bold" if line.is_strong else "normal",
        }


def _wrapped(name: str, letters: int) -> list[str]:
    """The lines of a name; a no-break space keeps a dash with the word after it."""
    return textwrap.wrap(name.replace("– ", "–\u00a0"), letters)  # noqa: RUF001


def spread(places: Sequence[float], heights: Sequence[float], length: float) -> list[float]:
    """Positions moved apart so that no name overlaps the next, all within the length.

    Args:
        places: sorted from the least, in pixels.
        heights: the height of each name.
        length: the last possible position.

    Returns:
        As many places, in the same order.
    """
    moved: list[float] = []
    for at, place in enumerate(places):
        moved.append(max(place, moved[-1] + heights[at - 1]) if moved else max(place, 0.0))
    edge = length
    for at in range(len(moved) - 1, -1, -1):
        moved[at] = min(moved[at], edge)
        edge = moved[at] - heights[at - 1]
    return moved
