select z.observation_id, z.value_usd, b.value_usd as year_before_usd
from {{ ref("observations") }} as z
inner join
    {{ ref("observations") }} as b
    on z.raw_table = b.raw_table
    and z.release_id = b.release_id
    and z.series_key = b.series_key
    and z.period_start = b.period_start + interval 1 year
    and b.period_kind = 'month'
where
    z.period_kind = 'month'
    and z.measure = 'trade_value'
    and z.product_system = 'total'
    and z.value_usd = 0
    and b.value_usd > 100000000
