-- The files of CEPII's reconciled trade by year. Only the name of a file says which edition of the
-- Harmonized System and which version of the data it has.
with
    counted as (

        select
            reference_year as year,
            snapshot_sha256,
            cast(count(*) as bigint) as flows,
            cast(count(distinct exporter_area_code) as integer) as exporters,
            cast(count(distinct importer_area_code) as integer) as importers,
            cast(sum(value_usd) as decimal(24, 3)) as value_usd
        from {{ ref("stg_cepii_baci__trade") }}
        group by reference_year, snapshot_sha256

    ),

    -- The release a file counts for: the latest that contains these bytes.
    releases as (

        select *
        from {{ ref("stg_snapshots__files") }}
        where table_name = 'cepii_baci__trade' and known_from <= {{ as_of_day() }}
        qualify
            row_number() over (
                partition by snapshot_sha256
                order by known_from desc, retrieved_at desc, release_id desc, snapshot_file desc
            )
            = 1

    ),

    named as (

        select
            c.*,
            r.source_id,
            r.release_id,
            r.known_from,
            r.retrieved_at,
            r.snapshot_file,
            e.edition as product_edition,
            nullif(
                upper(regexp_extract(r.snapshot_file, '(?i)_(v[0-9]{4,6}[a-z]?)[^/]*$', 1)), ''
            ) as version
        from counted as c
        inner join releases as r on c.snapshot_sha256 = r.snapshot_sha256
        left join
            {{ ref("hs_editions") }} as e
            on right(e.edition_name, 2)
            = regexp_extract(r.snapshot_file, '(?i)(?:^|[/_. -])hs([0-9]{2})[^0-9/][^/]*$', 1)

    ),

    -- Files of one version are parts of it; a later version replaces all of them.
    latest as (

        select
            year,
            product_edition,
            max(version) as version,
            arg_max(release_id, (known_from, retrieved_at, release_id)) as release_id
        from named
        group by year, product_edition

    )

select
    n.year,
    n.product_edition,
    n.version,
    coalesce(n.version = l.version, l.version is null and n.release_id = l.release_id) as is_latest,
    n.flows,
    n.exporters,
    n.importers,
    n.value_usd,
    n.source_id,
    n.release_id,
    n.known_from,
    n.snapshot_file,
    n.snapshot_sha256,
    cast(
        row_number() over (
            partition by n.year, n.product_edition
            order by
                n.version desc nulls last,
                n.known_from desc,
                n.retrieved_at desc,
                n.release_id desc,
                n.snapshot_file desc
        ) as integer
    ) as recency
from named as n
inner join
    latest as l on n.year = l.year and n.product_edition is not distinct from l.product_edition
