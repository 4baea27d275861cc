{#- Each group has exactly one row for which `chosen` is true. -#}
{% test has_one_row(model, columns, chosen) %}

    select
        {{ columns | join(", ") }},
        count(*) as rows_found,
        sum(case when {{ chosen }} then 1 else 0 end) as rows_chosen
    from {{ model }}
    group by {{ columns | join(", ") }}
    having sum(case when {{ chosen }} then 1 else 0 end) <> 1

{% endtest %}
