with
    figures as (

        select *
        from {{ ref("int_trade__figures_described") }}
        where
            evidence_kind = 'statistic'
            and measure = 'trade_value'
            and product_system = 'total'
            and seasonal_adjustment = 'nsa'
            and period_kind in ('year', 'year_to_date')
            and figure_id not in (select figure_id from {{ ref("int_trade__figures_beside_cif") }})

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

    ),

    worlds as (

        select f.*
        from figures as f
        inner join {{ ref("countries") }} as c on f.partner_code = c.partner_code and c.is_world

    )

select w.figure_id, w.value_usd, p.value_usd as partners_usd, p.partners
from worlds as w
inner join
    partners as p
    on w.raw_table = p.raw_table
    and w.release_no = p.release_no
    and w.series_id = p.series_id
    and w.period_start = p.period_start
    and w.period_end = p.period_end
where
    p.value_usd - w.value_usd
    > greatest(p.rounding_margin_usd + w.rounding_margin_usd, 0.0002 * w.value_usd)
    or (
        p.partners >= 200
        and w.value_usd - p.value_usd
        > greatest(p.rounding_margin_usd + w.rounding_margin_usd, 0.0002 * w.value_usd)
    )
