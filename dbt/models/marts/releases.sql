-- Every release of every source: when it was known, what it brought and which files it came in.
with
    observations as (select * from {{ ref("observations") }}),

    files as (

        select
            source_id,
            release_id,
            count(*) as files,
            min(retrieved_on) as retrieved_on,
            min(address) as address,
            min(licence) as licence,
            bool_or(composed_from is not null) as is_composed
        from {{ ref("stg_snapshots__files") }}
        group by source_id, release_id

    ),

    held as (

        select
            source_id,
            release_id,
            min(evidence_kind) as evidence_kind,
            min(known_from) as known_from,
            min(known_from_earliest) as known_from_earliest,
            min(known_from_precision) as known_from_precision,
            count(*) as observations,
            min(period_start) as first_period_start,
            max(period_end) as last_period_end
        from observations
        group by source_id, release_id

    ),

    pages as (

        select
            s.source_id,
            f.published as release_id,
            count(distinct f.snapshot_file) as files,
            min(f.address) as address
        from {{ ref("stg_published__figures") }} as f
        inner join {{ ref("source_list") }} as s on f.publisher = s.publisher
        group by s.source_id, f.published

    )

select
    h.source_id,
    h.release_id,
    h.evidence_kind,
    h.known_from,
    h.known_from_earliest,
    h.known_from_precision,
    h.observations,
    h.first_period_start,
    h.last_period_end,
    coalesce(f.files, p.files) as files,
    f.retrieved_on,
    coalesce(f.address, p.address) as address,
    coalesce(f.licence, s.licence) as licence,
    coalesce(f.is_composed, true) as is_composed
from held as h
inner join {{ ref("source_list") }} as s on h.source_id = s.source_id
left join files as f on h.source_id = f.source_id and h.release_id = f.release_id
left join pages as p on h.source_id = p.source_id and h.release_id = p.release_id
