{{ config(materialized="view") }}

-- The figures that each value is the sum of, as in the last release of its interval.
select v.value_id, f.figure_id
from {{ ref("int_figures__values") }} as v {{ figures_of_values() }}
where f.known_from <= {{ as_of_day() }} and {{ is_last_of("v") }}
