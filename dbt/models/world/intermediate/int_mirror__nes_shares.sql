{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- How much of each shortfall of an exporter's product its exports to areas not elsewhere specified
-- can cover: importers report more arrivals than the exporter reports sending them, and the
-- exporter reports further exports without a destination.
with
    unplaced as (

        select year, exporter_iso3, product_code, exporter_reported_usd as nes_usd
        from {{ ref("int_mirror__pairs") }}
        where importer_iso3 = 'nes' and exporter_reported_usd > 0

    ),

    gaps as (

        select
            n.year,
            n.exporter_iso3,
            n.product_code,
            n.nes_usd,
            sum(coalesce(v.importer_fob_usd, 0) - coalesce(v.exporter_reported_usd, 0)) as gap_usd,
            sum(
                greatest(coalesce(v.importer_fob_usd, 0) - coalesce(v.exporter_reported_usd, 0), 0)
            ) as shortfall_usd
        from {{ ref("int_mirror__valued") }} as v
        inner join
            unplaced as n
            on v.year = n.year
            and v.exporter_iso3 = n.exporter_iso3
            and v.product_code = n.product_code
        group by n.year, n.exporter_iso3, n.product_code, n.nes_usd

    )

select
    year,
    exporter_iso3,
    product_code,
    nes_usd,
    gap_usd,
    shortfall_usd,
    least(nes_usd, gap_usd) / shortfall_usd as share_filled
from gaps
where gap_usd > 0
