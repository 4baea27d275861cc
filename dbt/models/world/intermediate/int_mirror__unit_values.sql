{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- What a kilogram of a product is worth in the world in a year: the median over exporters' reports.
select year, product_code, median(exporter_reported_usd / exporter_kg) as unit_value_usd
from {{ ref("int_mirror__pairs") }}
where exporter_reported_usd > 0 and exporter_kg > 0
group by year, product_code
