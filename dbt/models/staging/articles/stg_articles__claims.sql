with
    source as (select * from {{ source("raw", "articles__claims") }}),

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            claim_id,
            document_id,
            says,
            quoted,
            confidence,
            trade_kind,
            measure,
            reporter as reporter_iso3,
            partner as partner_code,
            sector,
            period,
            base_period,
            value as reported_value,
            unit,
            rounding,
            hedge,
            attributed_to,
            compared_with
        from source

    )

select *
from renamed
