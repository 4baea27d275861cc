-- Which release of a year comes first where several hold the same reporter.
with
    held as (select distinct year, release_id from {{ ref("stg_un_comtrade__bulk") }}),

    releases as (

        select distinct release_id, known_from, retrieved_at
        from {{ ref("stg_snapshots__files") }}
        where table_name = 'un_comtrade__bulk' and known_from <= {{ as_of_day() }}

    )

select
    h.year,
    h.release_id,
    cast(
        row_number() over (
            partition by h.year order by r.known_from desc, r.retrieved_at desc, h.release_id desc
        ) as integer
    ) as recency
from held as h
inner join releases as r on h.release_id = r.release_id
