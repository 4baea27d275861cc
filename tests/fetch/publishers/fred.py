"""FRED's download of series, replayed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
from fetch.publishers.publisher import Answer, Asked, Case, Publisher, Row, Wrong, html
from fetch.publishers.world import World, months

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.connector import Selection

_PATH = "/graph/fredgraph.csv"
_FIRST = "1985-01"


class Fred(Publisher):
    source_id = "fred"
    paths = (_PATH,)
    key_place = None

    def rows(self, asked: Asked, world: World) -> list[Row]:
        series = asked.listed("id") or []
        if not series or not all(name.startswith(("EXP", "IMP")) for name in series):
            raise Wrong(self.unknown(asked))
        first = max(_FIRST, (asked.one("cosd") or _FIRST)[:7])
        last = min(world.last, (asked.one("coed") or world.last)[:7])
        return [
            (f"{month}-01", *(printed(world, name, month) for name in series))
            for month in months(first, last)
        ]

    def render(self, asked: Asked, rows: list[Row], world: World, *, is_changed: bool) -> Answer:
        header = ("observation_date", *(asked.listed("id") or []))
        if is_changed:
            header = ("DATE", *header[1:])
        text = "".join(",".join(row) + "\n" for row in [header, *rows])
        return Answer("application/csv", text.encode())

    def overload(self, asked: Asked) -> Answer:
        return Answer("text/html", html("Error", "The site is busy. Please try again later."))

    def unknown(self, asked: Asked) -> Answer:
        return Answer("text/html", html("Error", "404 Not Found"), status=404)

    def bad_key(self, asked: Asked) -> Answer:
        raise AssertionError("no key is asked for")

    def cases(self) -> tuple[Case, ...]:
        return (
            Case(Selection(date(2016, 1, 1), date(2018, 6, 1))),
            Case(Selection(date(2014, 3, 1), date(2017, 9, 1), flows=("import",))),
            Case(Selection(date(1999, 1, 1), date(2001, 12, 1), partners=("KOR", "JPN"))),
        )

    def truth(self, case: Case, world: World) -> dict[str, pl.DataFrame]:
        selection = case.selection
        seed = pl.read_csv(PROJECT_ROOT / "dbt" / "seeds" / "fred_series.csv", infer_schema=False)
        found = [
            (series, int(month[:4]), int(month[5:]), Decimal(text))
            for series, partner, flow in seed.select("series_id", "partner_code", "flow").rows()
            if flow in selection.flows and (not selection.partners or partner in selection.partners)
            for month in months(f"{selection.first:%Y-%m}", f"{selection.last:%Y-%m}")
            if (text := printed(world, series, month)) != "."
        ]
        schema = {
            "series_id": pl.String(),
            "year": pl.Int32(),
            "month": pl.Int32(),
            "value_musd": pl.Decimal(18, 6),
        }
        return {"fred__series": pl.DataFrame(found, schema=schema, orient="row")}


def printed(world: World, series: str, month: str) -> str:
    """USD millions with one decimal; a point where there is nothing."""
    amount = world.amount("fred", series, month)
    return "." if amount is None else f"{amount // 100_000}.{amount // 10_000 % 10}"
