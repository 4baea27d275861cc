{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- Flows with several rows on one side: codes of a later edition that are one code in the common
-- one, several areas not elsewhere specified, or a repeated row. Each figure counts once: as
-- reported, else as the publisher summed it from finer rows.
with
    figures as (

        select
            f.year,
            f.exporter_iso3,
            f.importer_iso3,
            f.product_code,
            f.flow_code,
            f.cmd_code,
            f.partner_area_code,
            coalesce(
                max(case when not f.is_aggregate then f.value_usd end), max(f.value_usd)
            ) as value_usd,
            coalesce(
                max(case when not f.is_aggregate then f.quantity_kg end), max(f.quantity_kg)
            ) as quantity_kg
        from {{ ref("int_mirror__reported") }} as f
        inner join
            {{ of_year(ref("int_mirror__pairs_summed")) }} as s
            on f.year = s.year
            and f.exporter_iso3 = s.exporter_iso3
            and f.importer_iso3 = s.importer_iso3
            and f.product_code = s.product_code
            and not s.is_settled
        group by
            f.year,
            f.exporter_iso3,
            f.importer_iso3,
            f.product_code,
            f.flow_code,
            f.cmd_code,
            f.partner_area_code

    )

select
    year,
    exporter_iso3,
    importer_iso3,
    product_code,
    sum(case when flow_code = 'X' then value_usd end) as exporter_reported_usd,
    sum(case when flow_code = 'M' then value_usd end) as importer_reported_usd,
    sum(case when flow_code = 'RX' then value_usd end) as re_exported_usd,
    -- A weight that is missing for a part is missing for the whole.
    case
        when count(case when flow_code = 'X' and quantity_kg is null then 1 end) = 0
        then sum(case when flow_code = 'X' then quantity_kg end)
    end as exporter_kg,
    case
        when count(case when flow_code = 'M' and quantity_kg is null then 1 end) = 0
        then sum(case when flow_code = 'M' then quantity_kg end)
    end as importer_kg
from figures
group by year, exporter_iso3, importer_iso3, product_code
