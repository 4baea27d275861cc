{{ config(materialized="view") }}

with
    country_file as (

        select
            s.source_id,
            'us_census__country_file' as raw_table,
            f.release_id,
            f.snapshot_file,
            f.snapshot_sha256,
            f.row_number,
            f.column_name,
            s.reporter_iso3,
            p.partner_code,
            p.is_aggregate,
            'goods' as trade_kind,
            f.flow,
            'trade_value' as measure,
            case when f.flow = 'export' then 'total' else p.import_concept end as concept,
            case when f.flow = 'export' then 'fas' else 'customs' end as valuation,
            'census' as account_basis,
            p.seasonal_adjustment,
            'total' as product_system,
            'total' as product_code,
            cast(null as varchar) as product_edition,
            make_date(f.reference_year, coalesce(f.reference_month, 1), 1) as period_start,
            last_day(
                make_date(f.reference_year, coalesce(f.reference_month, f.last_month), 1)
            ) as period_end,
            f.reported_value,
            f.reported_unit,
            f.value_usd,
            f.half_width_usd
        from {{ ref("stg_us_census__country_file") }} as f
        inner join {{ ref("source_list") }} as s on s.source_id = 'us_census'
        inner join {{ ref("census_partners") }} as p on f.census_code = p.census_code
        -- A year of which January alone is out says what January's own column says.
        where f.reference_month is not null or f.last_month > 1

    ),

    trade_api as (

        select
            s.source_id,
            'us_census__trade_api' as raw_table,
            f.release_id,
            f.snapshot_file,
            f.snapshot_sha256,
            f.row_number,
            f.column_name,
            s.reporter_iso3,
            p.partner_code,
            p.is_aggregate,
            'goods' as trade_kind,
            v.flow,
            v.measure,
            v.concept,
            v.valuation,
            'census' as account_basis,
            p.seasonal_adjustment,
            f.product_system,
            f.product_code,
            case
                when f.product_system = 'total' then null else 'in force in the period'
            end as product_edition,
            make_date(f.reference_year, coalesce(f.reference_month, 1), 1) as period_start,
            last_day(
                make_date(f.reference_year, coalesce(f.reference_month, f.last_month), 1)
            ) as period_end,
            f.reported_value,
            f.reported_unit,
            f.value_usd,
            f.half_width_usd
        from {{ ref("stg_us_census__trade_api") }} as f
        inner join {{ ref("source_list") }} as s on s.source_id = 'us_census'
        inner join {{ ref("census_variables") }} as v on f.variable = v.variable
        inner join {{ ref("census_partners") }} as p on f.census_code = p.census_code
        where f.reference_month is not null or f.last_month > 1

    ),

    comtrade as (

        select
            'un_comtrade' as source_id,
            'un_comtrade__trade' as raw_table,
            f.release_id,
            f.snapshot_file,
            f.snapshot_sha256,
            f.row_number,
            f.column_name,
            f.reporter_iso3,
            f.partner_iso3 as partner_code,
            f.partner_iso3 = 'WLD' as is_aggregate,
            case when f.type_code = 'S' then 'services' else 'goods' end as trade_kind,
            w.flow,
            'trade_value' as measure,
            w.concept,
            coalesce(
                b.valuation,
                case
                    when w.flow = 'import'
                    then 'cif'
                    else coalesce(r.export_valuation, d.export_valuation)
                end
            ) as valuation,
            'census' as account_basis,
            'nsa' as seasonal_adjustment,
            f.product_system,
            f.product_code,
            case
                when f.product_system = 'total' then null else f.classification_code
            end as product_edition,
            make_date(f.reference_year, coalesce(f.reference_month, 1), 1) as period_start,
            last_day(make_date(f.reference_year, coalesce(f.reference_month, 12), 1)) as period_end,
            f.reported_value,
            f.reported_unit,
            f.value_usd,
            f.half_width_usd
        from {{ ref("stg_un_comtrade__trade") }} as f
        inner join {{ ref("comtrade_flows") }} as w on f.flow_code = w.flow_code
        left join {{ ref("reporter_conventions") }} as r on f.reporter_iso3 = r.reporter_iso3
        left join {{ ref("reporter_conventions") }} as d on d.reporter_iso3 = '*'
        left join
            {{ ref("basis_breaks") }} as b
            on b.source_id = 'un_comtrade'
            and f.reporter_iso3 = b.reporter_iso3
            and w.flow = b.flow
            and f.reference_year between b.first_year and b.last_year

    ),

    printed as (

        select
            s.source_id,
            'published__figures' as raw_table,
            f.published as release_id,
            f.snapshot_file,
            f.snapshot_sha256,
            f.row_number,
            f.column_name,
            f.reporter_iso3,
            f.partner_code,
            false as is_aggregate,
            f.trade_kind,
            case
                when f.measure in ('exports', 'total_exports')
                then 'export'
                when f.measure = 'imports'
                then 'import'
                when f.measure = 'two_way_trade'
                then 'two_way'
                else f.measure
            end as flow,
            'trade_value' as measure,
            -- What a page leaves unsaid follows its reporter's convention.
            coalesce(f.export_concept, r.export_concept, d.export_concept) as export_concept,
            coalesce(f.import_concept, r.import_concept, d.import_concept) as import_concept,
            case
                when f.trade_kind <> 'goods'
                then f.account_basis
                else coalesce(r.export_valuation, d.export_valuation)
            end as export_valuation,
            case
                when f.trade_kind <> 'goods'
                then f.account_basis
                else coalesce(r.import_valuation, d.import_valuation)
            end as import_valuation,
            f.valuation as stated_valuation,
            f.account_basis,
            'nsa' as seasonal_adjustment,
            'total' as product_system,
            'total' as product_code,
            cast(null as varchar) as product_edition,
            {{ period_first_day("f.period") }} as period_start,
            {{ period_last_day("f.period") }} as period_end,
            f.reported_value,
            f.reported_unit,
            cast(f.reported_value * u.multiplier as decimal(24, 3)) as value_usd,
            cast(f.reported_rounding * u.multiplier / 2 as decimal(24, 3)) as half_width_usd,
            f.known_from,
            f.known_from_earliest,
            f.known_from_precision
        from {{ ref("stg_published__figures") }} as f
        inner join {{ ref("source_list") }} as s on f.publisher = s.publisher
        inner join {{ ref("units") }} as u on f.reported_unit = u.unit and u.currency = 'USD'
        left join {{ ref("reporter_conventions") }} as r on f.reporter_iso3 = r.reporter_iso3
        left join {{ ref("reporter_conventions") }} as d on d.reporter_iso3 = '*'

    ),

    statistics as (

        select *
        from country_file
        union all
        select *
        from trade_api
        union all
        select *
        from comtrade

    ),

    releases as (

        select distinct source_id, release_id, known_from, known_from_precision
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
        from printed as p

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
