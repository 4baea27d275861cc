"""Lines by year, one a reading, with printed figures as dots: the picture of a pair.

Belongs here: the lines, their names at their ends, the dots. Does not belong here: which
readings and claims there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import altair as alt

from dagster_project.report.charts import theme
from dagster_project.report.numbers import IN_BILLIONS, Money

_HEIGHT = {theme.WIDE: 380, theme.NARROW: 320}
_NAMES = {theme.WIDE: 130, theme.NARROW: 96}
_NAME_HEIGHT = 15
_AXIS = 36


@dataclass(frozen=True)
class Line:
    """One series: US dollars by year, its style, whether it is the preferred one."""

    name: str
    style: int
    is_strong: bool
    points: Sequence[tuple[int, Decimal]]


@dataclass(frozen=True)
class Dot:
    """A printed figure in US dollars at its year; without a style it is hollow, on no line."""

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
    # One year alone still wants room on both sides.
    x = alt.X(
        "year:Q",
        title=None,
        scale=alt.Scale(domain=[first - (first == last), last + (first == last)], nice=False),
        axis=alt.Axis(format="d", grid=False, tickMinStep=1, tickCount=8 if width > 500 else 4),
    )
    scale = alt.Scale(domain=[low, high], nice=False)
    y = alt.Y("amount:Q", title=None, scale=scale, axis=alt.Axis(tickCount=6, format="~r"))
    layers: list[alt.Chart] = [
        alt.Chart(theme.values([{"amount": 0}]))
        .mark_rule(color=theme.QUIET, aria=False)
        .encode(y=alt.Y("amount:Q", scale=scale))
    ]
    for line in sorted(lines, key=lambda one: one.is_strong):
        layers += _line(line, x, y, money)
    layers += [_dot(dot, x, y, money) for dot in dots]
    plot = _HEIGHT[width]
    layers += _names(lines, low, high, plot, y, money)
    chart = alt.layer(*layers).properties(width=width - _NAMES[width] - _AXIS, height=plot)
    return theme.draw(chart, name)


def _range(amounts: Sequence[Decimal], money: Money) -> tuple[float, float]:
    """The axis in its unit: zero and all amounts, with a little room."""
    low, high = (float(edge(Decimal(0), *amounts)) / money.size for edge in (min, max))
    room = (high - low) * 0.04 or 1.0
    return low - room * (low < 0), high + room * (high > 0)


def _line(line: Line, x: alt.X, y: alt.Y, money: Money) -> Iterator[alt.Chart]:
    rows = [
        {
            "year": year,
            "amount": usd / money.size,
            "says": f"{line.name}, {year}: {money.shown(usd)} {money.words}",
        }
        for year, usd in sorted(line.points)
    ]
    data = theme.values(rows)
    # A year that is not held is a gap, not a straight line across it.
    stretches = []
    for row in rows:
        if not stretches or row["year"] != stretches[-1][-1]["year"] + 1:
            stretches.append([])
        stretches[-1].append(row)
    for stretch in stretches:
        if len(stretch) > 1:
            yield (
                alt.Chart(theme.values(stretch))
                .mark_line(
                    color=theme.colour(line.style),
                    strokeDash=theme.dash(line.style),
                    strokeWidth=3.5 if line.is_strong else 1.6,
                    description=line.name,
                )
                .encode(x=x, y=y)
            )
    alone = {stretch[0]["year"] for stretch in stretches if len(stretch) == 1}
    yield (
        alt.Chart(data)
        .mark_circle(
            color=theme.colour(line.style),
            size=26 if line.is_strong else 14,
        )
        .encode(
            x=x,
            y=y,
            description="says:N",
            size=alt.condition(
                alt.FieldOneOfPredicate(field="year", oneOf=sorted(alone)),
                alt.value(40),
                alt.value(24 if line.is_strong else 12),
            ),
        )
    )


def _dot(dot: Dot, x: alt.X, y: alt.Y, money: Money) -> alt.Chart:
    shade = theme.INK if dot.style is None else theme.colour(dot.style)
    says = f"{dot.name}: {money.shown(dot.usd)} {money.words}"
    return (
        alt.Chart(theme.values([{"year": dot.year, "amount": dot.usd / money.size, "says": says}]))
        .mark_point(
            filled=True,
            size=70,
            color=theme.PAPER if dot.style is None else shade,
            stroke=shade if dot.style is None else theme.INK,
            strokeWidth=1.6,
            opacity=1,
        )
        .encode(x=x, y=y, description="says:N")
    )


def _names(
    lines: Sequence[Line], low: float, high: float, plot: int, y: alt.Y, money: Money
) -> Iterator[alt.Chart]:
    """The name of each line in the right margin, as near its end as the others allow."""
    ends = sorted(
        ((max(line.points), line) for line in lines), key=lambda one: one[0][1], reverse=True
    )
    wanted = [(high - float(usd) / money.size) / (high - low) * plot for (_, usd), _ in ends]
    for (_, line), at in zip(ends, spread(wanted, _NAME_HEIGHT, plot), strict=True):
        yield (
            alt.Chart(
                theme.values([{"name": line.name, "amount": high - at / plot * (high - low)}])
            )
            .mark_text(
                align="left",
                dx=8,
                color=theme.colour(line.style),
                fontWeight="bold" if line.is_strong else "normal",
                description=line.name,
            )
            .encode(x=alt.value("width"), y=y, text="name:N")
        )


def spread(places: Sequence[float], step: float, length: float) -> list[float]:
    """Places moved apart so that each stands a step from the next, all within the length.

    Args:
        places: sorted from the least, in pixels.

    Returns:
        As many places, in the same order.
    """
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + step) if moved else max(place, 0.0))
    edge = length
    for at in range(len(moved) - 1, -1, -1):
        moved[at] = min(moved[at], edge)
        edge = moved[at] - step
    return moved
