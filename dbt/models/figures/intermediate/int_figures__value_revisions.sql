{{ config(tags=["question"], materialized="view") }}

-- How far revisions usually move each value, by the age of its period on the day of print.
select v.value_id, s.age, s.share_p90
from {{ ref("int_figures__values") }} as v
inner join {{ ref("int_figures__cells") }} as c on v.cell_id = c.cell_id
inner join
    (
        select product_group_id, min(product_system) as product_system
        from {{ ref("product_groups") }}
        group by product_group_id
    ) as g
    on c.product_group_id = g.product_group_id
inner join
    {{ ref("int_trade__revision_sizes") }} as s
    on v.series_id = s.series_id
    and g.product_system = s.product_system
