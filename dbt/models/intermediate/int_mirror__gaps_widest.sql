{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- The thousand flows of a product in a year of which importer and exporter say the most different
-- things, in dollars.
with
    ranked as (

        select
            *,
            row_number() over (
                partition by year
                order by
                    abs(
                        coalesce(importer_reported_usd, 0) - coalesce(exporter_reported_usd, 0)
                    ) desc,
                    exporter_iso3,
                    importer_iso3,
                    product_code
            ) as width_rank
        from {{ of_year(ref("int_mirror__cells")) }}

    ),

    passed_on as (

        select year, importer_iso3, product_code, {{ share_through_hubs() }} as hub_share
        from {{ of_year(ref("int_mirror__cells")) }}
        group by year, importer_iso3, product_code

    )

select
    r.year,
    r.exporter_iso3,
    r.importer_iso3,
    r.product_code,
    r.exporter_reported_usd,
    r.importer_reported_usd,
    r.importer_fob_usd,
    r.re_exported_usd,
    r.nes_allocated_usd,
    p.hub_share
from ranked as r
inner join
    passed_on as p
    on r.year = p.year
    and r.importer_iso3 = p.importer_iso3
    and r.product_code = p.product_code
where r.width_rank <= 1000
