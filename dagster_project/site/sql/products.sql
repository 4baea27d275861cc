-- Names of sectors and their product groups.
select sector_id as code, min(sector_name) as name
from marts.sectors
group by sector_id
union
select product_group as code, min(definition_name) as name
from marts.sectors
group by product_group
order by code
