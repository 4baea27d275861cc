-- The product codes that a definition counts.
select c.definition_id, d.sector_id, c.product_system, c.product_code
from {{ ref("sector_codes") }} as c
inner join {{ ref("sector_definitions") }} as d on c.definition_id = d.definition_id
