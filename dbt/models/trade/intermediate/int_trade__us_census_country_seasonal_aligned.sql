{{ config(materialized="view") }}

-- The seasonally adjusted country file with the dimensions of a figure.
select
    s.source_id,
    'us_census__country_seasonal' as raw_table,
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
    'sa' as seasonal_adjustment,
    'total' as product_system,
    'total' as product_code,
    cast(null as varchar) as product_edition,
    make_date(f.reference_year, f.reference_month, 1) as period_start,
    last_day(make_date(f.reference_year, f.reference_month, 1)) as period_end,
    f.reported_value,
    f.reported_unit,
    f.value_usd,
    f.rounding_margin_usd
from {{ ref("stg_us_census__country_seasonal") }} as f
inner join {{ ref("source_list") }} as s on s.source_id = 'us_census'
inner join
    {{ ref("census_partners") }} as p
    on f.census_code = p.census_code
    and p.partner_list in ('all', 'country file')
-- All other countries together are no partner.
where f.census_code not in (select census_code from {{ ref("census_seasonal_residuals") }})
