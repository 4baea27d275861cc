{{ config(materialized="view") }}

-- Every figure of every source with the same columns, its dimensions as text. A statistic has one
-- flow; a quoted figure may be a balance or total trade, which have both.
with
    statistics as (

        {% for table in var("tables_of_statistics") %}
            select {{ figure_columns() }}
            from {{ ref(aligned_model(table)) }} {{ "union all" if not loop.last }}
        {% endfor %}

    )

select
    source_id,
    raw_table,
    release_id,
    snapshot_file,
    row_number,
    column_name,
    reporter_iso3,
    partner_code,
    is_aggregate,
    trade_kind,
    flow,
    measure,
    case when flow = 'export' then concept end as export_concept,
    case when flow = 'import' then concept end as import_concept,
    case when flow = 'export' then valuation end as export_valuation,
    case when flow = 'import' then valuation end as import_valuation,
    account_basis,
    seasonal_adjustment,
    product_system,
    product_code,
    product_edition,
    period_start,
    period_end,
    reported_value,
    reported_unit,
    value_usd,
    rounding_margin_usd
from statistics

union all

select
    source_id,
    raw_table,
    release_id,
    snapshot_file,
    row_number,
    column_name,
    reporter_iso3,
    partner_code,
    is_aggregate,
    trade_kind,
    flow,
    measure,
    case when flow <> 'import' then export_concept end as export_concept,
    case when flow <> 'export' then import_concept end as import_concept,
    case
        when flow = 'export'
        then coalesce(stated_valuation, export_valuation)
        when flow <> 'import'
        then export_valuation
    end as export_valuation,
    case
        when flow = 'import'
        then coalesce(stated_valuation, import_valuation)
        when flow <> 'export'
        then import_valuation
    end as import_valuation,
    account_basis,
    seasonal_adjustment,
    product_system,
    product_code,
    product_edition,
    period_start,
    period_end,
    reported_value,
    reported_unit,
    value_usd,
    rounding_margin_usd
from {{ ref("int_trade__published_figures_aligned") }}
