with imports as (select * from {{ ref("int_trade__figures_described") }} where flow = 'import')

select i.figure_id, i.value_usd, c.value_usd as customs_usd, f.value_usd as charges_usd
from imports as i
inner join
    imports as c
    on i.raw_table = c.raw_table
    and i.release_id = c.release_id
    and i.reporter_iso3 = c.reporter_iso3
    and i.partner_code = c.partner_code
    and i.concept = c.concept
    and i.product_system = c.product_system
    and i.product_code = c.product_code
    and i.period_start = c.period_start
    and i.period_end = c.period_end
inner join
    imports as f
    on i.raw_table = f.raw_table
    and i.release_id = f.release_id
    and i.reporter_iso3 = f.reporter_iso3
    and i.partner_code = f.partner_code
    and i.concept = f.concept
    and i.product_system = f.product_system
    and i.product_code = f.product_code
    and i.period_start = f.period_start
    and i.period_end = f.period_end
where
    i.valuation = 'cif'
    and i.measure = 'trade_value'
    and c.valuation = 'customs'
    and c.measure = 'trade_value'
    and f.measure = 'charges'
    and abs(i.value_usd - c.value_usd - f.value_usd)
    > i.rounding_margin_usd + c.rounding_margin_usd + f.rounding_margin_usd
