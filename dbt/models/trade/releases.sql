-- Every release of every source: when it was known, what it brought and which files it came in.
with
    observations as (select * from {{ ref("observations") }}),

    files as (

        select
            source_id,
            release_id,
            count(*) as files,
            min(known_from) as known_from,
            min(known_from_precision) as known_from_precision,
            min(retrieved_on) as retrieved_on,
            min(retrieved_at) as retrieved_at,
            min(address) as address,
            min(licence) as licence,
            bool_and(is_redistributable) as is_redistributable,
            bool_or(composed_from is not null) as is_composed
        from {{ ref("stg_snapshots__files") }}
        group by source_id, release_id

    ),

    brought as (

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

    withdrawn as (

        select
            source_id,
            withdrawn_by_release_id as release_id,
            min(evidence_kind) as evidence_kind,
            count(*) as withdrawn
        from observations
        where withdrawn_by_release_id is not null
        group by source_id, withdrawn_by_release_id

    ),

    -- A release may bring nothing but the news that something is gone.
    held as (

        select
            source_id,
            release_id,
            evidence_kind,
            known_from,
            known_from_earliest,
            known_from_precision,
            observations,
            first_period_start,
            last_period_end
        from brought

        union all

        select
            w.source_id,
            w.release_id,
            w.evidence_kind,
            f.known_from,
            f.known_from as known_from_earliest,
            f.known_from_precision,
            0 as observations,
            cast(null as date) as first_period_start,
            cast(null as date) as last_period_end
        from withdrawn as w
        inner join files as f on w.source_id = f.source_id and w.release_id = f.release_id
        left join brought as b on w.source_id = b.source_id and w.release_id = b.release_id
        where b.release_id is null

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
    row_number() over (
        partition by h.source_id
        order by
            h.known_from, coalesce(f.retrieved_at, cast(h.known_from as timestamp)), h.release_id
    ) as release_order,
    h.evidence_kind,
    h.known_from,
    h.known_from_earliest,
    h.known_from_precision,
    h.observations,
    coalesce(w.withdrawn, 0) as withdrawn,
    h.first_period_start,
    h.last_period_end,
    coalesce(f.files, p.files) as files,
    f.retrieved_on,
    coalesce(f.address, p.address) as address,
    coalesce(f.licence, s.licence) as licence,
    coalesce(f.is_redistributable, s.is_redistributable) as is_redistributable,
    coalesce(f.is_composed, true) as is_composed
from held as h
inner join {{ ref("source_list") }} as s on h.source_id = s.source_id
left join files as f on h.source_id = f.source_id and h.release_id = f.release_id
left join pages as p on h.source_id = p.source_id and h.release_id = p.release_id
left join withdrawn as w on h.source_id = w.source_id and h.release_id = w.release_id
