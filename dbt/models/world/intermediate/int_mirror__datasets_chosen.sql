{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- The files that count for each reporter's year, of those with rows at the level at which the
-- products of the year are compared. They are parts of one report, except that the publisher's file
-- of the whole report replaces every earlier file of which it has, in each direction, nearly all
-- partners and chapters: what it does not repeat was withdrawn.
{%- set nearly_all = 0.9 %}
with
    available as (

        select
            h.year,
            h.reporter_area_code,
            h.snapshot_sha256,
            h.digits,
            r.release_id,
            r.is_whole_report,
            r.recency
        from
            (
                select distinct d.year, d.reporter_area_code, d.snapshot_sha256, d.digits
                from {{ of_year(ref("int_mirror__datasets")) }} as d
                inner join
                    {{ of_year(ref("int_mirror__levels")) }} as l
                    on d.year = l.year
                    and d.digits = l.digits
            ) as h
        inner join
            {{ ref("int_mirror__releases") }} as r
            on h.year = r.year
            and h.snapshot_sha256 = r.snapshot_sha256

    ),

    -- A whole report and an earlier file of the same reporter's year; there are few.
    compared as (

        select
            e.year,
            e.reporter_area_code,
            e.snapshot_sha256 as earlier_sha256,
            l.snapshot_sha256 as later_sha256,
            e.digits
        from available as e
        inner join
            available as l
            on e.year = l.year
            and e.reporter_area_code = l.reporter_area_code
            and e.recency > l.recency
            and l.is_whole_report

    ),

    compared_files as (

        select year, reporter_area_code, earlier_sha256 as snapshot_sha256, digits
        from compared
        union
        select year, reporter_area_code, later_sha256 as snapshot_sha256, digits
        from compared

    ),

    covered as (

        select distinct
            f.year,
            f.reporter_area_code,
            f.snapshot_sha256,
            f.flow_code,
            unnest(['partner', 'chapter']) as part,
            unnest([f.partner_area_code, substr(f.cmd_code, 1, 2)]) as part_code
        from {{ of_year(ref("stg_un_comtrade__bulk")) }} as f
        inner join
            compared_files as c
            on f.year = c.year
            and f.reporter_area_code = c.reporter_area_code
            and f.snapshot_sha256 = c.snapshot_sha256
            and length(f.cmd_code) = c.digits
        where {{ is_mirrored_row("f") }}

    ),

    repeated as (

        select
            c.year,
            c.reporter_area_code,
            c.earlier_sha256,
            c.later_sha256,
            cast(count(l.part_code) as double) / count(*) as share_repeated
        from compared as c
        inner join
            covered as e
            on c.year = e.year
            and c.reporter_area_code = e.reporter_area_code
            and c.earlier_sha256 = e.snapshot_sha256
        left join
            covered as l
            on c.year = l.year
            and c.reporter_area_code = l.reporter_area_code
            and c.later_sha256 = l.snapshot_sha256
            and e.flow_code = l.flow_code
            and e.part = l.part
            and e.part_code = l.part_code
        group by c.year, c.reporter_area_code, c.earlier_sha256, c.later_sha256, e.flow_code, e.part

    ),

    replaced as (

        select year, reporter_area_code, earlier_sha256
        from repeated
        group by year, reporter_area_code, earlier_sha256, later_sha256
        having min(share_repeated) >= {{ nearly_all }}

    )

select
    a.year,
    a.reporter_area_code,
    a.snapshot_sha256,
    a.release_id,
    a.digits,
    a.recency,
    count(*) over (partition by a.year, a.reporter_area_code) as files
from available as a
left join
    (select distinct * from replaced) as r
    on a.year = r.year
    and a.reporter_area_code = r.reporter_area_code
    and a.snapshot_sha256 = r.earlier_sha256
where r.year is null
