select o.observation_id, o.partner_code, o.is_aggregate, c.is_aggregate as partner_is_aggregate
from {{ ref("observations") }} as o
left join {{ ref("countries") }} as c on o.partner_code = c.partner_code
where
    c.is_aggregate is null
    or o.is_aggregate <> c.is_aggregate
    or (c.is_aggregate and c.iso3 is not null)
