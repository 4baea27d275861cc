{{ config(tags=["question"]) }}

-- The figures that a period can be computed from: the figure of the period itself, those of its
-- months or, for several calendar years, of its years, or the customs value and the charges of the
-- period.
with
    periods as (

        select distinct period_start, period_end, months from {{ ref("int_figures__cells") }}

    ),

    calendar as (

        select distinct period_start, period_end
        from {{ ref("int_trade__observations") }}
        where {{ months_between("period_start", "period_end") }} = 1

    )

select r.route, p.period_start, p.period_end, p.period_start as part_start, p.period_end as part_end
from periods as p
cross join (select unnest(['period', 'charges', 'chapter_charges']) as route) as r

union all

select
    'months' as route,
    p.period_start,
    p.period_end,
    c.period_start as part_start,
    c.period_end as part_end
from periods as p
inner join calendar as c on c.period_start between p.period_start and p.period_end
where p.months > 1

union all

select
    'years' as route,
    p.period_start,
    p.period_end,
    make_date(y.part_year, 1, 1) as part_start,
    make_date(y.part_year, 12, 31) as part_end
from periods as p
cross join unnest(range(year(p.period_start), year(p.period_end) + 1)) as y(part_year)
where p.months > 12 and p.months % 12 = 0 and month(p.period_start) = 1
