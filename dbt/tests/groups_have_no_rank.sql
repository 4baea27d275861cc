select r.rank_id
from {{ ref("partner_ranks") }} as r
left join {{ ref("countries") }} as c on r.partner_code = c.partner_code
where c.iso3 is null or c.is_aggregate
