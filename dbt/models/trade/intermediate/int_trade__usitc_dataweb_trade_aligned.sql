{{ config(materialized="view") }}

-- DataWeb's reports with the dimensions of a figure.
select
    s.source_id,
    'usitc_dataweb__trade' as raw_table,
    f.release_id,
    f.snapshot_file,
    f.snapshot_sha256,
    f.row_number,
    f.column_name,
    s.reporter_iso3,
    f.partner_code,
    f.partner_code = 'WLD' as is_aggregate,
    'goods' as trade_kind,
    m.flow,
    m.measure,
    m.concept,
    m.valuation,
    'census' as account_basis,
    'nsa' as seasonal_adjustment,
    f.product_system,
    f.product_code,
    case
        when f.product_system = 'total' then null else 'in force in the period'
    end as product_edition,
    make_date(f.reference_year, coalesce(f.reference_month, 1), 1) as period_start,
    last_day(make_date(f.reference_year, coalesce(f.reference_month, 12), 1)) as period_end,
    f.reported_value,
    f.reported_unit,
    f.value_usd,
    f.rounding_margin_usd
from {{ ref("stg_usitc_dataweb__trade") }} as f
inner join {{ ref("source_list") }} as s on s.source_id = 'usitc_dataweb'
inner join
    {{ ref("dataweb_measures") }} as m
    on f.trade_type = m.trade_type
    and f.dataweb_measure = m.dataweb_measure
