-- All claims of the articles about a pair, from either side.
select
    c.claim_id,
    c.document_id,
    c.document_publisher,
    c.published_on,
    coalesce(c.document_publisher, c.document_id) as publisher
from marts.claims as c
where
    c.document_id in (
        select document_id
        from marts.claims
        where
            (reporter_iso3 = {{ reporter }} and partner_code = {{ partner }})
            or (reporter_iso3 = {{ partner }} and partner_code = {{ reporter }})
    )
order by c.document_id, c.claim_id
