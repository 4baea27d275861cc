-- How far one series is from another of the same flow and compiler, where both are available: over
-- the years of each partner, widened by their own range, and over all larger partners.
with
    ranked as (

        select
            c.partner_id,
            c.period_start,
            v.series_id,
            s.compiler_id,
            s.flow,
            s.trade_kind,
            cast(v.value_usd as double) as value_usd,
            row_number() over (
                partition by v.cell_id, v.series_id order by v.valid_from desc
            ) as recency
        from {{ ref("int_figures__values") }} as v
        inner join {{ ref("int_figures__cells") }} as c on v.cell_id = c.cell_id
        inner join {{ ref("product_groups") }} as g on c.product_group_id = g.product_group_id
        inner join {{ ref("int_trade__series_listed") }} as s on v.series_id = s.series_id
        where
            v.evidence_kind = 'statistic'
            and v.reported_by = 'reporter'
            and c.period_kind = 'year'
            and g.product_group = 'total:total'
            and s.seasonal_adjustment = 'nsa'
            and v.value_usd > 0

    ),

    latest as (select * from ranked where recency = 1),

    compared as (

        select
            a.series_id as from_series_id,
            b.series_id as to_series_id,
            a.partner_id,
            a.value_usd,
            b.value_usd / a.value_usd as ratio
        from latest as a
        inner join
            latest as b
            on a.partner_id = b.partner_id
            and a.period_start = b.period_start
            and a.compiler_id = b.compiler_id
            and a.flow = b.flow
            and a.trade_kind = b.trade_kind
            and a.series_id <> b.series_id

    )

select
    from_series_id,
    to_series_id,
    partner_id,
    cast(count(*) as integer) as years,
    greatest(2 * min(ratio) - max(ratio), 0) as low_ratio,
    2 * max(ratio) - min(ratio) as high_ratio
from compared
group by from_series_id, to_series_id, partner_id
having count(*) >= {{ var("least_years_to_compare_series") }}

union all

select
    from_series_id,
    to_series_id,
    -- No partner in particular.
    0 as partner_id,
    cast(count(*) as integer) as years,
    quantile_cont(ratio, 0.01) as low_ratio,
    quantile_cont(ratio, 0.99) as high_ratio
from compared
where value_usd >= {{ var("least_year_to_compare_series") }}
group by from_series_id, to_series_id
having count(*) >= {{ var("least_partner_years_to_compare_series") }}
