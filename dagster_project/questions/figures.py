"""Every available figure for one trade, side by side, as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from dagster_project.questions.replay import Replay
from dagster_project.questions.values import AMOUNT, millions, wrapped
from dagster_project.questions.words import Period
from dagster_project.sources.place_names import Country

# How the codes of seasonally adjusted series end.
_ADJUSTED = ".sa"
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
    """One row per figure, the preferred one of each product group first.

    What other sources give on a basis follows its first figure, with `is_alternative`.
    """
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
        ["figures_compared", "figures_of_other_sources"],
    )
    order = (
        "product_group, is_preferred desc, known_to is not null, is_page, policy_rank,"
        " basis_id, known_from desc, release_key, export_series_code, import_series_code"
    )
    chosen = [{**row, "is_alternative": False} for row in replay.rows("figures_compared", order)]
    # Each beside the chosen figure of its basis, which comes first.
    for other in reversed(replay.rows("figures_of_other_sources", order)):
        places = [
            place
            for place, row in enumerate(chosen)
            if row["known_to"] is None
            and all(row[name] == other[name] for name in ("product_group", "basis_id"))
        ]
        place = places[0] + 1 if places else len(chosen)
        chosen.insert(place, {**other, "is_alternative": True})
    return chosen


def figures_text(rows: Sequence[Mapping[str, Any]], width: int) -> str:
    """Every figure in USD million; `*` marks the preferred one of its product group."""
    name_width = max(len(_figure_name(row)) for row in rows) + 2
    title = "".join(f"{name:>{AMOUNT}}" for name in ("exports", "imports", "balance", "two-way"))
    lines = ["Millions of US dollars; * marks the preferred figure.", ""]
    product_group: object = None
    for row in rows:
        if row["product_group"] != product_group:
            product_group = row["product_group"]
            lines += [] if len(lines) == 2 else [""]
            lines.append(f"{product_group:<{name_width + 2}}{title}")
        amounts = "".join(
            f"{'-' if row[column] is None else millions(row[column]):>{AMOUNT}}"
            for column in ("exports_usd", "imports_usd", "balance_usd", "two_way_usd")
        )
        mark = "*" if row["is_preferred"] else " "
        lines.append(f"{mark} {_figure_name(row):<{name_width}}{amounts}")
        until = f" until {row['known_to']}" if row["known_to"] else ""
        printed = ", as published" if row["is_page"] else ", from published figures"
        kind = {
            "statistic": "",
            "printed": printed,
            "mixed": ", partly from published figures",
        }.get(row["evidence_kind"], f", {row['evidence_kind']}")
        series = row["export_series_code"] or row["import_series_code"]
        adjusted = ", seasonally adjusted" if str(series).endswith(_ADJUSTED) else ""
        summed = ", adds up the months" if row["is_sum_of_months"] else ""
        again = ", another source of the same figure" if row["is_alternative"] else ""
        lines += wrapped(
            f"{row['release_key']}, known from {row['known_from']}{until}{kind}{adjusted}{summed}"
            f"{again}",
            width,
            "    ",
        )
    reasons = {row["product_group"]: row for row in rows if row["is_preferred"]}
    for name, row in reasons.items():
        lines += [""] if name == next(iter(reasons)) else []
        why = row["reason"] or "No other basis is available"
        lines += wrapped(f"Preferred for {name}: {row['basis_id']}. {why}.", width, "")
    return "\n".join(lines)


def _figure_name(row: Mapping[str, Any]) -> str:
    return str(row["basis_id"] or row["export_series_code"] or row["import_series_code"])


def figures_json(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    return [
        {
            "definition": row["product_group"],
            "basis": row["basis_id"],
            "reported_by": row["reported_by"],
            "export_series": row["export_series_code"],
            "import_series": row["import_series_code"],
            "exports_usd": row["exports_usd"],
            "imports_usd": row["imports_usd"],
            "balance_usd": row["balance_usd"],
            "two_way_usd": row["two_way_usd"],
            "rounding_margin_usd": row["rounding_margin_usd"],
            "evidence_kind": row["evidence_kind"],
            "is_page": row["is_page"],
            "is_sum_of_months": row["is_sum_of_months"],
            "is_alternative": row["is_alternative"],
            "release": row["release_key"],
            "known_from": row["known_from"],
            "known_to": row["known_to"],
            "policy_rank": row["policy_rank"],
            "is_preferred": row["is_preferred"],
            "reason": row["reason"],
        }
        for row in rows
    ]
