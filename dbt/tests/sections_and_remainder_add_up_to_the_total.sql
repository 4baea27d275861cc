with
    sectors as (

        select *
        from {{ ref("trade_by_sector_year") }}
        where partition_name is not null and total_usd is not null

    )

select
    reporter_iso3,
    partner_code,
    trade_kind,
    year,
    partition_name,
    leg_id,
    total_usd,
    sum(value_usd) as parts_usd,
    sum(case when is_remainder then value_usd end) as remainder_usd
from sectors
group by reporter_iso3, partner_code, trade_kind, year, partition_name, leg_id, total_usd
having
    sum(value_usd) <> total_usd
    or coalesce(abs(sum(case when is_remainder then value_usd end)), total_usd) > 0.002 * total_usd
