{{ config(tags=["question"], materialized="view") }}

-- The figures behind each value, release by release: those that were current on a day in its
-- stretch are what it is made of then.
select v.value_id, f.figure_id, f.release_no, f.known_from, f.known_to
from {{ ref("int_figures__values") }} as v
inner join {{ ref("int_figures__cells") }} as c on v.cell_id = c.cell_id
inner join
    {{ ref("int_figures__parts_of_periods") }} as p
    on v.route = p.route
    and c.period_start = p.period_start
    and c.period_end = p.period_end
inner join {{ ref("product_groups") }} as g on c.product_group_id = g.product_group_id
inner join
    {{ ref("int_trade__figures") }} as f
    on v.series_id = f.series_id
    and v.source_id = f.source_id
    and v.raw_table = f.raw_table
    and f.partner_id = case when v.reported_by = 'reporter' then c.partner_id else c.reporter_id end
    and g.product_id = f.product_id
    and p.part_start = f.period_start
    and p.part_end = f.period_end
    -- A figure that is in one release twice counts once.
    and f.copy_no = 1
where
    (v.valid_to is null or f.known_from < v.valid_to)
    and (f.known_to is null or f.known_to > v.valid_from)
    and f.known_from <= {{ as_of_day() }}
