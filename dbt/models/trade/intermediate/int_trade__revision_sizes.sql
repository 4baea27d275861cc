-- How far the first figures of a year were from the last ones, over all partners of a series: the
-- share that nine in ten years stay within, by the age of the year at the first release.
with
    figures as (

        select
            o.source_id,
            o.series_id,
            o.partner_id,
            p.product_system,
            o.product_id,
            o.period_start,
            o.period_end,
            arg_min(o.value_usd, o.first_release_no) as first_value_usd,
            arg_max(o.value_usd, o.last_release_no) as last_value_usd,
            min(o.first_release_no) as first_release_no,
            max(o.last_release_no) as last_release_no,
            min(o.known_from) as known_from
        from {{ ref("int_trade__observations") }} as o
        inner join {{ ref("int_trade__products_listed") }} as p on o.product_id = p.product_id
        inner join {{ ref("int_trade__series_listed") }} as s on o.series_id = s.series_id
        inner join {{ ref("source_list") }} as r on o.source_id = r.source_id
        where
            s.measure = 'trade_value'
            and r.evidence_kind = 'statistic'
            and o.copy_no = 1
            and not o.is_aggregate
        group by
            o.source_id,
            o.series_id,
            o.partner_id,
            p.product_system,
            o.product_id,
            o.period_start,
            o.period_end
        having min(o.first_release_no) < max(o.last_release_no)

    ),

    -- Single months are revised by more than the year they are part of.
    years as (

        select
            series_id,
            product_system,
            {{ age_of_print("known_from", "make_date(year(period_start), 12, 31)") }} as age,
            sum(first_value_usd) as first_value_usd,
            sum(last_value_usd) as last_value_usd
        from figures
        group by
            source_id,
            series_id,
            partner_id,
            product_system,
            {{ period_kind("period_start", "period_end") }},
            year(period_start),
            first_release_no,
            last_release_no,
            known_from
        having
            {{ period_kind("period_start", "period_end") }} = 'year'
            or count(distinct period_start) = 12

    )

select
    series_id,
    product_system,
    age,
    quantile_cont(abs(last_value_usd / first_value_usd - 1), 0.9) as share_p90
from years
where first_value_usd >= {{ var("least_year_to_measure_revisions") }}
group by series_id, product_system, age
