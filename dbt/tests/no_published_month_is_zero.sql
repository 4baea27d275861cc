-- War and the end of a country stop its trade; a month that is not out yet is 0 with every partner.
with
    months as (

        select
            z.raw_table,
            z.release_no,
            z.series_id,
            z.period_start,
            max(z.value_usd) as value_usd,
            max(b.value_usd) as year_before_usd
        from {{ ref("int_trade__figures_described") }} as z
        inner join
            {{ ref("int_trade__figures_described") }} as b
            on z.raw_table = b.raw_table
            and z.release_no = b.release_no
            and z.flow = b.flow
            and z.series_id = b.series_id
            and z.partner_id = b.partner_id
            and z.product_id = b.product_id
            and z.period_start = b.period_start + interval 1 year
            and b.period_kind = 'month'
        where z.period_kind = 'month' and z.measure = 'trade_value' and z.product_system = 'total'
        group by z.raw_table, z.release_no, z.series_id, z.period_start

    )

select *
from months
where value_usd = 0 and year_before_usd > 100000000
