with
    source as (select * from {{ source("raw", "us_census__country_seasonal") }}),

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            column_name,
            year as reference_year,
            month as reference_month,
            cty_code as census_code,
            cty_name as partner_name,
            flow,
            cast(value_usd as decimal(24, 3)) as value_usd,
            -- The publisher rounds nothing; the raw table rounds to a tenth of a cent.
            cast(0.001 as decimal(24, 3)) as rounding_margin_usd,
            cast(value_usd as decimal(24, 3)) as reported_value,
            'USD' as reported_unit
        from source

    )

select *
from renamed
