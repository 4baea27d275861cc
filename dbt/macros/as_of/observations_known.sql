{% macro observations_known(relation, day) %}
    select *
    from {{ relation }}
    where known_from <= {{ day }} and (known_to is null or known_to > {{ day }})
{% endmacro %}
