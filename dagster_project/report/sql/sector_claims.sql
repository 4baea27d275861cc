-- What documents print of a sector of two countries, from either side, with the verdict.
select
    c.claim_id,
    coalesce(c.document_publisher, c.document_id) as publisher,
    c.says,
    c.period,
    c.reported_value,
    c.unit,
    v.status,
    v.reason,
    v.missing,
    v.definition_id,
    v.release_key
from marts.claims as c
inner join marts.claim_verdicts as v on c.claim_id = v.claim_id
where
    c.sector = {{ sector }}
    and (
        (c.reporter_iso3 = {{ reporter }} and c.partner_code = {{ partner }})
        or (c.reporter_iso3 = {{ partner }} and c.partner_code = {{ reporter }})
    )
order by publisher, c.claim_id
