-- A year that towers over both its neighbours in its own release.
with
    years as (

        select
            *,
            lag(value_usd) over series as year_before_usd,
            lead(value_usd) over series as year_after_usd
        from {{ ref("int_trade__figures_described") }}
        where
            period_kind = 'year'
            and measure = 'trade_value'
            and evidence_kind = 'statistic'
            and product_system = 'total'
        window
            series as (
                partition by raw_table, release_no, flow, series_id, partner_id, product_id
                order by period_start
            )

    )

select
    'year_towers_over_neighbours' as rule,
    figure_id,
    cast(null as bigint) as compared_figure_id,
    value_usd as found_usd,
    greatest(year_before_usd, year_after_usd) as expected_usd,
    cast(0 as decimal(24, 3)) as rounding_margin_usd
from years
where value_usd > year_before_usd and value_usd > year_after_usd
