-- Revisions of large series are small. Two concepts of one flow may differ for a product or a
-- month, when goods wait in bond; over a year of all products they do not.
with
    figures as (

        select *
        from {{ ref("int_trade__figures_described") }}
        where
            measure = 'trade_value'
            and flow in ('export', 'import')
            and seasonal_adjustment = 'nsa'
            and account_basis = 'census'
            -- Re-exports are a part of exports, often a small one.
            and concept is distinct from 're_export'

    ),

    compared as (

        select *, 'one series' as compared_over, series_id as compared_series
        from figures

        union all

        -- Domestic exports of an entrepôt may be a small part of its total.
        select *, 'all concepts' as compared_over, null as compared_series
        from figures
        where
            product_system = 'total'
            and period_kind = 'year'
            and concept is distinct from 'domestic'

    )

select
    compared_over,
    compared_series,
    flow,
    reporter_iso3,
    trade_kind,
    any_value(partner_code) as partner_code,
    product_system,
    any_value(product_code) as product_code,
    any_value(period) as period,
    min(value_usd) as least_usd,
    max(value_usd) as largest_usd,
    arg_min(figure_id, value_usd) as least_figure_id,
    arg_max(figure_id, value_usd) as largest_figure_id
from compared
group by
    compared_over,
    compared_series,
    flow,
    reporter_iso3,
    trade_kind,
    partner_id,
    product_system,
    product_id,
    period_start,
    period_end
having
    max(value_usd) > case when product_system = 'total' then 10000000 else 100000000 end
    and max(value_usd) > case when product_system = 'total' then 2 else 5 end * min(value_usd)
