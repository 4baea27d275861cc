with
    raw_rows as (

        select 'us_census__country_file' as raw_table, count(*) as raw_rows
        from {{ source("raw", "us_census__country_file") }}
        union all
        select 'us_census__trade_api' as raw_table, count(*) as raw_rows
        from {{ source("raw", "us_census__trade_api") }}
        union all
        select 'un_comtrade__trade' as raw_table, count(*) as raw_rows
        from {{ source("raw", "un_comtrade__trade") }}
        union all
        select 'usitc_dataweb__trade' as raw_table, count(*) as raw_rows
        from {{ source("raw", "usitc_dataweb__trade") }}
        union all
        select 'bea_ita__transactions' as raw_table, count(*) as raw_rows
        from {{ source("raw", "bea_ita__transactions") }}
        union all
        select 'korea_customs__trade' as raw_table, count(*) as raw_rows
        from {{ source("raw", "korea_customs__trade") }}
        union all
        select 'fred__series' as raw_table, count(*) as raw_rows
        from {{ source("raw", "fred__series") }}
        union all
        select 'published__figures' as raw_table, count(*) as raw_rows
        from {{ source("raw", "published__figures") }}

    ),

    left_out as (

        -- While only January of a year is out, the year repeats January's own column.
        select 'us_census__country_file' as raw_table, count(*) as left_out
        from {{ source("raw", "us_census__country_file") }}
        where month is null and last_month = 1
        union all
        select 'us_census__trade_api' as raw_table, count(*) as left_out
        from {{ source("raw", "us_census__trade_api") }}
        where month is null and last_month = 1
        union all
        -- Parts of a flow by second partner, customs procedure, mode of transport or of supply;
        -- flows without a concept; reporters that are groups; sums beside the reported row.
        select 'un_comtrade__trade' as raw_table, count(*) as left_out
        from {{ source("raw", "un_comtrade__trade") }} as f
        inner join {{ ref("comtrade_flows") }} as w on f.flow_code = w.flow_code
        where
            f.partner2_code <> '0'
            or f.customs_code <> 'C00'
            or f.mot_code <> '0'
            or f.mos_code <> '0'
            or w.concept is null
            or f.reporter_iso is null
            or (
                f.is_aggregate
                and exists (
                    select 1
                    from {{ source("raw", "un_comtrade__trade") }} as r
                    where
                        r.is_aggregate is distinct from true
                        and r.release_id = f.release_id
                        and r.type_code = f.type_code
                        and r.period = f.period
                        and r.reporter_code = f.reporter_code
                        and r.flow_code = f.flow_code
                        and r.partner_code = f.partner_code
                        and r.partner2_code = f.partner2_code
                        and r.classification_code = f.classification_code
                        and r.cmd_code = f.cmd_code
                        and r.customs_code = f.customs_code
                        and r.mos_code = f.mos_code
                        and r.mot_code = f.mot_code
                )
            )
        union all
        select 'usitc_dataweb__trade' as raw_table, 0 as left_out
        union all
        -- The residual of seasonal adjustment has no partner.
        select 'bea_ita__transactions' as raw_table, count(*) as left_out
        from {{ source("raw", "bea_ita__transactions") }} as f
        inner join {{ ref("bea_areas") }} as a on f.area_or_country = a.area_or_country
        where a.is_residual
        union all
        select 'korea_customs__trade' as raw_table, 0 as left_out
        union all
        select 'fred__series' as raw_table, 0 as left_out
        union all
        -- Figures in another currency need an exchange rate.
        select 'published__figures' as raw_table, count(*) as left_out
        from {{ source("raw", "published__figures") }} as f
        inner join {{ ref("units") }} as u on f.unit = u.unit
        where u.currency <> 'USD'

    ),

    kept as (

        select raw_table, count(*) as observations
        from {{ ref("int_trade__figures_unioned") }}
        group by raw_table

    )

select r.raw_table, r.raw_rows, l.left_out, k.observations
from raw_rows as r
inner join left_out as l on r.raw_table = l.raw_table
left join kept as k on r.raw_table = k.raw_table
where r.raw_rows <> l.left_out + coalesce(k.observations, 0)
