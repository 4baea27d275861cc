select d.breakdown, c.product_system, c.product_code, count(*) as definitions
from {{ ref("sector_definitions") }} as d
inner join {{ ref("sector_codes") }} as c on d.product_group = c.product_group
where d.breakdown is not null
group by d.breakdown, c.product_system, c.product_code
having count(*) > 1
