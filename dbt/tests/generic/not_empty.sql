{#- Every other test passes on a table without rows; this one does not. A model that shows what
    was known on a day may be empty on an early one, and only then. -#}
{% test not_empty(model, on_any_day=true) %}

    select 'no row at all' as problem
    where
        not exists (select 1 from {{ model }})
        {% if not on_any_day %} and {{ as_of_day() }} = date '9999-12-31' {% endif %}

{% endtest %}
