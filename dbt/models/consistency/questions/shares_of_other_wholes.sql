{{ config(tags=["question"]) }}

-- A share that is not true of the whole in the article may be true of the whole on another basis.
select distinct x.claim_id, x.part_claim_id, coalesce(n.basis_id, x.basis_key) as basis
from {{ ref("claim_candidates") }} as x
inner join {{ ref("claims") }} as k on x.claim_id = k.claim_id
left join
    {{ ref("bases") }} as n
    on k.reporter_iso3 = n.reporter_iso3
    and k.partner_code = n.partner_code
    and k.trade_kind = n.trade_kind
    and x.basis_key = n.basis_key
where x.fit = 'exact' and x.part_claim_id is not null
