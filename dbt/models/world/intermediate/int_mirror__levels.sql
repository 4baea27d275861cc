{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- The number of digits at which the products of a year are compared: the highest at which at least
-- half as many countries report as at any level. Rows at other levels are sums of these, or cannot
-- be paired.
with
    reported as (

        select d.year, d.digits, count(distinct d.reporter_area_code) as reporters
        from {{ of_year(ref("int_mirror__datasets")) }} as d
        -- A report that came after the day of the build does not count.
        inner join
            {{ ref("int_mirror__releases") }} as r
            on d.year = r.year
            and d.snapshot_sha256 = r.snapshot_sha256
        group by d.year, d.digits

    ),

    widest as (select year, max(reporters) as reporters from reported group by year)

select r.year, max(r.digits) as digits
from reported as r
inner join widest as w on r.year = w.year
where 2 * r.reporters >= w.reporters
group by r.year
