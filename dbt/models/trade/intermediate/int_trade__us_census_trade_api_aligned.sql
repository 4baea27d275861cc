{{ config(materialized="view") }}

-- The International Trade API with the dimensions of a figure.
select
    s.source_id,
    'us_census__trade_api' as raw_table,
    f.release_id,
    f.snapshot_file,
    f.snapshot_sha256,
    f.row_number,
    f.column_name,
    s.reporter_iso3,
    p.partner_code,
    p.is_aggregate,
    'goods' as trade_kind,
    v.flow,
    v.measure,
    v.concept,
    v.valuation,
    'census' as account_basis,
    p.seasonal_adjustment,
    f.product_system,
    f.product_code,
    case
        when f.product_system = 'total' then null else 'in force in the period'
    end as product_edition,
    make_date(f.reference_year, coalesce(f.reference_month, 1), 1) as period_start,
    last_day(
        make_date(f.reference_year, coalesce(f.reference_month, f.last_month), 1)
    ) as period_end,
    f.reported_value,
    f.reported_unit,
    f.value_usd,
    f.rounding_margin_usd
from {{ ref("stg_us_census__trade_api") }} as f
inner join {{ ref("source_list") }} as s on s.source_id = 'us_census'
inner join
    {{ ref("census_variables") }} as v
    on f.variable = v.variable
    and f.domestic_foreign = v.domestic_foreign
inner join
    {{ ref("census_partners") }} as p
    on f.census_code = p.census_code
    and p.partner_list in ('all', 'API')
where f.reference_month is not null or f.last_month > 1
