{{ config(tags=["question", "question_input"]) }}

-- The cells every build answers: what is held of all products by year, year to date and month,
-- and every defined sector by year.
with
    observations as (select * from {{ ref("observations") }} where measure = 'trade_value'),

    totals as (

        select distinct
            reporter_iso3,
            partner_code,
            trade_kind,
            'total:total' as definition_id,
            period_start,
            period_end
        from observations
        where product_system = 'total' and period_kind in ('year', 'year_to_date', 'month')

    ),

    sectors as (

        select distinct
            o.reporter_iso3,
            o.partner_code,
            o.trade_kind,
            d.definition_id,
            make_date(year(o.period_start), 1, 1) as period_start,
            make_date(year(o.period_start), 12, 31) as period_end
        from observations as o
        inner join {{ ref("sector_definitions") }} as d on o.product_system = d.product_system
        where o.product_system <> 'total'

    )

select reporter_iso3, partner_code, trade_kind, definition_id, period_start, period_end
from totals

union

select reporter_iso3, partner_code, trade_kind, definition_id, period_start, period_end
from sectors
