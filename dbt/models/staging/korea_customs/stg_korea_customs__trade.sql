with
    source as (select * from {{ source("raw", "korea_customs__trade") }}),

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            column_name,
            service,
            country_code,
            year as reference_year,
            month as reference_month,
            item_level as product_system,
            hs_code as product_code,
            flow,
            cast(value_usd as decimal(24, 3)) as value_usd,
            cast(unit_usd / 2 as decimal(24, 3)) as rounding_margin_usd,
            cast(value_usd / unit_usd as decimal(24, 3)) as reported_value,
            case when unit_usd = 1 then 'USD' else 'USD th' end as reported_unit
        from source

    )

select *
from renamed
