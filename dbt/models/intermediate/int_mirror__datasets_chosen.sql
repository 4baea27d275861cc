{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- The release that counts of each reporter's year, whole: of several that hold rows at the level
-- at which the products of the year are compared, the latest.
with
    held as (

        select distinct d.year, d.reporter_area_code, d.release_id, d.digits
        from {{ of_year(ref("int_mirror__datasets")) }} as d
        inner join
            {{ of_year(ref("int_mirror__levels")) }} as l on d.year = l.year and d.digits = l.digits

    ),

    ranked as (

        select
            h.*,
            row_number() over (
                partition by h.year, h.reporter_area_code order by r.recency
            ) as preference
        from held as h
        inner join
            {{ ref("int_mirror__releases") }} as r
            on h.year = r.year
            and h.release_id = r.release_id

    )

select year, reporter_area_code, release_id, digits
from ranked
where preference = 1
