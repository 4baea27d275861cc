{{
    config(
        materialized="by_year",
        years_of="un_comtrade__bulk",
        order_by="exporter_iso3, importer_iso3, product_code",
    )
}}

-- Every flow of a product that one or both countries reported, both sides FOB. A share of what the
-- exporter recorded under areas not elsewhere specified completes its report of the flow. Where it
-- has no report the share is a fixed part of the importer's figure and adds nothing to it.
with
    filled as (

        select
            v.year,
            v.exporter_iso3,
            v.importer_iso3,
            v.product_code,
            v.exporter_reported_usd,
            v.importer_reported_usd,
            v.importer_fob_usd,
            v.cif_rate,
            v.re_exported_usd,
            coalesce(
                n.share_filled * greatest(
                    coalesce(v.importer_fob_usd, 0) - coalesce(v.exporter_reported_usd, 0), 0
                ),
                0
            ) as nes_allocated_usd
        from {{ ref("int_mirror__valued") }} as v
        left join
            {{ of_year(ref("int_mirror__nes_shares")) }} as n
            on v.year = n.year
            and v.exporter_iso3 = n.exporter_iso3
            and v.product_code = n.product_code

    )

select
    year,
    exporter_iso3,
    importer_iso3,
    product_code,
    exporter_reported_usd,
    importer_reported_usd,
    nes_allocated_usd,
    case
        when exporter_reported_usd > 0
        then exporter_reported_usd + nes_allocated_usd
        else exporter_reported_usd
    end as exporter_usd,
    importer_fob_usd,
    cif_rate,
    re_exported_usd,
    case
        when exporter_reported_usd > 0 and nes_allocated_usd > 0
        then 'nes_allocated'
        when exporter_reported_usd is not null and importer_reported_usd is not null
        then 'both'
        when exporter_reported_usd is not null
        then 'exporter_only'
        else 'importer_only'
    end as provenance
from filled
where exporter_reported_usd > 0 or importer_reported_usd > 0
