-- The last month before a gap in a file of months, and the first month of a series of a partner
-- that
-- is zero after months with trade: an agreement or a country ended, or a month is not out yet.
with
    months as (

        select
            o.file_no,
            o.partner_id,
            o.series_id,
            o.product_system,
            o.period_start,
            min(o.figure_id) as figure_id,
            sum(o.value_usd) as value_usd
        from {{ ref("int_trade__figures_described") }} as o
        where o.period_kind = 'month' and o.measure = 'trade_value'
        group by o.file_no, o.partner_id, o.series_id, o.product_system, o.period_start

    ),

    followed as (

        select
            *,
            lead(period_start) over series as next_period_start,
            lag(value_usd) over series as previous_value_usd,
            lag(value_usd, 12) over series as year_before_usd
        from months
        window
            series as (
                partition by file_no, partner_id, series_id, product_system order by period_start
            )

    )

select
    'months_missing' as rule,
    figure_id,
    cast(null as bigint) as compared_figure_id,
    cast(null as decimal(24, 3)) as found_usd,
    value_usd as expected_usd,
    cast(0 as decimal(24, 3)) as rounding_margin_usd
from followed
where next_period_start > period_start + interval 1 month

union all

select
    'month_is_zero' as rule,
    figure_id,
    cast(null as bigint) as compared_figure_id,
    value_usd as found_usd,
    year_before_usd as expected_usd,
    cast(0 as decimal(24, 3)) as rounding_margin_usd
from followed
where value_usd = 0 and previous_value_usd > 0 and product_system = 'total'
