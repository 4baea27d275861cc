-- A file that says what it asked for withdraws what is missing, and that is known and dated. One
-- that does not say has to hold everything between its first month and its last.
with
    silent as (

        select distinct source_id, release_id
        from {{ ref("stg_snapshots__files") }}
        where covers is null

    ),

    figures as (

        select *, coalesce(export_leg_id, import_leg_id) as leg_id
        from {{ ref("observations") }}
        where evidence_kind = 'statistic' and period_kind = 'month'

    ),

    spans as (

        select
            raw_table,
            release_id,
            known_from,
            partner_code,
            leg_id,
            measure,
            product_system,
            min(period_start) as first_month,
            max(period_start) as last_month
        from figures
        inner join silent using (source_id, release_id)
        group by raw_table, release_id, known_from, partner_code, leg_id, measure, product_system

    )

select f.observation_id, f.value_usd, s.release_id as later_release_id
from figures as f
inner join
    spans as s
    on f.raw_table = s.raw_table
    and f.partner_code = s.partner_code
    and f.leg_id = s.leg_id
    and f.measure = s.measure
    and f.product_system = s.product_system
    and f.known_from < s.known_from
    and f.period_start between s.first_month and s.last_month
left join
    figures as g
    on s.raw_table = g.raw_table
    and s.release_id = g.release_id
    and f.series_key = g.series_key
    and f.period_start = g.period_start
where g.observation_id is null and f.value_usd <> 0 and f.withdrawn_by_release_id is null
