{#- A key: no part of it is null, and no two rows share it. -#}
{% test identifies_each_row(model, columns) %}

    select {{ columns | join(", ") }}, count(*) as rows_found
    from {{ model }}
    group by {{ columns | join(", ") }}
    having count(*) > 1 {% for column in columns %} or {{ column }} is null {% endfor %}

{% endtest %}
