{#- A mart of trade and its as-of macro are one statement: the build gives it the day to look
    from, and after it `marts.trade_by_year_as_of('2017-07-12')` gives it any other. -#}
{% macro as_of_macro(relation, model) %}
    create or replace macro {{ relation.schema }}.{{ relation.identifier }}_as_of(as_of_day) as table {{ statement_as_of(model) }}
{% endmacro %}
