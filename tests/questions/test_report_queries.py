"""Queries of the pages that choose rows: what may stand beside what."""

from __future__ import annotations

from dagster_project.settings import Settings
from dagster_project.site.queries import Marts


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
