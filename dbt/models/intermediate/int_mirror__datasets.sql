{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- Which release of a reporter's year counts: the latest that has products at the level of the year.
-- It counts whole, so that a row it no longer has is gone.
with
    held as (

        select distinct f.year, f.reporter_area_code, f.release_id
        from {{ of_year(ref("stg_un_comtrade__bulk")) }} as f
        inner join
            {{ of_year(ref("int_mirror__levels")) }} as l
            on f.year = l.year
            and length(f.cmd_code) = l.digits
        where {{ is_mirrored_row("f") }}

    ),

    ranked as (

        select
            h.year,
            h.reporter_area_code,
            h.release_id,
            row_number() over (
                partition by h.year, h.reporter_area_code order by r.recency
            ) as preference
        from held as h
        inner join
            {{ ref("int_mirror__releases") }} as r
            on h.year = r.year
            and h.release_id = r.release_id

    )

select year, reporter_area_code, release_id
from ranked
where preference = 1
