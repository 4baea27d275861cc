{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- Weights and weighted distances between the two reports of a flow, by exporter and product and by
-- importer and product.
with
    mirrored as (

        select
            year,
            exporter_iso3,
            importer_iso3,
            product_code,
            abs(ln(importer_fob_usd / exporter_reported_usd)) as distance,
            ln(importer_fob_usd + exporter_reported_usd) as weight
        from {{ of_year(ref("int_mirror__cells")) }}
        where {{ is_mirrored_flow() }}

    )

select
    year,
    exporter_iso3,
    importer_iso3,
    product_code,
    cast(count(*) as bigint) as cells,
    sum(weight) as weight,
    sum(weight * distance) as weighted_distance
from mirrored
group by grouping sets ((year, exporter_iso3, product_code), (year, importer_iso3, product_code))
