-- A file that says what was requested withdraws missing figures, with a date. One that does not
-- must contain everything between its first month and its last.
with
    silent as (

        select distinct source_id, release_id
        from {{ ref("stg_snapshots__files") }}
        where covers is null

    ),

    figures as (

        select *
        from {{ ref("int_trade__figures_described") }}
        where
            evidence_kind = 'statistic'
            and period_kind = 'month'
            and figure_id not in (select figure_id from {{ ref("int_trade__figures_beside_cif") }})

    ),

    spans as (

        select
            raw_table,
            release_no,
            release_id,
            known_from,
            partner_id,
            series_id,
            product_system,
            min(period_start) as first_month,
            max(period_start) as last_month
        from figures
        inner join silent using (source_id, release_id)
        group by
            raw_table, release_no, release_id, known_from, partner_id, series_id, product_system

    )

select f.figure_id, f.value_usd, s.release_id as later_release_id
from figures as f
inner join
    spans as s
    on f.raw_table = s.raw_table
    and f.partner_id = s.partner_id
    and f.series_id = s.series_id
    and f.product_system = s.product_system
    and f.known_from < s.known_from
    and f.period_start between s.first_month and s.last_month
left join
    figures as g
    on s.raw_table = g.raw_table
    and s.release_no = g.release_no
    and f.flow = g.flow
    and f.series_id = g.series_id
    and f.partner_id = g.partner_id
    and f.product_id = g.product_id
    and f.period_start = g.period_start
where g.figure_id is null and f.value_usd <> 0 and f.withdrawn_by_release_id is null
