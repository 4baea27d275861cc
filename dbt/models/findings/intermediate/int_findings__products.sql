-- A total that differs from the sum of its products in the same file. In reports to other
-- organisations countries may keep products secret: there only a sum above the total is a finding.
with
    figures as (

        select o.*, s.reporter_iso3 is not null as is_compilers_own
        from {{ ref("int_trade__figures_described") }} as o
        inner join {{ ref("source_list") }} as s on o.source_id = s.source_id
        where o.evidence_kind = 'statistic'

    ),

    products as (

        select
            file_no,
            partner_id,
            series_id,
            product_system,
            period_start,
            period_end,
            sum(value_usd) as value_usd,
            sum(rounding_margin_usd) as rounding_margin_usd
        from figures
        where product_system <> 'total'
        group by file_no, partner_id, series_id, product_system, period_start, period_end

    )

select
    'products_differ_from_total' as rule,
    t.figure_id,
    cast(null as bigint) as compared_figure_id,
    t.value_usd as found_usd,
    p.value_usd as expected_usd,
    -- An office's own products add up to the last digit.
    case
        when t.is_compilers_own then 0 else t.rounding_margin_usd + p.rounding_margin_usd
    end as rounding_margin_usd
from figures as t
inner join
    products as p
    on t.file_no = p.file_no
    and t.partner_id = p.partner_id
    and t.series_id = p.series_id
    and t.period_start = p.period_start
    and t.period_end = p.period_end
where
    t.product_system = 'total'
    and (p.value_usd > t.value_usd or (t.is_compilers_own and p.value_usd < t.value_usd))
