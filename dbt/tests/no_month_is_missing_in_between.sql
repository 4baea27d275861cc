-- Tested per file: months between two requests may never have been requested. Small trade may stop
-- for a month, and publishers leave out a month without trade. Groups change, and publishers choose
-- the years for which they give them.
with
    months as (

        select
            o.file_no,
            o.partner_code,
            o.series_id,
            o.product_system,
            o.period_start,
            sum(o.value_usd) as value_usd
        from {{ ref("int_trade__figures_described") }} as o
        inner join {{ ref("countries") }} as c on o.partner_code = c.partner_code
        where
            o.period_kind = 'month'
            and o.figure_id
            not in (select figure_id from {{ ref("int_trade__figures_beside_cif") }})
            and (not o.is_aggregate or c.is_world)
        group by o.file_no, o.partner_code, o.series_id, o.product_system, o.period_start

    ),

    followed as (

        select
            *,
            lead(period_start) over series as next_period_start,
            lead(value_usd) over series as next_value_usd
        from months
        window
            series as (
                partition by file_no, partner_code, series_id, product_system order by period_start
            )

    )

select *
from followed
where
    next_period_start > period_start + interval 1 month
    and least(value_usd, next_value_usd) > 100000000
