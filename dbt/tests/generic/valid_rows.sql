{#- Conditions that every row of a model meets, in one test.

    key, other_key: no two rows share it and no part of it is null.
    may_be_empty: true allows a model without rows; `on_an_early_day` allows it only in a build as
        of a past date.
    codes: columns whose codes are listed in `coded_values`; null is allowed.
    expressions: by name, `that` is true of each row (of those `among`); null counts as false.

    Each failing row names the broken condition in `problem`. -#}
{% test valid_rows(model, key=[], other_key=[], may_be_empty=false, codes=[], expressions={}) %}

    {% set found = [] %}
    {% for columns in [key, other_key] if columns %}
        {% set search %}
        select
            case
                when {{ columns | join(" is null or ") }} is null
                then 'a part of the key is null'
                else 'several rows have one key'
            end as problem,
            {{ columns | join(", ") }},
            count(*) as rows_found
        from checked
        group by {{ columns | join(", ") }}
        having count(*) > 1 or {{ columns | join(" is null or ") }} is null
        {% endset %}
        {% do found.append(search) %}
    {% endfor %}

    {% if may_be_empty is not true %}
        {% set search %}
        select 'there are no rows' as problem
        where
            not exists (select 1 from checked)
            {% if may_be_empty == "on_an_early_day" %}
                and {{ as_of_day() }} = date '9999-12-31'
            {% endif %}
        {% endset %}
        {% do found.append(search) %}
    {% endif %}

    {% for column in codes %}
        {% set search %}
        select 'coded_values has no such code' as problem, '{{ column }}' as column_name, u.code
        from (select distinct {{ column }} as code from checked) as u
        left join
            {{ ref("coded_values") }} as c
            on u.code = c.code
            and c.column_name = '{{ column }}'
        where u.code is not null and c.code is null
        {% endset %}
        {% do found.append(search) %}
    {% endfor %}

    {% if expressions %}
        {% set search %}
        select unnest(
            [
                {% for name, expression in expressions.items() %}
                    {
                        'problem': '{{ name }}',
                        'rows_found': count(*) filter (
                            where
                                ({{ expression.get("among", "true") }})
                                and not coalesce({{ expression.that }}, false)
                        )
                    }
                    {% if not loop.last %},{% endif %}
                {% endfor %}
            ],
            recursive := true
        )
        from checked
        {% endset %}
        {% do found.append("select * from (" ~ search ~ ") where rows_found > 0") %}
    {% endif %}

    -- A view is evaluated once for all conditions.
    with checked as (select * from {{ model }}) {{ found | join(" union all by name ") }}

{% endtest %}
