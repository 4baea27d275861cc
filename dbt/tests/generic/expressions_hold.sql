{#- Each named expression is true of every row (of those `among`); null counts as untrue. One scan
    for all of a model; the failing rows name the expressions that do not hold. -#}
{% test expressions_hold(model, expressions) %}

    with
        broken as (

            select
                {% for name, expression in expressions.items() %}
                    count(*) filter (
                        where
                            ({{ expression.get("among", "true") }})
                            and not coalesce({{ expression.that }}, false)
                    ) as {{ name }}
                    {% if not loop.last %},{% endif %}
                {% endfor %}
            from {{ model }}

        ),

        named as (

            {% for name in expressions %}
                select '{{ name }}' as problem, {{ name }} as rows_found
                from broken
                {% if not loop.last %}
                    union all
                {% endif %}
            {% endfor %}

        )

    select problem, rows_found
    from named
    where rows_found > 0

{% endtest %}
