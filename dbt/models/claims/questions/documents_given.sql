{{ config(tags=["question", "question_input"]) }}

-- The articles with the claims, and their publication dates, each as it was described last.
with
    files as (
        select snapshot_file, known_from, retrieved_at
        from {{ ref("stg_snapshots__files") }}
        where table_name = 'articles__documents'
    )

select d.document_id, d.publisher, d.title_in_short, d.published_on, d.address, d.article_sha256
from {{ ref("stg_articles__documents") }} as d
inner join files as f on d.snapshot_file = f.snapshot_file
qualify
    row_number() over (
        partition by d.document_id
        order by f.known_from desc, f.retrieved_at desc, d.snapshot_file desc
    )
    = 1
