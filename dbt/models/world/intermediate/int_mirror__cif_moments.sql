{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- The moments of the sample for the first fit of a year's CIF rate.
select year, {{ cif_moments() }}
from {{ ref("int_mirror__cif_sample") }}
group by year
