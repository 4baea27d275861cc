-- Total exports that differ from domestic exports and re-exports in the same release, or are below
-- domestic exports.
with
    exports as (

        -- Countries' reports to other organisations need not include all three.
        select o.*
        from {{ ref("int_trade__figures_described") }} as o
        inner join
            {{ ref("source_list") }} as s
            on o.source_id = s.source_id
            and s.reporter_iso3 is not null
        where o.flow = 'export' and o.measure = 'trade_value'

    )

select
    'exports_differ_from_parts' as rule,
    t.figure_id,
    d.figure_id as compared_figure_id,
    t.value_usd as found_usd,
    d.value_usd + coalesce(r.value_usd, 0) as expected_usd,
    t.rounding_margin_usd
    + d.rounding_margin_usd
    + coalesce(r.rounding_margin_usd, 0) as rounding_margin_usd
from exports as t
inner join
    exports as d
    on t.release_no = d.release_no
    and t.reporter_iso3 = d.reporter_iso3
    and t.partner_id = d.partner_id
    and t.trade_kind = d.trade_kind
    and t.account_basis = d.account_basis
    and t.product_id = d.product_id
    and t.period_start = d.period_start
    and t.period_end = d.period_end
    and d.concept = 'domestic'
left join
    exports as r
    on t.release_no = r.release_no
    and t.reporter_iso3 = r.reporter_iso3
    and t.partner_id = r.partner_id
    and t.trade_kind = r.trade_kind
    and t.account_basis = r.account_basis
    and t.product_id = r.product_id
    and t.period_start = r.period_start
    and t.period_end = r.period_end
    and r.concept = 're_export'
where
    t.concept = 'total'
    and (
        t.value_usd < d.value_usd
        or (r.figure_id is not null and t.value_usd <> d.value_usd + r.value_usd)
    )
