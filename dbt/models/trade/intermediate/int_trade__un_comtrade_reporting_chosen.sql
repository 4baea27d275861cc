{{ config(materialized="view") }}

-- How a country reported a period, from the latest release that gives it. It applies to all
-- releases of the figures, because the basis was the same before it was published.
with
    releases as (

        select distinct source_id, release_id, known_from
        from {{ ref("stg_snapshots__files") }}
        where source_id = 'un_comtrade'

    ),

    reporting as (

        select
            f.type_code,
            f.freq_code,
            f.reference_period,
            f.reporter_iso3,
            f.trade_system,
            f.import_valuation,
            f.export_valuation,
            row_number() over (
                partition by f.type_code, f.freq_code, f.reference_period, f.reporter_iso3
                order by r.known_from desc, f.release_id desc, f.snapshot_file asc, f.row_number asc
            ) as recency
        from {{ ref("stg_un_comtrade__reporting") }} as f
        inner join releases as r on f.release_id = r.release_id
        where f.reporter_iso3 is not null

    )

select
    type_code,
    freq_code,
    reference_period,
    reporter_iso3,
    -- Special trade is what enters free circulation: entries for consumption and withdrawals from
    -- warehouses and trade zones.
    case
        trade_system when 'general' then 'general' when 'special' then 'consumption'
    end as import_concept,
    import_valuation,
    export_valuation
from reporting
where recency = 1
