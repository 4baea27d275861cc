{{ config(tags=["question", "question_input"]) }}

-- The figures that every build computes: all products by year, year to date and month, and every
-- product group by year.
with
    available as (

        select distinct
            s.compiler_iso3 as reporter_iso3,
            f.partner_id,
            s.trade_kind,
            f.product_id,
            f.period_start,
            f.period_end
        from {{ ref("int_trade__observations") }} as f
        inner join {{ ref("int_trade__series_listed") }} as s on f.series_id = s.series_id
        where s.measure = 'trade_value'

    ),

    described as (

        select v.*, a.area_code as partner_code, p.product_system
        from available as v
        inner join {{ ref("int_trade__areas_listed") }} as a on v.partner_id = a.area_id
        inner join {{ ref("int_trade__products_listed") }} as p on v.product_id = p.product_id

    ),

    years as (

        select distinct
            reporter_iso3,
            partner_code,
            trade_kind,
            product_system,
            make_date(year(period_start), 1, 1) as period_start,
            make_date(year(period_start), 12, 31) as period_end
        from described
        where product_system <> 'total'

    )

select
    reporter_iso3,
    partner_code,
    trade_kind,
    'total:total' as product_group,
    period_start,
    period_end
from described
where
    product_system = 'total'
    and {{ period_kind("period_start", "period_end") }} in ('year', 'year_to_date', 'month')

union

select y.reporter_iso3, y.partner_code, y.trade_kind, d.product_group, y.period_start, y.period_end
from years as y
inner join {{ ref("sector_definitions") }} as d on y.product_system = d.product_system
