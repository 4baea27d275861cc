with
    figures as (

        select *
        from {{ ref("observations") }}
        where
            measure = 'trade_value'
            and flow in ('export', 'import')
            and seasonal_adjustment = 'nsa'
            and account_basis = 'census'
            -- Re-exports are a part of exports, often a small one.
            and export_concept is distinct from 're_export'

    )

select
    reporter_iso3,
    partner_code,
    trade_kind,
    flow,
    product_system,
    product_code,
    period,
    min(value_usd) as least_usd,
    max(value_usd) as largest_usd,
    arg_min(observation_id, value_usd) as least_observation_id,
    arg_max(observation_id, value_usd) as largest_observation_id
from figures
group by reporter_iso3, partner_code, trade_kind, flow, product_system, product_code, period
having max(value_usd) > 10000000 and max(value_usd) > 2 * min(value_usd)
