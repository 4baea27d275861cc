with
    imports as (

        select *
        from {{ ref("observations") }}
        where
            flow = 'import'
            and measure = 'trade_value'
            and product_system = 'total'
            and evidence_kind = 'statistic'
            and seasonal_adjustment = 'nsa'

    )

select
    i.observation_id as cif_observation_id,
    c.observation_id,
    i.value_usd,
    c.value_usd as customs_usd
from imports as i
inner join
    imports as c
    on i.reporter_iso3 = c.reporter_iso3
    and i.partner_code = c.partner_code
    and i.trade_kind = c.trade_kind
    and i.import_concept = c.import_concept
    and i.account_basis = c.account_basis
    and i.period_start = c.period_start
    and i.period_end = c.period_end
where
    i.valuation = 'cif'
    and c.valuation = 'customs'
    and c.value_usd > 0
    -- Gold and diamonds travel for next to nothing. Where one release gives both values they are
    -- two columns of it; elsewhere equal values are one column taken for the other.
    and i.value_usd < case
        when i.raw_table = c.raw_table and i.release_id = c.release_id
        then c.value_usd
        else 1.001 * c.value_usd + i.half_width_usd + c.half_width_usd
    end
