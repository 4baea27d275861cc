-- The sums over all years for exact least squares on the effects of exporters, importers, products
-- and years, besides those by pair: by exporter and product, importer and product, product and
-- year. Columns that do not apply to a row are null.
with
    added as (

        select
            exporter_iso3,
            importer_iso3,
            product_code,
            cast(null as integer) as year,
            cast(sum(cells) as bigint) as cells,
            sum(weight) as weight,
            sum(weighted_distance) as weighted_distance
        from {{ ref("int_mirror__distance_sums") }}
        group by exporter_iso3, importer_iso3, product_code

    ),

    of_years as (

        select
            cast(null as {{ dbt.type_string() }}) as exporter_iso3,
            cast(null as {{ dbt.type_string() }}) as importer_iso3,
            product_code,
            year,
            cast(sum(cells) as bigint) as cells,
            sum(weight) as weight,
            sum(weighted_distance) as weighted_distance
        from {{ ref("int_mirror__distance_sums") }}
        where exporter_iso3 is not null
        group by product_code, year

    )

select *
from added
union all
select *
from of_years
