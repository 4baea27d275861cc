-- A series is one flow as one country compiles it. A published balance or total trade has two:
-- its exports and its imports.
with
    found as (

        select distinct
            reporter_iso3 as compiler_iso3,
            trade_kind,
            measure,
            flow,
            export_concept,
            import_concept,
            export_valuation,
            import_valuation,
            account_basis,
            seasonal_adjustment
        from {{ ref("int_trade__keys_listed") }}

    ),

    -- A balance published alone still names the two series it is the difference of.
    flows as (

        select
            compiler_iso3,
            trade_kind,
            measure,
            'export' as flow,
            export_concept as concept,
            export_valuation as valuation,
            account_basis,
            seasonal_adjustment
        from found
        where export_concept is not null

        union

        select
            compiler_iso3,
            trade_kind,
            measure,
            'import' as flow,
            import_concept as concept,
            import_valuation as valuation,
            account_basis,
            seasonal_adjustment
        from found
        where import_concept is not null

        union

        -- A CIF value can be computed from these.
        select
            compiler_iso3,
            trade_kind,
            'trade_value' as measure,
            'import' as flow,
            import_concept as concept,
            'cif' as valuation,
            account_basis,
            seasonal_adjustment
        from found
        where measure = 'charges'

    ),

    numbered as (

        select
            cast(
                row_number() over (
                    order by
                        compiler_iso3,
                        trade_kind,
                        measure,
                        flow,
                        concept,
                        valuation,
                        account_basis,
                        seasonal_adjustment
                ) as integer
            ) as series_id,
            *
        from flows

    )

select
    n.series_id,
    a.area_id as compiler_id,
    n.compiler_iso3,
    n.trade_kind,
    n.measure,
    n.flow,
    n.concept,
    n.valuation,
    n.account_basis,
    n.seasonal_adjustment,
    {{
        series_code(
            "compiler_iso3",
            "flow",
            "concept",
            "valuation",
            "account_basis",
            "seasonal_adjustment",
        )
    }} as series_code
from numbered as n
inner join {{ ref("int_trade__areas_listed") }} as a on n.compiler_iso3 = a.area_code
