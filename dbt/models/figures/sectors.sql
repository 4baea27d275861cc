-- A sector is a name; what it counts is a definition, and a sector may have several.
with
    definitions as (select * from {{ ref("sector_definitions") }}),

    held as (select distinct definition_id from {{ ref("figures_requested") }})

select
    d.definition_id,
    d.sector_id,
    s.sector_name,
    d.definition_name,
    d.product_system,
    d.definition_rank,
    d.note,
    h.definition_id is not null as is_held
from definitions as d
inner join {{ ref("sector_list") }} as s on d.sector_id = s.sector_id
left join held as h on d.definition_id = h.definition_id
