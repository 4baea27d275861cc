{{ config(tags=["question"], materialized="view") }}

-- Every balance of every figure key on every basis, with its real-time start and end.
select
    c.cell_key
    || ' | '
    || coalesce(n.basis_id, {{ basis_key("x.series_code", "m.series_code", "") }})
    || ' | '
    || {{ release_keys("xr.release_key", "mr.release_key") }}
    || ' | '
    || cast(b.valid_from as varchar)
    || case when b.is_page then ' | printed' else '' end as figure_id,
    b.balance_id,
    c.cell_key as cell_id,
    c.reporter_iso3,
    c.partner_code,
    c.trade_kind,
    c.product_group,
    c.period_kind,
    c.period_start,
    c.period_end,
    c.period,
    n.basis_id,
    n.is_named,
    n.policy_rank,
    b.reported_by,
    x.series_code as export_series_code,
    m.series_code as import_series_code,
    b.exports_usd,
    b.imports_usd,
    b.balance_usd,
    b.two_way_usd,
    b.rounding_margin_usd,
    b.evidence_kind,
    b.is_page,
    {{ release_keys("xr.release_key", "mr.release_key") }} as release_key,
    b.valid_from as known_from,
    b.valid_to as known_to
from {{ ref("int_figures__balances") }} as b
inner join {{ ref("int_figures__cells") }} as c on b.cell_id = c.cell_id
inner join {{ ref("int_trade__series_listed") }} as x on b.export_series_id = x.series_id
inner join {{ ref("int_trade__series_listed") }} as m on b.import_series_id = m.series_id
inner join {{ ref("int_trade__releases_ordered") }} as xr on b.exports_release_no = xr.release_no
inner join {{ ref("int_trade__releases_ordered") }} as mr on b.imports_release_no = mr.release_no
left join
    {{ ref("bases") }} as n
    on c.reporter_id = n.reporter_id
    and c.partner_id = n.partner_id
    and c.trade_kind = n.trade_kind
    and b.reported_by = n.reported_by
    and b.export_series_id = n.export_series_id
    and b.import_series_id = n.import_series_id
