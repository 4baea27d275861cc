{{ config(materialized="view") }}

-- FRED's copies with the dimensions of a figure, from the seed of FRED series.
select
    'fred' as source_id,
    'fred__series' as raw_table,
    f.release_id,
    f.snapshot_file,
    f.snapshot_sha256,
    f.row_number,
    f.column_name,
    s.reporter_iso3,
    s.partner_code,
    false as is_aggregate,
    'goods' as trade_kind,
    s.flow,
    'trade_value' as measure,
    s.concept,
    s.valuation,
    s.account_basis,
    s.seasonal_adjustment,
    'total' as product_system,
    'total' as product_code,
    cast(null as varchar) as product_edition,
    make_date(f.reference_year, f.reference_month, 1) as period_start,
    last_day(make_date(f.reference_year, f.reference_month, 1)) as period_end,
    f.reported_value,
    f.reported_unit,
    f.value_usd,
    f.rounding_margin_usd
from {{ ref("stg_fred__series") }} as f
inner join {{ ref("fred_series") }} as s on f.series_id = s.series_id
