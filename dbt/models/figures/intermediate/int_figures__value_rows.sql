{{ config(materialized="view") }}

-- The figures that each value is the sum of, as the last release of its stretch gives them.
select v.value_id, f.figure_id
from {{ ref("int_figures__values") }} as v
inner join {{ ref("int_figures__value_figures") }} as f on v.value_id = f.value_id
where
    case
        when v.valid_to is null
        then f.known_to is null or f.known_to > {{ as_of_day() }}
        else f.known_from < v.valid_to and (f.known_to is null or f.known_to >= v.valid_to)
    end
