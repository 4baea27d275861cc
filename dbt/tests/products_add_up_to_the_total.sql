-- An office that compiles its own statistics publishes every product. Countries may keep some
-- secret in reports to other organisations, which then fall short: the marts give the residual.
with
    figures as (

        select o.*, s.reporter_iso3 is not null as is_compilers_own
        from {{ ref("int_trade__figures_described") }} as o
        inner join {{ ref("source_list") }} as s on o.source_id = s.source_id
        where
            o.evidence_kind = 'statistic'
            and o.figure_id
            not in (select figure_id from {{ ref("int_trade__figures_beside_cif") }})

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

select t.figure_id, p.product_system, t.value_usd, p.value_usd as products_usd
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
    and case
        when t.is_compilers_own
        then p.value_usd <> t.value_usd
        else p.value_usd > t.value_usd + t.rounding_margin_usd + p.rounding_margin_usd
    end
