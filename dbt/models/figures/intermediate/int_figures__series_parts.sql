{{ config(tags=["question"], materialized="view") }}

-- The series that the values of a series are computed from, by route: the series itself or, for the
-- CIF value of imports, their customs value and the charges.
with series as (select * from {{ ref("int_trade__series_listed") }})

select r.route, s.series_id, s.series_id as part_series_id, false as is_charges
from series as s
cross join (select unnest(['period', 'months', 'years']) as route) as r
where s.measure = 'trade_value'

union all

select r.route, t.series_id, p.series_id as part_series_id, p.measure = 'charges' as is_charges
from series as t
inner join
    series as p
    on t.compiler_id = p.compiler_id
    and t.trade_kind = p.trade_kind
    and t.flow = p.flow
    and t.concept = p.concept
    and t.account_basis = p.account_basis
    and t.seasonal_adjustment = p.seasonal_adjustment
cross join (select unnest(['charges', 'chapter_charges']) as route) as r
where
    t.measure = 'trade_value'
    and t.valuation = 'cif'
    and (p.measure = 'charges' or (p.measure = 'trade_value' and p.valuation = 'customs'))
