-- A year of a breakdown whose product groups leave more of the total than revisions explain: a
-- product is missing from a file, or the total is another figure. The largest product group stands
-- for them.
with
    own as (

        select distinct reporter_iso3
        from {{ ref("source_list") }}
        where evidence_kind = 'statistic'

    ),

    sums as (

        select
            s.reporter_iso3,
            arg_max(s.value_id, s.value_usd) as value_id,
            sum(s.value_usd) filter (where not s.is_residual) as found_usd,
            s.total_usd as expected_usd,
            sum(s.rounding_margin_usd) as rounding_margin_usd
        from {{ ref("trade_by_sector_year") }} as s
        inner join own using (reporter_iso3)
        where s.breakdown is not null and s.total_usd is not null
        group by
            s.reporter_iso3,
            s.partner_code,
            s.trade_kind,
            s.year,
            s.breakdown,
            s.series_code,
            s.total_usd

    )

select
    'products_leave_a_residual' as rule,
    min(f.figure_id) as figure_id,
    cast(null as bigint) as compared_figure_id,
    s.found_usd,
    s.expected_usd,
    s.rounding_margin_usd
from sums as s
inner join {{ ref("int_figures__value_figures") }} as f on s.value_id = f.value_id
group by s.value_id, s.found_usd, s.expected_usd, s.rounding_margin_usd
