with
    source as (select * from {{ source("raw", "un_comtrade__reporting") }}),

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            column_name,
            type_code,
            freq_code,
            period as reference_period,
            coalesce(reporter_iso, 'comtrade:' || reporter_code) as reporter_iso3,
            trade_system,
            import_valuation,
            export_valuation,
            published_on
        from source

    )

select *
from renamed
