{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- The files that count for each reporter's year: those of one release, the latest with rows at the
-- level at which the products of the year are compared.
with
    available as (

        select distinct d.year, d.reporter_area_code, d.snapshot_sha256, d.digits
        from {{ of_year(ref("int_mirror__datasets")) }} as d
        inner join
            {{ of_year(ref("int_mirror__levels")) }} as l on d.year = l.year and d.digits = l.digits

    ),

    ranked as (

        select
            h.*,
            r.release_id,
            rank() over (partition by h.year, h.reporter_area_code order by r.recency) as preference
        from available as h
        inner join
            {{ ref("int_mirror__releases") }} as r
            on h.year = r.year
            and h.snapshot_sha256 = r.snapshot_sha256

    )

select year, reporter_area_code, snapshot_sha256, release_id, digits
from ranked
where preference = 1
