-- A year or a month that towers over both its neighbours in its own release.
with
    figures as (

        select
            period_kind,
            figure_id,
            value_usd,
            lag(value_usd) over series as previous_usd,
            lead(value_usd) over series as next_usd
        from {{ ref("int_trade__figures_described") }}
        where
            period_kind in ('year', 'month')
            and measure = 'trade_value'
            and evidence_kind = 'statistic'
            and product_system = 'total'
        window
            series as (
                partition by period_kind, raw_table, release_no, series_id, partner_id
                order by period_start
            )

    )

select
    period_kind || '_towers_over_neighbours' as rule,
    figure_id,
    cast(null as bigint) as compared_figure_id,
    value_usd as found_usd,
    greatest(previous_usd, next_usd) as expected_usd,
    cast(0 as decimal(24, 3)) as rounding_margin_usd
from figures
where value_usd > 2 * previous_usd and value_usd > 2 * next_usd
