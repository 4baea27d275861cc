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

    ),

    pairs as (

        select
            t.figure_id,
            t.source_id,
            t.release_id,
            t.value_usd as total_usd,
            d.value_usd as domestic_usd,
            r.value_usd as re_exports_usd,
            t.rounding_margin_usd
            + d.rounding_margin_usd
            + coalesce(r.rounding_margin_usd, 0) as rounding_margin_usd,
            -- Between two releases the figures may also have been revised.
            case
                when t.source_id = d.source_id and t.release_id = d.release_id
                then 0
                else 0.05 * t.value_usd
            end as revision_usd
        from exports as t
        inner join
            exports as d
            on t.reporter_iso3 = d.reporter_iso3
            and t.partner_code = d.partner_code
            and t.trade_kind = d.trade_kind
            and t.account_basis = d.account_basis
            and t.product_system = d.product_system
            and t.product_code = d.product_code
            and t.period_start = d.period_start
            and t.period_end = d.period_end
            and d.concept = 'domestic'
        left join
            exports as r
            on t.source_id = r.source_id
            and t.release_id = r.release_id
            and d.source_id = r.source_id
            and d.release_id = r.release_id
            and t.reporter_iso3 = r.reporter_iso3
            and t.partner_code = r.partner_code
            and t.trade_kind = r.trade_kind
            and t.account_basis = r.account_basis
            and t.product_system = r.product_system
            and t.product_code = r.product_code
            and t.period_start = r.period_start
            and t.period_end = r.period_end
            and r.concept = 're_export'
        where
            t.concept = 'total'
            -- One product or month of one partner may be revised by any share.
            and (
                (t.source_id = d.source_id and t.release_id = d.release_id)
                or (
                    t.product_system = 'total'
                    and t.period_kind = 'year'
                    and t.value_usd > 1000000000
                )
            )

    )

select figure_id, total_usd, domestic_usd, re_exports_usd
from pairs
where
    domestic_usd > total_usd + rounding_margin_usd + revision_usd
    or abs(total_usd - domestic_usd - re_exports_usd) > rounding_margin_usd
