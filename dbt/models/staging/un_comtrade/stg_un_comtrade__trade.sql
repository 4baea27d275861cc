with
    source as (

        select
            *,
            -- Where a row occurs both as reported and as the publisher's sum of finer rows, the
            -- reported one is kept.
            case
                when is_aggregate
                then 1
                else 0
            end > min(case when is_aggregate then 1 else 0 end) over (
                partition by
                    release_id,
                    type_code,
                    freq_code,
                    period,
                    reporter_code,
                    flow_code,
                    partner_code,
                    partner2_code,
                    classification_code,
                    cmd_code,
                    customs_code,
                    mos_code,
                    mot_code
            ) as repeats_a_report
        from {{ source("raw", "un_comtrade__trade") }}

    ),

    -- The figures of a row: its own value and, for imports CIF, the value without freight and
    -- insurance beside it. 0 means that the latter is missing; above the CIF value, or below half
    -- of it, it covers something else.
    figures as (

        select *, primary_value as figure, column_name as figure_column, false as is_second
        from source

        union all

        select *, fob_value as figure, fob_column_name as figure_column, true as is_second
        from source
        where cif_value = primary_value and fob_value < cif_value and 2 * fob_value > cif_value

    ),

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            figure_column as column_name,
            is_second as is_without_freight,
            type_code,
            freq_code,
            ref_year as reference_year,
            case when freq_code = 'M' then ref_month end as reference_month,
            period as reference_period,
            -- Former areas, regions not elsewhere specified, bunkers and groups have no ISO code.
            coalesce(reporter_iso, 'comtrade:' || reporter_code) as reporter_iso3,
            case
                when partner_iso = 'W00'
                then 'WLD'
                else coalesce(partner_iso, 'comtrade:' || partner_code)
            end as partner_code,
            flow_code,
            classification_code,
            cmd_code,
            -- TOTAL is all commodities; other codes belong to their classification.
            case
                when cmd_code = 'TOTAL'
                then 'total'
                when classification_code like 'EB%'
                then 'ebops'
                when classification_code like 'S%'
                then 'sitc' || cast(length(cmd_code) as varchar)
                when classification_code like 'B%'
                then 'bec'
                else 'hs' || cast(length(cmd_code) as varchar)
            end as product_system,
            case when cmd_code = 'TOTAL' then 'total' else cmd_code end as product_code,
            is_aggregate,
            cast(figure as decimal(24, 3)) as value_usd,
            cast(0.5 as decimal(24, 3)) as rounding_margin_usd,
            cast(figure as decimal(24, 3)) as reported_value,
            'USD' as reported_unit
        from figures
        where
            -- One row per flow: totals over second partners, procedures and modes.
            partner2_code = '0'
            and customs_code = 'C00'
            and mot_code = '0'
            and mos_code = '0'
            and not repeats_a_report

    )

select *
from renamed
