-- One flow of goods as both countries recorded it: the exporter's figure and the importer's.
with
    observations as (

        select *
        from {{ ref("observations") }}
        where
            measure = 'trade_value'
            and trade_kind = 'goods'
            and evidence_kind = 'statistic'
            and not is_aggregate
            and seasonal_adjustment = 'nsa'
            and period_kind = 'year'
            and known_from <= {{ as_of_day() }}
            and (known_to is null or known_to > {{ as_of_day() }})

    ),

    ranked as (

        select
            *,
            row_number() over (
                partition by
                    reporter_iso3,
                    partner_code,
                    product_system,
                    product_code,
                    period_start,
                    flow,
                    coalesce(export_series_code, import_series_code)
                order by source_rank, last_known_from desc, rounding_margin_usd, observation_id
            ) as preference
        from observations

    ),

    -- Re-exports alone are a part of exports: no record of arrivals mirrors them.
    exports as (

        select *
        from ranked
        where flow = 'export' and export_concept <> 're_export' and preference = 1

    ),

    imports as (select * from ranked where flow = 'import' and preference = 1)

select
    x.reporter_iso3
    || '>'
    || x.partner_code
    || ' '
    || x.product_system
    || ':'
    || x.product_code
    || ' '
    || x.period
    || ' | '
    || x.export_series_code
    || ' / '
    || m.import_series_code as mirror_id,
    x.reporter_iso3 as exporter_iso3,
    x.partner_code as importer_iso3,
    cast(year(x.period_start) as integer) as year,
    x.product_system,
    x.product_code,
    x.export_series_code,
    m.import_series_code,
    x.value_usd as exporter_reported_usd,
    m.value_usd as importer_reported_usd,
    cast(m.value_usd - x.value_usd as decimal(24, 3)) as gap_usd,
    cast(
        cast(m.value_usd as double) / nullif(cast(x.value_usd as double), 0) as decimal(18, 6)
    ) as importer_to_exporter_ratio,
    x.observation_id as export_observation_id,
    m.observation_id as import_observation_id
from exports as x
inner join
    imports as m
    on x.reporter_iso3 = m.partner_code
    and x.partner_code = m.reporter_iso3
    and x.product_system = m.product_system
    and x.product_code = m.product_code
    and x.period_start = m.period_start
