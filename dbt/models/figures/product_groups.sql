-- A product group is a list of product codes; every code in the warehouse is a group of itself.
with
    listed as (

        select product_group, product_system, product_code
        from {{ ref("sector_codes") }}

        union

        select product_system || ':' || product_code as product_group, product_system, product_code
        from {{ ref("int_trade__products_listed") }}

    )

select
    cast(dense_rank() over (order by l.product_group) as integer) as product_group_id,
    l.product_group,
    l.product_system,
    l.product_code,
    -- Null where no figure of the code is available.
    p.product_id,
    cast(count(*) over (partition by l.product_group) as integer) as members
from listed as l
left join
    {{ ref("int_trade__products_listed") }} as p
    on l.product_system = p.product_system
    and l.product_code = p.product_code
