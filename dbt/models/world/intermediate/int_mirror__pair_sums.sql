{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- Sums of the flows between two countries in a year: values by who reported them, and for flows
-- that both report the distance between the two reports.
with
    cells as (

        select
            *,
            case
                when {{ is_mirrored_flow() }} then ln(importer_fob_usd / exporter_reported_usd)
            end as distance,
            case
                when {{ is_mirrored_flow() }} then ln(importer_fob_usd + exporter_reported_usd)
            end as distance_weight
        from {{ of_year(ref("int_mirror__cells")) }}

    )

select
    year,
    exporter_iso3,
    importer_iso3,
    cast(count(*) as bigint) as flows,
    cast(count(exporter_reported_usd) as bigint) as flows_of_exporter,
    cast(count(importer_reported_usd) as bigint) as flows_of_importer,
    cast(count(distance) as bigint) as cells,
    cast(count(case when abs(distance) > ln(2.0) then 1 end) as bigint) as cells_twice_apart,
    sum(distance_weight) as weight,
    sum(distance_weight * abs(distance)) as weighted_distance,
    sum(distance_weight * distance) as weighted_signed_distance,
    sum(distance_weight * distance * distance) as weighted_square,
    sum(case when distance is not null then exporter_reported_usd end) as exporter_value_usd,
    sum(case when distance is not null then importer_fob_usd end) as importer_value_usd,
    coalesce(
        sum(
            case
                when
                    distance is not null
                    and abs(importer_fob_usd - exporter_reported_usd) <= 0.2 * importer_fob_usd
                then importer_fob_usd
            end
        ),
        0.0
    ) as agreed_value_usd,
    sum(exporter_reported_usd) as exporter_reported_usd,
    sum(importer_reported_usd) as importer_reported_usd,
    sum(importer_fob_usd) as importer_fob_usd,
    sum(nes_allocated_usd) as nes_allocated_usd,
    sum(re_exported_usd) as re_exported_usd
from cells
group by year, exporter_iso3, importer_iso3
