{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- What the first fit of the CIF rate of a year needs of the sample.
select year, {{ cif_moments() }}
from {{ ref("int_mirror__cif_sample") }}
group by year
