{{ config(tags=["question"], materialized="view") }}

-- The same balances as other tables and publishers give them: each value is from the preferred
-- source, and these are the current figures of the others for the same series and period.
with
    alternatives as (

        select
            o.cell_id,
            o.reported_by,
            o.series_id,
            o.flow,
            o.raw_table,
            max(o.last_release_no) as release_no,
            max(o.last_known_from) as known_from,
            sum(o.value_usd) as value_usd,
            sum(o.rounding_margin_usd) as rounding_margin_usd
        from {{ ref("int_figures__value_observations") }} as o
        left join
            {{ ref("int_figures__values") }} as v
            on o.cell_id = v.cell_id
            and o.series_id = v.series_id
            and o.raw_table = v.raw_table
            and v.valid_to is null
        where o.route = 'period' and o.known_to is null and o.copy_no = 1 and v.value_id is null
        group by o.cell_id, o.reported_by, o.series_id, o.flow, o.raw_table
        -- Products without trade have no figure, and this sum may lack one that another file gives.
        having min(o.members) = 1

    )

select
    c.cell_key as cell_id,
    c.product_group,
    n.basis_id,
    x.reported_by,
    n.export_series_code,
    n.import_series_code,
    cast(x.value_usd as decimal(24, 3)) as exports_usd,
    cast(m.value_usd as decimal(24, 3)) as imports_usd,
    cast(x.value_usd - m.value_usd as decimal(24, 3)) as balance_usd,
    cast(x.value_usd + m.value_usd as decimal(24, 3)) as two_way_usd,
    cast(x.rounding_margin_usd + m.rounding_margin_usd as decimal(24, 3)) as rounding_margin_usd,
    'statistic' as evidence_kind,
    false as is_page,
    false as is_sum_of_months,
    {{ release_keys("xr.release_key", "mr.release_key") }} as release_key,
    greatest(x.known_from, m.known_from) as known_from,
    cast(null as date) as known_to,
    n.policy_rank,
    false as is_preferred,
    cast(null as varchar) as reason
from alternatives as x
inner join
    alternatives as m
    on x.cell_id = m.cell_id
    and x.reported_by = m.reported_by
    and x.raw_table = m.raw_table
    and x.flow = 'export'
    and m.flow = 'import'
inner join {{ ref("int_figures__cells") }} as c on x.cell_id = c.cell_id
inner join
    {{ ref("bases") }} as n
    on c.reporter_id = n.reporter_id
    and c.partner_id = n.partner_id
    and c.trade_kind = n.trade_kind
    and x.reported_by = n.reported_by
    and x.series_id = n.export_series_id
    and m.series_id = n.import_series_id
inner join {{ ref("int_trade__releases_ordered") }} as xr on x.release_no = xr.release_no
inner join {{ ref("int_trade__releases_ordered") }} as mr on m.release_no = mr.release_no
