{#
id = "claims"
title = "Claims about {{ year }} in articles"
unit = "Each figure in its own unit."
basis = "one row per claim; the release is that of its verdict"
columns = ["claim_id", "says", "reported_value", "unit", "verdict", "published_by", "published_on"]
absence = "No article makes a claim about {{ year }}."
links = "claims"
#}
-- Claims about a year, or a part of it, from either side.
select
    c.claim_id,
    coalesce(c.document_publisher, c.document_id) as published_by,
    c.published_on,
    c.says,
    c.period,
    c.reported_value,
    c.unit,
    v.status as verdict,
    v.release_key
from marts.claims as c
inner join marts.claim_verdicts as v on c.claim_id = v.claim_id
where
    {{ year }} between year(c.period_start) and year(c.period_end)
    and (
        (c.reporter_iso3 = {{ reporter }} and c.partner_code = {{ partner }})
        or (c.reporter_iso3 = {{ partner }} and c.partner_code = {{ reporter }})
    )
order by c.document_id, c.claim_id
