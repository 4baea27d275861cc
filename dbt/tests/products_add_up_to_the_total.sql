with
    figures as (

        select *, coalesce(export_leg_id, import_leg_id) as leg_id
        from {{ ref("observations") }}
        where raw_table <> 'published__figures'

    ),

    products as (

        select
            snapshot_file,
            partner_code,
            leg_id,
            measure,
            product_system,
            period_start,
            period_end,
            sum(value_usd) as value_usd
        from figures
        where product_system <> 'total'
        group by
            snapshot_file, partner_code, leg_id, measure, product_system, period_start, period_end

    )

select t.observation_id, p.product_system, t.value_usd, p.value_usd as products_usd
from figures as t
inner join
    products as p
    on t.snapshot_file = p.snapshot_file
    and t.partner_code = p.partner_code
    and t.leg_id = p.leg_id
    and t.measure = p.measure
    and t.period_start = p.period_start
    and t.period_end = p.period_end
where t.product_system = 'total' and t.value_usd <> p.value_usd
