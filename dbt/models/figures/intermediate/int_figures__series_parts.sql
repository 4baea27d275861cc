-- The series that the values of a series are computed from, by route: the series itself, or, for
-- the
-- CIF value of imports, their customs value and the charges that the same table gives. Charges of
-- all products may be the sum of the chapters, if no total is given and no chapter is missing.
with
    series as (select * from {{ ref("int_trade__series_listed") }}),

    routes as (

        select 'period' as route
        union all
        select 'months' as route

    ),

    pairs as (

        select t.series_id, p.series_id as part_series_id
        from series as t
        inner join
            series as p
            on t.compiler_id = p.compiler_id
            and t.trade_kind = p.trade_kind
            and t.flow = p.flow
            and t.concept = p.concept
            and t.account_basis = p.account_basis
            and t.seasonal_adjustment = p.seasonal_adjustment
        where
            t.measure = 'trade_value'
            and t.valuation = 'cif'
            and (p.measure = 'charges' or (p.measure = 'trade_value' and p.valuation = 'customs'))

    ),

    observed as (

        select
            k.series_id,
            k.part_series_id,
            o.raw_table,
            o.period_start,
            o.period_end,
            r.product_system,
            count(distinct o.product_id) as products
        from pairs as k
        inner join {{ ref("int_trade__observations") }} as o on k.part_series_id = o.series_id
        inner join {{ ref("int_trade__products_listed") }} as r on o.product_id = r.product_id
        where r.product_system in ('total', 'hs2')
        group by
            k.series_id,
            k.part_series_id,
            o.raw_table,
            o.period_start,
            o.period_end,
            r.product_system

    )

select
    r.route,
    s.series_id,
    s.series_id as part_series_id,
    false as is_of_chapters,
    'every table and period' as scope,
    cast(null as varchar) as raw_table,
    cast(null as date) as period_start,
    cast(null as date) as period_end
from series as s
cross join routes as r
where s.measure = 'trade_value'

union all

select
    'charges' as route,
    series_id,
    part_series_id,
    product_system = 'hs2' as is_of_chapters,
    format('{} {}/{}', raw_table, period_start, period_end) as scope,
    raw_table,
    period_start,
    period_end
from observed
-- The tariff has 98 chapters. In some months nothing of one of them is imported.
where product_system = 'total' or products >= 97
qualify
    row_number() over (
        partition by series_id, part_series_id, raw_table, period_start, period_end
        order by product_system desc
    )
    = 1
