{#
title = "Latest release of each source"
basis = "one row per source of either country"
columns = [
    "publisher", "last_release_id", "last_known_from", "last_period_end", "releases",
    "evidence_kind",
]
absence = "No release with a figure for this pair is available."
#}
-- The releases behind a pair by source: their number, the latest one and its last period.
with
    used as (

        select distinct source_id, release_id
        from marts.observations
        where
            (reporter_iso3 = {{ reporter }} and partner_code = {{ partner }})
            or (reporter_iso3 = {{ partner }} and partner_code = {{ reporter }})

    )

select
    s.publisher,
    count(*) as releases,
    max_by(r.release_id, r.release_order) as last_release_id,
    max(r.known_from) as last_known_from,
    max(r.last_period_end) as last_period_end,
    max_by(r.source_id || ' ' || r.release_id, r.release_order) as release_key,
    min(s.evidence_kind) as evidence_kind
from used as u
inner join marts.releases as r on u.source_id = r.source_id and u.release_id = r.release_id
inner join marts.sources as s on r.source_id = s.source_id
group by r.source_id, s.publisher
order by last_known_from desc, r.source_id
