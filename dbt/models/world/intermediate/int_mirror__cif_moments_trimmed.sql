{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- The same for pairs that are not outliers of the first fit: their internally studentized residual
-- is at most two.
with
    fitted as (

        select
            s.*,
            {{ cif_fitted("f", "s") }} as fitted,
            f.sigma,
            s.weight * ({{ cif_leverage("f", "s") }}) as leverage
        from {{ ref("int_mirror__cif_sample") }} as s
        inner join {{ ref("int_mirror__cif_first_fits") }} as f on s.year = f.year

    )

select year, {{ cif_moments() }}
from fitted
where sqrt(weight) * abs(ln_ratio - fitted) <= 2 * sigma * sqrt(greatest(1 - leverage, 0))
group by year
