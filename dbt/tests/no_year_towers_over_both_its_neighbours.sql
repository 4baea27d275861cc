with
    years as (

        select
            *,
            lag(value_usd) over (
                partition by raw_table, release_no, flow, series_id, partner_id, product_id
                order by period_start
            ) as year_before_usd,
            lead(value_usd) over (
                partition by raw_table, release_no, flow, series_id, partner_id, product_id
                order by period_start
            ) as year_after_usd
        from {{ ref("int_trade__figures_described") }}
        where
            period_kind = 'year'
            and measure = 'trade_value'
            and evidence_kind = 'statistic'
            and product_system = 'total'

    )

select figure_id, value_usd, year_before_usd, year_after_usd
from years
where
    value_usd > 1000000000
    and value_usd > 100 * year_before_usd
    and value_usd > 100 * year_after_usd
