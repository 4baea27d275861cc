-- A world total that differs from the sum of the partners in the same release and table. Where
-- fewer partners are listed than there are countries, only a sum above the total is a finding.
with
    figures as (

        select *
        from {{ ref("int_trade__figures_described") }}
        where
            evidence_kind = 'statistic'
            and measure = 'trade_value'
            and product_system = 'total'
            and seasonal_adjustment = 'nsa'

    ),

    partners as (

        select
            raw_table,
            release_no,
            series_id,
            period_start,
            period_end,
            count(*) as partners,
            sum(value_usd) as value_usd,
            sum(rounding_margin_usd) as rounding_margin_usd
        from figures
        where not is_aggregate
        group by raw_table, release_no, series_id, period_start, period_end

    )

select
    'partners_differ_from_world' as rule,
    w.figure_id,
    cast(null as bigint) as compared_figure_id,
    w.value_usd as found_usd,
    p.value_usd as expected_usd,
    p.rounding_margin_usd + w.rounding_margin_usd as rounding_margin_usd
from figures as w
inner join {{ ref("countries") }} as c on w.partner_code = c.partner_code and c.is_world
inner join
    partners as p
    on w.raw_table = p.raw_table
    and w.release_no = p.release_no
    and w.series_id = p.series_id
    and w.period_start = p.period_start
    and w.period_end = p.period_end
where p.value_usd > w.value_usd or (p.partners >= 200 and p.value_usd < w.value_usd)
