with
    source as (select * from {{ source("raw", "usitc_dataweb__trade") }}),

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            column_name,
            trade_type,
            dataweb_measure,
            year as reference_year,
            month as reference_month,
            partner_code,
            partner_name,
            -- HTS2, SITC1 and NAIC3 are the levels hs2, sitc1 and naics3 of the observations.
            case
                when commodity_level = 'total'
                then 'total'
                when commodity_level like 'HTS%'
                then 'hs' || substr(commodity_level, 4)
                when commodity_level like 'SITC%'
                then lower(commodity_level)
                else 'naics' || substr(commodity_level, 5)
            end as product_system,
            commodity_code as product_code,
            commodity_name as product_name,
            cast(value_usd as decimal(24, 3)) as value_usd,
            cast(0.5 as decimal(24, 3)) as rounding_margin_usd,
            cast(value_usd as decimal(24, 3)) as reported_value,
            'USD' as reported_unit
        from source

    )

select *
from renamed
