{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- The figures of a flow side by side. Most flows have one row on each side; where several rows
-- coincide, their sum is not yet the reported figure, and `is_settled` says so.
select
    year,
    exporter_iso3,
    importer_iso3,
    product_code,
    sum(case when flow_code = 'X' then value_usd end) as exporter_reported_usd,
    sum(case when flow_code = 'M' then value_usd end) as importer_reported_usd,
    sum(case when flow_code = 'RX' then value_usd end) as re_exported_usd,
    sum(case when flow_code = 'X' then quantity_kg end) as exporter_kg,
    sum(case when flow_code = 'M' then quantity_kg end) as importer_kg,
    count(*)
    = max(case when flow_code = 'X' then 1 else 0 end)
    + max(case when flow_code = 'M' then 1 else 0 end)
    + max(case when flow_code = 'RX' then 1 else 0 end) as is_settled
from {{ ref("int_mirror__reported") }}
group by year, exporter_iso3, importer_iso3, product_code
