{#- Every other test passes on a table without rows; this one does not. -#}
{% test not_empty(model) %}

    select 'no row at all' as problem
    where not exists (select 1 from {{ model }})

{% endtest %}
