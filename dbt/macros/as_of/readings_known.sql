{% macro readings_known(day) %}
    select *
    from {{ ref("readings") }}
    where
        not is_page
        and is_named
        and known_from <= {{ day }}
        and (known_to is null or known_to > {{ day }})
{% endmacro %}
