-- Every release of every source: when it was known, what it contains and its files.
with
    ordered as (select * from {{ ref("int_trade__releases_ordered") }}),

    files as (

        select
            source_id,
            release_id,
            count(*) as files,
            min(retrieved_on) as retrieved_on,
            min(address) as address,
            min(licence) as licence,
            bool_and(is_redistributable) as is_redistributable,
            bool_or(composed_from is not null) as is_composed
        from {{ ref("stg_snapshots__files") }}
        group by source_id, release_id

    ),

    brought as (

        select
            release_no,
            count(*) as observations,
            min(period_start) as first_period_start,
            max(period_end) as last_period_end
        from {{ ref("int_trade__figures") }}
        group by release_no

    ),

    withdrawn as (

        select r.source_id, f.withdrawn_by_release_id as release_id, count(*) as withdrawn
        from {{ ref("int_trade__figures") }} as f
        inner join ordered as r on f.release_no = r.release_no
        where f.withdrawn_by_release_id is not null
        group by r.source_id, f.withdrawn_by_release_id

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
    o.source_id,
    o.release_id,
    row_number() over (partition by o.source_id order by o.release_no) as release_order,
    o.evidence_kind,
    o.known_from,
    o.known_from_earliest,
    o.known_from_precision,
    coalesce(b.observations, 0) as observations,
    coalesce(w.withdrawn, 0) as withdrawn,
    b.first_period_start,
    b.last_period_end,
    coalesce(f.files, p.files) as files,
    f.retrieved_on,
    coalesce(f.address, p.address) as address,
    coalesce(f.licence, s.licence) as licence,
    coalesce(f.is_redistributable, s.is_redistributable) as is_redistributable,
    coalesce(f.is_composed, true) as is_composed
from ordered as o
inner join {{ ref("source_list") }} as s on o.source_id = s.source_id
left join brought as b on o.release_no = b.release_no
left join files as f on o.source_id = f.source_id and o.release_id = f.release_id
left join pages as p on o.source_id = p.source_id and o.release_id = p.release_id
left join withdrawn as w on o.source_id = w.source_id and o.release_id = w.release_id
-- A release may contain only withdrawals.
where b.release_no is not null or w.release_id is not null
