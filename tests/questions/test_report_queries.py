"""Queries of the pages: which rows they choose, and what their headers name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dagster_project.settings import Settings
from dagster_project.site import queries
from dagster_project.site.queries import Marts, header_of

_FOLDER = Path(queries.__file__).with_name("sql")
_QUERIES = sorted(file.stem for file in _FOLDER.glob("*.sql"))
_LISTS = {"columns", "releases"}
_TEXTS = {
    "id", "title", "unit", "basis", "release", "source", "absence", "links", "linked_by",
}  # fmt: skip


@pytest.mark.parametrize("query", [name for name in _QUERIES if header_of(name)])
def test_a_header_has_known_keys_and_columns_of_its_query(query: str) -> None:
    header = header_of(query)
    assert {"title", "basis"} <= header.keys() <= _LISTS | _TEXTS
    sql = (_FOLDER / f"{query}.sql").read_text(encoding="utf-8").partition("#}")[2]
    named = {one for key in _LISTS for one in header.get(key, ())}
    assert {one for one in named if not re.search(rf"\b{one}\b", sql)} == set()


def test_a_figure_in_another_currency_is_no_dot_on_an_axis_of_dollars(
    built_warehouse: Settings,
) -> None:
    with Marts(built_warehouse) as marts:
        foreign = marts.run(
            "select claim_id, reporter_iso3 as reporter, partner_code as partner, trade_kind"
            " from marts.claims where quantity = 'balance' and transform = 'level'"
            " and sector = 'total' and unit_kind = 'money' and currency <> 'USD'"
        ).rows
        assert foreign, "the shipped texts print a balance in another currency"
        for claim in foreign:
            asked = {name: claim[name] for name in ("reporter", "partner", "trade_kind")}
            printed = marts.ask("printed_balances", **asked)
            assert claim["claim_id"] not in printed.column("claim_id")
            assert printed, "those in dollars stand there"
