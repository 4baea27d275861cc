-- Gold and diamonds cost almost nothing to ship, and neighbours' goods little: one partner may show
-- no freight, but all available partners together cannot. If they do, one column was taken for the
-- other. Between two releases, small trade or a single month differs by more than its freight.
with
    imports as (

        select *
        from {{ ref("int_trade__figures_described") }}
        where
            flow = 'import'
            and measure = 'trade_value'
            and product_system = 'total'
            and evidence_kind = 'statistic'
            and seasonal_adjustment = 'nsa'
            and not is_aggregate

    ),

    pairs as (

        select
            i.reporter_iso3,
            i.period,
            i.period_kind,
            i.raw_table as cif_table,
            c.raw_table as customs_table,
            i.raw_table = c.raw_table and i.release_id = c.release_id as is_one_release,
            i.value_usd as cif_usd,
            c.value_usd as customs_usd,
            i.rounding_margin_usd + c.rounding_margin_usd as rounding_margin_usd
        from imports as i
        inner join
            imports as c
            on i.reporter_iso3 = c.reporter_iso3
            and i.partner_code = c.partner_code
            and i.trade_kind = c.trade_kind
            and i.concept = c.concept
            and i.account_basis = c.account_basis
            and i.period_start = c.period_start
            and i.period_end = c.period_end
        where i.valuation = 'cif' and c.valuation = 'customs' and c.value_usd > 0

    )

select
    reporter_iso3,
    period,
    cif_table,
    customs_table,
    sum(cif_usd) as cif_usd,
    sum(customs_usd) as customs_usd
from pairs
where not is_one_release and period_kind = 'year'
group by reporter_iso3, period, cif_table, customs_table
having
    sum(cif_usd) < 1.001 * sum(customs_usd) + max(rounding_margin_usd)
    and sum(customs_usd) > 1000000000

union all

select reporter_iso3, period, cif_table, customs_table, cif_usd, customs_usd
from pairs
where is_one_release and cif_usd < customs_usd - rounding_margin_usd
