{{ config(materialized="ephemeral") }}

-- Balances of all products on the named bases, as known on a date.
select
    c.cell_key
    || ' | '
    || n.basis_id
    || ' | '
    || {{ release_keys("x.release_key", "m.release_key") }}
    || ' | '
    || cast(b.valid_from as varchar) as figure_id,
    b.balance_id,
    c.reporter_iso3,
    c.partner_code,
    y.partner_name,
    y.is_aggregate,
    c.trade_kind,
    c.period,
    c.period_kind,
    c.period_start,
    c.period_end,
    n.basis_id,
    b.reported_by,
    b.exports_usd,
    b.imports_usd,
    b.balance_usd,
    b.two_way_usd,
    b.rounding_margin_usd,
    b.evidence_kind,
    {{ release_keys("x.release_key", "m.release_key") }} as release_key,
    b.valid_from as known_from,
    n.policy_rank,
    n.export_series_code,
    n.import_series_code
from {{ ref("int_figures__balances") }} as b
inner join {{ ref("int_figures__values_as_of") }} as x on b.exports_value_id = x.value_id
inner join {{ ref("int_figures__values_as_of") }} as m on b.imports_value_id = m.value_id
inner join {{ ref("int_figures__cells") }} as c on b.cell_id = c.cell_id
inner join {{ ref("countries") }} as y on c.partner_code = y.partner_code
inner join
    {{ ref("bases") }} as n
    on c.reporter_id = n.reporter_id
    and c.partner_id = n.partner_id
    and c.trade_kind = n.trade_kind
    and b.reported_by = n.reported_by
    and b.export_series_id = n.export_series_id
    and b.import_series_id = n.import_series_id
where
    b.valid_from <= {{ as_of_day() }}
    and (b.valid_to is null or b.valid_to > {{ as_of_day() }})
    and n.is_named
    and c.product_group = 'total:total'
