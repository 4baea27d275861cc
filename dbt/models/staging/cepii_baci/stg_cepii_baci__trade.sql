with
    source as (select * from {{ source("raw", "cepii_baci__trade") }}),

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            ref_year as reference_year,
            -- Area codes of UN Comtrade, as in seeds.country_list and seeds.comtrade_areas.
            exporter_code as exporter_area_code,
            importer_code as importer_area_code,
            cmd_code,
            value_thousand_usd as reported_value,
            'USD th' as reported_unit,
            cast(1000 * value_thousand_usd as decimal(24, 3)) as value_usd,
            cast(0.5 as decimal(24, 3)) as rounding_margin_usd,
            quantity_tonnes
        from source

    )

select *
from renamed
