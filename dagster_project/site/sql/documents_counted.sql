{#
id = "documents"
title = "Articles we checked"
unit = "Number of claims. Confirmed includes likely revised and ambiguous claims."
basis = "one row per article; the releases are those of its verdicts"
columns = [
    "article", "claims", "confirmed", "true_on_another_basis", "mislabelled", "contradicted",
    "undetermined", "out_of_scope",
]
absence = "No article with a claim about these pairs is available."
links = "documents"
linked_by = "document_id"
#}
-- Each article with the number of its claims by verdict.
select
    c.document_id,
    coalesce(min(c.document_publisher), c.document_id)
    || coalesce(', ' || min(c.published_on), ', undated') as article,
    min(c.published_on) as published_on,
    count(*) as claims,
    -- An ambiguous claim is true on every basis it may mean.
    count(*) filter (where v.status in ('confirmed', 'revised', 'ambiguous')) as confirmed,
    count(*) filter (where v.status = 'other_basis') as true_on_another_basis,
    count(*) filter (where v.status = 'mislabelled') as mislabelled,
    count(*) filter (where v.status = 'contradicted') as contradicted,
    count(*) filter (where v.status = 'undetermined') as undetermined,
    count(*) filter (where v.status = 'out_of_scope') as out_of_scope,
    string_agg(distinct v.release_key, ' + ' order by v.release_key) as release_key
from marts.claims as c
inner join marts.claim_verdicts as v on c.claim_id = v.claim_id
where list_contains({{ documents }}, c.document_id)
group by c.document_id
order by c.document_id
