with
    source as (select * from {{ source("raw", "articles__documents") }}),

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            document_id,
            publisher,
            title_in_short,
            published_on,
            address,
            article_sha256,
            seed_file
        from source

    )

select *
from renamed
