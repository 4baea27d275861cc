-- What sectors and their definitions are called.
select sector_id as code, min(sector_name) as name
from marts.sectors
group by sector_id
union
select definition_id as code, min(definition_name) as name
from marts.sectors
group by definition_id
order by code
