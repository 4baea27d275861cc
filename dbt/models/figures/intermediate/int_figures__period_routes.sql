{{ config(tags=["question"]) }}

-- The figures that a period can be computed from: the figure of the period itself, or those of its
-- months.
with
    periods as (

        select distinct period_start, period_end, months from {{ ref("int_figures__cells") }}

    ),

    calendar as (

        select distinct period_start, period_end
        from {{ ref("int_trade__observations") }}
        where {{ months_between("period_start", "period_end") }} = 1

    )

select
    'period' as route, period_start, period_end, period_start as part_start, period_end as part_end
from periods

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
