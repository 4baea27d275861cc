select g.claim_id, count(v.claim_id) as verdicts
from {{ ref("claims_given") }} as g
left join {{ ref("claim_verdicts") }} as v on g.claim_id = v.claim_id
group by g.claim_id
having count(v.claim_id) <> 1
