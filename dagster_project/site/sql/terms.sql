-- Publishers whose rows may be cited but not redistributed.
select source_id, publisher, licence
from marts.sources
where not is_redistributable
order by source_id
