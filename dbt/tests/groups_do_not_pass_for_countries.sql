select o.observation_id, o.partner_code, o.is_aggregate, c.is_aggregate as partner_is_aggregate
from {{ ref("observations") }} as o
left join {{ ref("countries") }} as c on o.partner_code = c.partner_code
left join {{ ref("countries") }} as r on o.reporter_iso3 = r.partner_code
where
    r.is_aggregate is distinct from false
    or c.is_aggregate is null
    or o.is_aggregate <> c.is_aggregate
    or (c.is_aggregate and c.iso3 is not null)
