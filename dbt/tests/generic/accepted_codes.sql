{#- Coded columns hold codes that `coded_values` explains; null is no code. -#}
{% test accepted_codes(model, columns) %}

    with
        used as (

            {% for column in columns %}
                select distinct '{{ column }}' as column_name, {{ column }} as code
                from {{ model }}
                where {{ column }} is not null
                {% if not loop.last %}
                    union all
                {% endif %}
            {% endfor %}

        )

    select u.column_name, u.code
    from used as u
    left join {{ ref("coded_values") }} as c on u.column_name = c.column_name and u.code = c.code
    where c.code is null

{% endtest %}
