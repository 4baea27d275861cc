{{ config(materialized="view") }}

-- Every figure of every release with its dimensions by name and by key. A balance or total trade
-- shows the series of its exports.
select
    f.figure_id,
    f.observation_id,
    f.release_no,
    r.source_id,
    r.release_id,
    r.evidence_kind,
    f.file_no,
    f.raw_table,
    s.series_id,
    s.compiler_iso3 as reporter_iso3,
    f.partner_id,
    a.area_code as partner_code,
    f.is_aggregate,
    s.trade_kind,
    f.flow,
    s.measure,
    s.concept,
    s.valuation,
    s.account_basis,
    s.seasonal_adjustment,
    f.product_id,
    p.product_system,
    p.product_code,
    {{ period_kind("f.period_start", "f.period_end") }} as period_kind,
    f.period_start,
    f.period_end,
    {{ period_text("f.period_start", "f.period_end") }} as period,
    f.value_usd,
    f.rounding_margin_usd,
    f.known_from,
    f.known_to,
    f.withdrawn_by_release_id
from {{ ref("int_trade__figures") }} as f
inner join {{ ref("int_trade__releases_ordered") }} as r on f.release_no = r.release_no
inner join {{ ref("int_trade__areas_listed") }} as a on f.partner_id = a.area_id
inner join {{ ref("int_trade__products_listed") }} as p on f.product_id = p.product_id
inner join
    {{ ref("int_trade__series_listed") }} as s
    on coalesce(f.export_series_id, f.import_series_id) = s.series_id
