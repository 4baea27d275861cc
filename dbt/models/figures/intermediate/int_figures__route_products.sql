{{ config(tags=["question"], materialized="view") }}

-- The products that the figures of a product group are the sum of, by route. Charges of all
-- products are given for the total, or for each chapter.
with
    groups as (select * from {{ ref("product_groups") }} where product_id is not null),

    totals as (

        select g.*
        from groups as g
        inner join {{ ref("int_trade__products_listed") }} as p on g.product_id = p.product_id
        where p.product_system = 'total'

    )

select r.route, g.product_group_id, false as is_charges, g.product_id, g.members
from groups as g
cross join (select unnest(['period', 'months', 'years']) as route) as r

union all

select r.route, g.product_group_id, r.is_charges, g.product_id, g.members
from totals as g
cross join
    (values ('charges', false), ('charges', true), ('chapter_charges', false)) as r(
        route, is_charges
    )

union all

select 'chapter_charges' as route, t.product_group_id, true as is_charges, p.product_id, t.members
from totals as t
cross join {{ ref("int_trade__products_listed") }} as p
where p.product_system = 'hs2'
