"""Every available figure for one trade, side by side, as text and as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from dagster_project.questions.replay import Replay
from dagster_project.questions.values import AMOUNT, millions, wrapped
from dagster_project.questions.words import InputError, Period, Words
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
# Columns of a figure that one of BACI has none of.
_EMPTY = ("export_series_code", "import_series_code", "known_to", "policy_rank", "reason")
# Groups that CEPII's flows can be added up to: products of the Harmonized System, or all of them.
_HS_CODE = re.compile(r"hs[246]:([0-9]{2,6})")
_ALL = "total:total"
_BACI = """
    select
        f.product_edition,
        f.release_id,
        y.known_from,
        sum(f.value_usd) filter (f.exporter_iso3 = $reporter) as exports_usd,
        sum(f.value_usd) filter (f.importer_iso3 = $reporter) as imports_usd,
        0.5::decimal(24, 3) * count(*) as rounding_margin_usd
    from warehouse.marts.baci_flows as f
    inner join warehouse.marts.baci_years as y using (year, snapshot_file)
    where
        f.year = $year
        and f.is_latest
        and (
            (f.exporter_iso3 = $reporter and f.importer_iso3 = $partner)
            or (f.exporter_iso3 = $partner and f.importer_iso3 = $reporter)
        )
        and list_bool_or([starts_with(f.product_code, code) for code in $codes])
    group by all
    order by all
"""


def product_groups(replay: Replay, words: Words, sector: str) -> list[str]:
    """The product groups of a sector; of a code that only BACI has, the code.

    Raises:
        InputError: no such sector, product group or code.
    """
    try:
        return words.product_groups(sector, "--sector")
    except InputError:
        code = _HS_CODE.fullmatch(sector)
        if code is None:
            raise
        known = replay.published(
            "select 1 from warehouse.marts.baci_flows where starts_with(product_code, ?) limit 1",
            [code[1]],
        )
        if known.is_empty():
            raise
        return [sector]


def figures(
    replay: Replay,
    *,
    reporter: Country,
    partner: Country,
    trade_kind: str,
    product_groups: list[str],
    period: Period,
) -> list[dict]:
    """One row per figure, the preferred one of each product group first and that of BACI last.

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
    year = period.start.year
    is_year = (period.start, period.end) == (date(year, 1, 1), date(year, 12, 31))
    if trade_kind == "goods" and is_year:
        for product_group in product_groups:
            chosen += baci_figures(replay, reporter, partner, product_group, year)
    return sorted(chosen, key=lambda row: row["product_group"])


def baci_figures(
    replay: Replay, reporter: Country, partner: Country, product_group: str, year: int
) -> list[dict]:
    """The flows that CEPII reconciled, one row per edition; none for codes of other systems."""
    members = replay.published(
        "select product_system || ':' || product_code as member from warehouse.marts.product_groups"
        " where product_group = ?",
        [product_group],
    )["member"].to_list() or [product_group]
    codes = [_HS_CODE.fullmatch(member) for member in members]
    if product_group != _ALL and None in codes:
        return []
    found = replay.published(
        _BACI,
        {
            "reporter": reporter.code,
            "partner": partner.code,
            "year": year,
            "codes": [""] if product_group == _ALL else [code[1] for code in codes if code],
        },
    )
    return [
        {
            **dict.fromkeys(_EMPTY),
            "product_group": product_group,
            "basis_id": "baci",
            "reported_by": "both",
            **row,
            "balance_usd": _of_both(row, -1),
            "two_way_usd": _of_both(row, 1),
            "evidence_kind": "reconciled",
            "is_page": False,
            "release_key": f"cepii_baci {row['release_id']}",
            "is_preferred": False,
            "is_sum_of_months": False,
            "is_alternative": False,
        }
        for row in found.iter_rows(named=True)
    ]


def _of_both(row: Mapping[str, Any], sign: int) -> Any:
    exports, imports = row["exports_usd"], row["imports_usd"]
    return None if exports is None or imports is None else exports + sign * imports


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
            "reconciled": f", reconciled by CEPII, products of {row.get('product_edition')}",
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
            "product_edition": row.get("product_edition"),
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
