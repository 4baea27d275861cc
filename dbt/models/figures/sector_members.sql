-- The product codes of each product group.
select c.product_group, d.sector_id, c.product_system, c.product_code
from {{ ref("sector_codes") }} as c
inner join {{ ref("sector_definitions") }} as d on c.product_group = d.product_group
