-- Each document with its claims by verdict.
select
    c.document_id,
    min(c.document_publisher) as publisher,
    min(c.published_on) as published_on,
    count(*) as claims,
    count(*) filter (where v.status in ('confirmed', 'revised')) as borne_out,
    count(*) filter (where v.status in ('other_basis', 'ambiguous')) as true_on_another_basis,
    count(*) filter (where v.status in ('contradicted', 'mislabelled')) as contradicted,
    count(*) filter (
        where
            v.status not in (
                'confirmed', 'revised', 'other_basis', 'ambiguous', 'contradicted', 'mislabelled'
            )
    ) as undecided,
    string_agg(distinct v.release_key, ' + ' order by v.release_key) as release_key
from marts.claims as c
inner join marts.claim_verdicts as v on c.claim_id = v.claim_id
where list_contains({{ documents }}, c.document_id)
group by c.document_id
order by c.document_id
