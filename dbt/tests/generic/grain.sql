{#- What one row is: no two rows share the key, no part of it is null, and there are rows at all,
    unless the model may be empty. Models of what was known on a day may be empty on an early one
    (`on_an_early_day`). Where no columns identify a row, rows are all that is required. -#}
{% test grain(model, columns=[], may_be_empty=false) %}

    {% if columns %}
        select
            case
                when {{ columns | join(" is null or ") }} is null
                then 'a part of the key is null'
                else 'several rows have one key'
            end as problem,
            {{ columns | join(", ") }},
            count(*) as rows_found
        from {{ model }}
        group by {{ columns | join(", ") }}
        having count(*) > 1 or {{ columns | join(" is null or ") }} is null
    {% endif %}

    {% if may_be_empty is not true %}
        {% if columns %}
            union all by name
        {% endif %}
        select 'there are no rows' as problem
        where
            not exists (select 1 from {{ model }})
            {% if may_be_empty == "on_an_early_day" %}
                and {{ as_of_day() }} = date '9999-12-31'
            {% endif %}
    {% endif %}

{% endtest %}
