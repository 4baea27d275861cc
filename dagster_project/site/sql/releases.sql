-- Every available release, the latest of each source first.
select
    r.source_id,
    r.release_id,
    r.known_from,
    r.known_from_precision,
    r.first_period_start,
    r.last_period_end,
    r.observations,
    r.withdrawn,
    r.files,
    r.retrieved_on,
    r.is_composed,
    r.is_redistributable as may_be_republished,
    r.licence,
    r.address
from marts.releases as r
inner join marts.sources as s on r.source_id = s.source_id
order by s.source_rank, r.source_id, r.release_order desc
