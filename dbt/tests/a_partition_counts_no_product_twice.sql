select d.partition_name, c.product_system, c.product_code, count(*) as definitions
from {{ ref("sector_definitions") }} as d
inner join {{ ref("sector_codes") }} as c on d.definition_id = c.definition_id
where d.partition_name is not null
group by d.partition_name, c.product_system, c.product_code
having count(*) > 1
