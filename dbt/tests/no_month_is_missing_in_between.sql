with
    months as (

        select distinct
            raw_table,
            release_id,
            partner_code,
            coalesce(export_leg_id, import_leg_id) as leg_id,
            measure,
            product_system,
            period_start
        from {{ ref("observations") }}
        where period_kind = 'month'

    )

select
    raw_table,
    release_id,
    partner_code,
    leg_id,
    measure,
    product_system,
    count(*) as months_found,
    {{ months_between("min(period_start)", "max(period_start)") }} as months_expected
from months
group by raw_table, release_id, partner_code, leg_id, measure, product_system
having count(*) <> {{ months_between("min(period_start)", "max(period_start)") }}
