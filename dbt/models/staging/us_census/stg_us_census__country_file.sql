with
    source as (select * from {{ source("raw", "us_census__country_file") }}),

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            column_name,
            year as reference_year,
            month as reference_month,
            last_month,
            cty_code as census_code,
            cty_name as partner_name,
            flow,
            {{ dollars_of_millions("value_musd") }} as value_usd,
            cast(rounding_musd * 1000000 / 2 as decimal(24, 3)) as rounding_margin_usd,
            value_musd as reported_value,
            'USD mn' as reported_unit
        from source

    )

select *
from renamed
