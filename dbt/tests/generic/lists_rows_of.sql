{#- Every element of a list column is a key of another model; an empty list needs none. -#}
{% test lists_rows_of(model, column_name, to, field) %}

    with listed as (select distinct unnest({{ column_name }}) as element from {{ model }})

    select l.element
    from listed as l
    left join {{ to }} as t on l.element = t.{{ field }}
    where t.{{ field }} is null

{% endtest %}
