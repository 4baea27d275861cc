with
    source as (select * from {{ source("raw", "us_census__end_use") }}),

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            column_name,
            year as reference_year,
            cty_code as census_code,
            cty_name as partner_name,
            flow,
            'end_use5' as product_system,
            end_use_code as product_code,
            cast(value_usd as decimal(24, 3)) as value_usd,
            cast(0.5 as decimal(24, 3)) as rounding_margin_usd,
            cast(value_usd as decimal(24, 3)) as reported_value,
            'USD' as reported_unit
        from source

    )

select *
from renamed
