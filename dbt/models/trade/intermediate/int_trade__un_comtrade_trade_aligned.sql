{{ config(materialized="view") }}

-- Comtrade rows with the dimensions of a figure. Valuation and import concept are the publisher's
-- for the reporter and period; a known break takes precedence, and where nothing is given, the
-- reporter's usual practice applies. Imports CIF may have a second figure, without freight and
-- insurance: the customs value of a reporter that values its imports so, else FOB.
select
    'un_comtrade' as source_id,
    'un_comtrade__trade' as raw_table,
    f.release_id,
    f.snapshot_file,
    f.snapshot_sha256,
    f.row_number,
    f.column_name,
    f.reporter_iso3,
    f.partner_code,
    coalesce(a.area_kind = 'group', false) as is_aggregate,
    case when f.type_code = 'S' then 'services' else 'goods' end as trade_kind,
    w.flow,
    'trade_value' as measure,
    case
        when w.flow = 'import' then coalesce(m.import_concept, w.concept) else w.concept
    end as concept,
    case
        when f.type_code = 'S'
        then 'bop'
        when f.is_without_freight
        then coalesce(nullif(r.import_valuation, 'cif'), 'fob')
        when w.flow = 'import'
        then coalesce(b.valuation, m.import_valuation, 'cif')
        else coalesce(b.valuation, m.export_valuation, r.export_valuation, d.export_valuation)
    end as valuation,
    case when f.type_code = 'S' then 'bop' else 'census' end as account_basis,
    'nsa' as seasonal_adjustment,
    f.product_system,
    f.product_code,
    case
        when f.product_system = 'total' then null else f.classification_code
    end as product_edition,
    make_date(f.reference_year, coalesce(f.reference_month, 1), 1) as period_start,
    last_day(make_date(f.reference_year, coalesce(f.reference_month, 12), 1)) as period_end,
    f.reported_value,
    f.reported_unit,
    f.value_usd,
    f.rounding_margin_usd
from {{ ref("stg_un_comtrade__trade") }} as f
-- A flow without a concept is a part of another flow and is left out.
inner join {{ ref("comtrade_flows") }} as w on f.flow_code = w.flow_code and w.concept is not null
left join {{ ref("comtrade_areas") }} as a on f.partner_code = a.code
left join {{ ref("comtrade_areas") }} as g on f.reporter_iso3 = g.code
left join
    {{ ref("int_trade__un_comtrade_reporting_chosen") }} as m
    on f.type_code = m.type_code
    and f.freq_code = m.freq_code
    and f.reference_period = m.reference_period
    and f.reporter_iso3 = m.reporter_iso3
left join {{ ref("reporter_conventions") }} as r on f.reporter_iso3 = r.reporter_iso3
left join {{ ref("reporter_conventions") }} as d on d.reporter_iso3 = '*'
left join
    {{ ref("basis_breaks") }} as b
    on b.source_id = 'un_comtrade'
    and f.reporter_iso3 = b.reporter_iso3
    and w.flow = b.flow
    and f.reference_year between b.first_year and b.last_year
where
    -- The report of a group repeats those of its members.
    g.area_kind is distinct from 'group'
    and (
        not f.is_without_freight
        or (w.flow = 'import' and coalesce(b.valuation, m.import_valuation, 'cif') = 'cif')
    )
