{{ config(materialized="view") }}

-- Quoted figures with the dimensions of a figure; a page may give both flows at once.
select
    s.source_id,
    'published__figures' as raw_table,
    f.published as release_id,
    f.snapshot_file,
    f.snapshot_sha256,
    f.row_number,
    f.column_name,
    f.reporter_iso3,
    f.partner_code,
    false as is_aggregate,
    f.trade_kind,
    case
        when f.measure in ('exports', 'total_exports')
        then 'export'
        when f.measure = 'imports'
        then 'import'
        when f.measure = 'two_way_trade'
        then 'two_way'
        else f.measure
    end as flow,
    'trade_value' as measure,
    -- Dimensions that a page does not state follow its reporter's convention.
    coalesce(f.export_concept, r.export_concept, d.export_concept) as export_concept,
    coalesce(f.import_concept, r.import_concept, d.import_concept) as import_concept,
    case
        when f.trade_kind <> 'goods'
        then f.account_basis
        else coalesce(r.export_valuation, d.export_valuation)
    end as export_valuation,
    case
        when f.trade_kind <> 'goods'
        then f.account_basis
        else coalesce(r.import_valuation, d.import_valuation)
    end as import_valuation,
    f.valuation as stated_valuation,
    f.account_basis,
    'nsa' as seasonal_adjustment,
    'total' as product_system,
    'total' as product_code,
    cast(null as varchar) as product_edition,
    {{ period_first_day("f.period") }} as period_start,
    {{ period_last_day("f.period") }} as period_end,
    f.reported_value,
    f.reported_unit,
    cast(f.reported_value * u.multiplier as decimal(24, 3)) as value_usd,
    cast(f.reported_rounding * u.multiplier / 2 as decimal(24, 3)) as rounding_margin_usd,
    f.known_from,
    f.known_from_earliest,
    f.known_from_precision
from {{ ref("stg_published__figures") }} as f
inner join {{ ref("source_list") }} as s on f.publisher = s.publisher
inner join {{ ref("units") }} as u on f.reported_unit = u.unit and u.currency = 'USD'
left join {{ ref("reporter_conventions") }} as r on f.reporter_iso3 = r.reporter_iso3
left join {{ ref("reporter_conventions") }} as d on d.reporter_iso3 = '*'
