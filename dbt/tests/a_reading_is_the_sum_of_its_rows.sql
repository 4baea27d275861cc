with
    readings as (

        select
            *,
            case
                when reported_by = 'reporter' then export_leg_id else import_leg_id
            end as outbound_leg_id,
            case
                when reported_by = 'reporter' then import_leg_id else export_leg_id
            end as inbound_leg_id
        from {{ ref("readings") }}
        where not is_page

    ),

    sums as (

        select
            l.row_key,
            coalesce(o.export_leg_id, o.import_leg_id) as leg_id,
            sum(o.value_usd) as value_usd
        from {{ ref("lineage") }} as l
        inner join {{ ref("observations") }} as o on l.observation_id = o.observation_id
        where l.mart = 'readings'
        group by l.row_key, coalesce(o.export_leg_id, o.import_leg_id)

    )

select
    r.figure_id,
    r.exports_usd,
    x.value_usd as export_rows_usd,
    r.imports_usd,
    m.value_usd as import_rows_usd
from readings as r
left join sums as x on r.figure_id = x.row_key and r.outbound_leg_id = x.leg_id
left join sums as m on r.figure_id = m.row_key and r.inbound_leg_id = m.leg_id
where r.exports_usd is distinct from x.value_usd or r.imports_usd is distinct from m.value_usd
