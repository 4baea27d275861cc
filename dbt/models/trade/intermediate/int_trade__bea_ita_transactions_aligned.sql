{{ config(materialized="view") }}

-- BEA's accounts with the dimensions of a figure.
select
    s.source_id,
    'bea_ita__transactions' as raw_table,
    f.release_id,
    f.snapshot_file,
    f.snapshot_sha256,
    f.row_number,
    f.column_name,
    s.reporter_iso3,
    a.partner_code,
    a.is_aggregate,
    i.trade_kind,
    i.flow,
    'trade_value' as measure,
    i.concept,
    i.valuation,
    'bop' as account_basis,
    case when f.frequency in ('QSA', 'MSA') then 'sa' else 'nsa' end as seasonal_adjustment,
    'total' as product_system,
    'total' as product_code,
    cast(null as varchar) as product_edition,
    make_date(f.reference_year, f.first_month, 1) as period_start,
    last_day(make_date(f.reference_year, f.last_month, 1)) as period_end,
    f.reported_value,
    u.unit as reported_unit,
    f.value_usd,
    f.rounding_margin_usd
from {{ ref("stg_bea_ita__transactions") }} as f
inner join {{ ref("source_list") }} as s on s.source_id = 'bea_ita'
inner join {{ ref("bea_areas") }} as a on f.area_or_country = a.area_or_country
inner join {{ ref("bea_indicators") }} as i on f.indicator = i.indicator
inner join
    {{ ref("units") }} as u on u.currency = 'USD' and u.multiplier = power(10, f.unit_multiplier)
-- The residual of the sum of seasonally adjusted areas has no partner.
where not a.is_residual
