{{ config(tags=["question"], materialized="view") }}

-- The observations that may count towards a figure: that of the period itself, those of its months,
-- or those of its customs value and charges. A pair is known through its reporter's series and
-- through its partner's.
with
    sides as (

        select 'reporter' as reported_by
        union all
        select 'partner' as reported_by

    )

select
    c.cell_id,
    d.reported_by,
    c.months,
    g.members,
    p.route,
    o.observation_id,
    o.source_id,
    o.raw_table,
    k.series_id,
    k.part_series_id,
    o.flow,
    o.product_id,
    o.period_start,
    o.value_usd,
    o.rounding_margin_usd,
    o.first_release_no,
    o.last_release_no,
    o.copy_no,
    o.known_from,
    o.last_known_from,
    o.known_to
from {{ ref("int_figures__cells") }} as c
cross join sides as d
inner join
    {{ ref("int_figures__period_routes") }} as p
    on c.period_start = p.period_start
    and c.period_end = p.period_end
inner join
    {{ ref("int_trade__series_listed") }} as s
    on c.trade_kind = s.trade_kind
    and s.measure = 'trade_value'
    and s.compiler_id
    = case when d.reported_by = 'reporter' then c.reporter_id else c.partner_id end
inner join
    {{ ref("int_figures__series_parts") }} as k
    on s.series_id = k.series_id
    and p.route = k.route
    and coalesce(k.period_start, c.period_start) = c.period_start
    and coalesce(k.period_end, c.period_end) = c.period_end
inner join
    {{ ref("int_figures__route_products") }} as g
    on c.product_group_id = g.product_group_id
    and p.route = g.route
    and k.is_of_chapters = g.is_of_chapters
inner join
    {{ ref("int_trade__observations") }} as o
    on k.part_series_id = o.series_id
    and coalesce(k.raw_table, o.raw_table) = o.raw_table
    and o.partner_id = case when d.reported_by = 'reporter' then c.partner_id else c.reporter_id end
    and g.product_id = o.product_id
    and p.part_start = o.period_start
    and p.part_end = o.period_end
where o.known_from <= {{ as_of_day() }}
