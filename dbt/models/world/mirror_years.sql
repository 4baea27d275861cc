-- Totals of each year of world trade: reporters, flows by who reported them, the distance between
-- their reports, and the values.
with
    sums as (select * from {{ ref("int_mirror__pair_sums") }}),

    reporters as (

        select
            year,
            cast(
                count(distinct case when flow = 'export' then reporter_iso3 end) as integer
            ) as exporters_reporting,
            cast(
                count(distinct case when flow = 'import' then reporter_iso3 end) as integer
            ) as importers_reporting,
            cast(sum(rows_reported) as bigint) as rows_reported
        from {{ ref("int_mirror__reporters_counted") }}
        group by year

    ),

    releases as (

        select year, max(source_id) as source_id, max(release_id) as latest_release_id
        from {{ ref("int_mirror__releases") }}
        where recency = 1
        group by year

    )

select
    s.year,
    max(r.exporters_reporting) as exporters_reporting,
    max(r.importers_reporting) as importers_reporting,
    max(r.rows_reported) as rows_reported,
    cast(sum(s.flows) as bigint) as flows,
    cast(sum(s.cells) as bigint) as flows_mirrored,
    cast(sum(s.cells_twice_apart) as bigint) as flows_twice_apart,
    cast(sum(s.cells) as double) / sum(s.flows) as mirrored_share,
    cast(sum(s.cells_twice_apart) as double) / nullif(sum(s.cells), 0) as twice_apart_share,
    exp(sum(s.weighted_signed_distance) / sum(s.weight)) as mean_importer_to_exporter,
    sum(s.exporter_reported_usd) as exporter_reported_usd,
    sum(s.importer_reported_usd) as importer_reported_usd,
    sum(s.importer_fob_usd) as importer_fob_usd,
    sum(s.nes_allocated_usd) as nes_allocated_usd,
    max(q.source_id) as source_id,
    max(q.latest_release_id) as latest_release_id
from sums as s
inner join reporters as r on s.year = r.year
inner join releases as q on s.year = q.year
group by s.year
