with
    source as (select * from {{ source("raw", "fred__series") }}),

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            column_name,
            series_id,
            year as reference_year,
            month as reference_month,
            {{ dollars_of_millions("value_musd") }} as value_usd,
            cast(rounding_musd * 1000000 / 2 as decimal(24, 3)) as rounding_margin_usd,
            value_musd as reported_value,
            'USD mn' as reported_unit
        from source

    )

select *
from renamed
