{{ config(materialized="view") }}

-- The end-use workbooks with the dimensions of a figure.
select
    s.source_id,
    'us_census__end_use' as raw_table,
    f.release_id,
    f.snapshot_file,
    f.snapshot_sha256,
    f.row_number,
    f.column_name,
    s.reporter_iso3,
    p.partner_code,
    p.is_aggregate,
    'goods' as trade_kind,
    f.flow,
    'trade_value' as measure,
    case when f.flow = 'export' then 'total' else p.import_concept end as concept,
    case when f.flow = 'export' then 'fas' else 'customs' end as valuation,
    'census' as account_basis,
    p.seasonal_adjustment,
    f.product_system,
    f.product_code,
    'in force in the period' as product_edition,
    make_date(f.reference_year, 1, 1) as period_start,
    make_date(f.reference_year, 12, 31) as period_end,
    f.reported_value,
    f.reported_unit,
    f.value_usd,
    f.rounding_margin_usd
from {{ ref("stg_us_census__end_use") }} as f
inner join {{ ref("source_list") }} as s on s.source_id = 'us_census'
inner join
    {{ ref("census_partners") }} as p
    on f.census_code = p.census_code
    and p.partner_list in ('all', 'end-use workbooks')
