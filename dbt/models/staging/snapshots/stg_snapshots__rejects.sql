with
    source as (select * from {{ source("raw", "snapshots__rejects") }}),

    renamed as (

        select
            source_id,
            table_name,
            release_id,
            snapshot_file,
            row_number,
            column_name,
            value as rejected_value,
            reason
        from source

    )

select *
from renamed
