{#- The rows of one year. As compiled, the condition is true of every year; for a file, the
    materialization substitutes that of its year, and the engine reads no other year. -#}
{% macro of_year(relation) -%}
    (select * from {{ relation }} where {{ is_of_year() }})
{%- endmacro %}

{% macro is_of_year(year="year") -%} year in ({{ year }}) {%- endmacro %}
