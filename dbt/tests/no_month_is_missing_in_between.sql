-- One file at a time: months between two requests may never have been asked for. Little trade
-- may stop for a month, and publishers leave out a month without trade.
with
    months as (

        select
            raw_table,
            snapshot_file,
            partner_code,
            coalesce(export_leg_id, import_leg_id) as leg_id,
            measure,
            product_system,
            period_start,
            sum(value_usd) as value_usd
        from {{ ref("observations") }}
        where period_kind = 'month'
        group by
            raw_table,
            snapshot_file,
            partner_code,
            coalesce(export_leg_id, import_leg_id),
            measure,
            product_system,
            period_start

    ),

    followed as (

        select
            *,
            lead(period_start) over series as next_period_start,
            lead(value_usd) over series as next_value_usd
        from months
        window
            series as (
                partition by raw_table, snapshot_file, partner_code, leg_id, measure, product_system
                order by period_start
            )

    )

select *
from followed
where
    next_period_start > period_start + interval 1 month
    and least(value_usd, next_value_usd) > 100000000
