-- Of a year of one version in several files, the flows that a later file gives again: its rows
-- count and these do not.
with
    several as (

        select
            year,
            product_edition,
            snapshot_sha256,
            recency,
            count(*) over (partition by year, product_edition) as files
        from {{ ref("baci_years") }}
        where is_latest

    ),

    given as (

        select
            f.reference_year as year,
            f.snapshot_sha256,
            f.exporter_area_code,
            f.importer_area_code,
            f.cmd_code,
            s.recency,
            min(s.recency) over (
                partition by
                    f.reference_year,
                    s.product_edition,
                    f.exporter_area_code,
                    f.importer_area_code,
                    f.cmd_code
            ) as latest
        from {{ ref("stg_cepii_baci__trade") }} as f
        inner join
            several as s
            on f.reference_year = s.year
            and f.snapshot_sha256 = s.snapshot_sha256
            and s.files > 1

    )

select distinct year, snapshot_sha256, exporter_area_code, importer_area_code, cmd_code
from given
where recency > latest
