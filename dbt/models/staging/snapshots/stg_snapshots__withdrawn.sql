with
    source as (select * from {{ source("raw", "snapshots__withdrawn") }}),

    renamed as (

        select
            table_name,
            release_id,
            snapshot_file,
            row_number,
            column_name,
            withdrawn_by as withdrawn_by_release_id,
            withdrawn_on
        from source

    )

select *
from renamed
