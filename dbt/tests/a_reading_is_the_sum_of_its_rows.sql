with
    readings as (

        select
            figure_id,
            case
                when reported_by = 'reporter' then export_leg_id else import_leg_id
            end as exports_series,
            case
                when reported_by = 'reporter' then import_leg_id else export_leg_id
            end as imports_series,
            exports_usd,
            imports_usd
        from {{ ref("readings") }}
        where not is_page

    ),

    sums as (

        select l.row_key, s.series_code, sum(f.value_usd) as value_usd
        from {{ ref("lineage") }} as l
        inner join {{ ref("int_trade__figures") }} as f on l.reference_id = f.figure_id
        inner join
            {{ ref("int_trade__series_listed") }} as s
            on coalesce(f.export_series_id, f.import_series_id) = s.series_id
        where l.mart = 'readings'
        group by l.row_key, s.series_code

    )

select
    r.figure_id,
    r.exports_usd,
    x.value_usd as export_rows_usd,
    r.imports_usd,
    m.value_usd as import_rows_usd
from readings as r
left join sums as x on r.figure_id = x.row_key and r.exports_series = x.series_code
left join sums as m on r.figure_id = m.row_key and r.imports_series = m.series_code
where r.exports_usd is distinct from x.value_usd or r.imports_usd is distinct from m.value_usd
