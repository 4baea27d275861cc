{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- The value of a kilogram of a product in world trade in a year: the median over exporters'
-- reports.
select year, product_code, median(exporter_reported_usd / exporter_kg) as unit_value_usd
from {{ ref("int_mirror__pairs") }}
where exporter_reported_usd > 0 and exporter_kg > 0
group by year, product_code
