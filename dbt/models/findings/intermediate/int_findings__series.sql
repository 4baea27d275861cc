-- Two figures of one series and period, from different sources or tables, that are both current and
-- differ by more than the rule's factor; and two concepts of one flow over a year of all products.
-- Revisions are left to the rule on revisions.
with
    figures as (

        select
            o.observation_id as figure_id,
            o.raw_table,
            s.series_id,
            s.compiler_id,
            s.trade_kind,
            s.flow,
            s.concept,
            o.partner_id,
            o.product_id,
            p.product_system,
            o.period_start,
            o.period_end,
            o.value_usd
        from {{ ref("int_trade__observations") }} as o
        inner join {{ ref("int_trade__series_listed") }} as s on o.series_id = s.series_id
        inner join {{ ref("int_trade__products_listed") }} as p on o.product_id = p.product_id
        where
            o.known_to is null
            and s.measure = 'trade_value'
            and s.seasonal_adjustment = 'nsa'
            and s.account_basis = 'census'
            -- Re-exports are a part of exports, often a small one.
            and s.concept <> 're_export'

    ),

    compared as (

        select *, cast(series_id as varchar) as compared_over
        from figures

        union all

        -- Domestic exports of an entrepôt may be a small part of its total.
        select *, flow as compared_over
        from figures
        where
            product_system = 'total'
            and year(period_end) = year(period_start)
            and month(period_end) - month(period_start) = 11
            and concept <> 'domestic'

    ),

    extremes as (

        select
            arg_min(figure_id, value_usd) as figure_id,
            arg_max(figure_id, value_usd) as compared_figure_id,
            min(value_usd) as found_usd,
            max(value_usd) as expected_usd
        from compared
        group by
            compared_over,
            compiler_id,
            trade_kind,
            flow,
            partner_id,
            product_id,
            period_start,
            period_end
        having count(*) > 1 and min(value_usd) <> max(value_usd)

    )

select distinct
    'series_disagree' as rule,
    figure_id,
    compared_figure_id,
    found_usd,
    expected_usd,
    cast(0 as decimal(24, 3)) as rounding_margin_usd
from extremes
