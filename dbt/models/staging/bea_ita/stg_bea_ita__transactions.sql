with
    source as (select * from {{ source("raw", "bea_ita__transactions") }}),

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            column_name,
            indicator,
            area_or_country,
            frequency,
            time_period,
            year as reference_year,
            first_month,
            last_month,
            time_series_description,
            cast(value * power(10, unit_multiplier)::decimal(11, 0) as decimal(24, 3)) as value_usd,
            cast(
                rounding * power(10, unit_multiplier)::decimal(11, 0) / 2 as decimal(24, 3)
            ) as rounding_margin_usd,
            value as reported_value,
            unit_multiplier
        from source

    )

select *
from renamed
