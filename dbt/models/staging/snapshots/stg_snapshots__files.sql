with
    source as (select * from {{ source("raw", "snapshots__files") }}),

    renamed as (

        select
            source_id,
            release_id,
            table_name,
            snapshot_file,
            layout,
            address,
            retrieved_on,
            retrieved_at,
            known_from,
            known_from_precision,
            sha256 as snapshot_sha256,
            bytes as snapshot_bytes,
            licence,
            redistributable as is_redistributable,
            covers,
            composed_from,
            note
        from source

    )

select *
from renamed
