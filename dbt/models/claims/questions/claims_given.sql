{{ config(tags=["question", "question_input"]) }}

-- The claims to be judged: in a build those of the articles, each as it was read last; a user's own
-- when a file is checked.
with
    files as (
        select snapshot_file, known_from, retrieved_at
        from {{ ref("stg_snapshots__files") }}
        where table_name = 'articles__claims'
    ),

    latest as (

        select c.*, f.known_from, f.retrieved_at
        from {{ ref("stg_articles__claims") }} as c
        inner join files as f on c.snapshot_file = f.snapshot_file
        qualify
            dense_rank() over (
                partition by c.document_id
                order by f.known_from desc, f.retrieved_at desc, c.snapshot_file desc
            )
            = 1

    ),

    -- Two files may use the same id, for example f1; the later claim takes its document's too.
    numbered as (

        select
            *,
            row_number() over (
                partition by claim_id order by known_from, retrieved_at, snapshot_file
            ) as use_of_id
        from latest

    )

select
    case when use_of_id = 1 then claim_id else document_id || ' ' || claim_id end as claim_id,
    document_id,
    says,
    quoted,
    confidence,
    trade_kind,
    measure,
    reporter_iso3,
    partner_code,
    sector,
    period,
    base_period,
    reported_value,
    unit,
    rounding,
    hedge,
    attributed_to,
    compared_with,
    release_id,
    snapshot_file,
    snapshot_sha256,
    row_number
from numbered
