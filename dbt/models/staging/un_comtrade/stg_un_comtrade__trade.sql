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

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            column_name,
            type_code,
            freq_code,
            ref_year as reference_year,
            case when freq_code = 'M' then ref_month end as reference_month,
            period as reference_period,
            reporter_iso as reporter_iso3,
            -- Bunkers, regions not elsewhere specified and groups have no ISO code.
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
            cast(primary_value as decimal(24, 3)) as value_usd,
            cast(0.5 as decimal(24, 3)) as rounding_margin_usd,
            cast(primary_value as decimal(24, 3)) as reported_value,
            'USD' as reported_unit
        from source
        where
            -- One row per flow: totals over second partners, procedures and modes.
            partner2_code = '0'
            and customs_code = 'C00'
            and mot_code = '0'
            and mos_code = '0'
            -- The report of a group repeats those of its members.
            and reporter_iso is not null
            and not repeats_a_report

    )

select *
from renamed
