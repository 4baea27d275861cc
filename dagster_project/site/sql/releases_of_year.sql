{#
id = "releases"
title = "Releases behind the figures for {{ year }}"
basis = "one row per release"
columns = [
    "release_key", "publisher", "known_from", "evidence_kind", "last_period_end",
    "retrieved_on", "address",
]
absence = "No release with a figure for {{ year }} is available."
#}
-- The releases behind the figures of a year.
with
    used as (

        select unnest(string_split(release_key, ' + ')) as release_key
        from marts.trade_by_year
        where reporter_iso3 = {{ reporter }} and partner_code = {{ partner }} and year = {{ year }}
        union
        select unnest(string_split(release_key, ' + '))
        from marts.trade_by_year_to_date
        where reporter_iso3 = {{ reporter }} and partner_code = {{ partner }} and year = {{ year }}
        union
        select unnest(string_split(release_key, ' + '))
        from marts.trade_by_sector_year
        where reporter_iso3 = {{ reporter }} and partner_code = {{ partner }} and year = {{ year }}

    )

select
    u.release_key,
    s.publisher,
    r.known_from,
    r.known_from_precision,
    r.evidence_kind,
    r.first_period_start,
    r.last_period_end,
    r.retrieved_on,
    r.address
from used as u
inner join marts.releases as r on u.release_key = r.source_id || ' ' || r.release_id
inner join marts.sources as s on r.source_id = s.source_id
order by r.known_from desc, u.release_key
