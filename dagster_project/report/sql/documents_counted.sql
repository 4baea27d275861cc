-- Each document with its claims by verdict.
select
    c.document_id,
    min(c.document_publisher) as publisher,
    min(c.published_on) as published_on,
    count(*) as claims,
    count(*) filter (v.status in ('confirmed', 'revised')) as borne_out,
    count(*) filter (v.status in ('other_basis', 'ambiguous')) as true_on_some_basis,
    count(*) filter (v.status in ('contradicted', 'mislabelled')) as contradicted,
    count(*) filter (
        v.status
        not in ('confirmed', 'revised', 'other_basis', 'ambiguous', 'contradicted', 'mislabelled')
    ) as undecided
from marts.claims as c
inner join marts.claim_verdicts as v on c.claim_id = v.claim_id
where c.document_id in (select unnest({{ documents }}))
group by c.document_id
order by c.document_id
