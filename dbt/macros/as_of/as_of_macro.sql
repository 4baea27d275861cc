{#- A mart of trade and its as-of macro are one statement: the build passes its own day, and
    `marts.trade_by_year_as_of('2017-07-12')` passes any other. -#}
{% macro as_of_macro(relation, model) %}
    create or replace macro {{ relation.schema }}.{{ relation.identifier }}_as_of(as_of_day) as table {{ statement_as_of(model) }}
{% endmacro %}
