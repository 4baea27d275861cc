-- The largest revision of a series with a partner by its source, as a share of a year's value, over
-- the whole years that two releases give.
with
    followed as (

        select
            f.*,
            r.source_id,
            lag(f.release_no) over figure as previous_release_no,
            lag(f.value_usd) over figure as previous_value_usd
        from {{ ref("int_trade__figures") }} as f
        inner join {{ ref("int_trade__releases_ordered") }} as r on f.release_no = r.release_no
        where f.flow in ('export', 'import')
        window
            figure as (
                partition by
                    r.source_id,
                    f.flow,
                    f.export_series_id,
                    f.import_series_id,
                    f.partner_id,
                    f.product_id,
                    f.period_start,
                    f.period_end
                order by
                    f.known_from, f.known_to nulls last, f.rounding_margin_usd desc, f.figure_id
            )

    ),

    years as (

        select
            f.series_id as series_id,
            f.partner_id,
            p.product_system,
            sum(f.value_usd) as value_usd,
            sum(f.previous_value_usd) as previous_value_usd
        from followed as f
        inner join {{ ref("int_trade__products_listed") }} as p on f.product_id = p.product_id
        where f.previous_release_no is not null
        group by
            f.series_id,
            f.partner_id,
            p.product_system,
            f.release_no,
            f.previous_release_no,
            {{ period_kind("f.period_start", "f.period_end") }},
            year(f.period_start)
        -- Single months are revised by more than the year they are part of.
        having
            {{ period_kind("f.period_start", "f.period_end") }} = 'year'
            or count(distinct f.period_start) = 12

    )

select
    y.series_id,
    y.partner_id,
    y.product_system,
    max(
        abs(y.value_usd - y.previous_value_usd) / nullif(abs(y.previous_value_usd), 0)
    ) as revision_share
from years as y
inner join {{ ref("int_trade__series_listed") }} as s on y.series_id = s.series_id
where s.measure = 'trade_value'
group by y.series_id, y.partner_id, y.product_system
