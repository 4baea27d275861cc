select c.claim_id, c.sector
from {{ ref("stg_articles__claims") }} as c
left join {{ ref("sector_list") }} as s on c.sector = s.sector_id
left join
    {{ ref("coded_values") }} as v
    on v.column_name = 'product_system'
    and c.sector like v.code || ':_%'
where s.sector_id is null and v.code is null
