{{ config(tags=["question"], materialized="view") }}

-- The observations that may count towards a figure: that of the period itself, those of its months
-- or years, or those of its customs value and charges. A pair is known through its reporter's
-- series and
-- through its partner's.
with
    cells as (

        select *, 'reporter' as reported_by, reporter_id as compiler_id, partner_id as area_id
        from {{ ref("int_figures__cells") }}

        union all

        select *, 'partner' as reported_by, partner_id as compiler_id, reporter_id as area_id
        from {{ ref("int_figures__cells") }}

    ),

    -- The tariff has 98 chapters. In some months nothing of one of them is imported.
    complete_charges as (

        select o.series_id, o.raw_table, o.period_start, o.period_end
        from {{ ref("int_trade__observations") }} as o
        inner join
            {{ ref("int_trade__products_listed") }} as p
            on o.product_id = p.product_id
            and p.product_system = 'hs2'
        inner join
            {{ ref("int_trade__series_listed") }} as s
            on o.series_id = s.series_id
            and s.measure = 'charges'
        group by o.series_id, o.raw_table, o.period_start, o.period_end
        having count(distinct o.product_id) >= 97

    )

select
    c.cell_id,
    c.reported_by,
    c.months,
    g.members,
    p.route,
    o.observation_id,
    o.source_id,
    o.raw_table,
    o.series_id,
    o.series_id as part_series_id,
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
from cells as c
inner join
    {{ ref("int_figures__period_routes") }} as p
    on c.period_start = p.period_start
    and c.period_end = p.period_end
    and p.route in ('period', 'months', 'years')
inner join {{ ref("product_groups") }} as g on c.product_group_id = g.product_group_id
inner join
    {{ ref("int_trade__series_listed") }} as s
    on c.trade_kind = s.trade_kind
    and s.measure = 'trade_value'
    and s.compiler_id = c.compiler_id
inner join
    {{ ref("int_trade__observations") }} as o
    on s.series_id = o.series_id
    and o.partner_id = c.area_id
    and g.product_id = o.product_id
    and p.part_start = o.period_start
    and p.part_end = o.period_end
where o.known_from <= {{ as_of_day() }}

union all

select
    c.cell_id,
    c.reported_by,
    c.months,
    g.members,
    k.route,
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
from {{ ref("int_figures__series_parts") }} as k
inner join {{ ref("int_trade__series_listed") }} as s on k.series_id = s.series_id
inner join
    {{ ref("int_figures__route_products") }} as g
    on k.route = g.route
    and k.is_charges = g.is_charges
inner join
    {{ ref("int_trade__observations") }} as o
    on k.part_series_id = o.series_id
    and g.product_id = o.product_id
inner join
    cells as c
    on g.product_group_id = c.product_group_id
    and s.trade_kind = c.trade_kind
    and s.compiler_id = c.compiler_id
    and o.partner_id = c.area_id
    and o.period_start = c.period_start
    and o.period_end = c.period_end
left join
    complete_charges as h
    on o.series_id = h.series_id
    and o.raw_table = h.raw_table
    and o.period_start = h.period_start
    and o.period_end = h.period_end
where
    k.route in ('charges', 'chapter_charges')
    and (k.route = 'charges' or not k.is_charges or h.series_id is not null)
    and o.known_from <= {{ as_of_day() }}
