-- A year, or the part of it since January, to which its months in the same release and table do not
-- add up. A country's monthly and yearly reports to another organisation are two separate reports.
with
    figures as (

        select f.*
        from {{ ref("int_trade__figures_described") }} as f
        inner join
            {{ ref("source_list") }} as s
            on f.source_id = s.source_id
            and s.reporter_iso3 is not null
        where f.seasonal_adjustment = 'nsa'

    ),

    years as (select * from figures where period_kind in ('year', 'year_to_date')),

    months as (

        select
            y.figure_id,
            sum(m.value_usd) as value_usd,
            sum(m.rounding_margin_usd) as rounding_margin_usd
        from years as y
        inner join
            figures as m
            on y.raw_table = m.raw_table
            and y.release_no = m.release_no
            and y.flow = m.flow
            and y.series_id = m.series_id
            and y.partner_id = m.partner_id
            and y.product_id = m.product_id
            and y.period_start <= m.period_start
            and y.period_end >= m.period_end
            and m.period_kind = 'month'
        group by y.figure_id

    )

select
    'months_differ_from_year' as rule,
    y.figure_id,
    cast(null as bigint) as compared_figure_id,
    y.value_usd as found_usd,
    m.value_usd as expected_usd,
    m.rounding_margin_usd + y.rounding_margin_usd as rounding_margin_usd
from years as y
inner join months as m on y.figure_id = m.figure_id
where y.value_usd <> m.value_usd
