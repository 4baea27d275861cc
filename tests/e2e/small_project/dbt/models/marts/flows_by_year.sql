{{ config(tags=['question']) }}
select cty_code, flow, year, sum(value_musd) as value_musd
from {{ ref('stg_flows') }}
where month is null
group by cty_code, flow, year
