{{ config(tags=["question"]) }}

-- The key of a figure: reporter, partner, products and months. Codes without available figures have
-- no key, and the figure stays empty.
with
    wanted as (

        select reporter_iso3, partner_code, trade_kind, product_group, period_start, period_end
        from {{ ref("figures_requested") }}

        union

        select reporter_iso3, partner_code, trade_kind, product_group, period_start, period_end
        from {{ ref("int_claims__cells") }}

        union

        select reporter_iso3, partner_code, trade_kind, product_group, period_start, period_end
        from {{ ref("int_bridges__cells") }}

    ),

    groups as (select distinct product_group_id, product_group from {{ ref("product_groups") }})

select
    cast(
        row_number() over (
            order by
                w.reporter_iso3,
                w.partner_code,
                w.trade_kind,
                w.product_group,
                w.period_start,
                w.period_end
        ) as integer
    ) as cell_id,
    {{
        cell_key(
            "w.reporter_iso3",
            "w.partner_code",
            "w.trade_kind",
            "w.product_group",
            "w.period_start",
            "w.period_end",
        )
    }} as cell_key,
    w.reporter_iso3,
    w.partner_code,
    w.trade_kind,
    w.product_group,
    w.period_start,
    w.period_end,
    {{ period_text("w.period_start", "w.period_end") }} as period,
    {{ period_kind("w.period_start", "w.period_end") }} as period_kind,
    {{ months_between("w.period_start", "w.period_end") }} as months,
    r.area_id as reporter_id,
    p.area_id as partner_id,
    g.product_group_id
from wanted as w
left join {{ ref("int_trade__areas_listed") }} as r on w.reporter_iso3 = r.area_code
left join {{ ref("int_trade__areas_listed") }} as p on w.partner_code = p.area_code
left join groups as g on w.product_group = g.product_group
