{{ config(materialized="view") }}

{#- Every raw table of statistics has a model that aligns it; a new one is a name in this list. -#}
{% set aligned = [
    "us_census_country_file",
    "us_census_trade_api",
    "usitc_dataweb_trade",
    "bea_ita_transactions",
    "un_comtrade_trade",
    "korea_customs_trade",
    "fred_series",
] %}

with
    statistics as (

        {% for table in aligned %}
            select {{ figure_columns() }}
            from {{ ref("int_trade__" ~ table ~ "_aligned") }} {{ "union all" if not loop.last }}
        {% endfor %}

    ),

    releases as (

        select distinct source_id, release_id, known_from, known_from_precision, retrieved_at
        from {{ ref("stg_snapshots__files") }}

    ),

    unioned as (

        select
            t.source_id,
            t.raw_table,
            t.release_id,
            t.snapshot_file,
            t.snapshot_sha256,
            t.row_number,
            t.column_name,
            t.reporter_iso3,
            t.partner_code,
            t.is_aggregate,
            t.trade_kind,
            t.flow,
            t.measure,
            case when t.flow = 'export' then t.concept end as export_concept,
            case when t.flow = 'import' then t.concept end as import_concept,
            t.valuation,
            t.account_basis,
            t.seasonal_adjustment,
            t.product_system,
            t.product_code,
            t.product_edition,
            t.period_start,
            t.period_end,
            t.reported_value,
            t.reported_unit,
            t.value_usd,
            t.half_width_usd,
            r.known_from,
            r.known_from as known_from_earliest,
            r.known_from_precision,
            r.retrieved_at,
            case
                when t.flow = 'export'
                then
                    {{
                        leg_id(
                            "t.reporter_iso3",
                            "t.flow",
                            "t.concept",
                            "t.valuation",
                            "t.account_basis",
                            "t.seasonal_adjustment",
                        )
                    }}
            end as export_leg_id,
            case
                when t.flow = 'import'
                then
                    {{
                        leg_id(
                            "t.reporter_iso3",
                            "t.flow",
                            "t.concept",
                            "t.valuation",
                            "t.account_basis",
                            "t.seasonal_adjustment",
                        )
                    }}
            end as import_leg_id
        from statistics as t
        inner join releases as r on t.source_id = r.source_id and t.release_id = r.release_id

        union all

        select
            p.source_id,
            p.raw_table,
            p.release_id,
            p.snapshot_file,
            p.snapshot_sha256,
            p.row_number,
            p.column_name,
            p.reporter_iso3,
            p.partner_code,
            p.is_aggregate,
            p.trade_kind,
            p.flow,
            p.measure,
            case when p.flow <> 'import' then p.export_concept end as export_concept,
            case when p.flow <> 'export' then p.import_concept end as import_concept,
            case
                when p.flow = 'export'
                then coalesce(p.stated_valuation, p.export_valuation)
                when p.flow = 'import'
                then coalesce(p.stated_valuation, p.import_valuation)
            end as valuation,
            p.account_basis,
            p.seasonal_adjustment,
            p.product_system,
            p.product_code,
            p.product_edition,
            p.period_start,
            p.period_end,
            p.reported_value,
            p.reported_unit,
            p.value_usd,
            p.half_width_usd,
            p.known_from,
            p.known_from_earliest,
            p.known_from_precision,
            cast(p.known_from as timestamp) as retrieved_at,
            case
                when p.flow = 'export'
                then
                    {{
                        leg_id(
                            "p.reporter_iso3",
                            "'export'",
                            "p.export_concept",
                            "coalesce(p.stated_valuation, p.export_valuation)",
                            "p.account_basis",
                            "p.seasonal_adjustment",
                        )
                    }}
                when p.flow <> 'import'
                then
                    {{
                        leg_id(
                            "p.reporter_iso3",
                            "'export'",
                            "p.export_concept",
                            "p.export_valuation",
                            "p.account_basis",
                            "p.seasonal_adjustment",
                        )
                    }}
            end as export_leg_id,
            case
                when p.flow = 'import'
                then
                    {{
                        leg_id(
                            "p.reporter_iso3",
                            "'import'",
                            "p.import_concept",
                            "coalesce(p.stated_valuation, p.import_valuation)",
                            "p.account_basis",
                            "p.seasonal_adjustment",
                        )
                    }}
                when p.flow <> 'export'
                then
                    {{
                        leg_id(
                            "p.reporter_iso3",
                            "'import'",
                            "p.import_concept",
                            "p.import_valuation",
                            "p.account_basis",
                            "p.seasonal_adjustment",
                        )
                    }}
            end as import_leg_id
        from {{ ref("int_trade__published_figures_aligned") }} as p

    )

select
    raw_table
    || ' '
    || release_id
    || ' '
    || snapshot_file
    || ' '
    || cast(row_number as varchar)
    || ' '
    || column_name as observation_id,
    source_id,
    raw_table,
    release_id,
    snapshot_file,
    snapshot_sha256,
    row_number,
    column_name,
    reporter_iso3,
    partner_code,
    is_aggregate,
    trade_kind,
    flow,
    measure,
    export_concept,
    import_concept,
    valuation,
    account_basis,
    seasonal_adjustment,
    product_system,
    product_code,
    product_edition,
    {{ period_kind("period_start", "period_end") }} as period_kind,
    period_start,
    period_end,
    {{ period_text("period_start", "period_end") }} as period,
    reported_value,
    reported_unit,
    value_usd,
    half_width_usd,
    known_from,
    known_from_earliest,
    known_from_precision,
    retrieved_at,
    export_leg_id,
    import_leg_id,
    reporter_iso3
    || '>'
    || partner_code
    || ' '
    || trade_kind
    || ' '
    || coalesce(export_leg_id || '', '')
    || case when export_leg_id is not null and import_leg_id is not null then '+' else '' end
    || coalesce(import_leg_id, '')
    || ' '
    || flow
    || ' '
    || measure
    || ' '
    || product_system
    || ':'
    || product_code as series_key
from unioned
