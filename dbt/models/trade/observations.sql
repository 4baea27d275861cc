{{ config(materialized="view", post_hook="{{ observations_as_of(this) }}") }}

-- Every figure as its source gave it, by readable names: one row per run of releases with the same
-- value.
select
    o.observation_id,
    f.source_id,
    f.evidence_kind,
    f.source_rank,
    o.raw_table,
    f.release_id,
    l.release_id as last_release_id,
    o.releases,
    o.known_from,
    o.known_to,
    o.last_known_from,
    o.withdrawn_by_release_id,
    f.known_from_earliest,
    f.known_from_precision,
    coalesce(x.compiler_iso3, m.compiler_iso3) as reporter_iso3,
    a.area_code as partner_code,
    o.is_aggregate,
    coalesce(x.trade_kind, m.trade_kind) as trade_kind,
    o.flow,
    coalesce(x.measure, m.measure) as measure,
    x.concept as export_concept,
    m.concept as import_concept,
    case
        when o.flow = 'export' then x.valuation when o.flow = 'import' then m.valuation
    end as valuation,
    coalesce(x.account_basis, m.account_basis) as account_basis,
    coalesce(x.seasonal_adjustment, m.seasonal_adjustment) as seasonal_adjustment,
    p.product_system,
    p.product_code,
    o.product_edition,
    {{ period_kind("o.period_start", "o.period_end") }} as period_kind,
    o.period_start,
    o.period_end,
    {{ period_text("o.period_start", "o.period_end") }} as period,
    o.reported_value,
    o.reported_unit,
    o.value_usd,
    o.rounding_margin_usd,
    x.series_code as export_series_code,
    m.series_code as import_series_code
from {{ ref("int_trade__observations") }} as o
inner join {{ ref("int_trade__releases_ordered") }} as f on o.first_release_no = f.release_no
inner join {{ ref("int_trade__releases_ordered") }} as l on o.last_release_no = l.release_no
inner join {{ ref("int_trade__areas_listed") }} as a on o.partner_id = a.area_id
inner join {{ ref("int_trade__products_listed") }} as p on o.product_id = p.product_id
left join {{ ref("int_trade__series_listed") }} as x on o.export_series_id = x.series_id
left join {{ ref("int_trade__series_listed") }} as m on o.import_series_id = m.series_id
