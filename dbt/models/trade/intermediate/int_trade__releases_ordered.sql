-- Every release in the order of its source; a quoted figure is a release of its page.
with
    files as (

        select
            source_id,
            release_id,
            min(known_from) as known_from,
            min(known_from) as known_from_earliest,
            min(known_from_precision) as known_from_precision,
            min(retrieved_at) as retrieved_at
        from {{ ref("stg_snapshots__files") }}
        group by source_id, release_id

    ),

    pages as (

        select
            s.source_id,
            f.published as release_id,
            min(f.known_from) as known_from,
            min(f.known_from_earliest) as known_from_earliest,
            min(f.known_from_precision) as known_from_precision,
            cast(min(f.known_from) as timestamp) as retrieved_at
        from {{ ref("stg_published__figures") }} as f
        inner join {{ ref("source_list") }} as s on f.publisher = s.publisher
        group by s.source_id, f.published

    ),

    together as (

        select *
        from files
        union all
        select *
        from pages

    )

select
    cast(
        row_number() over (
            order by
                t.source_id,
                t.known_from,
                coalesce(t.retrieved_at, cast(t.known_from as timestamp)),
                t.release_id
        ) as integer
    ) as release_no,
    t.source_id,
    s.source_rank,
    s.evidence_kind,
    t.release_id,
    t.source_id || ' ' || t.release_id as release_key,
    t.known_from,
    t.known_from_earliest,
    t.known_from_precision,
    t.retrieved_at
from together as t
inner join {{ ref("source_list") }} as s on t.source_id = s.source_id
