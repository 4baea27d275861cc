-- The release each file of a year counts for: the latest that contains these bytes, although its
-- raw rows carry the first; and the order of the files, by their releases.
with
    files as (select distinct year, snapshot_sha256 from {{ ref("stg_un_comtrade__bulk") }}),

    releases as (

        select
            source_id,
            snapshot_sha256,
            snapshot_file,
            layout,
            release_id,
            known_from,
            retrieved_at,
            row_number() over (
                partition by snapshot_sha256
                order by known_from desc, retrieved_at desc, release_id desc, snapshot_file desc
            ) as lateness
        from {{ ref("stg_snapshots__files") }}
        where table_name = 'un_comtrade__bulk' and known_from <= {{ as_of_day() }}

    )

select
    h.year,
    h.snapshot_sha256,
    r.source_id,
    r.release_id,
    -- The publisher's own file of a report; other layouts are what a query selected.
    r.layout in ('{{ var("layouts_of_whole_reports") | join("', '") }}') as is_whole_report,
    cast(
        row_number() over (
            partition by h.year
            order by
                r.known_from desc,
                r.retrieved_at desc,
                r.release_id desc,
                r.snapshot_file desc,
                h.snapshot_sha256 desc
        ) as integer
    ) as recency
from files as h
inner join releases as r on h.snapshot_sha256 = r.snapshot_sha256 and r.lateness = 1
