{{ config(tags=["question"]) }}

-- A cell is what a figure is about: who, with whom, which products, which months.
with
    wanted as (

        select reporter_iso3, partner_code, trade_kind, definition_id, period_start, period_end
        from {{ ref("int_figures__requested") }}

        union

        select reporter_iso3, partner_code, trade_kind, definition_id, period_start, period_end
        from {{ ref("int_claims__cells") }}

        union

        select reporter_iso3, partner_code, trade_kind, definition_id, period_start, period_end
        from {{ ref("int_bridges__cells") }}

    )

select
    {{
        cell_id(
            "reporter_iso3",
            "partner_code",
            "trade_kind",
            "definition_id",
            "period_start",
            "period_end",
        )
    }} as cell_id,
    reporter_iso3,
    partner_code,
    trade_kind,
    definition_id,
    period_start,
    period_end,
    {{ period_text("period_start", "period_end") }} as period,
    {{ period_kind("period_start", "period_end") }} as period_kind,
    {{ months_between("period_start", "period_end") }} as months
from wanted
