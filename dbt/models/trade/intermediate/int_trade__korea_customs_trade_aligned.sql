{{ config(materialized="view") }}

-- Korea Customs with the dimensions of a figure: the publisher gives exports FOB, imports CIF.
with
    partners as (

        select country_code, partner_code, is_aggregate
        from {{ ref("korea_customs_partners") }}

        union all

        select c.iso2 as country_code, c.iso3 as partner_code, false as is_aggregate
        from {{ ref("country_list") }} as c
        left join {{ ref("korea_customs_partners") }} as p on c.iso2 = p.country_code
        where p.country_code is null

    )

select
    s.source_id,
    'korea_customs__trade' as raw_table,
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
    case when f.flow = 'export' then 'total' else 'general' end as concept,
    case when f.flow = 'export' then 'fob' else 'cif' end as valuation,
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
from {{ ref("stg_korea_customs__trade") }} as f
inner join {{ ref("source_list") }} as s on s.source_id = 'korea_customs'
inner join partners as p on f.country_code = p.country_code
