"""Every available figure for one trade, side by side."""

from __future__ import annotations

import polars as pl

from dagster_project.questions.replay import Replay
from dagster_project.questions.words import Country, Period

_SCHEMA = {
    "reporter_iso3": pl.String,
    "partner_code": pl.String,
    "trade_kind": pl.String,
    "product_group": pl.String,
    "period_start": pl.Date,
    "period_end": pl.Date,
}


def figures(
    replay: Replay,
    *,
    reporter: Country,
    partner: Country,
    trade_kind: str,
    product_groups: list[str],
    period: Period,
) -> list[dict]:
    """One row per figure, the preferred one of each product group first."""
    replay.answer(
        {
            "figures_requested": pl.DataFrame(
                [
                    (
                        reporter.code,
                        partner.code,
                        trade_kind,
                        product_group,
                        period.start,
                        period.end,
                    )
                    for product_group in product_groups
                ],
                schema=_SCHEMA,
                orient="row",
            )
        },
        ["figures_compared"],
    )
    return replay.rows(
        "figures_compared",
        "product_group, is_preferred desc, known_to is not null, is_page, policy_rank,"
        " basis_id, known_from desc, release_key, export_series_code, import_series_code",
    )
