"""Shared by all charts: type, lines, colours by name, and rendering.

Colours are variables of the style sheet, so one drawing serves light pages, dark pages and
print. Series differ by dash as well as by colour.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt
import vl_convert

from dagster_project.display import for_page

WIDE = 720
NARROW = 340

INK = "var(--ink)"
QUIET = "var(--quiet)"
GRID = "var(--grid)"
PAPER = "var(--paper)"
UP = "var(--up)"
DOWN = "var(--down)"
TOTAL = "var(--total)"

# The dash of each style: solid first; series differ without colour.
_DASHES = ([], [6, 3], [2, 2], [8, 3, 2, 3], [1, 3], [10, 4], [4, 1], [3, 5])
STYLES = len(_DASHES)

_FONT = "sans-serif"
_SIZE = 12
_CONFIG: dict[str, Any] = {
    "background": None,
    "font": _FONT,
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": _SIZE,
        "titleFontSize": _SIZE,
        "titleFontWeight": "normal",
        "gridColor": GRID,
        "domainColor": QUIET,
        "tickColor": QUIET,
        "labelOverlap": True,
    },
    "text": {"color": INK, "fontSize": _SIZE},
    "legend": {"disable": True},
}


def colour(style: int) -> str:
    """The colour of a series by its index in the legend, from 0."""
    return f"var(--series-{style % STYLES})"


def dash(style: int) -> list[int]:
    return list(_DASHES[style % STYLES])


def draw(chart: alt.TopLevelMixin, name: str) -> str:
    """Draw a chart as an `svg` element that scales with its container.

    `name` is unique on its page: it makes the ids of the drawing unique.
    """
    # The tests of the pages validate the charts, so not every drawing is validated again.
    spec = {**_shown(chart.to_dict(validate=False)), "config": _CONFIG}
    # A chart contains its data, so no URL is allowed.
    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    # A group without marks has no text for screen readers.
    svg = re.sub(r'<g class="mark-[a-z]+ role-mark[^>]*></g>', "", svg)
    # The view box replaces the size, so that the drawing scales; ids must be unique on a page.
    svg = re.sub(r"^<svg [^>]*viewBox=", '<svg xmlns="http://www.w3.org/2000/svg" viewBox=', svg)
    return re.sub(r'(id="|url\(#)(clip|gradient)', rf"\g<1>{name}-\g<2>", svg)


def _shown(value: Any) -> Any:
    """The same with texts that SVG can contain: a control character would end the drawing."""
    if isinstance(value, str):
        return for_page(value)
    if isinstance(value, dict):
        return {name: _shown(one) for name, one in value.items()}
    return [_shown(one) for one in value] if isinstance(value, list) else value


def values(rows: Iterable[Mapping[str, Any]]) -> alt.InlineData:
    """Rows as the data of a chart, as floats: a drawing needs no exact numbers."""
    # As one string: Altair would inspect and copy every number of a table many times.
    return alt.InlineData(
        values=json.dumps([_shown(dict(row)) for row in rows], default=float),
        format=alt.JsonDataFormat(type="json"),
    )
