with
    sectors as (

        select *
        from {{ ref("trade_by_sector_year") }}
        where breakdown is not null and total_usd is not null

    ),

    -- An office that compiles its own statistics leaves almost nothing out of its chapters.
    own as (
        select distinct reporter_iso3
        from {{ ref("source_list") }}
        where evidence_kind = 'statistic'
    )

select
    s.reporter_iso3,
    s.partner_code,
    s.trade_kind,
    s.year,
    s.breakdown,
    s.series_code,
    s.total_usd,
    sum(s.value_usd) as parts_usd,
    sum(case when s.is_residual then s.value_usd end) as residual_usd
from sectors as s
left join own as o on s.reporter_iso3 = o.reporter_iso3
group by
    s.reporter_iso3,
    s.partner_code,
    s.trade_kind,
    s.year,
    s.breakdown,
    s.series_code,
    s.total_usd,
    o.reporter_iso3
having
    sum(s.value_usd) <> s.total_usd
    or (
        o.reporter_iso3 is not null
        and coalesce(abs(sum(case when s.is_residual then s.value_usd end)), s.total_usd)
        > 0.002 * s.total_usd
    )
