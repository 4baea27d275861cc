"""The front page of the site: what there is.

Belongs here: the way to pairs, documents and world pages. Does not belong here: what they say.
"""

from __future__ import annotations

from dagster_project.report import addresses
from dagster_project.report.desk import Desk, File
from dagster_project.report.pages import pair


def page(desk: Desk) -> list[File]:
    first = pair.balances(desk, desk.outline.pairs[0]) if desk.outline.pairs else None
    return desk.page(
        addresses.INDEX,
        "front.html",
        title="Why published trade figures disagree",
        figures=[first] if first else [],
        first=first,
    )
