-- A sector is a name; a product group says what it counts, and a sector may have several.
with
    definitions as (select * from {{ ref("sector_definitions") }}),

    available as (select distinct product_group from {{ ref("figures_requested") }})

select
    d.product_group,
    d.sector_id,
    s.sector_name,
    d.definition_name,
    d.product_system,
    d.definition_rank,
    d.note,
    h.product_group is not null as is_held
from definitions as d
inner join {{ ref("sector_list") }} as s on d.sector_id = s.sector_id
left join available as h on d.product_group = h.product_group
