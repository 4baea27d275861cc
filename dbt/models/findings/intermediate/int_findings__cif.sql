-- A CIF value that is below the customs value of the same release, or differs from it by something
-- else than the charges. Gold costs almost nothing to ship: equal values are no finding.
with
    imports as (

        select *
        from {{ ref("int_trade__figures_described") }}
        where flow = 'import' and evidence_kind = 'statistic' and seasonal_adjustment = 'nsa'

    ),

    current_years as (

        select *
        from imports
        where
            known_to is null
            and period_kind = 'year'
            and measure = 'trade_value'
            and product_system = 'total'
            and account_basis = 'census'
            and not is_aggregate

    ),

    pairs as (

        select
            i.figure_id,
            c.figure_id as compared_figure_id,
            i.value_usd as cif_usd,
            c.value_usd as customs_usd,
            f.value_usd as charges_usd,
            i.rounding_margin_usd
            + c.rounding_margin_usd
            + coalesce(f.rounding_margin_usd, 0) as rounding_margin_usd
        from imports as i
        inner join
            imports as c
            on i.release_no = c.release_no
            and i.raw_table = c.raw_table
            and i.reporter_iso3 = c.reporter_iso3
            and i.partner_id = c.partner_id
            and i.concept = c.concept
            and i.product_id = c.product_id
            and i.period_start = c.period_start
            and i.period_end = c.period_end
            and c.valuation = 'customs'
            and c.measure = 'trade_value'
        left join
            imports as f
            on i.release_no = f.release_no
            and i.raw_table = f.raw_table
            and i.reporter_iso3 = f.reporter_iso3
            and i.partner_id = f.partner_id
            and i.concept = f.concept
            and i.product_id = f.product_id
            and i.period_start = f.period_start
            and i.period_end = f.period_end
            and f.measure = 'charges'
        where i.valuation = 'cif' and i.measure = 'trade_value'

    )

select
    case
        when charges_usd is null then 'cif_below_customs' else 'cif_differs_from_parts'
    end as rule,
    figure_id,
    compared_figure_id,
    cif_usd as found_usd,
    customs_usd + coalesce(charges_usd, 0) as expected_usd,
    rounding_margin_usd
from pairs
where
    case
        when charges_usd is null
        then cif_usd < customs_usd
        else cif_usd <> customs_usd + charges_usd
    end

union all

select
    'cif_without_freight' as rule,
    arg_max(i.figure_id, i.value_usd) as figure_id,
    arg_max(c.figure_id, i.value_usd) as compared_figure_id,
    sum(i.value_usd) as found_usd,
    -- Gold costs almost nothing to ship, and neighbours' goods little: one partner may pay no
    -- freight, but all partners together cannot.
    1.001 * sum(c.value_usd) as expected_usd,
    max(i.rounding_margin_usd + c.rounding_margin_usd) as rounding_margin_usd
from current_years as i
inner join
    current_years as c
    on i.reporter_iso3 = c.reporter_iso3
    and i.partner_id = c.partner_id
    and i.trade_kind = c.trade_kind
    and i.concept = c.concept
    and i.period_start = c.period_start
    and (i.raw_table <> c.raw_table or i.release_no <> c.release_no)
where i.valuation = 'cif' and c.valuation = 'customs' and c.value_usd > 0
group by i.reporter_iso3, i.raw_table, c.raw_table, i.period_start
having sum(i.value_usd) < 1.001 * sum(c.value_usd)
