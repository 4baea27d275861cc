with
    source as (select * from {{ source("raw", "un_comtrade__trade") }}),

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
            reporter_iso as reporter_iso3,
            partner_iso as partner_iso3,
            flow_code,
            classification_code,
            cmd_code,
            -- TOTAL is every commodity; other codes are HS at the depth of their length.
            case
                when cmd_code = 'TOTAL' then 'total' else 'hs' || cast(length(cmd_code) as varchar)
            end as product_system,
            case when cmd_code = 'TOTAL' then 'total' else cmd_code end as product_code,
            cast(primary_value as decimal(24, 3)) as value_usd,
            cast(0.5 as decimal(24, 3)) as half_width_usd,
            cast(primary_value as decimal(24, 3)) as reported_value,
            'USD' as reported_unit
        from source
        -- One row a flow: totals over second partners, customs procedures and modes of transport.
        where
            coalesce(partner2_code, '0') = '0'
            and coalesce(customs_code, 'C00') = 'C00'
            and coalesce(mot_code, '0') = '0'

    )

select *
from renamed
