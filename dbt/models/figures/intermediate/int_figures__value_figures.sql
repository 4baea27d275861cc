{{ config(tags=["question"], materialized="view") }}

-- The figures behind each value, release by release: on a given day the value is computed from
-- those current then.
select v.value_id, f.figure_id, f.release_no, f.known_from, f.known_to
from {{ ref("int_figures__values") }} as v {{ figures_of_values() }}
where
    (v.valid_to is null or f.known_from < v.valid_to)
    and (f.known_to is null or f.known_to > v.valid_from)
    and f.known_from <= {{ as_of_day() }}
