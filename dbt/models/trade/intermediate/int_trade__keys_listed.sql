-- The combinations of source, series, partner and product that occur, each once: the keys of all
-- dimensions are made from these.
select distinct
    source_id,
    raw_table,
    reporter_iso3,
    partner_code,
    is_aggregate,
    trade_kind,
    measure,
    flow,
    export_concept,
    import_concept,
    export_valuation,
    import_valuation,
    account_basis,
    seasonal_adjustment,
    product_system,
    product_code,
    product_edition,
    reported_unit
from {{ ref("int_trade__figures_unioned") }}
