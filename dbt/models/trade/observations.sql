{{
    config(
        post_hook="{{ as_of_macro('observations', observations_known(this, 'cast(as_of_day as date)')) }}",
    )
}}

with
    observations as (select * from {{ ref("int_trade__observations_unioned") }}),

    -- One publisher says a figure again under each release; the next one ends what was known,
    -- even on the same day.
    moments as (

        select distinct
            source_id, series_key, period_start, period_end, release_id, known_from, retrieved_at
        from observations

    ),

    validity as (

        select
            source_id,
            series_key,
            period_start,
            period_end,
            release_id,
            lead(known_from) over (
                partition by source_id, series_key, period_start, period_end
                order by known_from, retrieved_at, release_id
            ) as known_to
        from moments

    )

select
    o.observation_id,
    o.source_id,
    s.evidence_kind,
    s.source_rank,
    o.release_id,
    o.known_from,
    -- The publisher may also have left it out where it used to be.
    least(v.known_to, w.withdrawn_on) as known_to,
    w.withdrawn_by_release_id,
    o.known_from_earliest,
    o.known_from_precision,
    o.reporter_iso3,
    o.partner_code,
    o.is_aggregate,
    o.trade_kind,
    o.flow,
    o.measure,
    o.export_concept,
    o.import_concept,
    o.valuation,
    o.account_basis,
    o.seasonal_adjustment,
    o.product_system,
    o.product_code,
    o.product_edition,
    o.period_kind,
    o.period_start,
    o.period_end,
    o.period,
    o.reported_value,
    o.reported_unit,
    o.value_usd,
    o.half_width_usd,
    o.series_key,
    o.export_leg_id,
    o.import_leg_id,
    o.raw_table,
    o.snapshot_file,
    o.snapshot_sha256,
    o.row_number,
    o.column_name
from observations as o
inner join
    validity as v
    on o.source_id = v.source_id
    and o.series_key = v.series_key
    and o.period_start = v.period_start
    and o.period_end = v.period_end
    and o.release_id = v.release_id
inner join {{ ref("source_list") }} as s on o.source_id = s.source_id
left join
    {{ ref("stg_snapshots__withdrawn") }} as w
    on o.raw_table = w.table_name
    and o.release_id = w.release_id
    and o.snapshot_file = w.snapshot_file
    and o.row_number = w.row_number
    and o.column_name = w.column_name
